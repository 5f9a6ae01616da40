/* Pieces put together. Spans say which bytes are there, sorted and never touching. */
#include "scanner/watch/assembly.h"

#include <stdlib.h>
#include <string.h>

void assembly_done(struct assembly *assembly)
{
    free(assembly->bytes);
    *assembly = (struct assembly){0};
}

/* Copies what no span covers yet. */
static void fill(struct assembly *assembly, uint32_t offset, struct slice piece)
{
    uint32_t at = offset, end = offset + (uint32_t)piece.size;
    for (size_t i = 0; at < end; i++) {
        uint32_t start = i < assembly->span_count ? assembly->spans[i].start : end;
        uint32_t stop = start < end ? start : end;
        if (at < stop)
            memcpy(assembly->bytes + at, piece.data + (at - offset), stop - at);
        if (i >= assembly->span_count || start >= end)
            return;
        if (assembly->spans[i].end > at)
            at = assembly->spans[i].end;
    }
}

static void merge(struct assembly *assembly, size_t first, size_t last, uint32_t start, uint32_t end)
{
    if (last > first) {
        if (assembly->spans[first].start < start)
            start = assembly->spans[first].start;
        if (assembly->spans[last - 1].end > end)
            end = assembly->spans[last - 1].end;
    }
    memmove(&assembly->spans[first + 1], &assembly->spans[last],
            (assembly->span_count - last) * sizeof assembly->spans[0]);
    assembly->span_count = (uint16_t)(assembly->span_count - (last - first) + 1);
    assembly->spans[first] = (struct assembly_span){start, end};
}

void assembly_put(struct assembly *assembly, uint32_t offset, struct slice piece)
{
    uint32_t end = offset + (uint32_t)piece.size;
    size_t first = 0, last;
    if (piece.size == 0)
        return;
    while (first < assembly->span_count && assembly->spans[first].end < offset)
        first++;
    for (last = first; last < assembly->span_count && assembly->spans[last].start <= end; last++) {
    }
    if (last == first && assembly->span_count == ASSEMBLY_SPANS_MAX)
        return;
    if (end > assembly->capacity) {
        assembly->bytes =
            cm_realloc(assembly->bytes, end); /* not cleared: who sends a last byte alone would have us work for it */
        assembly->capacity = end;
    }
    fill(assembly, offset, piece);
    merge(assembly, first, last, offset, end);
}

uint32_t assembly_prefix(const struct assembly *assembly)
{
    return assembly->span_count && assembly->spans[0].start == 0 ? assembly->spans[0].end : 0;
}
