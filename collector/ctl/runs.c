/* `certmuster run list`: what the scanners did, and whether everything they counted was stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/table.h"
#include "collector/ctl/ctl.h"

enum { OPTION_LIMIT = 'n', OPTION_FORMAT = 1000, LIMIT_MAX = 100000 };

static const struct cli_program program = {
    .name = "certmuster run",
    .summary = "What the scanners did: one line per run, newest first.",
    .usage = (const char *const[]){"list [-n COUNT] [--format text|json]", NULL},
    .options = (const struct cli_option[]){{OPTION_LIMIT, "limit", "COUNT", "How many runs (20)."},
                                           {OPTION_FORMAT, "format", "text|json", "How to print."},
                                           {0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster run list", NULL},
    .more = "TARGETS, OK and FAILED are the scanner's own count; STORED is what the collector stored of that run, "
            "sightings + failures. A run that has not finished "
            "within 24 hours, or by the end of its lease, is lost: it never counts as having looked. Exit status: 0 "
            "done; 2 wrong use; 3 the "
            "inventory could not be reached.",
};

struct run_call {
    enum ctl_format format;
    const char *limit;
};

#define STATE                                                                                                          \
    "CASE WHEN finished_at IS NOT NULL THEN CASE WHEN interrupted THEN 'interrupted' ELSE 'finished' END"              \
    "     WHEN run IN (SELECT l.run FROM run_lost l) THEN 'lost' ELSE 'started' END"
#define NEWEST " FROM run ORDER BY coalesce(started_at, finished_at) DESC NULLS LAST, run DESC LIMIT $1::integer"

static int list(const struct cli *cli, const struct run_call *call)
{
    static const struct table_column columns[] = {
        {"STARTED", false, 0, false}, {"SOURCE", false, 0, false}, {"SCANNER", false, 8, true},
        {"STATE", false, 0, false},   {"TOOK", true, 0, false},    {"TARGETS", true, 0, false},
        {"OK", true, 0, false},       {"FAILED", true, 0, false},  {"STORED", true, 0, false},
        {"RUN", false, 0, false},     {NULL, false, 0, false}};
    static const char text[] = "SELECT to_char(started_at, 'YYYY-MM-DD HH24:MI:SS'), source, scanner, " STATE
                               ", " CTL_INTERVAL("(finished_at - started_at)") ", targets, ok, failed, stored_ok || ' "
                                                                               "+ ' || stored_failed, run" NEWEST;
    static const char json[] = "SELECT json_strip_nulls(json_build_object('run', run, 'source', source, 'scanner', "
                               "scanner, 'host', host, 'state', " STATE ","
                               " 'started_at', to_char(started_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
                               "'finished_at', to_char(finished_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
                               " 'targets', targets, 'ok', ok, 'failed', failed, 'stored_ok', stored_ok, "
                               "'stored_failed', stored_failed, 'args', args))" NEWEST;
    struct db *db = NULL;
    const char *params[] = {call->limit};
    int status = ctl_connect(cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, params, 1);
    else if (!status)
        status = ctl_print_table(db, text, params, 1, columns, "no run yet; try certmuster scan --local");
    db_close(db);
    return status;
}

static int read_option(struct cli *cli, int id, void *context)
{
    struct run_call *call = context;
    if (id == OPTION_FORMAT)
        return ctl_format(cli, &call->format);
    char *end;
    long limit = strtol(cli->argument, &end, 10);
    if (*end || end == cli->argument || limit < 1 || limit > LIMIT_MAX)
        return cli_wrong(cli, "-n is a number from 1 to %d, not '%s'", (int)LIMIT_MAX, cli->argument);
    call->limit = cli->argument;
    return 0;
}

int run_command(int argc, char **argv)
{
    struct cli cli;
    struct run_call call = {.format = CTL_TEXT, .limit = "20"};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &call);
    if (!status && (cli.operand_count != 1 || strcmp(cli.operands[0], "list") != 0))
        status = cli_wrong(&cli, "say what to do: list");
    if (!status)
        status = list(&cli, &call);
    cli_done(&cli);
    return status;
}
