/* Writing TLS structures for tests, and cutting them: vectors are opened and closed, their lengths fill themselves in. */
#ifndef TESTS_UNIT_SCAN_WIRE_H
#define TESTS_UNIT_SCAN_WIRE_H

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"

#define BYTES(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})

static inline void wire_number(struct buf *out, unsigned bytes, uint32_t value)
{
    while (bytes--)
        buf_append_char(out, (char)(value >> (8 * bytes)));
}

static inline void wire_slice(struct buf *out, struct slice slice)
{
    buf_append(out, slice.data, slice.size);
}

/* opaque x<…> behind a length of that many bytes. */
static inline void wire_vector(struct buf *out, unsigned bytes, struct slice contents)
{
    wire_number(out, bytes, (uint32_t)contents.size);
    wire_slice(out, contents);
}

static inline size_t wire_open(struct buf *out, unsigned bytes)
{
    wire_number(out, bytes, 0);
    return out->size;
}

static inline void wire_close(struct buf *out, unsigned bytes, size_t opened)
{
    size_t size = out->size - opened;
    for (unsigned i = 0; i < bytes; i++)
        out->data[opened - 1 - i] = (char)(size >> (8 * i));
}

static inline void wire_extension(struct buf *out, uint16_t type, struct slice data)
{
    wire_number(out, 2, type);
    wire_vector(out, 2, data);
}

/* Calls look with every beginning of whole, the empty one too and whole not, each in memory of exactly its size, so that the sanitizer
 * sees a reader that goes past the end. */
static inline void wire_cuts(struct slice whole, void (*look)(struct slice cut, void *context), void *context)
{
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, whole.data, size);
        look((struct slice){copy, size}, context);
        free(copy);
    }
}

#endif
