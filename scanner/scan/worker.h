/* One thread's part of a sweep: an event loop with the probes that are under way on it. The main thread has one too.
 *
 *     places ─→ probe ─→ outcome          places and outcome are shared, all else is the worker's own */
#ifndef SCANNER_SCAN_WORKER_H
#define SCANNER_SCAN_WORKER_H

#include <signal.h>

#include "scanner/scan/loop.h"
#include "scanner/scan/outcome.h"
#include "scanner/scan/places.h"
#include "scanner/tls/key_share.h"

struct worker;

struct worker_options {
    unsigned number; /* 0: the main thread's */
    struct loop *loop;
    struct key_shares *shares;
    struct places *places;
    struct outcome *outcome;
    struct names *names;
    const char *client_name; /* for EHLO */
    bool polite, prove;
    size_t flight_max;
};

CM_MUST_CHECK int worker_new(const struct worker_options *options, struct worker **out, struct cm_error *error);
void worker_free(struct worker *worker);
/* Starts what may be started and takes a turn of the loop. open: as in loop_turn. False: there is nothing more to do. */
bool worker_turn(struct worker *worker, int64_t max_wait_ms, const sigset_t *open);
/* What was started ends as cancelled; what was not was never a probe. */
void worker_cancel(struct worker *worker);

/* The same as a thread of its own, until there is nothing more to do or worker_stop. over is woken when it ends. */
CM_MUST_CHECK int worker_run(struct worker *worker, struct loop *over, struct cm_error *error);
bool worker_is_over(const struct worker *worker);
void worker_stop(struct worker *worker); /* it cancels what it has */
void worker_join(struct worker *worker); /* harmless when it was never run */

#endif
