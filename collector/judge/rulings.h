/* Verdicts and shapes of a round, on their way into the inventory. */
#ifndef COLLECTOR_JUDGE_RULINGS_H
#define COLLECTOR_JUDGE_RULINGS_H

#include "certmuster/db.h"
#include "certmuster/ids.h"
#include "collector/judge/shape.h"
#include "collector/judge/verify.h"

enum { RULING_COLUMNS = 10, SHAPE_COLUMNS = 7, TAKEN_COLUMNS = 2 };

struct rulings {
    struct buf verdicts[RULING_COLUMNS], shapes[SHAPE_COLUMNS];
    struct buf taken[TAKEN_COLUMNS]; /* rows of the docket that are done with */
    const char *stores;              /* who judged them, as a PostgreSQL array; lent */
    int64_t at_ms;
    uint64_t verdict_count, shape_count, taken_count;
};

/* at_ms: when they are judged, by the clock that judges. stores: the names of all that judge, as a PostgreSQL array. */
void rulings_init(struct rulings *rulings, const char *stores, int64_t at_ms);
void rulings_done(struct rulings *rulings);
void rulings_add(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const char *store,
                 const struct verdict *verdict);
void rulings_add_shape(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const struct shape *shape);
void rulings_take(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const char *store);
/* Inside a transaction that holds the rows of the docket. What waited for every store goes on waiting for those that did not judge here.
 * Names that the issuers of this round were looked up by and that have got another certificate meanwhile put their chains on the docket
 * again. */
CM_MUST_CHECK int rulings_write(struct db *db, struct rulings *rulings, const struct issuers *issuers,
                                struct cm_error *error);

#endif
