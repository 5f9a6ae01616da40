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
    const char *run;                  /* whose segments `cleared` counts; NULL: nobody's */
    uint64_t cleared;                 /* segments of that run which are not in the spool any more */
    uint64_t rejected;                /* records that it refused */
    uint64_t refused;                 /* batches that it refused */
    uint64_t damaged;                 /* lines that are no records */
    uint64_t unreadable;              /* files and segments */
    uint64_t undelivered;             /* batches that stay where they are, to be sent again */
    bool stop;                        /* no further tries */
    bool away;                        /* no answer, or the collector wants nothing of this scanner */
    int64_t retry_after_ms;           /* the collector wants nothing before that is over; 0: it did not say */
    char reason[400];                 /* of the last undelivered one */
    struct submit_told told;          /* of troubles */
    const struct submit_told *before; /* what was told at the look before this one; NULL: there was none */
};

/* Says it, unless that was said at this look or the one before; about: what it is about, for a text that may change; else NULL. */
void submit_trouble(struct submit_totals *totals, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a file or segment that cannot be read, which is counted. */
void submit_unreadable(struct submit_totals *totals, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After a look: what was told, for the next one. Says so when there was trouble and none is left. */
void submit_told_keep(struct submit_told *told, const struct submit_totals *totals);

#endif
