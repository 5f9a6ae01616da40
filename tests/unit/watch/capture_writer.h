/* Capture files made for tests: every form of pcap and pcapng, in both byte orders.
 *
 * A writer puts numbers in its own order; blocks that carry a length of their own are written into a body first. Who wants a file that lies
 * changes the bytes afterwards. */
#ifndef TESTS_UNIT_WATCH_CAPTURE_WRITER_H
#define TESTS_UNIT_WATCH_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "certmuster/buf.h"

enum { MIB = 1024 * 1024 };
#define SECOND INT64_C(1000000)
#define START  INT64_C(1700000000)

struct writer {
    struct buf out;
    bool big;
};

static inline void put_number(struct writer *w, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_append_char(&w->out, (char)(value >> 8 * (w->big ? bytes - 1 - i : i)));
}

/* --- pcap -------------------------------------------------------------------------------------------------------------------- */

static inline void put_pcap(struct writer *w, uint32_t magic, uint16_t link)
{
    put_number(w, magic, 4);
    put_number(w, 2, 2);
    put_number(w, 4, 2);
    put_number(w, 0, 8);
    put_number(w, 65535, 4);
    put_number(w, link, 4);
}

static inline void put_pcap_packet(struct writer *w, uint32_t magic, unsigned i)
{
    put_number(w, (uint64_t)START + i, 4);
    put_number(w, magic == 0xa1b23c4d ? i * 1000 + 999 : i, 4);
    put_number(w, i, 4);
    put_number(w, i * 2, 4);
    if (magic == 0xa1b2cd34)
        put_number(w, 0x1234567890abcdef, 8);
    for (unsigned j = 0; j < i; j++)
        buf_append_char(&w->out, (char)('a' + i));
}

/* --- pcapng ------------------------------------------------------------------------------------------------------------------ */

static inline void put_block(struct writer *w, uint32_t type, const struct writer *body)
{
    size_t size = ((body->out.size + 3) & ~(size_t)3) + 12;
    put_number(w, type, 4);
    put_number(w, size, 4);
    buf_append(&w->out, body->out.data, body->out.size);
    while (w->out.size % 4)
        buf_append_char(&w->out, 0);
    put_number(w, size, 4);
}

static inline struct writer body_of(const struct writer *w)
{
    struct writer body = {.big = w->big};
    buf_init(&body.out, 64 * MIB);
    return body;
}

static inline void put_body(struct writer *w, uint32_t type, struct writer *body)
{
    put_block(w, type, body);
    buf_done(&body->out);
}

static inline void put_section(struct writer *w)
{
    struct writer body = body_of(w);
    put_number(&body, 0x1a2b3c4d, 4);
    put_number(&body, 1, 2);
    put_number(&body, 0, 2);
    put_number(&body, UINT64_MAX, 8);
    put_body(w, 0x0a0d0d0a, &body);
}

static inline void put_interface(struct writer *w, uint16_t link, uint32_t snapshot, int resolution, int64_t offset)
{
    struct writer body = body_of(w);
    put_number(&body, link, 2);
    put_number(&body, 0, 2);
    put_number(&body, snapshot, 4);
    if (resolution >= 0) {
        put_number(&body, 2, 2); /* if_name, padded */
        put_number(&body, 3, 2);
        buf_append(&body.out, "eth\0", 4);
        put_number(&body, 9, 2);
        put_number(&body, 1, 2);
        put_number(&body, 0, 4);
        body.out.data[body.out.size - 4] = (char)resolution;
        put_number(&body, 14, 2);
        put_number(&body, 8, 2);
        put_number(&body, (uint64_t)offset, 8);
        put_number(&body, 0, 4);
    }
    put_body(w, 1, &body);
}

static inline void put_packet(struct writer *w, uint32_t interface, uint64_t stamp, const char *bytes, uint32_t length)
{
    struct writer body = body_of(w);
    put_number(&body, interface, 4);
    put_number(&body, stamp >> 32, 4);
    put_number(&body, stamp & 0xffffffff, 4);
    put_number(&body, strlen(bytes), 4);
    put_number(&body, length, 4);
    buf_append_str(&body.out, bytes);
    put_body(w, 6, &body);
}

static inline void put_all_blocks(struct writer *w)
{
    struct writer body;
    put_section(w);
    put_interface(w, 1, 0, -1, 0);
    put_interface(w, 113, 4, 9, 0);
    put_packet(w, 0, (uint64_t)(START * SECOND) + 1, "one", 3);
    put_packet(w, 1, (uint64_t)START * 1000000000 + 2999, "seco", 600);
    body = body_of(w); /* a name resolution block is none of ours */
    put_number(&body, 0, 8);
    put_body(w, 4, &body);
    body = body_of(w);
    put_number(&body, 0x544c534b, 4);
    put_number(&body, 7, 4);
    buf_append_str(&body.out, "SECRETS");
    put_body(w, 10, &body);
    body = body_of(w); /* an old packet block */
    put_number(&body, 1, 2);
    put_number(&body, 0, 2);
    put_number(&body, (uint64_t)START * 1000000000 >> 32, 4);
    put_number(&body, (uint64_t)START * 1000000000 & 0xffffffff, 4);
    put_number(&body, 3, 4);
    put_number(&body, 3, 4);
    buf_append_str(&body.out, "old");
    put_body(w, 2, &body);
    w->big = !w->big; /* another section, in the other order, with interfaces of its own */
    put_section(w);
    put_interface(w, 101, 5, -1, 0);
    body = body_of(w); /* a simple packet, cut by the snapshot length */
    put_number(&body, 9, 4);
    buf_append_str(&body.out, "simpl");
    put_body(w, 3, &body);
    w->big = !w->big;
}

#endif
