/* The run's own records. Private to lib/emit*.c. */
#ifndef CERTMUSTER_LIB_EMIT_RUN_H
#define CERTMUSTER_LIB_EMIT_RUN_H

#include "certmuster/emit.h"
#include "certmuster/ipaddr.h"

/* Of the machine, read once: a scanner that has given up its rights could not read it again. */
enum { EMIT_ADDRESSES_MAX = 64 };
struct emit_machine {
    char id[33];
    char texts[EMIT_ADDRESSES_MAX][IPADDR_TEXT_SIZE];
    size_t address_count;
};
void emit_machine_read(struct emit_machine *out);

struct emit_counts {
    uint64_t ok, failed;
    bool interrupted;
    const struct record_covered *covered; /* NULL: not known */
};

/* counts NULL: of a run that starts. */
void emit_run_write(struct buf *out, const struct emit *emit, const char *state, const struct emit_counts *counts);

const struct emit_machine *emit_machine(const struct emit *emit);
const char *emit_source(const struct emit *emit);
char *const *emit_args(const struct emit *emit, size_t *count);

#endif
