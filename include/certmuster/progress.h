/* A progress line on stderr for anything longer than two seconds: done, total, rate, ETA, failures. Silent unless stderr is a
 * terminal; redrawn at most five times a second; cleared before other output and at the end. */
#ifndef CERTMUSTER_PROGRESS_H
#define CERTMUSTER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *noun; /* "probes" */
    int64_t started_ms, drawn_ms;
    uint64_t done, total, failed; /* total 0: unknown */
    const char *failed_word;      /* "failed" unless set after progress_init: "dropped", "damaged" */
    const char *note;             /* optional static addition: "waiting for descriptors" */
    bool enabled, visible;
};

void progress_init(struct progress *progress, const char *noun, bool quiet);
void progress_update(struct progress *progress, uint64_t done, uint64_t total, uint64_t failed);
void progress_clear(struct progress *progress);
/* Clears the line that is visible, whosever it is; log.c calls it before it writes to stderr. The next update draws it again. */
void progress_make_way(void);
/* The line as text, for tests: "1,234 of 20,000 probes  6%  412/s  ETA 45s  12 failed". */
void progress_text(const struct progress *progress, int64_t now_ms, char *out, unsigned size);

#endif
