/* Integers of either order, appended to buffers and written into them: what test files are made of. */
#ifndef TESTS_UNIT_CRAWL_BYTES_H
#define TESTS_UNIT_CRAWL_BYTES_H

#include "certmuster/buf.h"

static inline void put_le(void *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)at)[i] = (uint8_t)(value >> 8 * i);
}

static inline void put_be(void *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)at)[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static inline void add_le(struct buf *out, uint64_t value, unsigned size)
{
    put_le(buf_extend(out, size), value, size);
}

static inline void add_be(struct buf *out, uint64_t value, unsigned size)
{
    put_be(buf_extend(out, size), value, size);
}

static inline void add_zeros(struct buf *out, size_t size)
{
    memset(buf_extend(out, size), 0, size);
}

/* A DER element of less than 64 KiB. */
static inline void add_der(struct buf *out, uint8_t tag, const void *contents, size_t size)
{
    add_be(out, tag, 1);
    if (size > 127) {
        add_be(out, 0x82, 1);
        add_be(out, size, 2);
    } else {
        add_be(out, size, 1);
    }
    buf_append(out, contents, size);
}

#endif
