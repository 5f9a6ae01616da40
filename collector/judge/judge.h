/* The judge: one thread that every few seconds verifies new chains, renews old verdicts, does the upkeep that is due, brings the figures
 * of /metrics up to date and lets the alerts work. */
#ifndef COLLECTOR_JUDGE_JUDGE_H
#define COLLECTOR_JUDGE_JUDGE_H

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/judge/verify.h"
#include "collector/settings.h"
#include "collector/state.h"

struct judge;
struct judge *judge_new(const struct settings *settings, struct state *state);
/* Asks it to end and waits; false: it is still at something after timeout_ms, and must not be freed. */
bool judge_stop(struct judge *judge, int timeout_ms);
void judge_free(struct judge *judge);

/* Its tasks, each bounded. */
struct docket {              /* which chains may wait */
    bool look_for_new;       /* chains without verdict */
    int64_t stale_before_ms; /* verdicts older than this are renewed; wall clock */
};
/* *judged: how many; *more: some are left. */
CM_MUST_CHECK int docket_round(struct db *db, struct trust *trust, const struct docket *docket, uint64_t *judged,
                               bool *more, struct cm_error *error);
CM_MUST_CHECK int upkeep_round(struct db *db, struct cm_error *error);
/* Sweeps: leases expire, plans that are due begin. */
CM_MUST_CHECK int sweeps_round(struct db *db, struct cm_error *error);
/* What collectors do in turns: the row of table upkeep called name is its lock. run works inside the transaction; it is not called while another collector is at it, or when it
 * was done less than `every` ago. */
struct upkeep_task {
    const char *name, *every;
    int (*run)(struct db *db, struct cm_error *error);
};
CM_MUST_CHECK int upkeep_task(struct db *db, const struct upkeep_task *task, struct cm_error *error);
CM_MUST_CHECK int figures_read(struct db *db, struct figures *out, struct cm_error *error);

#endif
