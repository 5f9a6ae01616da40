/* A batch's way into the inventory: everything or nothing, in one transaction with its idempotency key. */
#ifndef COLLECTOR_INGEST_STORE_H
#define COLLECTOR_INGEST_STORE_H

#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"
#include "collector/ingest/session.h"
#include "collector/peer.h"

struct delivery_request {
    struct peer peer;
    const char *key; /* Idempotency-Key */
    const char *body;
    size_t size;
    int64_t sent_ms;     /* the sender's clock as the request left; -1 when it did not say */
    int64_t received_ms; /* monotonic */
};

struct delivery_answer {
    int status;        /* 200, 400, 403, 409, 413 */
    bool repeated;     /* 200 of a key that was taken before */
    int retry_after_s; /* 0: not said */
    uint64_t stored, rejected;
    struct buf body; /* JSON; initialised by the caller */
};

/* A batch. 0: the answer stands; it is 200 only after the commit. CM_EIO: the database is away or went away, in doubt whether it
 * committed (the key will tell). Records that the database refuses are rejected; whatever else it refuses is CM_EMALFORMED, which is a defect of ours. */
CM_MUST_CHECK int store_batch(struct session *session, const struct delivery_request *request,
                              struct delivery_answer *answer, struct cm_error *error);
/* Sweep work: a shard for who asks (200, or 204 when there is none), and what its holder says of the lease whose id is request->key. */
CM_MUST_CHECK int store_lease(struct session *session, const struct delivery_request *request,
                              struct delivery_answer *answer, struct cm_error *error);
CM_MUST_CHECK int store_lease_report(struct session *session, const struct delivery_request *request,
                                     struct delivery_answer *answer, struct cm_error *error);
/* The question which certificates are lacking. */
CM_MUST_CHECK int store_missing(struct session *session, const struct delivery_request *request,
                                struct delivery_answer *answer, struct cm_error *error);

#endif
