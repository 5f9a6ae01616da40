/* `certmuster sweep`: what is looked at, when, and how far it came. The verbs that start and end a sweep; plans are made in
 * sweep_plan.c, shown in sweep_show.c. */
#include "collector/ctl/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/log.h"
#include "certmuster/progress.h"
#include "collector/ctl/audit.h"

enum { ID_SIZE = 40, LOOK_MS = 500 };

static const struct cli_program program = {
    .name = "certmuster sweep",
    .summary =
        "Sweeps that the scanners of the fleet share: a plan says what and when, workers take it shard by shard.",
    .usage =
        (const char *const[]){
            "create|edit NAME [--target TARGET]... [-f FILE] [--known] [--seen] [--filter EXPR] [OPTIONS]", "list",
            "show NAME", "start NAME [--wait]", "status [NAME|ID] [--wait]", "history [NAME]", "cancel NAME|ID",
            "enable|disable|delete NAME", "limit REALM [--rate N] [--workers N]", NULL},
    .options = sweep_options,
    .examples =
        (const char *const[]){
            "certmuster sweep create dc1 --target 192.0.2.0/24 --target 198.51.100.0/24:443,8443 --every 24h",
            "certmuster sweep create nightly --known --every 24h --window 22:00-06:00 --days mon-fri",
            "certmuster sweep create late --known --filter status:expiring --every 1h",
            "certmuster sweep create files --kind crawl --target /etc --target /opt",
            "certmuster sweep start dc1 --wait     # now, whatever its schedule says",
            "certmuster sweep status               # progress, coverage, who has what",
            "certmuster sweep limit dmz --rate 500 --workers 2", NULL},
    .more =
        "Work is done by certmuster-submit --worker scan|crawl on the scanners. A shard whose worker dies is given to "
        "another, and not back while others are at work; five failures abandon it. Coverage counts each place of a "
        "shard that is done once: with a "
        "certificate, without, refused, silent, unreachable, unresolved, other; never tried is what is left. A "
        "place is gone after as many sweeps as gone.after says that found it refused, or its name unresolved because "
        "it does not exist; silence and what is unreachable never say so. Times are UTC. Exit status: 0 done; 1 what "
        "was "
        "asked for is not there, start found nothing to sweep, or --wait saw something left undone; 2 wrong use; 3 the "
        "inventory could not be reached.",
};

/* The first value of the first row, "" when there is none or it is NULL. */
static int ask(struct db *db, const char *sql, const char *const *params, size_t count, char *out, size_t size,
               struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, sql, params, count, &rows, error);
    snprintf(out, size, "%s", !code && db_rows(rows) ? db_text(rows, 0, 0) : "");
    db_result_free(rows);
    return code;
}

static int say_no_plan(const char *name)
{
    say_error("there is no sweep plan '%s'", name);
    return CM_EXIT_PARTIAL;
}

int sweep_find(struct db *db, const char *name, bool or_sweep)
{
    char found[8];
    struct cm_error error = {0};
    const char *params[] = {name, or_sweep ? "t" : "f"};
    int code = ask(db,
                   "SELECT EXISTS (SELECT FROM sweep_plan p WHERE p.name = $1) OR ($2::boolean AND EXISTS (SELECT FROM "
                   "sweep w WHERE w.plan = $1 OR w.sweep_id::text = $1))",
                   params, 2, found, sizeof found, &error);
    if (code)
        return ctl_fail(&error, "cannot read the inventory");
    return found[0] == 't' ? CM_EXIT_OK : say_no_plan(name);
}

/* --- Start -------------------------------------------------------------------------------------------------------------------------------- */

/* id "": one is running. CM_ENOTFOUND: there is no such plan. */
static int begin(struct db *db, const char *plan, char id[static ID_SIZE], struct cm_error *error)
{
    char actor[256], found[8];
    ctl_actor(actor, sizeof actor);
    const char *params[] = {plan, actor};
    int code = db_exec(db, "BEGIN", error);
    if (!code)
        code = ask(db, "SELECT 't' FROM sweep_plan WHERE name = $1", params, 1, found, sizeof found, error);
    if (!code && !found[0])
        code = error_set(error, CM_ENOTFOUND, 0, "there is no such sweep plan");
    if (!code)
        code = ask(db, "SELECT sweep_start($1, $2)", params, 2, id, ID_SIZE, error);
    if (!code && id[0]) {
        char *detail = audit_detail("sweep", id, NULL);
        code = audit_note(db, "sweep.start", plan, detail, error);
        free(detail);
    }
    if (!code)
        return db_exec(db, "COMMIT", error);
    db_rollback(db);
    return code;
}

int sweep_follow(struct db *db, const char *id, bool quiet)
{
    static const char sql[] = "SELECT CASE WHEN state = 'running' THEN 'running' WHEN state = 'finished' AND abandoned "
                              "= 0 THEN 'whole' ELSE 'part' END, told, probes FROM sweep_progress WHERE sweep_id = $1";
    struct progress progress;
    struct cm_error error = {0};
    const char *params[] = {id};
    int status = -1;
    progress_init(&progress, "probes", quiet);
    while (status < 0) {
        struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
        struct db_result *rows = NULL;
        if (db_query(db, sql, params, 1, &rows, &error) != 0 || db_rows(rows) != 1)
            status = ctl_fail(&error, "cannot follow the sweep; it goes on");
        else if (strcmp(db_text(rows, 0, 0), "running") != 0)
            status = strcmp(db_text(rows, 0, 0), "whole") == 0 ? CM_EXIT_OK : CM_EXIT_PARTIAL;
        else
            progress_update(&progress, (uint64_t)db_integer(rows, 0, 1), (uint64_t)db_integer(rows, 0, 2), 0);
        db_result_free(rows);
        if (status < 0)
            nanosleep(&pause, NULL);
    }
    progress_clear(&progress);
    return status;
}

/* Why a sweep of this plan has no shard. Targets always make one: what is left are known and seen places, and scanners that crawl. */
static const char why_empty_sql[] =
    "SELECT CASE WHEN p.kind = 'crawl' AND p.scanners <> '{}' THEN 'none of the scanners that the plan names may look "
    "at realm ' || p.realm"
    " WHEN p.kind = 'crawl' AND EXISTS (SELECT FROM scanner s WHERE NOT s.disabled AND p.realm = ANY (s.realms)) THEN "
    "'no scanner of realm ' || p.realm || ' crawled or asked for crawl work these 7 days (certmuster-submit --worker "
    "crawl)'"
    " WHEN p.kind = 'crawl' THEN 'no scanner of realm ' || p.realm || ' is known'"
    " WHEN n.places > 0 THEN 'the filter lets none of ' || n.places || ' endpoints of realm ' || p.realm || ' pass: ' "
    "|| p.filter_text"
    " ELSE 'in realm ' || p.realm || ' ' || concat_ws(', and ', CASE WHEN p.known THEN 'no endpoint ever showed a "
    "certificate' END, CASE WHEN p.seen THEN 'watch saw no endpoint that hides its certificate' END) END"
    "  FROM sweep_plan p"
    " CROSS JOIN LATERAL (SELECT CASE WHEN p.filter <> '[]' THEN (SELECT sum(x.probes) FROM "
    "sweep_pieces(jsonb_populate_record(p, '{\"filter\": []}')) x) END AS places) n"
    " WHERE p.name = $1";

/* A sweep that has nothing to do is over when it begins, and nobody must take that for having looked. */
static int tell_empty(struct db *db, const char *plan)
{
    char why[1024];
    struct cm_error error = {0};
    if (ask(db, why_empty_sql, &plan, 1, why, sizeof why, &error) != 0)
        return ctl_fail(&error, "nothing to sweep, and why cannot be read");
    say_error("nothing to sweep: %s", *why ? why : "the plan is gone");
    return CM_EXIT_PARTIAL;
}

static int start(const struct sweep_call *call)
{
    char id[ID_SIZE] = "", what[128];
    struct cm_error error = {0};
    struct db *db = NULL;
    const char *params[] = {id};
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    int code = status ? 0 : begin(db, call->name, id, &error);
    if (code == CM_ENOTFOUND) {
        status = say_no_plan(call->name);
    } else if (code) {
        status = ctl_fail(&error, "cannot start %s", call->name);
    } else if (!status && !id[0]) {
        say_error("a sweep of %s is running already", call->name);
        status = CM_EXIT_PARTIAL;
    } else if (!status) {
        code = ask(db,
                   "SELECT shards || ' shards' || CASE WHEN kind = 'scan' THEN ', ' || probes || ' probes' ELSE '' END"
                   " FROM sweep WHERE sweep_id = $1",
                   params, 1, what, sizeof what, &error);
        printf("started %s: %s, sweep %s\n", call->name, code ? "" : what, id);
        fflush(stdout);
        if (!code && strncmp(what, "0 ", 2) == 0)
            status = tell_empty(db, call->name);
        else if (call->wait)
            status = sweep_follow(db, id, call->cli->verbose < 0);
        if (call->wait && status <= CM_EXIT_PARTIAL)
            (void)sweep_tell(db, id);
    }
    db_close(db);
    return status;
}

/* --- Cancel ------------------------------------------------------------------------------------------------------------------------------- */

static int end_sweep(struct db *db, const char *name, char id[static ID_SIZE], struct cm_error *error)
{
    char plan[256] = "", ended[8] = "";
    const char *params[] = {name}, *ids[] = {id};
    int code = db_exec(db, "BEGIN", error);
    if (!code)
        code =
            ask(db, "SELECT sweep_id FROM sweep WHERE (plan = $1 OR sweep_id::text = $1) AND state = 'running' LIMIT 1",
                params, 1, id, ID_SIZE, error);
    if (!code && id[0])
        code = ask(db, "SELECT plan FROM sweep WHERE sweep_id = $1", ids, 1, plan, sizeof plan, error);
    if (!code && id[0])
        code = ask(db, "SELECT sweep_end($1, 'cancelled')", ids, 1, ended, sizeof ended, error);
    if (!code && ended[0] == 't') {
        char *detail = audit_detail("sweep", id, NULL);
        code = audit_note(db, "sweep.cancel", plan, detail, error);
        free(detail);
    } else if (!code) {
        id[0] = 0;
    }
    if (!code)
        return db_exec(db, "COMMIT", error);
    db_rollback(db);
    return code;
}

static int cancel(const struct sweep_call *call)
{
    char id[ID_SIZE] = "";
    struct cm_error error = {0};
    struct db *db = NULL;
    int code = CM_ECONFLICT, status = ctl_connect(call->cli, "certmuster_operate", &db);
    for (int tries = 0; !status && code == CM_ECONFLICT && tries < 5; tries++) /* scanners report at the same time */
        code = end_sweep(db, call->name, id, &error);
    if (!status && code) {
        status = ctl_fail(&error, "nothing was changed");
    } else if (!status && !id[0]) {
        status = sweep_find(db, call->name, true);
        if (!status)
            say_error("no sweep of '%s' is running", call->name);
        status = status ? status : CM_EXIT_PARTIAL;
    } else if (!status) {
        printf("cancelled %s, sweep %s\n", call->name, id);
    }
    db_close(db);
    return status;
}

/* --- Dispatch ----------------------------------------------------------------------------------------------------------------------------- */

enum { NAME_NONE, NAME_MAYBE, NAME_NEEDED };

#define OF_A_PLAN "kind realm target file known seen filter ports scanner pass shard every window days deadline"

static const struct verb {
    const char *name;
    int operand;
    const char *flags; /* that it takes */
    int (*run)(const struct sweep_call *call);
} verbs[] = {
    {"create", NAME_NEEDED, OF_A_PLAN, sweep_create},
    {"edit", NAME_NEEDED, OF_A_PLAN " no-target no-known no-seen", sweep_edit},
    {"list", NAME_NONE, "format", sweep_list},
    {"show", NAME_NEEDED, "format", sweep_show},
    {"start", NAME_NEEDED, "wait", start},
    {"status", NAME_MAYBE, "wait format", sweep_status},
    {"history", NAME_MAYBE, "format", sweep_history},
    {"cancel", NAME_NEEDED, "", cancel},
    {"enable", NAME_NEEDED, "", sweep_enable},
    {"disable", NAME_NEEDED, "", sweep_disable},
    {"delete", NAME_NEEDED, "", sweep_delete},
    {"limit", NAME_NEEDED, "rate workers", sweep_limit},
};

static int dispatch(struct cli *cli, struct sweep_call *call)
{
    static const char words[] =
        "create, edit, list, show, start, status, history, cancel, enable, disable, delete or limit";
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: %s", words);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        if (cli->operand_count > 2 || (verbs[i].operand == NAME_NONE && cli->operand_count > 1))
            return cli_wrong(cli, "%s takes no '%s'", verbs[i].name, cli->operands[cli->operand_count - 1]);
        if (verbs[i].operand == NAME_NEEDED && cli->operand_count < 2)
            return cli_wrong(cli, "%s needs the name of a %s", verbs[i].name,
                             verbs[i].run == sweep_limit ? "realm" : "plan");
        call->name = cli->operand_count == 2 ? cli->operands[1] : NULL;
        int status = ctl_begin_verb(cli, verbs[i].name, verbs[i].flags);
        return status ? status : verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': %s", cli->operands[0], words);
}

int sweep_command(int argc, char **argv)
{
    struct cli cli;
    struct sweep_call call = {.cli = &cli, .format = CTL_TEXT};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, sweep_read_option, &call);
    if (!status)
        status = dispatch(&cli, &call);
    sweep_typed_done(&call.typed);
    sweep_list_done(&call.scanners);
    sweep_list_done(&call.arguments);
    sweep_filter_done(&call);
    cli_done(&cli);
    return status;
}
