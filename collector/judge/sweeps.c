/* The schedule of sweeps: every few seconds leases whose time is over end, sweeps past their deadline end as they stand, and plans that are due begin. What is due stands in
 * the database (sweep_upkeep() and sweep_begin_due() of sql/0027_prefixes.sql); any number of collectors take turns at it, and no cron is needed. Each act leaves its row in the
 * audit log, in the same transaction. A sweep of a million targets takes its time to begin: that has a thread and a connection of its own. */
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "certmuster/log.h"
#include "collector/judge/judge.h"
#include "collector/rounds.h"

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

struct sweep_starter {
    const struct settings *settings;
    struct state *state;
    struct rounds *rounds;
    struct db *db;
};

static bool begun; /* by the last turn; of the one thread that begins sweeps */

static int begin_due(struct db *db, struct cm_error *error)
{
    return act(db, "SELECT what, plan, detail FROM sweep_begin_due()", &begun, error);
}

/* A start that takes long must not go on for a collector that is not there any more. */
static int connect_again(struct sweep_starter *starter, struct cm_error *error)
{
    if (starter->db && db_alive(starter->db))
        return 0;
    db_close(starter->db);
    starter->db = NULL;
    int code = settings_connect(starter->settings, "certmuster-collectd sweeps", &starter->db, error);
    return code ? code
                : db_exec(starter->db,
                          "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min';"
                          "SET client_connection_check_interval = '5s'",
                          error);
}

/* Plan by plan, each in a transaction. That the database is away, or of another version, the judge says. */
static int start_round(void *context)
{
    struct sweep_starter *starter = context;
    struct cm_error error = {0};
    struct upkeep_task task = {"starts", "900 milliseconds", begin_due};
    int code = connect_again(starter, &error);
    do {
        begun = false;
        if (!code)
            code = upkeep_task(starter->db, &task, &error);
        task.every = "0 seconds";
    } while (!code && begun && !atomic_load(&starter->state->stopping));
    if (code && code != CM_EVERSION && starter->db && db_alive(starter->db))
        log_event(LOG_LEVEL_WARN, "upkeep_put_off", "task=%s %s", task.name, log_error(&error));
    return (int)config_integer(starter->settings->config, "collector.judge_interval");
}

static void end(void *context)
{
    struct sweep_starter *starter = context;
    db_close(starter->db);
    starter->db = NULL;
}

int sweep_starter_new(const struct settings *settings, struct state *state, struct sweep_starter **out,
                      struct cm_error *error)
{
    struct sweep_starter *starter = cm_calloc(1, sizeof *starter);
    starter->settings = settings;
    starter->state = state;
    starter->rounds = rounds_new(start_round, end, starter);
    if (!starter->rounds) {
        free(starter);
        return error_set(error, CM_EIO, 0, "cannot start threads");
    }
    *out = starter;
    return 0;
}

bool sweep_starter_stop(struct sweep_starter *starter, int timeout_ms)
{
    return rounds_stop(starter->rounds, timeout_ms);
}

void sweep_starter_free(struct sweep_starter *starter)
{
    if (!starter)
        return;
    rounds_free(starter->rounds);
    free(starter);
}
