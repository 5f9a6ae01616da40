/* Live capture: interfaces opened once per worker, a thread with its own flows for each, until a signal or until the last interface is gone. */
#ifndef SCANNER_WATCH_LIVE_H
#define SCANNER_WATCH_LIVE_H

#include "scanner/watch/capture.h"
#include "scanner/watch/ledger.h"
#include "scanner/watch/worker.h"

enum { LIVE_INTERFACES_MAX = 64, LIVE_WORKERS_MAX = STATISTICS_WORKERS_MAX };

struct live_options {
    const char *const *interfaces;
    size_t interface_count;
    unsigned workers;
    struct capture_options capture; /* interface is filled in */
};

struct live;
/* Opens every capture; needs the rights for that. Packets wait in the rings until live_run. As capture_open. */
CM_MUST_CHECK int live_open(const struct live_options *options, struct live **out, struct cm_error *error);
void live_free(struct live *live);
/* The lowest and the highest descriptor of its captures; between them is nothing that anybody writes to. */
void live_descriptors(const struct live *live, int *from, int *to);
/* worker: for each of them; its memory is shared out. Finishes the ledger, and answers as ledger_finish. CM_EIO as well: no thread could be started. lost: interfaces
 * that went away, one line on stderr each. */
CM_MUST_CHECK int live_run(struct live *live, const struct worker_options *worker, struct ledger *ledger,
                           unsigned *lost, struct cm_error *error);

#endif
