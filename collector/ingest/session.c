/* Connections of ingest: backoff, staging tables, day partitions. */
#include "collector/ingest/session.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/transaction.h"

enum { PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 5000, DAY_SECONDS = 24 * 60 * 60 };

static const unsigned char stage_sql[] = {
#include "gen/collector/ingest/stage.sql.inc"
    0};

/* Lookups by index into tables of millions must not lose against reading them whole, whatever the server believes of its disks. What hangs
 * longer than ten minutes is given up and answered 503; what a collector was doing that is gone ends within seconds. What was answered 200 is gone from the sender's spool: it must be on the disk, however quick a server is set to be. */
static const char settings_sql[] =
    "SET random_page_cost = 1.1; SET work_mem = '64MB'; SET temp_buffers = '32MB'; SET jit = off; "
    "SET statement_timeout = '10min'; SET lock_timeout = '5min'; SET client_connection_check_interval = '5s'; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

void session_init(struct session *session, const struct settings *settings)
{
    *session = (struct session){.settings = settings, .pause_ms = PAUSE_FIRST_MS, .day = -1};
}

void session_done(struct session *session)
{
    db_close(session->db);
    session->db = NULL;
}

static int connect_again(struct session *session, struct cm_error *error)
{
    session_done(session);
    if (clock_monotonic_ms() < session->next_try_ms)
        return error_set(error, session->away_code, 0, session->away_reason);
    int code = settings_connect(session->settings, "certmuster-collectd ingest", &session->db, error);
    if (!code)
        code = db_exec(session->db, settings_sql, error);
    if (!code)
        code = db_exec(session->db, (const char *)stage_sql, error);
    if (code) {
        session_done(session);
        session->next_try_ms = clock_monotonic_ms() + session->pause_ms;
        session->pause_ms = session->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : session->pause_ms * 2;
        session->away_code = code == CM_EVERSION ? CM_EVERSION : CM_EIO;
        session->away_reason = code == CM_EVERSION ? error->reason : "the database is away";
        error->reason = session->away_reason;
        return error->code = session->away_code;
    }
    session->pause_ms = PAUSE_FIRST_MS;
    session->day = -1;
    return 0;
}

int session_ready(struct session *session, struct cm_error *error)
{
    return session->db && db_alive(session->db) ? transaction_version(session->db, error)
                                                : connect_again(session, error);
}

int database_clock(struct db *db, int64_t *now_ms, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", NULL, 0, &rows, error);
    if (!code)
        *now_ms = db_integer(rows, 0, 0);
    db_result_free(rows);
    return code;
}

int partition_create(struct db *db, int64_t day, struct cm_error *error)
{
    char date[TIMEFMT_SIZE];
    timefmt_date(date, day * DAY_SECONDS);
    const char *params[] = {date};
    return db_query(db, "SELECT observation_day($1::date)", params, 1, NULL, error);
}

int session_partition(struct session *session, int64_t now_ms, struct cm_error *error)
{
    int64_t day = now_ms / 1000 / DAY_SECONDS;
    if (day == session->day)
        return 0;
    int code = transaction_begin(session->db, error);
    if (!code)
        code = partition_create(session->db, day, error);
    code = transaction_end(session->db, code, error);
    if (!code)
        session->day = day;
    return code;
}
