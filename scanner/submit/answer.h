/* What a collector answers, read with suspicion: it may be another program. */
#ifndef CERTMUSTER_SUBMIT_ANSWER_H
#define CERTMUSTER_SUBMIT_ANSWER_H

#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"
#include "scanner/submit/lines.h"

struct rejection {
    size_t line; /* of the body, 1 is the first */
    char *reason;
};

struct answer {
    uint64_t stored;
    struct rejection *rejected;
    size_t rejected_count;
};

/* 200 of a batch. CM_EMALFORMED when it is not what a collector says: nothing may be believed delivered then. */
CM_MUST_CHECK int answer_read_batch(const struct buf *body, struct answer *out, struct cm_error *error);
void answer_done(struct answer *answer);
/* {"missing":[…]}, sorted. */
CM_MUST_CHECK int answer_read_missing(const struct buf *body, struct digests *out, struct cm_error *error);
/* {"error":"…"}, or the first line of anything else; at most size - 1 bytes. */
void answer_read_error(const struct buf *body, long status, char *out, size_t size);

/* The question: {"sha256":[…]}. */
void answer_write_question(const struct digests *digests, struct buf *out);

#endif
