/* The judge: one thread that every few seconds verifies the chains that wait for it (with others, when many do), does the upkeep that is
 * due and lets the alerts work. */
#ifndef COLLECTOR_JUDGE_JUDGE_H
#define COLLECTOR_JUDGE_JUDGE_H

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/clerk.h"
#include "collector/judge/trust.h"
#include "collector/settings.h"
#include "collector/state.h"

struct judge;
/* CM_EINVAL: trust.stores says what cannot be. */
CM_MUST_CHECK int judge_new(const struct settings *settings, struct state *state, struct judge **out,
                            struct cm_error *error);
/* Asks it to end and waits; false: it is still at something after timeout_ms, and must not be freed. */
bool judge_stop(struct judge *judge, int timeout_ms);
void judge_free(struct judge *judge);

/* Its tasks, each bounded. */
struct docket; /* chains that wait, and what was decoded and judged lately */
struct docket_tally {
    unsigned long long judged, built,
        cached; /* verdicts written; paths built for them; leaves under a path judged before */
    bool more;  /* chains are left */
    bool full;  /* as many as one round takes: it may be worth to share them */
};
struct docket *docket_new(void);
void docket_free(struct docket *docket);
/* Puts chains on the docket whose time has come: verdicts with a date that has passed since *last (0: at all), or of a clock that was
 * ahead. *last becomes now. */
CM_MUST_CHECK int docket_call_up(struct db *db, const struct trust_set *set, int64_t *last, struct cm_error *error);
CM_MUST_CHECK int docket_round(struct docket *docket, struct db *db, const struct trust_set *set,
                               struct docket_tally *tally, struct cm_error *error);
/* Notes what this collector is configured with, when it was not yet or has changed. */
struct configuration;
struct configuration *configuration_new(const struct settings *settings);
void configuration_free(struct configuration *own);
CM_MUST_CHECK int configuration_round(struct configuration *own, struct db *db, struct cm_error *error);
/* Now and then: chains that lack a verdict are put on the docket. */
CM_MUST_CHECK int lacking_round(struct db *db, struct cm_error *error);
CM_MUST_CHECK int upkeep_round(struct db *db, struct cm_error *error);
/* Sweeps: leases expire, deadlines come. */
CM_MUST_CHECK int sweeps_round(struct db *db, struct cm_error *error);
/* Beside the judge: begins the sweeps of plans that are due; marks places that vanished. */
CM_MUST_CHECK int sweeps_clerk(const struct settings *settings, struct state *state, struct clerk **out,
                               struct cm_error *error);
CM_MUST_CHECK int gone_clerk(const struct settings *settings, struct clerk **out, struct cm_error *error);
/* What collectors do in turns: the row of table upkeep called name is its lock. run works inside the transaction; it is not called while
 * another collector is at it, or when it was done less than `every` ago. */
struct upkeep_task {
    const char *name, *every;
    int (*run)(struct db *db, struct cm_error *error);
};
CM_MUST_CHECK int upkeep_task(struct db *db, const struct upkeep_task *task, struct cm_error *error);

#endif
