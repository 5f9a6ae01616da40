/* What the parts of certmuster-submit share: what was done so far, and how it ends. */
#ifndef CERTMUSTER_SUBMIT_SUBMIT_H
#define CERTMUSTER_SUBMIT_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/submit/deliver.h"

struct submit_totals {
    uint64_t batches, stored; /* taken by the collector */
    uint64_t rejected;        /* records that it refused */
    uint64_t refused;         /* batches that it refused */
    uint64_t damaged;         /* lines that are no records */
    uint64_t unreadable;      /* files and segments */
    uint64_t undelivered;     /* batches that stay where they are, to be sent again */
    bool stop;                /* the collector is away or wants nothing from us: no further tries */
    char reason[400];         /* of the last undelivered one */
};

#endif
