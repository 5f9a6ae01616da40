/* The places that one target stands for (addresses × ports), walked lazily in an order that spreads over them.
 *
 * One thread at a time walks; any thread may hold and release. A list of a million lines has one of these for each line that is read ahead or
 * under way, so it is small. */
#ifndef SCANNER_SCAN_SPREAD_H
#define SCANNER_SCAN_SPREAD_H

#include <stdatomic.h>

#include "certmuster/target.h"
#include "scanner/scan/permute.h"
#include "scanner/scan/starttls.h"

struct spread {
    const struct ports *ports; /* the run's, or … */
    struct ports own;          /* … the target's own, whose list may be … */
    struct ipaddr *addresses;  /* of a resolved name; NULL: the target's prefix */
    struct permute order;
    uint64_t next;
    int64_t budget_ms; /* what is left to each probe of the time for a target */
    atomic_uint references;
    uint32_t scope;
    uint16_t one_port; /* … this one alone */
    uint8_t mode;      /* enum starttls */
    struct ipaddr base;
    char name[]; /* lends to the probes */
};

/* Takes the target (empties it). addresses of a resolved name are copied; count 0: the target's own. The run's ports must outlive it.
 * Born with one reference. */
struct spread *spread_new(struct target *target, const struct ports *defaults, const struct ipaddr *addresses,
                          size_t count, uint64_t key);
struct spread *spread_hold(struct spread *spread);
void spread_release(struct spread *spread);
bool spread_next(struct spread *spread, struct ipaddr *ip, uint16_t *port); /* false at the end */
uint64_t spread_left(const struct spread *spread);

#endif
