/* A growable buffer that takes its maximum at init, and text formatting into it.
 *
 * Appending past the maximum (or after such a failure) appends nothing and sets `failed`, which stays set until
 * buf_reset: a writer makes a hundred appends and checks once. The bytes are always followed by a NUL that size does
 * not count, so data is a C string when it holds text. */
#ifndef CERTMUSTER_BUF_H
#define CERTMUSTER_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"

struct buf {
    char *data; /* never NULL after buf_init; a NUL when empty */
    size_t size;
    size_t capacity;
    size_t max;
    bool failed;
};

void buf_init(struct buf *buf, size_t max); /* allocates nothing */
void buf_done(struct buf *buf);
void buf_reset(struct buf *buf);              /* empties, keeps the memory */
char *buf_grow(struct buf *buf, size_t size); /* buf_extend, where memory has to be got */

/* The next four are in line: a record is made of hundreds of small appends. */

/* Grows by size bytes that the caller now fills, and returns where they start; NULL (and failed) past the maximum. */
static inline char *buf_extend(struct buf *buf, size_t size)
{
    if (buf->failed || size >= buf->capacity - buf->size) /* the NUL wants a byte, too */
        return buf_grow(buf, size);
    char *at = buf->data + buf->size;
    at[size] = '\0';
    buf->size += size;
    return at;
}

static inline void buf_append(struct buf *buf, const void *bytes, size_t size)
{
    char *at = buf_extend(buf, size);
    if (at && size)
        memcpy(at, bytes, size);
}

static inline void buf_append_char(struct buf *buf, char c)
{
    char *at = buf_extend(buf, 1);
    if (at)
        *at = c;
}

static inline void buf_append_str(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_u64(struct buf *buf, uint64_t value);
void buf_append_i64(struct buf *buf, int64_t value);
void buf_appendf(struct buf *buf, const char *format, ...) CM_PRINTF(2, 3);
void buf_consume(struct buf *buf, size_t size); /* drops bytes at the front */
struct slice buf_slice(const struct buf *buf);  /* lends until the next change */
char *buf_take(struct buf *buf,
               size_t *size); /* gives the bytes away (free), leaves the buffer empty; size may be NULL */

#endif
