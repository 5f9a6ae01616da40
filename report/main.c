/* certmuster-report: named reports over the inventory, and the evidence for an auditor. Reads, writes files, changes nothing in the
 * inventory; the database role certmuster_read is enough. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cli.h"
#include "certmuster/inventory.h"
#include "certmuster/log.h"
#include "certmuster/suggest.h"
#include "certmuster/timefmt.h"
#include "report/evidence.h"
#include "report/output.h"
#include "report/report.h"

enum { OPTION_WITHIN = 256, OPTION_FILTER, OPTION_OWNER, OPTION_INCLUDE, OPTION_FAIL_ON };

static const int64_t WITHIN_MAX_S = INT64_C(100) * 366 * 86400;

static const struct cli_program program = {
    .name = "certmuster-report",
    .summary = "Says what the inventory holds: what expires next and whom to call, every place, or the evidence for an "
               "auditor.",
    .usage = (const char *const[]){"expiring|inventory [--format FORMAT] [--filter EXPR] [-o FILE]", "evidence -o DIR",
                                   "list", NULL},
    .options =
        (const struct cli_option[]){
            {'f', "format", "FORMAT", "text (default), csv, json, ndjson or html: one file that loads nothing."},
            {OPTION_WITHIN, "within", "PERIOD",
             "expiring: what expires within this time, expired certificates included: 30d (default), 12h, 2w."},
            {OPTION_FILTER, "filter", "EXPR",
             "Only what matches every word: name, subject, issuer, place, owner or fingerprint holds it. name:, "
             "issuer:, "
             "place:, owner:, realm:, key:, fingerprint: look at one of them, status: is expired, expiring, failing, "
             "ok "
             "or gone, any other key is refused; -word turns around, quotes hold words together, * stands for "
             "anything."},
            {OPTION_OWNER, "owner", "NAME", "Only places of this owner; none: places that nobody owns."},
            {OPTION_INCLUDE, "include", "trust",
             "With the trust anchors of trust stores, which are left out otherwise."},
            {'o', "output", "PATH",
             "Write to this file, which appears whole or not at all; evidence: to this directory."},
            {OPTION_FAIL_ON, "fail-on", "match", "Exit 1 when the report has rows."},
            {0, NULL, NULL, NULL},
        },
    .examples =
        (const char *const[]){
            "certmuster-report expiring --within 14d  # what expires next, and whom to call",
            "certmuster-report expiring --filter 'owner:web -status:expired' --format csv -o web.csv",
            "certmuster-report inventory --format html -o inventory.html  # a page to sort and search",
            "certmuster-report evidence -o evidence  # for the auditor", NULL},
    .more = "Exit status: 0 done; 1 --fail-on matched; 2 wrong use; 3 could not do it at all (configuration, "
            "database, disk).",
};

static const struct report *const reports[] = {&report_expiring, &report_inventory, NULL};

static const char *const format_names[] = {[FORMAT_TEXT] = "text",
                                           [FORMAT_CSV] = "csv",
                                           [FORMAT_JSON] = "json",
                                           [FORMAT_NDJSON] = "ndjson",
                                           [FORMAT_HTML] = "html"};

struct options {
    struct request request;
    const char *name;         /* of the report */
    const char *output;       /* NULL: stdout */
    const char *only_reports; /* the last option given that evidence and list do not take */
    bool fail_on_match;
};

/* ---- the command line ---- */

static int read_format(const struct cli *cli, struct options *options)
{
    struct suggest near = {cli->argument, NULL, 0};
    for (size_t i = 0; i < sizeof format_names / sizeof *format_names; i++) {
        if (strcmp(cli->argument, format_names[i]) == 0) {
            options->request.format = (enum format)i;
            return CM_OK;
        }
        suggest_offer(&near, format_names[i]);
    }
    if (near.near)
        return cli_wrong(cli, "unknown format %s; did you mean %s", cli->argument, near.near);
    return cli_wrong(cli, "unknown format %s: one of text, csv, json, ndjson, html", cli->argument);
}

static int read_within(const struct cli *cli, struct options *options)
{
    int64_t ms;
    if (duration_read_ms(cli->argument, INT64_C(86400000), &ms) != CM_OK || ms < 0 || ms / 1000 > WITHIN_MAX_S)
        return cli_wrong(cli, "--within %s is no period: 30d, 12h, 2w, at most 100 years", cli->argument);
    options->request.within = cli->argument;
    options->request.within_s = ms / 1000;
    return CM_OK;
}

static int read_filter(const struct cli *cli, struct options *options)
{
    struct cm_error error = {0};
    filter_done(&options->request.filter);
    if (filter_parse(cli->argument, FILTER_WHOLE, &options->request.filter, &error) != CM_OK)
        return cli_wrong(cli, "--filter, at byte %zu: %s%s%s", error.offset + 1, error.reason,
                         error.detail[0] ? ": " : "", error.detail);
    options->request.filter_text = cli->argument;
    return CM_OK;
}

static int read_option(const struct cli *cli, int id, struct options *options)
{
    if (id != 'o')
        options->only_reports = id == 'f'              ? "--format"
                                : id == OPTION_WITHIN  ? "--within"
                                : id == OPTION_FILTER  ? "--filter"
                                : id == OPTION_OWNER   ? "--owner"
                                : id == OPTION_INCLUDE ? "--include"
                                                       : "--fail-on";
    switch (id) {
    case 'f':
        return read_format(cli, options);
    case OPTION_WITHIN:
        return read_within(cli, options);
    case OPTION_FILTER:
        return read_filter(cli, options);
    case OPTION_OWNER:
        options->request.owner = cli->argument;
        return CM_OK;
    case OPTION_INCLUDE:
        options->request.include_trust = true;
        return strcmp(cli->argument, "trust") == 0 ? CM_OK
                                                   : cli_wrong(cli, "--include takes trust, not %s", cli->argument);
    case OPTION_FAIL_ON:
        options->fail_on_match = true;
        return strcmp(cli->argument, "match") == 0 ? CM_OK
                                                   : cli_wrong(cli, "--fail-on takes match, not %s", cli->argument);
    default:
        options->output = cli->argument;
        return CM_OK;
    }
}

/* The report named, and whether the options go with it. */
static int check_use(const struct cli *cli, struct options *options)
{
    if (cli->operand_count == 0)
        return cli_wrong(cli, "which report: expiring, inventory or evidence");
    if (cli->operand_count > 1)
        return cli_wrong(cli, "one report at a time, not also %s", cli->operands[1]);
    options->name = cli->operands[0];
    struct suggest near = {options->name, NULL, 0};
    for (size_t i = 0; reports[i]; i++) {
        suggest_offer(&near, reports[i]->name);
        if (strcmp(reports[i]->name, options->name) == 0)
            options->request.report = reports[i];
    }
    if (options->request.report) {
        if (options->request.within && !options->request.report->takes_within)
            return cli_wrong(cli, "--within does not go with %s", options->name);
        if (!options->request.within)
            options->request.within = "30d", options->request.within_s = INT64_C(30) * 86400;
        return CM_OK;
    }
    suggest_offer(&near, "evidence");
    suggest_offer(&near, "list");
    bool evidence = strcmp(options->name, "evidence") == 0;
    if (!evidence && strcmp(options->name, "list") != 0)
        return near.near ? cli_wrong(cli, "no report is called %s; did you mean %s", options->name, near.near)
                         : cli_wrong(cli, "no report is called %s: expiring, inventory, evidence", options->name);
    if (options->only_reports)
        return cli_wrong(cli, "%s does not go with %s", options->only_reports, options->name);
    if (evidence && !options->output)
        return cli_wrong(cli, "evidence needs -o DIR");
    return CM_OK;
}

static int read_command_line(struct cli *cli, struct options *options)
{
    int id, status = CM_OK;
    while (status == CM_OK && (id = cli_next(cli)) != CLI_END)
        status = id == CLI_USAGE ? CM_EXIT_USAGE : read_option(cli, id, options);
    return status == CM_OK ? check_use(cli, options) : status;
}

/* ---- doing it ---- */

static void list_reports(void)
{
    for (size_t i = 0; reports[i]; i++)
        printf("%-10s %s\n", reports[i]->name, reports[i]->summary);
    printf("%-10s %s\n", "evidence",
           "inventory, scope, coverage and owners as files with a SHA-256 manifest, for an auditor");
}

/* Once the inventory is open, what is asked for may be at fault: an owner that nobody knows, a directory that holds other things. Before, it is
 * the configuration. */
static int fail(const struct config *config, bool open, const struct cm_error *error)
{
    const char *advice = config ? inventory_advice(config, error) : "";
    say_error("%s%s%s%s%s", error->reason, error->detail[0] ? ": " : "", error->detail, *advice ? "; " : "", advice);
    return open && (error->code == CM_EINVAL || error->code == CM_ECONFLICT) ? CM_EXIT_USAGE : CM_EXIT_FAILED;
}

/* A name nobody knows would match nothing, and "nothing expires" would be a false comfort. */
static int check_owner(struct db *db, const char *owner, struct cm_error *error)
{
    struct db_result *result = NULL;
    if (!owner || strcmp(owner, "none") == 0)
        return CM_OK;
    int code = db_query(db, "SELECT name FROM owner ORDER BY name", NULL, 0, &result, error);
    if (code)
        return code;
    bool known = false;
    struct suggest near = {owner, NULL, 0};
    for (size_t i = 0; i < db_rows(result); i++) {
        known = known || strcmp(db_text(result, i, 0), owner) == 0;
        suggest_offer(&near, db_text(result, i, 0));
    }
    if (!known)
        code = error_setf(error, CM_EINVAL, 0, "no owner is called so", "%.80s%s%.80s", owner,
                          near.near ? "; did you mean " : "", near.near ? near.near : "");
    db_result_free(result);
    return code;
}

static int write_report(struct db *db, const struct options *options, int64_t *rows, struct cm_error *error)
{
    struct output output;
    int code = check_owner(db, options->request.owner, error);
    if (!code)
        code = output_open(options->output, &output, error);
    if (code)
        return code;
    code = report_render(db, &options->request, output.stream, rows, error);
    if (code) {
        output_abort(&output);
        return code;
    }
    return output_commit(&output, error);
}

static int run(const struct config *config, const struct options *options)
{
    struct db *db = NULL;
    struct cm_error error = {0};
    int64_t rows = 0;
    int code = inventory_connect(config, "certmuster_read", "certmuster-report", &db, &error);
    if (!code) /* of one that means more, or less, than this program knows, a report would not be true */
        code = inventory_check_schema(db, NULL, &error);
    if (!code)
        code = snapshot_begin(db, &error);
    bool open = !code;
    if (!code)
        code = options->request.report ? write_report(db, options, &rows, &error)
                                       : evidence_write(db, options->output, &error);
    if (!code)
        code = snapshot_end(db, &error);
    db_close(db);
    if (code)
        return fail(config, open, &error);
    return options->fail_on_match && rows > 0 ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct options options = {0};
    struct config *config = NULL;
    struct cm_error error = {0};

    log_init("certmuster-report", LOG_LEVEL_WARN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is then an error like a full disk */
    output_catch_signals();
    cli_init(&cli, &program, argc, argv);
    int status = read_command_line(&cli, &options);
    if (status == CM_OK && strcmp(options.name, "list") == 0)
        list_reports();
    else if (status == CM_OK)
        status =
            config_load(cli.config_path, &config, &error) == CM_OK ? run(config, &options) : fail(NULL, false, &error);
    config_free(config);
    filter_done(&options.request.filter);
    cli_done(&cli);
    return status;
}
