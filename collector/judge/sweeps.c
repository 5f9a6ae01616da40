/* The schedule of sweeps: every few seconds leases whose time is over end, sweeps past their deadline end as they stand, and plans that are due begin. What is due stands in
 * the database (sweep_upkeep() of sql/0013_sweeps.sql); any number of collectors take turns at it, and no cron is needed. Each act leaves its row in the audit log, in the
 * same transaction. */
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

static int keep_up(struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, "SELECT what, plan, detail FROM sweep_upkeep()", NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows); row++)
        code = note(db, db_text(rows, row, 0), db_text(rows, row, 1), db_text(rows, row, 2), error);
    db_result_free(rows);
    return code;
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
