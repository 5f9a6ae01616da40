/* The bounded reader: the one file that does pointer arithmetic over hostile bytes.
 *
 * Owns nothing: cursors and slices lend. Every parser calls it. It refuses to move past the end, and moves not at all when it fails. */
#include "certmuster/cursor.h"

#include <string.h>

void cursor_init(struct cursor *cursor, const void *bytes, size_t size)
{
    static const uint8_t nothing[1]; /* NULL + 0 is undefined, so an empty cursor points somewhere */
    cursor->start = bytes ? bytes : nothing;
    cursor->at = cursor->start;
    cursor->end = cursor->start + (bytes ? size : 0);
}

void cursor_init_slice(struct cursor *cursor, struct slice slice)
{
    cursor_init(cursor, slice.data, slice.size);
}

size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

size_t cursor_offset(const struct cursor *cursor)
{
    return (size_t)(cursor->at - cursor->start);
}

bool cursor_at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end;
}

/* Reads a big-endian integer of up to eight bytes. */
static int read_integer(struct cursor *cursor, unsigned size, uint64_t *value)
{
    if (cursor_left(cursor) < size)
        return CM_ETRUNCATED;
    uint64_t sum = 0;
    for (unsigned i = 0; i < size; i++)
        sum = sum << 8 | cursor->at[i];
    cursor->at += size;
    *value = sum;
    return 0;
}

int cursor_u8(struct cursor *cursor, uint8_t *value)
{
    if (cursor_at_end(cursor))
        return CM_ETRUNCATED;
    *value = *cursor->at++;
    return 0;
}

int cursor_u16(struct cursor *cursor, uint16_t *value)
{
    uint64_t wide;
    int status = read_integer(cursor, 2, &wide);
    if (!status)
        *value = (uint16_t)wide;
    return status;
}

int cursor_u24(struct cursor *cursor, uint32_t *value)
{
    uint64_t wide;
    int status = read_integer(cursor, 3, &wide);
    if (!status)
        *value = (uint32_t)wide;
    return status;
}

int cursor_u32(struct cursor *cursor, uint32_t *value)
{
    uint64_t wide;
    int status = read_integer(cursor, 4, &wide);
    if (!status)
        *value = (uint32_t)wide;
    return status;
}

int cursor_u64(struct cursor *cursor, uint64_t *value)
{
    return read_integer(cursor, 8, value);
}

int cursor_peek_u8(const struct cursor *cursor, uint8_t *value)
{
    if (cursor_at_end(cursor))
        return CM_ETRUNCATED;
    *value = *cursor->at;
    return 0;
}

int cursor_skip(struct cursor *cursor, size_t size)
{
    if (cursor_left(cursor) < size)
        return CM_ETRUNCATED;
    cursor->at += size;
    return 0;
}

int cursor_slice(struct cursor *cursor, size_t size, struct slice *out)
{
    if (cursor_left(cursor) < size)
        return CM_ETRUNCATED;
    out->data = cursor->at;
    out->size = size;
    cursor->at += size;
    return 0;
}

static int read_vector(struct cursor *cursor, unsigned prefix, struct cursor *out)
{
    struct cursor trial = *cursor;
    uint64_t size;
    if (read_integer(&trial, prefix, &size) || cursor_left(&trial) < size)
        return CM_ETRUNCATED;
    cursor_init(out, trial.at, (size_t)size);
    cursor->at = trial.at + size;
    return 0;
}

int cursor_vector8(struct cursor *cursor, struct cursor *out)
{
    return read_vector(cursor, 1, out);
}

int cursor_vector16(struct cursor *cursor, struct cursor *out)
{
    return read_vector(cursor, 2, out);
}

int cursor_vector24(struct cursor *cursor, struct cursor *out)
{
    return read_vector(cursor, 3, out);
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
