/* The bounded reader's vectors; its integers stand in the header. The two are the one place that does pointer arithmetic over hostile bytes.
 *
 * Owns nothing: cursors and slices lend. Every parser calls it. It refuses to move past the end, and moves not at all when it fails. */
#include "certmuster/cursor.h"

#include <string.h>

const uint8_t cursor_nothing[1];

/* The `size` bytes that follow a length prefix, which trial has read. */
static int take_vector(struct cursor *cursor, struct cursor *trial, size_t size, struct cursor *out)
{
    if (cursor_left(trial) < size)
        return CM_ETRUNCATED;
    cursor_init(out, trial->at, size);
    cursor->at = trial->at + size;
    return 0;
}

int cursor_vector8(struct cursor *cursor, struct cursor *out)
{
    struct cursor trial = *cursor;
    uint8_t size;
    return cursor_u8(&trial, &size) ? CM_ETRUNCATED : take_vector(cursor, &trial, size, out);
}

int cursor_vector16(struct cursor *cursor, struct cursor *out)
{
    struct cursor trial = *cursor;
    uint16_t size;
    return cursor_u16(&trial, &size) ? CM_ETRUNCATED : take_vector(cursor, &trial, size, out);
}

int cursor_vector24(struct cursor *cursor, struct cursor *out)
{
    struct cursor trial = *cursor;
    uint32_t size;
    return cursor_u24(&trial, &size) ? CM_ETRUNCATED : take_vector(cursor, &trial, size, out);
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
