/* From observations to records: each distinct (endpoint, peer, name, chain, role) once per interval of the packet clock, with `count` and `since` for those in
 * between; each certificate once per run. Bounded memory.
 *
 * With one thread, records go to emit at once. With several, those who observe share one lock and only put what is to be written into a queue; one
 * thread writes (tell_deliver), so that nobody who reads packets ever waits for a disk, a collector or a reader. What no longer fits into the queue counts
 * as not told, and is told at its next handshake. */
#ifndef SCANNER_WATCH_TELL_H
#define SCANNER_WATCH_TELL_H

#include "certmuster/emit.h"
#include "scanner/watch/observed.h"
#include "scanner/watch/summary.h"

struct tell_options {
    struct emit *emit;
    int64_t interval_us; /* 0: an hour */
    size_t memory_max;   /* of the memory of what was told */
    size_t queue_max;    /* bytes that wait for tell_deliver; 0: one thread, no queue */
    /* For a person who reads along; NULL: nobody does. Called for what is told for the first time, by the thread that writes. leaf: empty without a chain. */
    void (*shown)(const struct summary *summary, struct slice leaf, void *context);
    void *context;
};

struct tell_counts {
    uint64_t observations, told; /* told: records */
    uint64_t forgotten;          /* entries given up for memory; their places are told again */
    uint64_t unkept;             /* records that could not be kept for good */
    uint64_t postponed;          /* observations that found the queue full */
    uint64_t waiting;            /* records in the queue */
};

struct tell;
CM_MUST_CHECK int tell_new(const struct tell_options *options, struct tell **out, struct cm_error *error);
void tell_free(struct tell *tell);
void tell_observed(const struct observed *observed, void *tell); /* an observed_fn */
/* By the thread that writes: hands what waits to emit, for as long as that takes it. */
void tell_deliver(struct tell *tell);
/* By the thread that writes: ends the run and begins another, in which everything is told anew. As emit_next_run; CM_ELIMIT: emit is blocked, ask later. */
CM_MUST_CHECK int tell_next_run(struct tell *tell, struct cm_error *error);
/* Tells the counts that are due; now and then. */
void tell_tick(struct tell *tell, int64_t packet_now_us);
/* What waits, and the counts that were not told yet. Nobody observes any more. */
void tell_finish(struct tell *tell);
struct tell_counts tell_get_counts(struct tell *tell); /* by the thread that writes */

#endif
