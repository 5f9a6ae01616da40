/* Capture files read one after the other by one worker: -r FILE, -r DIR, -r -. */
#ifndef SCANNER_WATCH_OFFLINE_H
#define SCANNER_WATCH_OFFLINE_H

#include <signal.h>

#include "scanner/watch/worker.h"

struct offline_options {
    const char *const *paths; /* files, directories (every file in them, oldest first), "-" for standard input */
    size_t path_count;
    struct worker *worker;
    struct keylog *keylog;          /* secrets blocks go there */
    void (*between)(void *context); /* called every few thousand packets: records are kept, counts told. May be NULL */
    void *context;
    const volatile sig_atomic_t *stop;
};

struct offline_outcome {
    uint64_t files, bytes;
    uint64_t damaged; /* files that could not be read, or not to their end; one line on stderr each */
};

void offline_run(const struct offline_options *options, struct offline_outcome *outcome);

#endif
