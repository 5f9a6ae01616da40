/* Capture files read one after the other by one worker: -r FILE, -r DIR, -r -; and followed while they grow and new ones appear (--follow).
 *
 * Following, several files may be open: the latest, and a few before it that might still grow. Each is read to its present end in the order in which they were
 * found. */
#ifndef SCANNER_WATCH_OFFLINE_H
#define SCANNER_WATCH_OFFLINE_H

#include "scanner/watch/capture.h"
#include "scanner/watch/keylog.h"
#include "scanner/watch/ledger.h"
#include "scanner/watch/opener.h"
#include "scanner/watch/worker.h"

struct offline_options {
    struct opener *opener;
    struct worker *worker;
    struct keylog *keylog;         /* secrets blocks go there */
    struct capture_filter *filter; /* NULL: everything */
    struct ledger *ledger;
    bool follow; /* until a signal */
};

struct offline_outcome {
    uint64_t files, bytes;
    uint64_t damaged; /* files that could not be read, or not to their end; one line on stderr each */
};

/* Until the end, a signal, or nobody reads the records; finishes the ledger, and answers as ledger_finish. */
CM_MUST_CHECK int offline_run(const struct offline_options *options, struct offline_outcome *outcome,
                              struct cm_error *error);

#endif
