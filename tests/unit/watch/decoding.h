/* A decoder that remembers what it found last. */
#ifndef TESTS_UNIT_WATCH_DECODING_H
#define TESTS_UNIT_WATCH_DECODING_H

#include "tests/unit/lib/cmocka_first.h"

#include "tests/unit/watch/wrappings.h"

struct seen {
    size_t count;
    struct datagram last;
    char payload[64];
    bool checksum_good;
};

static inline void on_datagram(const struct datagram *datagram, void *context)
{
    struct seen *seen = context;
    seen->count++;
    seen->last = *datagram;
    seen->checksum_good = tcp_checksum_good(datagram);
    size_t kept = datagram->payload.size < sizeof seen->payload ? datagram->payload.size : sizeof seen->payload;
    if (kept)
        memcpy(seen->payload, datagram->payload.data, kept);
}

struct decoding {
    struct decoder decoder;
    struct seen seen;
};

static inline void decoding_init(struct decoding *decoding)
{
    *decoding = (struct decoding){0};
    decoding->decoder.fragments = fragments_new(1 << 20);
    decoding->decoder.emit = on_datagram;
    decoding->decoder.context = &decoding->seen;
}

static inline void decode(struct decoding *decoding, const struct packet *packet)
{
    decoding->seen = (struct seen){0};
    decode_packet(&decoding->decoder, packet);
}

static inline void assert_segment(const struct seen *seen, const struct ends *ends)
{
    assert_int_equal(seen->count, 1);
    assert_int_equal(seen->last.protocol, DATAGRAM_TCP);
    assert_memory_equal(&seen->last.source, &ends->from, sizeof ends->from);
    assert_memory_equal(&seen->last.destination, &ends->to, sizeof ends->to);
    assert_int_equal(seen->last.sequence, 0x01020304);
    assert_int_equal(seen->last.acknowledgment, 0x05060708);
    assert_int_equal(seen->last.flags, ACK | PSH);
    assert_int_equal(seen->last.at_us, AT_US);
}

static inline void assert_whole(const struct seen *seen, const struct ends *ends)
{
    assert_segment(seen, ends);
    assert_int_equal(seen->last.missing, 0);
    assert_int_equal(seen->last.payload.size, sizeof payload);
    assert_memory_equal(seen->payload, payload, sizeof payload);
    assert_true(seen->checksum_good);
}

/* A copy that ends where its allocation ends, so that AddressSanitizer sees what is read behind it. */
static inline void decode_cut(struct decoding *decoding, const struct buf *whole, size_t size, uint32_t length,
                              int link_type)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, whole->data, size);
    struct packet packet = {.bytes = {copy, size}, .length = length, .link_type = link_type, .at_us = (int64_t)AT_US};
    decode(decoding, &packet);
    free(copy);
}

#endif
