/* IPv4 and IPv6 fragments put together (RFC 791, RFC 8200 §4.5): fixed memory, packet-clock timeouts, oldest out first. Overlaps: for IPv6
 * the datagram is dropped (RFC 5722); for IPv4 the first copy counts and the conflict is counted. */
#ifndef SCANNER_WATCH_FRAGMENTS_H
#define SCANNER_WATCH_FRAGMENTS_H

#include <stdbool.h>

#include "certmuster/cursor.h"

struct fragments;
struct fragments_counts {
    uint64_t seen, completed, timed_out, evicted, overlapping, refused;
};

struct fragments *fragments_new(size_t memory_max);
void fragments_free(struct fragments *fragments);
struct fragment {
    uint8_t family, protocol;
    const uint8_t *source, *destination; /* 4 or 16 bytes */
    uint32_t id;
    uint32_t offset; /* bytes */
    bool more;
    struct slice payload;
    int64_t at_us;
};
/* True with the whole payload when this was the last missing piece; lent until the next call. */
bool fragments_add(struct fragments *fragments, const struct fragment *fragment, struct slice *whole);
struct fragments_counts fragments_get_counts(const struct fragments *fragments);

#endif
