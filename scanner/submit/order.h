/* A shard of a sweep as the collector orders it. What it says is checked: it becomes a command line on this machine. */
#ifndef CERTMUSTER_SUBMIT_ORDER_H
#define CERTMUSTER_SUBMIT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"
#include "certmuster/ids.h"
#include "certmuster/shard.h"

struct order {
    char lease[CM_UUID_TEXT_SIZE]; /* and the id of the run */
    char *plan;                    /* its name, for people; owned */
    int64_t number;
    char **targets; /* owned, as are the strings */
    size_t target_count;
    char *arguments[SHARD_ARGUMENTS_MAX]; /* flags of the scanner; owned */
    size_t argument_count;
    int64_t rate;     /* probes per second at most; 0: as fast as it likes */
    int64_t lease_ms; /* from now on, without a word of ours */
};

/* kind: what was asked for. CM_EMALFORMED with the lease filled in where it could be read (else ""): it can be given back. */
CM_MUST_CHECK int order_read(const struct buf *body, const char *kind, struct order *out, struct cm_error *error);
void order_done(struct order *order);
/* How long the lease lasts from the answer to a report on, in ms; 0: it does not say. */
int64_t order_read_lease(const struct buf *body);

/* The two requests. */
void order_write_question(struct buf *out, const char *kind, const char *scanner, const char *realm);
void order_write_report(struct buf *out, const char *scanner, const char *state);

#endif
