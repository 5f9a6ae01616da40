/* The schedule of sweeps: every few seconds leases whose time is over end, sweeps past their deadline end as they stand, and plans that are due begin. What is due stands in
 * the database (sweep_upkeep() and sweep_begin_due() of sql/0027_prefixes.sql); any number of collectors take turns at it, and no cron is needed. Each act leaves its row in the
 * audit log, in the same transaction. A sweep of a million targets takes its time to begin: a clerk does that. */
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "certmuster/log.h"
#include "collector/judge/judge.h"

enum { DETAIL_MAX = 8192 };

static const struct {
    const char *what, *action, *member;
} acts[] = {
    {"started", "sweep.start", "sweep"},
    {"overdue", "sweep.overdue", "sweep"},
    {"failed", "sweep.fail", "reason"},
};

static int note(struct db *db, const char *what, const char *plan, const char *told, struct cm_error *error)
{
    struct buf detail;
    size_t i = 0;
    while (i + 1 < sizeof acts / sizeof acts[0] && strcmp(acts[i].what, what) != 0)
        i++;
    buf_init(&detail, DETAIL_MAX);
    buf_appendf(&detail, "{\"%s\":\"", acts[i].member);
    escape_json(&detail, told, strnlen(told, DETAIL_MAX / 8));
    buf_append_str(&detail, "\",\"rule\":\"schedule\"}");
    const char *params[] = {acts[i].action, plan, detail.data};
    int code = db_query(db, "SELECT audit_append('collector', $1, $2, $3)", params, 3, NULL, error);
    log_event(i == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "sweep", "what=%s plan=%s %s=%s", what, log_quote(plan),
              acts[i].member, log_quote(told));
    buf_done(&detail);
    return code;
}

/* What the function of the database did, row by row; *done: anything. */
static int act(struct db *db, const char *sql, bool *done, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, sql, NULL, 0, &rows, error);
    *done = !code && db_rows(rows) > 0;
    for (size_t row = 0; !code && row < db_rows(rows); row++)
        code = note(db, db_text(rows, row, 0), db_text(rows, row, 1), db_text(rows, row, 2), error);
    db_result_free(rows);
    return code;
}

static int keep_up(struct db *db, struct cm_error *error)
{
    bool done;
    return act(db, "SELECT what, plan, detail FROM sweep_upkeep()", &done, error);
}

int sweeps_round(struct db *db, struct cm_error *error)
{
    static const struct upkeep_task task = {"sweeps", "900 milliseconds", keep_up};
    int code = upkeep_task(db, &task, error);
    if (code && code != CM_EVERSION && db_alive(db)) {
        log_event(LOG_LEVEL_WARN, "upkeep_put_off", "task=%s %s", task.name, log_error(error));
        code = 0;
    }
    return code;
}

/* --- What is due begins ------------------------------------------------------------------------------------------------------------------ */

static bool begun; /* by the last turn; of the one clerk that begins sweeps */

static int begin_due(struct db *db, struct cm_error *error)
{
    return act(db, "SELECT what, plan, detail FROM sweep_begin_due()", &begun, error);
}

/* Plan by plan, each in a transaction. */
static int begin_all(struct db *db, void *context, struct cm_error *error)
{
    const struct state *state = context;
    struct upkeep_task task = {"starts", "900 milliseconds", begin_due};
    int code = 0;
    do {
        begun = false;
        code = upkeep_task(db, &task, error);
        task.every = "0 seconds";
    } while (!code && begun && !atomic_load(&state->stopping));
    return code;
}

int sweeps_clerk(const struct settings *settings, struct state *state, struct clerk **out, struct cm_error *error)
{
    const struct clerk_work work = {.name = "sweeps",
                                    .rest_ms = (int)config_integer(settings->config, "collector.judge_interval"),
                                    .round = begin_all};
    return clerk_new(settings, &work, state, out, error);
}
