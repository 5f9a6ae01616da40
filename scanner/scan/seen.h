/* The set of probes already asked for in this run, so that a place named twice is probed once. Eight to sixteen bytes a probe: it
 * keeps a keyed 64-bit digest, not the place (16 million probes: one chance in 130,000 that one of them is missed). */
#ifndef SCANNER_SCAN_SEEN_H
#define SCANNER_SCAN_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/ipaddr.h"

struct seen {
    uint64_t *slots; /* open addressing; 0: free */
    uint64_t count, capacity;
    uint64_t key;
};

void seen_init(struct seen *seen);
void seen_done(struct seen *seen);
/* True the first time. ip NULL: a name as such. name is an A-label or "". */
bool seen_add(struct seen *seen, const struct ipaddr *ip, unsigned port, const char *name);

#endif
