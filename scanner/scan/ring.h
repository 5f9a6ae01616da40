/* The spreads that still have places to give, taken in turn, so that no one of them is walked alone. */
#ifndef SCANNER_SCAN_RING_H
#define SCANNER_SCAN_RING_H

#include "scanner/scan/spread.h"

struct ring {
    struct spread **spreads;
    size_t count, capacity, turn;
    uint64_t left; /* places still to give, of all */
};

void ring_done(struct ring *ring);
void ring_add(struct ring *ring, struct spread *spread); /* takes the reference */
/* The next place: a spread (lent while the ring or somebody else holds it; hold it to keep it) and an address of it. NULL: empty. */
struct spread *ring_next(struct ring *ring, struct ipaddr *ip, uint16_t *port);

#endif
