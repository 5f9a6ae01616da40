/* Places that vanish: what runs that are whole say of absence is counted, and what was missed by as many sweeps as gone.after says is
 * marked as gone. All of it is sql/0015_gone.sql and 0026_gone.sql; any number of collectors take turns at it. Nothing is done for a place that is there.
 *
 * When many vanish at once what all batches told of them is read, which takes seconds: a thread and a connection of its own, so that verdicts, sweeps and alerts do not wait. */
#include <stdio.h>
#include <stdlib.h>

#include "certmuster/buf.h"
#include "certmuster/log.h"
#include "collector/judge/judge.h"
#include "collector/rounds.h"
#include "collector/transaction.h"

struct gone {
    const struct settings *settings;
    struct rounds *rounds;
    struct db *db;
};

static int count(struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, "SELECT gone FROM gone_round(current_setting('certmuster.gone_after')::integer)", NULL, 0,
                        &rows, error);
    if (!code && db_integer(rows, 0, 0) > 0)
        log_event(LOG_LEVEL_INFO, "places_gone", "count=%lld", (long long)db_integer(rows, 0, 0));
    db_result_free(rows);
    return code;
}

/* A part of it; while there is more the task stays due. */
static int tidy(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT absences_tidy()", error);
}

/* No statement goes on for longer than ten minutes, on which gone_again() of 0026 relies, nor for a collector that is not there any more. */
static int connect_again(struct gone *gone, struct cm_error *error)
{
    int code = gone->db && db_alive(gone->db) ? transaction_version(gone->db, error) : CM_EIO;
    if (!code)
        return 0;
    db_close(gone->db);
    gone->db = NULL;
    code = settings_connect(gone->settings, "certmuster-collectd gone", &gone->db, error);
    char sql[256];
    snprintf(sql, sizeof sql,
             "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min';"
             "SET client_connection_check_interval = '5s'; SET certmuster.gone_after = %lld",
             (long long)config_integer(gone->settings->config, "gone.after"));
    return code ? code : db_exec(gone->db, sql, error);
}

/* That the database is away, or of another version, the judge says. */
static int do_round(void *context)
{
    static const struct upkeep_task tasks[] = {{"gone", "200 milliseconds", count}, {"absences", "1 hour", tidy}};
    struct gone *gone = context;
    struct cm_error error = {0};
    int code = connect_again(gone, &error);
    for (size_t i = 0; !code && i < sizeof tasks / sizeof tasks[0]; i++) {
        code = upkeep_task(gone->db, &tasks[i], &error);
        if (code && code != CM_EVERSION && db_alive(gone->db)) {
            log_event(LOG_LEVEL_WARN, "upkeep_put_off", "task=%s %s", tasks[i].name, log_error(&error));
            code = 0;
        }
    }
    return (int)config_integer(gone->settings->config, "collector.judge_interval");
}

static void end(void *context)
{
    struct gone *gone = context;
    db_close(gone->db);
    gone->db = NULL;
}

int gone_new(const struct settings *settings, struct gone **out, struct cm_error *error)
{
    struct gone *gone = cm_calloc(1, sizeof *gone);
    gone->settings = settings;
    gone->rounds = rounds_new(do_round, end, gone);
    if (!gone->rounds) {
        free(gone);
        return error_set(error, CM_EIO, 0, "cannot start threads");
    }
    *out = gone;
    return 0;
}

bool gone_stop(struct gone *gone, int timeout_ms)
{
    return rounds_stop(gone->rounds, timeout_ms);
}

void gone_free(struct gone *gone)
{
    if (!gone)
        return;
    rounds_free(gone->rounds);
    free(gone);
}
