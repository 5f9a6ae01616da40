/* Builds what travels on a wire, innermost first: TLS messages and records, TCP and UDP with right checksums, IP, Ethernet. Every function
 * puts its header before what is already in the buffer, so that a packet reads from the inside out:
 *
 *     put_tls_hello(&packet); wrap_tcp(&packet, &ends, 1000, 0, ACK); wrap_ip(&packet, &ends, 6); wrap_ethernet(&packet, 0x0800); */
#ifndef TESTS_UNIT_WATCH_PACKETS_H
#define TESTS_UNIT_WATCH_PACKETS_H

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/watch/packet.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, PACKETS_BUF_MAX = 64 * 1024 * 1024 };

struct ends { /* who sends to whom */
    struct place from, to;
};

static inline struct place place4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct place){.ip = {a, b, c, d}, .port = port, .family = 4};
}

static inline struct place place6(uint8_t last, uint16_t port)
{
    return (struct place){.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, .port = port, .family = 6};
}

static inline struct ends ends4(void)
{
    return (struct ends){place4(192, 0, 2, 1, 40000), place4(198, 51, 100, 2, 443)};
}

static inline struct ends ends6(void)
{
    return (struct ends){place6(1, 40000), place6(2, 443)};
}

static inline struct ends backwards(struct ends ends)
{
    return (struct ends){ends.to, ends.from};
}

static inline void prepend(struct buf *packet, const void *bytes, size_t size)
{
    if (!buf_extend(packet, size))
        abort();
    memmove(packet->data + size, packet->data, packet->size - size);
    memcpy(packet->data, bytes, size);
}

#define PREPEND(packet, ...) prepend((packet), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define HIGH(value)          (uint8_t)((value) >> 8)
#define LOW(value)           (uint8_t)(value)
#define BYTES4(value)        (uint8_t)((value) >> 24), (uint8_t)((value) >> 16), (uint8_t)((value) >> 8), (uint8_t)(value)

static inline void put_hex(struct buf *out, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        char pair[3] = {hex[0], hex[1], '\0'};
        buf_append_char(out, (char)strtoul(pair, NULL, 16));
    }
}

/* RFC 1071, the slow and plain way. */
static inline uint32_t add_words(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static inline uint16_t transport_sum(const struct buf *packet, const struct ends *ends, uint8_t protocol)
{
    size_t address = ends->from.family == 4 ? 4 : 16;
    uint32_t sum = add_words(ends->from.ip, address, protocol);
    sum = add_words(ends->to.ip, address, sum);
    sum = add_words((const uint8_t[]){BYTES4(packet->size)}, 4, sum);
    return (uint16_t)~add_words((const uint8_t *)packet->data, packet->size, sum);
}

static inline void wrap_tcp(struct buf *packet, const struct ends *ends, uint32_t sequence, uint32_t acknowledgment,
                            uint8_t flags)
{
    PREPEND(packet, HIGH(ends->from.port), LOW(ends->from.port), HIGH(ends->to.port), LOW(ends->to.port),
            BYTES4(sequence), BYTES4(acknowledgment), 0x50, flags, 0xff, 0xff, 0, 0, 0, 0);
    uint16_t sum = transport_sum(packet, ends, 6);
    packet->data[16] = (char)HIGH(sum);
    packet->data[17] = (char)LOW(sum);
}

static inline void wrap_udp(struct buf *packet, const struct ends *ends)
{
    size_t size = packet->size + 8;
    PREPEND(packet, HIGH(ends->from.port), LOW(ends->from.port), HIGH(ends->to.port), LOW(ends->to.port), HIGH(size),
            LOW(size), 0, 0);
    uint16_t sum = transport_sum(packet, ends, 17);
    packet->data[6] = (char)HIGH(sum);
    packet->data[7] = (char)LOW(sum);
}

/* flags_offset: the fragment word. */
static inline void wrap_ip4_fragment(struct buf *packet, const struct ends *ends, uint8_t protocol, uint16_t id,
                                     uint16_t flags_offset)
{
    size_t size = packet->size + 20;
    PREPEND(packet, 0x45, 0, HIGH(size), LOW(size), HIGH(id), LOW(id), HIGH(flags_offset), LOW(flags_offset), 64,
            protocol, 0, 0, ends->from.ip[0], ends->from.ip[1], ends->from.ip[2], ends->from.ip[3], ends->to.ip[0],
            ends->to.ip[1], ends->to.ip[2], ends->to.ip[3]);
    uint16_t sum = (uint16_t)~add_words((const uint8_t *)packet->data, 20, 0);
    packet->data[10] = (char)HIGH(sum);
    packet->data[11] = (char)LOW(sum);
}

static inline void wrap_ip(struct buf *packet, const struct ends *ends, uint8_t protocol)
{
    if (ends->from.family == 4) {
        wrap_ip4_fragment(packet, ends, protocol, 7, 0);
        return;
    }
    size_t size = packet->size;
    prepend(packet, ends->to.ip, 16);
    prepend(packet, ends->from.ip, 16);
    PREPEND(packet, 0x60, 0, 0, 0, HIGH(size), LOW(size), protocol, 64);
}

static inline void wrap_ethernet(struct buf *packet, uint16_t ethertype)
{
    PREPEND(packet, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, HIGH(ethertype), LOW(ethertype));
}

static inline uint16_t ethertype_of(const struct ends *ends)
{
    return ends->from.family == 4 ? 0x0800 : 0x86dd;
}

static inline void wrap_tcp_frame(struct buf *packet, const struct ends *ends, uint32_t sequence,
                                  uint32_t acknowledgment, uint8_t flags)
{
    wrap_tcp(packet, ends, sequence, acknowledgment, flags);
    wrap_ip(packet, ends, 6);
    wrap_ethernet(packet, ethertype_of(ends));
}

static inline struct packet as_packet(const struct buf *bytes, int link_type, int64_t at_us)
{
    return (struct packet){
        .bytes = buf_slice(bytes), .length = (uint32_t)bytes->size, .link_type = link_type, .at_us = at_us};
}

/* --- TLS ------------------------------------------------------------------------------------------------------------- */

static inline void put_u16(struct buf *out, size_t value)
{
    buf_append_char(out, (char)(value >> 8));
    buf_append_char(out, (char)value);
}

static inline void put_u24(struct buf *out, size_t value)
{
    buf_append_char(out, (char)(value >> 16));
    put_u16(out, value);
}

static inline void put_message(struct buf *out, uint8_t type, struct slice body)
{
    buf_append_char(out, (char)type);
    put_u24(out, body.size);
    buf_append(out, body.data, body.size);
}

static inline void put_record(struct buf *out, uint8_t type, struct slice fragment)
{
    buf_append(out, (const uint8_t[]){type, 3, 3}, 3);
    put_u16(out, fragment.size);
    buf_append(out, fragment.data, fragment.size);
}

/* The messages cut into handshake records of at most `size` bytes. */
static inline void put_records(struct buf *out, const struct buf *messages, size_t size)
{
    for (size_t at = 0; at < messages->size; at += size) {
        size_t part = messages->size - at < size ? messages->size - at : size;
        put_record(out, 22, (struct slice){(const uint8_t *)messages->data + at, part});
    }
}

static inline void put_extension(struct buf *out, uint16_t type, struct slice data)
{
    put_u16(out, type);
    put_u16(out, data.size);
    buf_append(out, data.data, data.size);
}

/* name "": no server_name. tls13: supported_versions has 1.3. random: 32 times this byte. */
static inline void put_client_hello(struct buf *out, const char *name, bool tls13, uint8_t random)
{
    struct buf body, extensions, data;
    buf_init(&body, PACKETS_BUF_MAX);
    buf_init(&extensions, PACKETS_BUF_MAX);
    buf_init(&data, PACKETS_BUF_MAX);
    buf_append(&body, (const uint8_t[]){3, 3}, 2);
    for (int i = 0; i < 32; i++)
        buf_append_char(&body, (char)random);
    buf_append(&body, (const uint8_t[]){0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0}, 9);
    if (*name) {
        put_u16(&data, strlen(name) + 3);
        buf_append_char(&data, 0);
        put_u16(&data, strlen(name));
        buf_append_str(&data, name);
        put_extension(&extensions, 0, buf_slice(&data));
    }
    put_extension(&extensions, 16, (struct slice){(const uint8_t *)"\0\3\2h2", 5});
    if (tls13)
        put_extension(&extensions, 43, (struct slice){(const uint8_t *)"\4\3\4\3\3", 5});
    put_u16(&body, extensions.size);
    buf_append(&body, extensions.data, extensions.size);
    put_message(out, 1, buf_slice(&body));
    buf_done(&data);
    buf_done(&extensions);
    buf_done(&body);
}

static inline void put_server_hello(struct buf *out, bool tls13)
{
    struct buf body;
    buf_init(&body, PACKETS_BUF_MAX);
    buf_append(&body, (const uint8_t[]){3, 3}, 2);
    for (int i = 0; i < 32; i++)
        buf_append_char(&body, 0x5e);
    if (tls13)
        buf_append(&body, (const uint8_t[]){0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4}, 12);
    else
        buf_append(&body, (const uint8_t[]){0, 0xc0, 0x2f, 0, 0, 0}, 6);
    put_message(out, 2, buf_slice(&body));
    buf_done(&body);
}

/* A Certificate of TLS 1.2 with `count` certificates of `size` bytes, each filled with its own letter, from `first` on. */
static inline void put_certificate(struct buf *out, char first, size_t count, size_t size)
{
    struct buf body;
    buf_init(&body, PACKETS_BUF_MAX);
    put_u24(&body, count * (size + 3));
    for (size_t i = 0; i < count; i++) {
        put_u24(&body, size);
        char *at = buf_extend(&body, size);
        if (!at)
            abort();
        memset(at, first + (char)i, size);
    }
    put_message(out, 11, buf_slice(&body));
    buf_done(&body);
}

/* ServerKeyExchange over x25519. */
static inline void put_server_key_exchange(struct buf *out)
{
    uint8_t body[4 + 32 + 4] = {3, 0, 29, 32, [36] = 4, 3, 0, 0};
    put_message(out, 12, (struct slice){body, sizeof body});
}

static inline void put_certificate_request(struct buf *out)
{
    put_message(out, 13, (struct slice){(const uint8_t *)"\1\1\0\2\4\3\0\0", 8});
}

static inline void put_server_done(struct buf *out)
{
    put_message(out, 14, (struct slice){NULL, 0});
}

/* ServerHello to ServerHelloDone of a TLS 1.2 server with a chain of two. */
static inline void put_server_flight(struct buf *out, bool ask)
{
    put_server_hello(out, false);
    put_certificate(out, 'A', 2, 700);
    put_server_key_exchange(out);
    if (ask)
        put_certificate_request(out);
    put_server_done(out);
}

/* The client's second flight: Certificate, if it has one, ClientKeyExchange, ChangeCipherSpec, an encrypted Finished; as records. */
static inline void put_client_finish(struct buf *out, bool certificate)
{
    struct buf messages;
    buf_init(&messages, PACKETS_BUF_MAX);
    if (certificate)
        put_certificate(&messages, 'c', 1, 500);
    put_message(&messages, 16, (struct slice){(const uint8_t *)"\1\2\3", 3});
    put_records(out, &messages, 16384);
    put_record(out, 20, (struct slice){(const uint8_t *)"\1", 1});
    put_record(out, 22, (struct slice){(const uint8_t *)"0123456789abcdef0123456789abcdef01234567", 40});
    buf_done(&messages);
}

#endif
