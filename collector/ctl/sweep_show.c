/* Plans and sweeps as people and scripts read them. What is counted, and how, stands in the views of sql/0013_sweeps.sql. */
#include <stdio.h>
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/log.h"
#include "certmuster/table.h"
#include "collector/ctl/sweep.h"

#define WHAT                                                                                                           \
    "concat_ws(', ', CASE WHEN cardinality(p.targets) = 1 THEN p.targets[1] WHEN p.targets <> '{}' THEN "              \
    "cardinality(p.targets) || ' targets' END, CASE WHEN p.known THEN 'known' END, CASE WHEN p.seen THEN 'seen' END, " \
    "nullif(p.filter_text, ''))"
#define ABANDONED "(SELECT count(*) FROM shard s WHERE s.sweep_id = w.sweep_id AND s.state = 'abandoned')"
/* "1 day" and "90 minutes" rather than "24:00:00". */
#define EVERY                                                                                                          \
    "CASE WHEN p.every IS NULL THEN '' ELSE (SELECT CASE WHEN s % 86400 = 0 THEN s / 86400 || 'd' WHEN s % 3600 = 0 "  \
    "THEN s / 3600 || 'h' ELSE s / 60 || 'm' END FROM (SELECT extract(epoch FROM p.every)::bigint AS s) x) END"

static const char plan_json[] =
    "SELECT json_strip_nulls(json_build_object('name', p.name, 'kind', p.kind, 'realm', p.realm, 'targets', p.targets, "
    "'known', p.known, 'seen', p.seen, 'filter', nullif(p.filter_text, ''), 'ports', p.ports, 'scanners', p.scanners, "
    "'arguments', p.arguments, "
    "'shard', p.shard_size, 'deadline_seconds', extract(epoch FROM p.lasts)::bigint, 'every_seconds', "
    "extract(epoch FROM p.every)::bigint, 'window_from', to_char(p.window_start, 'HH24:MI'), 'window_until', "
    "to_char(p.window_end, 'HH24:MI'), 'weekdays', p.weekdays, 'enabled', p.enabled, 'next_at', "
    "utc_text(sweep_plan_next(p)), "
    "'created_by', p.created_by, 'created_at', utc_text(p.created_at), 'limit', (SELECT "
    "json_strip_nulls(json_build_object('rate', r.rate, 'workers', r.workers)) FROM realm_limit r WHERE r.realm = "
    "p.realm), 'last', (SELECT json_build_object('sweep', w.sweep_id, 'state', w.state, 'started_at', "
    "utc_text(w.started_at), 'shards', w.shards, 'abandoned', " ABANDONED
    ") FROM sweep w WHERE w.plan = p.name ORDER BY w.started_at DESC LIMIT 1)))"
    " FROM sweep_plan p WHERE $1::text IS NULL OR p.name = $1 ORDER BY p.name";

/* of_sweeps: they are what is shown, also of a plan that was deleted. */
static int print(const struct sweep_call *call, bool of_sweeps, const char *text, const struct table_column *columns,
                 const char *json, const char *empty)
{
    struct db *db = NULL;
    const char *params[] = {call->name};
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->name)
        status = sweep_find(db, call->name, of_sweeps);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, params, 1);
    else if (!status)
        status = ctl_print_table(db, text, params, 1, columns, empty);
    db_close(db);
    return status;
}

int sweep_list(const struct sweep_call *call)
{
    static const struct table_column columns[] = {
        {"PLAN", false, 8, true},  {"KIND", false, 0, false},   {"REALM", false, 6, true},  {"WHAT", false, 12, true},
        {"EVERY", true, 0, false}, {"WINDOW", false, 0, false}, {"STATE", false, 0, false}, {"NEXT", false, 0, false},
        {"LAST", false, 0, false}, {NULL, false, 0, false}};
    static const char text[] =
        "SELECT p.name, p.kind, p.realm, " WHAT ", " EVERY
        ", sweep_window_text(p), CASE WHEN w.state = 'running' THEN 'running' WHEN p.enabled THEN 'enabled' ELSE "
        "'disabled' END,"
        " CASE WHEN p.enabled THEN to_char(sweep_plan_next(p), 'YYYY-MM-DD HH24:MI') END,"
        " to_char(w.started_at, 'YYYY-MM-DD HH24:MI') || ' ' || w.state || CASE x.abandoned WHEN 0 THEN '' WHEN 1 THEN "
        "', 1 shard abandoned' ELSE ', ' || x.abandoned || ' shards abandoned' END"
        " FROM sweep_plan p LEFT JOIN LATERAL (SELECT * FROM sweep w WHERE w.plan = p.name ORDER BY w.started_at DESC "
        "LIMIT 1) w ON true LEFT JOIN LATERAL (SELECT " ABANDONED
        " AS abandoned) x ON true WHERE $1::text IS NULL OR p.name = $1 ORDER BY p.name";
    return print(call, false, text, columns, plan_json, "no sweep is planned; try certmuster sweep create");
}

int sweep_show(const struct sweep_call *call)
{
    static const struct table_column columns[] = {
        {"WHAT", false, 0, false}, {"", false, 20, true}, {NULL, false, 0, false}};
    static const char text[] =
        "SELECT v.what, v.value FROM sweep_plan p CROSS JOIN LATERAL (VALUES (1, 'plan', p.name), (2, 'kind', p.kind), "
        "(3, 'realm', p.realm), (4, 'targets', array_to_string(p.targets[1:50], ' ') || CASE WHEN "
        "cardinality(p.targets) > 50 THEN ' … ' || cardinality(p.targets) || ' in all' ELSE '' END), (5, 'known', "
        "CASE WHEN p.known THEN 'yes' END), (6, 'seen', CASE WHEN p.seen THEN 'yes' END), (6, 'filter', "
        "p.filter_text), (7, 'ports', CASE WHEN "
        "p.kind = 'scan' THEN p.ports END), (8, 'scanners', array_to_string(p.scanners, ' ')), (9, 'flags', "
        "array_to_string(p.arguments, ' ')), (10, 'shard', p.shard_size::text), (11, 'deadline', p.lasts::text), (12, "
        "'every', " EVERY "), (13, 'window', sweep_window_text(p)), (14, 'enabled', CASE WHEN p.enabled THEN 'yes' "
        "ELSE 'no' END), (15, 'next', to_char(sweep_plan_next(p), "
        "'YYYY-MM-DD HH24:MI:SS')), (16, 'limit', (SELECT concat_ws(', ', r.rate || ' probes/s', r.workers || ' "
        "workers') FROM realm_limit r WHERE r.realm = p.realm)), (17, 'created', to_char(p.created_at, "
        "'YYYY-MM-DD HH24:MI') || ' by ' || p.created_by)) AS v(rank, what, value) WHERE p.name = $1 AND "
        "coalesce(v.value, '') <> '' ORDER BY v.rank";
    return print(call, false, text, columns, plan_json, "it was deleted this moment");
}

static const char sweep_json[] =
    "SELECT json_strip_nulls(json_build_object('sweep', g.sweep_id, 'plan', g.plan, 'kind', g.kind, 'realm', g.realm, "
    "'state', g.state, 'started_by', g.started_by, 'started_at', utc_text(g.started_at), 'finished_at', "
    "utc_text(g.finished_at), 'deadline', utc_text(g.deadline), 'shards', json_build_object('all', g.shards, 'open', "
    "g.open, 'leased', g.leased, 'done', g.done, 'abandoned', g.abandoned), 'probes', g.probes, 'told', g.told, "
    "'rate', g.rate, 'eta', utc_text(g.eta), 'waits', coalesce(sweep_crawl_waits(g.sweep_id), "
    "sweep_waits(g.sweep_id)), 'coverage', json_build_object('probes', "
    "c.probes, 'told', c.told, "
    "'certificate', c.certificate, 'no_certificate', c.no_certificate, 'reached', c.reached, 'refused', c.refused, "
    "'silent', c.silent, 'unreachable', c.unreachable, 'unresolved', c.unresolved, 'other', c.other, 'never', "
    "c.never), 'leases', (SELECT json_agg(json_build_object('shard', v.number, 'scanner', v.scanner, 'lease', "
    "v.lease_id, 'since', utc_text(v.taken_at), 'until', utc_text(v.until), 'attempt', v.attempts, 'probes', v.probes, "
    "'told', v.told) ORDER BY v.number) FROM sweep_shard v WHERE v.sweep_id = g.sweep_id AND v.state = 'leased')))"
    " FROM sweep_progress g JOIN sweep_coverage c ON c.sweep_id = g.sweep_id";

int sweep_history(const struct sweep_call *call)
{
    static const struct table_column columns[] = {
        {"STARTED", false, 0, false}, {"PLAN", false, 8, true},        {"STATE", false, 0, false},
        {"TOOK", true, 0, false},     {"CERTIFICATE", true, 0, false}, {"NONE", true, 0, false},
        {"REFUSED", true, 0, false},  {"SILENT", true, 0, false},      {"UNREACHABLE", true, 0, false},
        {"OTHER", true, 0, false},    {"NEVER", true, 0, false},       {"ABANDONED", true, 0, false},
        {NULL, false, 0, false}};
    static const char text[] = "SELECT to_char(w.started_at, 'YYYY-MM-DD HH24:MI'), w.plan, w.state, " CTL_INTERVAL(
        "(coalesce(w.finished_at, now()) - w.started_at)") ", c.certificate, c.no_certificate, c.refused, c.silent, "
                                                           "c.unreachable, c.other + "
                                                           "c.unresolved, c.never, " ABANDONED
                                                           " FROM (SELECT * FROM sweep w WHERE "
                                                           "$1::text IS NULL OR w.plan = $1 ORDER BY w.started_at "
                                                           "DESC LIMIT 50) w JOIN sweep_coverage c ON c.sweep_id = "
                                                           "w.sweep_id ORDER BY w.started_at DESC";
    char json[4096];
    snprintf(json, sizeof json,
             "%s WHERE g.sweep_id IN (SELECT w.sweep_id FROM sweep w WHERE $1::text IS NULL OR w.plan = $1 ORDER BY "
             "w.started_at DESC LIMIT 50) ORDER BY g.started_at DESC",
             sweep_json);
    return print(call, true, text, columns, json, "no sweep was started yet");
}

/* --- One sweep ----------------------------------------------------------------------------------------------------------------------------- */

static const char tell_sql[] =
    "SELECT v.line FROM sweep_progress g JOIN sweep_coverage c ON c.sweep_id = g.sweep_id CROSS JOIN LATERAL (VALUES"
    " (1, g.plan || ': ' || g.state || ', started ' || to_char(g.started_at, 'YYYY-MM-DD HH24:MI:SS') || ' by ' || "
    "g.started_by || coalesce(', ended ' || to_char(g.finished_at, 'YYYY-MM-DD HH24:MI:SS'), '') || ', sweep ' || "
    "g.sweep_id),"
    " (2, 'shards    ' || g.shards || ': ' || g.done || ' done, ' || g.leased || ' under way, ' || g.open || ' open, ' "
    "|| g.abandoned || ' abandoned'),"
    " (3, CASE WHEN g.kind = 'scan' THEN 'probes    ' || g.told || ' of ' || greatest(g.probes, g.told) || ' told' || "
    "CASE WHEN g.state = 'running' THEN coalesce(', ' || g.rate || '/s', '') || coalesce(', done at about ' || "
    "to_char(g.eta, CASE WHEN g.eta < now() + interval '12 hours' THEN 'HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI' END), "
    "'') ELSE '' END END),"
    " (4, 'coverage  ' || c.reached || ' reached (' || c.certificate || ' with a certificate), ' || c.refused || ' "
    "refused, ' || c.silent || ' silent, ' || c.unreachable || ' unreachable, ' || c.unresolved || ' unresolved, ' || "
    "c.other || ' other, ' || c.never || ' never tried'), (5, 'waits     ' || coalesce(sweep_crawl_waits(g.sweep_id), "
    "sweep_waits(g.sweep_id)))) AS v(rank, "
    "line) WHERE g.sweep_id = $1 AND v.line IS NOT "
    "NULL ORDER BY v.rank";

static const char held_sql[] =
    "SELECT v.number, v.scanner, v.attempts, to_char(v.taken_at, CASE WHEN v.taken_at > now() - interval '12 hours' "
    "THEN 'HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI' END), to_char(v.until, CASE WHEN v.until < now() + interval '12 "
    "hours' THEN 'HH24:MI:SS' ELSE 'YYYY-MM-DD HH24:MI' END), v.told "
    "|| CASE WHEN v.probes > 0 THEN ' of ' || v.probes ELSE '' END FROM sweep_shard v WHERE v.sweep_id = $1 AND "
    "v.state = 'leased' ORDER BY v.number";

static int print_line(const struct db_result *row, void *context)
{
    struct buf *shown = context;
    buf_reset(shown);
    escape_terminal(shown, db_text(row, 0, 0), db_text_size(row, 0, 0), false);
    puts(shown->data);
    return 0;
}

int sweep_tell(struct db *db, const char *id)
{
    static const struct table_column columns[] = {{"SHARD", true, 0, false},   {"SCANNER", false, 8, true},
                                                  {"ATTEMPT", true, 0, false}, {"SINCE", false, 0, false},
                                                  {"UNTIL", false, 0, false},  {"TOLD", false, 0, false},
                                                  {NULL, false, 0, false}};
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    struct buf shown;
    const char *params[] = {id};
    buf_init(&shown, 64 * 1024);
    int code = db_each(db, tell_sql, params, 1, print_line, &shown, &error);
    buf_done(&shown);
    if (!code)
        code = db_query(db, held_sql, params, 1, &rows, &error);
    bool any = !code && db_rows(rows) > 0;
    db_result_free(rows);
    if (code)
        return ctl_fail(&error, "cannot read the inventory");
    return any ? ctl_print_table(db, held_sql, params, 1, columns, "") : CM_EXIT_OK;
}

/* Those that run, else the last one of each plan; of a name, the last one of that plan, or the sweep of that id. */
static const char which_sql[] =
    "SELECT x.sweep_id FROM (SELECT w.sweep_id, w.state, w.started_at, row_number() OVER (PARTITION BY w.plan ORDER BY "
    "w.started_at DESC) AS age, bool_or(w.state = 'running') OVER () AS any FROM sweep w WHERE $1::text IS NULL OR "
    "w.plan = $1 OR w.sweep_id::text = $1) x WHERE CASE WHEN x.any AND $1::text IS NULL THEN x.state = 'running' ELSE "
    "x.age = 1 END ORDER BY x.started_at";

int sweep_status(const struct sweep_call *call)
{
    char json[4096];
    struct cm_error error = {0};
    struct db *db = NULL;
    struct db_result *rows = NULL;
    const char *params[] = {call->name};
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->name)
        status = sweep_find(db, call->name, true);
    if (!status && call->format == CTL_JSON) {
        snprintf(json, sizeof json, "%s WHERE g.sweep_id IN (%s) ORDER BY g.started_at", sweep_json, which_sql);
        status = ctl_print_json(db, json, params, 1);
    } else if (!status && db_query(db, which_sql, params, 1, &rows, &error) != 0) {
        status = ctl_fail(&error, "cannot read the inventory");
    } else if (!status && db_rows(rows) == 0) {
        puts(call->name ? "no sweep of that plan was started yet" : "no sweep was started yet");
        status = call->name ? CM_EXIT_PARTIAL : CM_EXIT_OK;
    }
    for (size_t row = 0; status <= CM_EXIT_PARTIAL && rows && row < db_rows(rows); row++) {
        int undone = call->wait ? sweep_follow(db, db_text(rows, row, 0), call->cli->verbose < 0) : CM_EXIT_OK;
        int told = undone <= CM_EXIT_PARTIAL ? sweep_tell(db, db_text(rows, row, 0)) : undone;
        status = told > undone ? told : undone > status ? undone : status;
    }
    db_result_free(rows);
    db_close(db);
    return status;
}
