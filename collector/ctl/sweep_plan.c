/* Plans of sweeps and limits of realms: made, changed and taken away, each with its row in the audit log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/shard.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/sweep.h"

enum { PLAN_PARAMS = 18, NAME_MAX_BYTES = 100 };

static bool is_plain(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size <= NAME_MAX_BYTES && strcspn(name, "/ \t\r\n\"'\\") == size && *name != '-';
}

/* What every statement below takes, in this order. */
static void fill(const struct sweep_call *call, const char *targets, const char *actor,
                 const char *params[static PLAN_PARAMS])
{
    const char *const all[PLAN_PARAMS] = {
        call->name,
        call->kind,
        call->realm,
        targets,
        call->known,
        call->seen,
        call->ports,
        sweep_list_text(&call->scanners),
        sweep_list_text(&call->arguments),
        call->shard,
        call->has_lasts ? call->lasts : NULL,
        call->has_every ? call->every : NULL,
        call->has_window ? call->window_from : NULL,
        call->has_window ? call->window_until : NULL,
        call->has_weekdays ? call->weekdays : NULL,
        actor,
        call->filter,
        call->filter ? call->filter_terms.data : NULL,
    };
    memcpy(params, all, sizeof all);
}

static const char create_sql[] =
    "INSERT INTO sweep_plan (name, kind, realm, targets, known, seen, ports, scanners, arguments, shard_size, lasts, "
    "every, window_start, window_end, weekdays, next_at, created_by, created_at, filter_text, filter)"
    " VALUES ($1, coalesce($2, 'scan'), coalesce($3, 'default'), coalesce($4::text[], '{}'), coalesce($5::boolean, "
    "false), coalesce($6::boolean, false), coalesce($7, '443'), coalesce($8::text[], '{}'), coalesce($9::text[], "
    "'{}'), coalesce($10::integer, 4096), coalesce($11::interval, '7 days'), nullif($12, '')::interval, nullif($13, "
    "'')::time, nullif($14, '')::time, coalesce($15::integer[], '{1,2,3,4,5,6,7}'), CASE WHEN nullif($12, '') IS NOT "
    "NULL THEN now() END, $16, now(), coalesce($17, ''), coalesce($18::jsonb, '[]'))"
    " ON CONFLICT DO NOTHING";

/* A plan that is told to come by itself is due at once; one that already did keeps its time, but waits no longer than it comes apart. */
static const char edit_sql[] =
    "UPDATE sweep_plan SET realm = coalesce($3, realm), targets = coalesce($4::text[], targets), known = "
    "coalesce($5::boolean, known), seen = coalesce($6::boolean, seen), ports = coalesce($7, ports), scanners = "
    "coalesce($8::text[], scanners), arguments = coalesce($9::text[], arguments), shard_size = coalesce($10::integer, "
    "shard_size), lasts = coalesce($11::interval, lasts),"
    " every = CASE WHEN $12::text IS NULL THEN every ELSE nullif($12, '')::interval END,"
    " next_at = CASE WHEN $12::text IS NULL THEN next_at WHEN $12 = '' THEN NULL WHEN next_at IS NULL THEN now() ELSE "
    "least(next_at, now() + $12::interval) END,"
    " window_start = CASE WHEN $13::text IS NULL THEN window_start ELSE nullif($13, '')::time END,"
    " window_end = CASE WHEN $14::text IS NULL THEN window_end ELSE nullif($14, '')::time END,"
    " weekdays = coalesce($15::integer[], weekdays), filter_text = coalesce($17, filter_text), filter = "
    "coalesce($18::jsonb, filter)"
    " WHERE name = $1 AND kind = coalesce($2, kind) AND $16::text IS NOT NULL";

enum { TOLD_MAX = 20, TOLD_BYTES_MAX = 4096, COUNT_SIZE = 24 };

/* A list as the audit log has it: how many there are, when they are many. */
static const char *told(const struct sweep_list *list, const char *text, char count[static COUNT_SIZE])
{
    snprintf(count, COUNT_SIZE, "%zu", list->count);
    return list->count > TOLD_MAX || (list->count && list->text.size > TOLD_BYTES_MAX) ? count : text;
}

static char *detail_of(const struct sweep_call *call, const struct sweep_list *targets, const char *const *params)
{
    char many[COUNT_SIZE], scanners[COUNT_SIZE], arguments[COUNT_SIZE];
    return audit_detail("kind", call->kind, "realm", call->realm, "targets", told(targets, params[3], many), "known",
                        call->known, "seen", call->seen, "filter", call->filter, "ports", call->ports, "scanners",
                        told(&call->scanners, params[7], scanners), "arguments",
                        told(&call->arguments, params[8], arguments), "shard", call->shard, "deadline", params[10],
                        "every", params[11], "window_from", params[12], "window_until", params[13], "weekdays",
                        params[14], NULL);
}

/* --- What a plan may say ------------------------------------------------------------------------------------------------------------------- */

/* A plan as it stands; of one that is made now, as it begins. */
struct plan {
    bool is_crawl, has_targets, known, seen, has_filter;
};

/* *found: there is such a plan. */
static int read_plan(const struct sweep_call *call, struct db *db, struct plan *out, bool *found)
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    const char *params[] = {call->name};
    int code = db_query(db,
                        "SELECT kind = 'crawl', targets <> '{}', known, seen, filter <> '[]' FROM sweep_plan WHERE "
                        "name = $1",
                        params, 1, &rows, &error);
    *found = !code && db_rows(rows) == 1;
    if (*found)
        *out = (struct plan){db_boolean(rows, 0, 0), db_boolean(rows, 0, 1), db_boolean(rows, 0, 2),
                             db_boolean(rows, 0, 3), db_boolean(rows, 0, 4)};
    db_result_free(rows);
    return code ? ctl_fail(&error, "nothing was changed") : 0;
}

/* What the database's rule for targets says of these. 0 or the exit status. */
static int check_place(const struct sweep_call *call, struct db *db, const char *targets, const char *ports,
                       const char *wrong)
{
    struct cm_error error = {0};
    const char *questions[] = {targets, ports};
    int code = db_query(db, "SELECT count(*) FROM unnest($1::text[]) AS x(target), sweep_target(x.target, $2)",
                        questions, 2, NULL, &error);
    if (code == CM_EMALFORMED && wrong)
        return cli_wrong(call->cli, "%s", wrong);
    if (code == CM_EMALFORMED) {
        const char *what = strstr(error.detail, ": ");
        return cli_wrong(call->cli, "%s", what ? what + 2 : error.detail);
    }
    return code ? ctl_fail(&error, "nothing was changed") : 0;
}

/* What a plan says when this is said of it: "t", "f" or nothing. */
static bool said(const char *now, bool before)
{
    return now ? *now == 't' : before;
}

static int check_scan(const struct sweep_call *call, struct db *db, const struct plan *plan, const char *targets)
{
    bool of_places = said(call->known, plan->known) || said(call->seen, plan->seen);
    if (call->scanners.count)
        return cli_wrong(call->cli, "--scanner says whose files a crawl reads; a scan's shards go to any scanner");
    if (call->not_of_scan)
        return cli_wrong(call->cli, "a scan takes no --pass=%s, but %s", call->not_of_scan, shard_arguments("scan"));
    if (!call->typed.count && (call->no_target || !plan->has_targets) && !of_places)
        return cli_wrong(call->cli, "nothing to sweep: name --target, -f FILE, --known or --seen");
    if ((call->filter ? *call->filter != 0 : plan->has_filter) && !of_places)
        return cli_wrong(call->cli, "--filter narrows --known and --seen down; targets are swept as they are");
    int status =
        call->ports ? check_place(call, db, "{localhost}", call->ports, "--ports takes ports, as 443,8000-8100") : 0;
    return status || !targets ? status : check_place(call, db, targets, call->ports ? call->ports : "443", NULL);
}

static int check_crawl(const struct sweep_call *call, const struct plan *plan)
{
    if (call->known || call->seen || call->ports || call->filter)
        return cli_wrong(call->cli, "a crawl has paths and scanners, no endpoints and ports");
    if (call->not_of_crawl)
        return cli_wrong(call->cli, "a crawl takes no --pass=%s, but %s", call->not_of_crawl, shard_arguments("crawl"));
    if (!call->typed.count && (call->no_target || !plan->has_targets))
        return cli_wrong(call->cli, "a crawl needs the paths that it reads: --target /etc");
    return 0;
}

/* What is said must make sense together with what the plan says already; told before anything is written. */
static int check(const struct sweep_call *call, struct db *db, const struct plan *plan, struct sweep_list *targets)
{
    if (call->no_target && call->typed.count)
        return cli_wrong(call->cli, "--no-target and targets exclude one another");
    int status = sweep_read_targets(call, plan->is_crawl ? "crawl" : "scan", targets);
    if (status)
        return status;
    return plan->is_crawl ? check_crawl(call, plan) : check_scan(call, db, plan, sweep_list_text(targets));
}

/* --- Writing ------------------------------------------------------------------------------------------------------------------------------- */

/* No row was changed: there is no such plan, or there is and `why` says the rest. */
static int unchanged(const struct sweep_call *call, struct db *db, const char *why)
{
    int status = sweep_find(db, call->name, false);
    if (!status)
        say_error("%s %s", call->name, why);
    return status ? status : CM_EXIT_PARTIAL;
}

/* plan: as it stands. */
static int write_plan(const struct sweep_call *call, struct db *db, const struct plan *plan, const char *sql,
                      const char *action, const char *none, const char *word)
{
    char actor[256];
    const char *params[PLAN_PARAMS];
    struct cm_error error = {0};
    int64_t changed = 0;
    struct sweep_list targets = {.count = 0};
    int status = check(call, db, plan, &targets);
    ctl_actor(actor, sizeof actor);
    fill(call, call->no_target ? "{}" : sweep_list_text(&targets), actor, params);
    char *detail = detail_of(call, &targets, params);
    params[1] = plan->is_crawl ? "crawl" : "scan";
    if (!status && audit_act(db, sql, params, PLAN_PARAMS, action, call->name, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        status = unchanged(call, db, none);
    } else if (!status) {
        printf("%s %s\n", word, call->name);
    }
    free(detail);
    sweep_list_done(&targets);
    return status;
}

int sweep_create(const struct sweep_call *call)
{
    if (!is_plain(call->name))
        return cli_wrong(call->cli, "a plan's name has 1 to %d bytes without blanks, quotes and slashes",
                         (int)NAME_MAX_BYTES);
    const struct plan plan = {.is_crawl = call->kind && strcmp(call->kind, "crawl") == 0};
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status)
        status =
            write_plan(call, db, &plan, create_sql, "sweep.create", "is a sweep plan already; try edit", "created");
    db_close(db);
    return status;
}

int sweep_edit(const struct sweep_call *call)
{
    static const char other_kind[] = "is a plan of the other kind";
    struct plan plan;
    struct db *db = NULL;
    bool found = false;
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status)
        status = read_plan(call, db, &plan, &found);
    if (!status && (!found || (call->kind && plan.is_crawl != (strcmp(call->kind, "crawl") == 0))))
        status = unchanged(call, db, other_kind);
    if (!status)
        status = write_plan(call, db, &plan, edit_sql, "sweep.edit", other_kind, "changed");
    db_close(db);
    return status;
}

static int act(const struct sweep_call *call, const char *sql, const char *action, const char *none, const char *word)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    const char *params[] = {call->name};
    int64_t changed = 0;
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status && audit_act(db, sql, params, 1, action, call->name, "{}", &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        status = unchanged(call, db, none);
    } else if (!status) {
        printf("%s %s\n", word, call->name);
    }
    db_close(db);
    return status;
}

static const char just_made[] = "was made this moment; try again";

int sweep_delete(const struct sweep_call *call)
{
    return act(call, "SELECT sweep_plan_delete($1)", "sweep.delete", "has a sweep that is running: cancel that first",
               "deleted");
}

int sweep_enable(const struct sweep_call *call)
{
    return act(call, "UPDATE sweep_plan SET enabled = true WHERE name = $1", "sweep.enable", just_made, "enabled");
}

int sweep_disable(const struct sweep_call *call)
{
    return act(call, "UPDATE sweep_plan SET enabled = false WHERE name = $1", "sweep.disable", just_made, "disabled");
}

int sweep_limit(const struct sweep_call *call)
{
    static const char sql[] =
        "INSERT INTO realm_limit AS r (realm, rate, workers) VALUES ($1, nullif($2, '')::integer, nullif($3, "
        "'')::integer) ON CONFLICT (realm) DO UPDATE SET rate = CASE WHEN $2::text IS NULL THEN r.rate ELSE "
        "excluded.rate END, workers = CASE WHEN $3::text IS NULL THEN r.workers ELSE excluded.workers END";
    struct cm_error error = {0};
    struct db *db = NULL;
    const char *params[] = {call->name, call->rate, call->workers};
    int64_t changed = 0;
    if (!call->rate && !call->workers)
        return cli_wrong(call->cli, "limit needs --rate or --workers");
    int status = sweep_check_realm(call->cli, call->name);
    if (status)
        return status;
    char *detail = audit_detail("rate", call->rate, "workers", call->workers, NULL);
    status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status && audit_act(db, sql, params, 3, "sweep.limit", call->name, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status)
        printf("limited %s\n", call->name);
    db_close(db);
    free(detail);
    return status;
}
