/* A batch under way, as the files of store.h share it: what came, what was read of it, and the connection that it goes through. */
#ifndef COLLECTOR_INGEST_WORK_H
#define COLLECTOR_INGEST_WORK_H

#include "certmuster/delivery.h"
#include "collector/ingest/batch.h"
#include "collector/ingest/store.h"

enum { WORK_KEY_SIZE = DELIVERY_KEY_MAX + PEER_NAME_SIZE + 3 };
enum { WORK_PARAM_MAX = 64 << 20 }; /* of one statement's parameter: a batch's fingerprints, rejections or places */

struct work {
    struct session *session;
    struct db *db;
    const struct delivery_request *request;
    struct batch *batch;
    struct places places;
    /* By the database's clock, which is the one that all collectors share: theirs may differ by a day. */
    int64_t received_ms;
    int64_t skew_ms; /* 0 unless beyond BATCH_SKEW_MS */
    char scanner[PEER_NAME_SIZE];
    char key[WORK_KEY_SIZE];   /* the request's as it is stored */
    struct buf rejected;       /* the rejections as a JSON array */
    const struct sieve *sieve; /* NULL until the inventory refused something */
    bool is_try;               /* everything is undone */
};

/* answer.c: the bodies of answers. */
void answer_error(struct delivery_answer *answer, int status, const struct cm_error *error);
void answer_stored(struct delivery_answer *answer, uint64_t stored, const char *rejected);
void answer_missing(struct delivery_answer *answer, int status, const uint8_t (*list)[CM_SHA256_SIZE], size_t count);
void answer_write_rejections(const struct batch *batch, struct buf *out);

/* same.c: marks the places whose digest is the inventory's. */
CM_MUST_CHECK int work_mark_same(struct work *work, struct cm_error *error);

/* lacking.c: marks the batch's certificates that the inventory has; answers 409 when a chain needs one that is nowhere. */
CM_MUST_CHECK int work_look_up_certificates(struct work *work, struct delivery_answer *answer, struct cm_error *error);

/* told.c: what the batch says of runs besides observation: who is not there, which files could not be read, which keys and the like are
 * there (table told). After the runs' rows. */
CM_MUST_CHECK int work_tell(struct work *work, struct cm_error *error);

/* staging.c: each fills its temporary tables. */
CM_MUST_CHECK int work_copy_certificates(struct work *work, size_t *copied, struct cm_error *error);
struct compared {
    size_t asked, changed, to_remember; /* places */
};
/* Tells every place that is not the same apart: as it was, changed, or (of an endpoint record) nothing new. */
CM_MUST_CHECK int work_compare_places(struct work *work, struct compared *out, struct cm_error *error);
/* Looks, places and chains of what changed; the places of keys and stores. */
CM_MUST_CHECK int work_copy_changed(struct work *work, struct cm_error *error);
CM_MUST_CHECK int work_copy_runs(struct work *work, struct cm_error *error);
CM_MUST_CHECK int work_copy_assets(struct work *work, struct cm_error *error);

#endif
