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

void cursor_init(struct cursor *cursor, const void *bytes, size_t size);
void cursor_init_slice(struct cursor *cursor, struct slice slice);
size_t cursor_left(const struct cursor *cursor);
size_t cursor_offset(const struct cursor *cursor);
bool cursor_at_end(const struct cursor *cursor);

CM_MUST_CHECK int cursor_u8(struct cursor *cursor, uint8_t *value);
CM_MUST_CHECK int cursor_u16(struct cursor *cursor, uint16_t *value);
CM_MUST_CHECK int cursor_u24(struct cursor *cursor, uint32_t *value);
CM_MUST_CHECK int cursor_u32(struct cursor *cursor, uint32_t *value);
CM_MUST_CHECK int cursor_u64(struct cursor *cursor, uint64_t *value);
CM_MUST_CHECK int cursor_peek_u8(const struct cursor *cursor, uint8_t *value);
CM_MUST_CHECK int cursor_skip(struct cursor *cursor, size_t size);
CM_MUST_CHECK int cursor_slice(struct cursor *cursor, size_t size, struct slice *out);
/* Length-prefixed vectors: opaque x<0..2^8-1>, <0..2^16-1>, <0..2^24-1> of the TLS presentation language. */
CM_MUST_CHECK int cursor_vector8(struct cursor *cursor, struct cursor *out);
CM_MUST_CHECK int cursor_vector16(struct cursor *cursor, struct cursor *out);
CM_MUST_CHECK int cursor_vector24(struct cursor *cursor, struct cursor *out);

bool slice_equal(struct slice a, struct slice b);

#endif
