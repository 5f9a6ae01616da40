/* From observations to records: each distinct (endpoint, peer, name, chain, role) once per interval of the packet clock, with `count` and `since` for those in
 * between; each certificate once per run. Shared by all workers of a process, behind one lock; bounded memory. */
#ifndef SCANNER_WATCH_TELL_H
#define SCANNER_WATCH_TELL_H

#include "certmuster/emit.h"
#include "scanner/watch/observed.h"

struct tell_options {
    struct emit *emit;
    int64_t interval_us; /* 0: an hour */
    size_t memory_max;   /* of the memory of what was told */
    /* For a person who reads along; NULL: nobody does. Called for what is told for the first time. */
    void (*shown)(const struct observed *observed, void *context);
    void *context;
};

struct tell_counts {
    uint64_t observations, told; /* told: records */
    uint64_t forgotten;          /* entries given up for memory; their places are told again */
    uint64_t unkept;             /* records that could not be kept for good */
};

struct tell;
CM_MUST_CHECK int tell_new(const struct tell_options *options, struct tell **out, struct cm_error *error);
void tell_free(struct tell *tell);
void tell_observed(const struct observed *observed, void *tell); /* an observed_fn */
/* Tells the counts that are due; now and then. */
void tell_tick(struct tell *tell, int64_t packet_now_us);
void tell_finish(struct tell *tell); /* the counts that were not told yet */
struct tell_counts tell_get_counts(struct tell *tell);

#endif
