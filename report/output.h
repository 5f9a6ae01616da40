/* Where a report goes: stdout, or a file that appears whole or not at all. */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdio.h>

#include "certmuster/error.h"

struct output {
    FILE *stream;
    char *path;      /* owned; NULL for stdout */
    char *temporary; /* owned; beside path, renamed over it; NULL when path is written directly (a device, a pipe) */
};

/* path NULL or "-": stdout. A device or a pipe is written as it is; anything else through a temporary file beside it. */
CM_MUST_CHECK int output_open(const char *path, struct output *out, struct cm_error *error);
/* Flushes; a file is fsynced and renamed to its name. Everything is freed whatever happens; on failure nothing half-written is left. */
CM_MUST_CHECK int output_commit(struct output *output, struct cm_error *error);
void output_abort(struct output *output);

/* What a signal that ends the program shall remove first. Removes path, or its files named in names (ends with NULL) and then the
 * directory path itself. path NULL: nothing any more. Both lend until changed. */
void output_at_end(const char *path, const char *const *names);
/* SIGINT, SIGTERM and SIGHUP remove it and end the program the way they would have. */
void output_catch_signals(void);

#endif
