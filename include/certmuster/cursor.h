/* A bounded reader over bytes that somebody else sent: the only way this project touches hostile bytes.
 *
 * Every call either succeeds and advances, or returns CM_ETRUNCATED and leaves cursor and output as they were. Integers are
 * big-endian, as in TLS (RFC 8446 §3.3). Slices and sub-cursors lend from the parent's bytes and die with them. */
#ifndef CERTMUSTER_CURSOR_H
#define CERTMUSTER_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

struct slice {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;
};

struct cursor {
    const uint8_t *start; /* for offsets in error messages */
    const uint8_t *at;
    const uint8_t *end;
};

/* The bodies stand here because they run for every field of every packet: a call costs more than the read. */

extern const uint8_t cursor_nothing[1]; /* NULL + 0 is undefined, so an empty cursor points somewhere */

static inline void cursor_init(struct cursor *cursor, const void *bytes, size_t size)
{
    cursor->start = bytes ? (const uint8_t *)bytes : cursor_nothing;
    cursor->at = cursor->start;
    cursor->end = cursor->start + (bytes ? size : 0);
}

static inline void cursor_init_slice(struct cursor *cursor, struct slice slice)
{
    cursor_init(cursor, slice.data, slice.size);
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static inline size_t cursor_offset(const struct cursor *cursor)
{
    return (size_t)(cursor->at - cursor->start);
}

static inline bool cursor_at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end;
}

CM_MUST_CHECK static inline int cursor_u8(struct cursor *cursor, uint8_t *value)
{
    if (cursor_at_end(cursor))
        return CM_ETRUNCATED;
    *value = *cursor->at++;
    return 0;
}

CM_MUST_CHECK static inline int cursor_u16(struct cursor *cursor, uint16_t *value)
{
    const uint8_t *at = cursor->at;
    if (cursor_left(cursor) < 2)
        return CM_ETRUNCATED;
    *value = (uint16_t)(at[0] << 8 | at[1]);
    cursor->at += 2;
    return 0;
}

CM_MUST_CHECK static inline int cursor_u24(struct cursor *cursor, uint32_t *value)
{
    const uint8_t *at = cursor->at;
    if (cursor_left(cursor) < 3)
        return CM_ETRUNCATED;
    *value = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
    cursor->at += 3;
    return 0;
}

CM_MUST_CHECK static inline int cursor_u32(struct cursor *cursor, uint32_t *value)
{
    const uint8_t *at = cursor->at;
    if (cursor_left(cursor) < 4)
        return CM_ETRUNCATED;
    *value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    cursor->at += 4;
    return 0;
}

CM_MUST_CHECK static inline int cursor_u64(struct cursor *cursor, uint64_t *value)
{
    uint32_t high, low;
    if (cursor_left(cursor) < 8 || cursor_u32(cursor, &high) || cursor_u32(cursor, &low))
        return CM_ETRUNCATED;
    *value = (uint64_t)high << 32 | low;
    return 0;
}

CM_MUST_CHECK static inline int cursor_peek_u8(const struct cursor *cursor, uint8_t *value)
{
    if (cursor_at_end(cursor))
        return CM_ETRUNCATED;
    *value = *cursor->at;
    return 0;
}

CM_MUST_CHECK static inline int cursor_skip(struct cursor *cursor, size_t size)
{
    if (cursor_left(cursor) < size)
        return CM_ETRUNCATED;
    cursor->at += size;
    return 0;
}

CM_MUST_CHECK static inline int cursor_slice(struct cursor *cursor, size_t size, struct slice *out)
{
    if (cursor_left(cursor) < size)
        return CM_ETRUNCATED;
    out->data = cursor->at;
    out->size = size;
    cursor->at += size;
    return 0;
}

/* Length-prefixed vectors: opaque x<0..2^8-1>, <0..2^16-1>, <0..2^24-1> of the TLS presentation language. */
CM_MUST_CHECK static inline int cursor_vector(struct cursor *cursor, size_t prefix, size_t size, struct cursor *out)
{
    if (cursor_left(cursor) - prefix < size)
        return CM_ETRUNCATED;
    const uint8_t *start = cursor->at + prefix;
    cursor->at = start + size;
    cursor_init(out, start, size);
    return 0;
}

CM_MUST_CHECK static inline int cursor_vector8(struct cursor *cursor, struct cursor *out)
{
    const uint8_t *at = cursor->at;
    return cursor_left(cursor) < 1 ? CM_ETRUNCATED : cursor_vector(cursor, 1, at[0], out);
}

CM_MUST_CHECK static inline int cursor_vector16(struct cursor *cursor, struct cursor *out)
{
    const uint8_t *at = cursor->at;
    return cursor_left(cursor) < 2 ? CM_ETRUNCATED : cursor_vector(cursor, 2, (size_t)at[0] << 8 | at[1], out);
}

CM_MUST_CHECK static inline int cursor_vector24(struct cursor *cursor, struct cursor *out)
{
    const uint8_t *at = cursor->at;
    return cursor_left(cursor) < 3 ? CM_ETRUNCATED
                                   : cursor_vector(cursor, 3, (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2], out);
}

bool slice_equal(struct slice a, struct slice b);

#endif
