/* The growable buffer: memory that somebody else's input may fill, up to a maximum fixed at init.
 *
 * Owns its bytes. Every writer calls it. It refuses to grow past its maximum and remembers that it was asked to. */
#include "certmuster/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1]; /* what data points to before the first append; never written */

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.data = empty, .max = max};
}

void buf_done(struct buf *buf)
{
    if (buf->capacity)
        free(buf->data);
    buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->failed = false;
    if (buf->capacity)
        buf->data[0] = '\0';
}

char *buf_grow(struct buf *buf, size_t size)
{
    if (buf->failed || size > buf->max - buf->size) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->size + size + 1;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 64;
        while (capacity < need)
            capacity *= 2;
        if (capacity > buf->max + 1)
            capacity = buf->max + 1;
        buf->data = cm_realloc(buf->capacity ? buf->data : NULL, capacity);
        buf->capacity = capacity;
    }
    char *at = buf->data + buf->size;
    buf->size += size;
    buf->data[buf->size] = '\0';
    return at;
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buf_append(buf, digits + at, sizeof digits - at);
}

void buf_append_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_append_char(buf, '-');
    buf_append_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *at = size < 0 ? NULL : buf_extend(buf, (size_t)size);
    if (at)
        vsnprintf(at, (size_t)size + 1, format, again);
    if (size < 0)
        buf->failed = true;
    va_end(again);
}

void buf_consume(struct buf *buf, size_t size)
{
    if (size > buf->size)
        size = buf->size;
    if (!size)
        return;
    memmove(buf->data, buf->data + size, buf->size - size + 1);
    buf->size -= size;
}

struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){(const uint8_t *)buf->data, buf->size};
}

char *buf_take(struct buf *buf, size_t *size)
{
    char *taken = buf->capacity ? buf->data : cm_strdup("");
    if (size)
        *size = buf->size;
    buf_init(buf, buf->max);
    return taken;
}
