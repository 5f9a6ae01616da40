/* The run's own records. Private to lib/emit*.c. */
#ifndef CERTMUSTER_LIB_EMIT_RUN_H
#define CERTMUSTER_LIB_EMIT_RUN_H

#include "certmuster/emit.h"

struct emit_counts {
    uint64_t ok, failed;
    bool interrupted;
};

/* counts NULL: of a run that starts. */
void emit_run_write(struct buf *out, const struct emit *emit, const char *state, const struct emit_counts *counts);

const char *emit_source(const struct emit *emit);
char *const *emit_args(const struct emit *emit, size_t *count);

#endif
