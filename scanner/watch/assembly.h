/* Bytes that come in numbered pieces, in any order, twice and overlapping: fragments of DTLS messages, CRYPTO frames of QUIC. Memory grows with the highest byte that
 * came, so the caller bounds offset + size before he puts. */
#ifndef SCANNER_WATCH_ASSEMBLY_H
#define SCANNER_WATCH_ASSEMBLY_H

#include "certmuster/cursor.h"

enum { ASSEMBLY_SPANS_MAX = 128 /* holes at once; what would make more is dropped */ };

struct assembly { /* zeroed: empty */
    uint8_t *bytes;
    uint32_t capacity;
    uint16_t span_count;
    struct assembly_span {
        uint32_t start, end;
    } spans[ASSEMBLY_SPANS_MAX];
};

void assembly_done(struct assembly *assembly);
void assembly_put(struct assembly *assembly, uint32_t offset,
                  struct slice piece);                     /* where copies differ the first stays */
uint32_t assembly_prefix(const struct assembly *assembly); /* so many bytes from the start are there */

#endif
