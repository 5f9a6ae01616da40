/* Places that vanish: what runs that are whole say of absence is counted, and what was missed by as many sweeps as gone.after says is
 * marked as gone. All of it is sql/0015_gone.sql, 0026_gone.sql and 0032_crawls.sql; any number of collectors take turns at it. Nothing is done for a place that is there.
 *
 * When many vanish at once what all batches told of them is read, which takes seconds: a clerk does it, so that verdicts, sweeps and alerts do not wait. */
#include <stdio.h>

#include "certmuster/log.h"
#include "collector/judge/judge.h"

static int take(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT gone_take()", error);
}

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

static int do_round(struct db *db, void *context, struct cm_error *error)
{
    static const struct upkeep_task tasks[] = {
        {"gone_take", "200 milliseconds", take}, {"gone", "200 milliseconds", count}, {"absences", "1 hour", tidy}};
    int code = 0;
    (void)context;
    for (size_t i = 0; !code && i < sizeof tasks / sizeof tasks[0]; i++) {
        code = upkeep_task(db, &tasks[i], error);
        if (code && code != CM_EVERSION && db_alive(db)) {
            log_event(LOG_LEVEL_WARN, "upkeep_put_off", "task=%s %s", tasks[i].name, log_error(error));
            code = 0;
        }
    }
    return code;
}

/* No statement of a clerk goes on for longer than ten minutes, on which gone_again() of 0026 relies. */
int gone_clerk(const struct settings *settings, struct clerk **out, struct cm_error *error)
{
    char session[64];
    const struct clerk_work work = {.name = "gone",
                                    .session = session,
                                    .rest_ms = (int)config_integer(settings->config, "collector.judge_interval"),
                                    .round = do_round};
    snprintf(session, sizeof session, "SET certmuster.gone_after = %lld",
             (long long)config_integer(settings->config, "gone.after"));
    return clerk_new(settings, &work, NULL, out, error);
}
