/* What has to be done now and then, by one collector however many there are: each task is a row of table upkeep, whose lock is the turn. A task
 * that fails is rolled back with its turn and comes again. */
#include <stdio.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/session.h"
#include "collector/judge/judge.h"
#include "collector/transaction.h"

enum { DAY_SECONDS = 24 * 60 * 60 };

/* Observation that is older than 30 days and was not folded yet is kept until it is. */
static int tell_of_unfolded(struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, "SELECT count(*) FROM observation_old() WHERE NOT folded", NULL, 0, &rows, error);
    if (!code && db_integer(rows, 0, 0) > 0)
        log_event(LOG_LEVEL_WARN, "observation_unfolded", "days=%lld reason=\"kept until it is folded\"",
                  (long long)db_integer(rows, 0, 0));
    db_result_free(rows);
    return code;
}

/* Tomorrow's partition is made ahead; those whose 30 days are over, and which are folded, are dropped. Dropping waits for
 * readers: two seconds at most. */
static int partitions(struct db *db, struct cm_error *error)
{
    int64_t now_ms = 0;
    int code = database_clock(db, &now_ms, error);
    int64_t today = now_ms / 1000 / DAY_SECONDS;
    if (!code)
        code = db_exec(db, "SET LOCAL lock_timeout = '2s'", error);
    for (int64_t day = today; !code && day <= today + 1; day++)
        code = partition_create(db, day, error);
    if (!code)
        code = db_exec(db, "SELECT observation_forget()", error);
    return code ? code : tell_of_unfolded(db, error);
}

static int keys(struct db *db, struct cm_error *error)
{
    return db_exec(db,
                   "DELETE FROM batch WHERE batch_key IN (SELECT b.batch_key FROM batch b"
                   " WHERE b.received_at < now() - interval '400 days' LIMIT 20000)",
                   error);
}

/* A lost run never counts as having looked: absences that it alone speaks for are taken back. */
static int lost_runs(struct db *db, struct cm_error *error)
{
    return db_exec(
        db,
        "WITH back AS (UPDATE sighting s SET (absent_runs, absent_run, absent_at) ="
        "       (SELECT count(*), coalesce(array_agg(a.run ORDER BY a.at), '{}'), coalesce(array_agg(a.at "
        "ORDER BY a.at), '{}')"
        "          FROM unnest(s.absent_run, s.absent_at) AS a(run, at)"
        "         WHERE a.run NOT IN (SELECT r.run FROM run_lost r))"
        " WHERE s.closed_at IS NULL AND s.absent_runs > 0"
        "   AND EXISTS (SELECT FROM run_lost r WHERE r.run = ANY (s.absent_run)) RETURNING 1)"
        "UPDATE certificate c SET superseded_at = NULL WHERE c.superseded_at IS NOT NULL AND EXISTS (SELECT FROM back)",
        error);
}

/* Daily, what observation knows of places that fell silent is folded into their rows (sql/0023_fold.sql, 0031_unfolded.sql), a slice of places at a time, each a
 * transaction of its own. A round that did not come to its end within the day goes on. */
static int fold(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT observation_fold_begin()", error);
}

static int fold_slice(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT observation_fold()", error);
}

/* What is nowhere any more is marked, a slice at a time, so that lists do not step over it (sql/0017_year.sql). Where the last slice ended is nobody else's business: whoever starts
 * anew begins with what expired first, which is what matters. */
static int retire(struct db *db, struct cm_error *error)
{
    static char expires[64] = "-infinity", sha256[CM_SHA256_HEX_SIZE] = "";
    struct db_result *rows = NULL;
    const char *params[] = {expires, sha256};
    int code = db_query(db,
                        "SELECT after_expires, encode(after_sha256, 'hex') FROM certificates_retire($1, decode($2, "
                        "'hex'), 5000)",
                        params, 2, &rows, error);
    bool more = !code && db_rows(rows) == 1 && !db_is_null(rows, 0, 1);
    if (!code) {
        snprintf(expires, sizeof expires, "%s", more ? db_text(rows, 0, 0) : "-infinity");
        snprintf(sha256, sizeof sha256, "%s", more ? db_text(rows, 0, 1) : "");
    }
    db_result_free(rows);
    return code;
}

static int take_back(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT certificates_return()", error);
}

static int clock_set_right(struct db *db, struct cm_error *error)
{
    return db_exec(db, "SELECT clock_set_right()", error);
}

static const struct upkeep_task tasks[] = {
    {"clock", "1 minute", clock_set_right},
    {"partitions", "1 hour", partitions},
    {"keys", "1 hour", keys},
    {"lost_runs", "1 hour", lost_runs},
    {"fold", "1 day", fold},
    {"fold_slice", "10 seconds", fold_slice},
    {"retire", "50 seconds", retire},
    {"return", "1 day", take_back},
};

/* In a transaction: whether the task is due and nobody else is at it. What was done at a time that is yet to come was done when the
 * database's clock was ahead: it is due at once. The clock that goes on in a transaction is asked, for another's may have begun later. */
static int take_turn(struct db *db, const char *name, const char *every, bool *mine, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {name, every};
    int code = db_query(db,
                        "UPDATE upkeep SET done_at = now() WHERE task = (SELECT u.task FROM upkeep u"
                        " WHERE u.task = $1 AND (u.done_at < now() - $2::interval"
                        " OR u.done_at > clock_timestamp() AND isfinite(u.done_at)) FOR UPDATE SKIP LOCKED)",
                        params, 2, &rows, error);
    *mine = !code && db_affected(rows) == 1;
    db_result_free(rows);
    return code;
}

int upkeep_task(struct db *db, const struct upkeep_task *task, struct cm_error *error)
{
    bool mine = false;
    int code = transaction_begin(db, error);
    if (!code)
        code = take_turn(db, task->name, task->every, &mine, error);
    if (!code && mine)
        code = task->run(db, error);
    return transaction_end(db, code, error);
}

int upkeep_round(struct db *db, struct cm_error *error)
{
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        int code = upkeep_task(db, &tasks[i], error);
        if (code == CM_EVERSION || (code && !db_alive(db)))
            return code;
        if (code) /* the next task may fare better, and this one comes again */
            log_event(LOG_LEVEL_WARN, "upkeep_put_off", "task=%s %s", tasks[i].name, log_error(error));
    }
    return 0;
}
