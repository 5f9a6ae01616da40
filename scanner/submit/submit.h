/* What the parts of certmuster-submit share: what was done so far, and how it ends. */
#ifndef CERTMUSTER_SUBMIT_SUBMIT_H
#define CERTMUSTER_SUBMIT_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/submit/deliver.h"

enum { SUBMIT_TOLD_MAX = 64 };

struct submit_told { /* hashes of what was said */
    uint64_t texts[SUBMIT_TOLD_MAX];
    unsigned count;
};

struct submit_totals {
    uint64_t batches, stored;         /* taken by the collector */
    uint64_t rejected;                /* records that it refused */
    uint64_t refused;                 /* batches that it refused */
    uint64_t damaged;                 /* lines that are no records */
    uint64_t unreadable;              /* files and segments */
    uint64_t undelivered;             /* batches that stay where they are, to be sent again */
    bool stop;                        /* the collector is away or wants nothing from us: no further tries */
    char reason[400];                 /* of the last undelivered one */
    struct submit_told told;          /* of what cannot be read */
    const struct submit_told *before; /* what was told at the look before this one; NULL: there was none */
};

/* Counts a file or segment that cannot be read and says so, unless it was said the last time. */
void submit_unreadable(struct submit_totals *totals, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
