/* `certmuster alert`: list, show, acknowledge. The collector opens, tells and resolves alerts; this only reads them and silences them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/table.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/ctl.h"

enum {
    OPTION_ALL = 1000,
    OPTION_OWNER,
    OPTION_FORMAT,
    OPTION_NOTE,
    PREFIX_MIN = 8,
    FINGERPRINT_DIGITS = 64,
    NOTE_MAX = 1000
};

static const struct cli_program program = {
    .name = "certmuster alert",
    .summary = "What the collector warns of: certificates that expire soon, once per certificate and owner.",
    .usage =
        (const char *const[]){"list [--all] [--owner NAME] [--format text|json]", "show CERT",
                              "ack CERT [--owner NAME] [--note TEXT]", "unack CERT [--owner NAME] [--note TEXT]", NULL},
    .options = (const struct cli_option[]){{OPTION_ALL, "all", NULL, "List resolved alerts too."},
                                           {OPTION_OWNER, "owner", "NAME",
                                            "Only this owner's alerts; an empty name means those of nobody."},
                                           {OPTION_NOTE, "note", "TEXT", "Why, kept with the acknowledgement."},
                                           {OPTION_FORMAT, "format", "text|json", "How list prints."},
                                           {0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster alert list",
                                      "certmuster alert ack 3fa9c1d2 --note 'renewal ordered, INC-4711'",
                                      "certmuster alert show 3fa9c1d2     # its history and every message sent", NULL},
    .more = "CERT is the beginning of the certificate's SHA-256 fingerprint in hex, 8 digits or more. An acknowledged "
            "alert stays listed and is silent until a "
            "tighter threshold holds (30, 14, 7, 3, 1 days, expired; less for short-lived certificates). Exit status: "
            "0 done; 1 there is no such "
            "alert, or the beginning fits several certificates; 2 wrong use; 3 the inventory could not be reached.",
};

struct alert_call {
    const struct cli *cli;
    bool all;
    const char *owner, *note; /* NULL: not given */
    enum ctl_format format;
    const char *cert; /* the operand, lower case */
};

#define STATE                                                                                                          \
    "CASE WHEN a.resolved_at IS NOT NULL THEN 'resolved: ' || a.resolution"                                            \
    "     WHEN a.acked_threshold <= a.threshold THEN 'acknowledged'"                                                   \
    "     WHEN EXISTS (SELECT 1 FROM delivery d WHERE d.sha256 = a.sha256 AND d.owner = a.owner AND d.kind = a.kind"   \
    "                     AND d.event = 'told' AND d.created_at >= a.opened_at AND d.state IN ('pending', 'sending'))" \
    "          THEN 'being told'"                                                                                      \
    "     WHEN a.told_threshold IS NULL THEN 'untold' ELSE 'told' END"

#define CHOSEN                                                                                                         \
    " FROM alert a JOIN certificate c ON c.sha256 = a.sha256"                                                          \
    " WHERE a.kind = 'expiry' AND ($1::boolean OR a.resolved_at IS NULL) AND ($2::text IS NULL OR a.owner = $2)"

static int list(const struct alert_call *call)
{
    static const struct table_column columns[] = {{"CERTIFICATE", false, 16, true}, {"NOT AFTER", false, 0, false},
                                                  {"LEFT", true, 0, false},         {"OWNER", false, 6, true},
                                                  {"PLACES", true, 0, false},       {"STATE", false, 0, false},
                                                  {"SHA-256", false, 0, false},     {NULL, false, 0, false}};
    static const char text[] =
        "SELECT c.display_name, to_char(c.not_after, 'YYYY-MM-DD HH24:MI'),"
        " CASE WHEN c.not_after < now() THEN '-' ELSE '' END || to_char(abs(extract(epoch FROM c.not_after - now())) / "
        "86400, 'FM999990.0') || ' d',"
        " CASE a.owner WHEN '' THEN '-' ELSE a.owner END, a.places, " STATE ", left(encode(a.sha256, 'hex'), 16)" CHOSEN
        " ORDER BY a.resolved_at NULLS FIRST, c.not_after, a.sha256, a.owner";
    static const char json[] =
        "SELECT json_strip_nulls(json_build_object('sha256', encode(a.sha256, 'hex'), 'name', c.display_name, 'owner', "
        "nullif(a.owner, ''),"
        " 'not_after', to_char(c.not_after, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'threshold_days', a.threshold, "
        "'places', a.places, 'state', " STATE ","
        " 'opened_at', to_char(a.opened_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'told_at', to_char(a.told_at, "
        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " 'told_threshold_days', a.told_threshold, 'acked_at', to_char(a.acked_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
        "'acked_by', a.acked_by,"
        " 'acked_note', a.acked_note, 'resolved_at', to_char(a.resolved_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
        "'resolution', a.resolution))" CHOSEN " ORDER BY a.resolved_at NULLS FIRST, c.not_after, a.sha256, a.owner";
    const char *params[] = {call->all ? "true" : "false", call->owner};
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, params, 2);
    else if (!status)
        status = ctl_print_table(db, text, params, 2, columns, call->all ? "no alerts" : "no open alerts");
    db_close(db);
    return status;
}

/* The one certificate with alerts whose fingerprint begins so. Exit status; *out is 64 digits. */
static int find_certificate(struct db *db, const struct alert_call *call, char out[static FINGERPRINT_DIGITS + 1])
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    const char *params[] = {call->cert};
    int status = CM_EXIT_OK;
    if (db_query(db,
                 "SELECT DISTINCT encode(sha256, 'hex') FROM alert WHERE starts_with(encode(sha256, 'hex'), $1) ORDER "
                 "BY 1 LIMIT 3",
                 params, 1, &rows, &error) != 0) {
        status = ctl_fail(&error, "cannot read the inventory");
    } else if (db_rows(rows) == 0) {
        say_error("no alert of a certificate whose fingerprint begins with %s", call->cert);
        status = CM_EXIT_PARTIAL;
    } else if (db_rows(rows) > 1) {
        say_error("%s is ambiguous: %.20s..., %.20s...%s; give more digits", call->cert, db_text(rows, 0, 0),
                  db_text(rows, 1, 0), db_rows(rows) > 2 ? " and others" : "");
        status = CM_EXIT_PARTIAL;
    } else {
        snprintf(out, FINGERPRINT_DIGITS + 1, "%s", db_text(rows, 0, 0));
    }
    db_result_free(rows);
    return status;
}

static int show_found(struct db *db, const char *sha256)
{
    static const struct table_column facts[] = {{"", false, 0, false}, {"", false, 20, true}, {NULL, false, 0, false}};
    static const struct table_column alerts[] = {{"OWNER", false, 6, true},   {"STATE", false, 0, false},
                                                 {"OPENED", false, 0, false}, {"THRESHOLD", true, 0, false},
                                                 {"PLACES", true, 0, false},  {"ACKNOWLEDGED", false, 0, true},
                                                 {NULL, false, 0, false}};
    static const struct table_column events[] = {{"AT", false, 0, false},     {"OWNER", false, 6, true},
                                                 {"EVENT", false, 0, false},  {"BY", false, 0, true},
                                                 {"DETAIL", false, 10, true}, {NULL, false, 0, false}};
    static const struct table_column messages[] = {{"MESSAGE", false, 0, false},    {"CHANNEL", false, 0, false},
                                                   {"TO", false, 10, true},         {"STATE", false, 0, false},
                                                   {"ATTEMPTS", true, 0, false},    {"SENT", false, 0, false},
                                                   {"LAST ERROR", false, 10, true}, {NULL, false, 0, false}};
    static const char facts_sql[] = "SELECT f.label, f.value FROM certificate c, LATERAL (VALUES (1, 'certificate', "
                                    "c.display_name), (2, 'subject', c.subject),"
                                    " (3, 'issuer', c.issuer), (4, 'serial', encode(c.serial, 'hex')), (5, 'not "
                                    "after', to_char(c.not_after, 'YYYY-MM-DD HH24:MI:SS\"Z\"')),"
                                    " (6, 'sha-256', encode(c.sha256, 'hex'))) AS f(rank, label, value)"
                                    " WHERE c.sha256 = decode($1, 'hex') AND f.value IS NOT NULL ORDER BY f.rank";
    static const char alerts_sql[] = "SELECT CASE a.owner WHEN '' THEN '-' ELSE a.owner END, " STATE
                                     ", to_char(a.opened_at, 'YYYY-MM-DD HH24:MI'), a.threshold, a.places,"
                                     " CASE WHEN a.acked_at IS NOT NULL THEN concat_ws(' ', to_char(a.acked_at, "
                                     "'YYYY-MM-DD HH24:MI'), 'by ' || a.acked_by, a.acked_note) END"
                                     " FROM alert a WHERE a.sha256 = decode($1, 'hex') ORDER BY a.owner";
    static const char events_sql[] = "SELECT to_char(at, 'YYYY-MM-DD HH24:MI:SS'), CASE owner WHEN '' THEN '-' ELSE "
                                     "owner END, event, actor, detail FROM alert_event"
                                     " WHERE sha256 = decode($1, 'hex') ORDER BY at, owner, event";
    static const char messages_sql[] =
        "SELECT event || ' of ' || coalesce(threshold::text, '?') || ' days', channel,"
        " CASE channel WHEN 'webhook' THEN " CTL_WEBHOOK(
            "destination") " ELSE destination END, state,"
                           " attempts, to_char(sent_at, 'YYYY-MM-DD HH24:MI:SS'), last_error FROM delivery "
                           "WHERE sha256 = decode($1, 'hex') ORDER BY created_at, channel, destination";
    const char *params[] = {sha256};
    int status = ctl_print_table(db, facts_sql, params, 1, facts, "");
    puts("");
    if (!status)
        status = ctl_print_table(db, alerts_sql, params, 1, alerts, "");
    puts("");
    if (!status)
        status = ctl_print_table(db, events_sql, params, 1, events, "no history");
    puts("");
    return status ? status : ctl_print_table(db, messages_sql, params, 1, messages, "nobody was told yet");
}

static int show(const struct alert_call *call)
{
    char sha256[FINGERPRINT_DIGITS + 1];
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status)
        status = find_certificate(db, call, sha256);
    if (!status)
        status = show_found(db, sha256);
    db_close(db);
    return status;
}

/* Both change open alerts of one certificate and note it in their history: a row for each. */
static const char ack_sql[] = "SELECT FROM alert_acknowledge(decode($1, 'hex'), $2, $3, $4, false)";
static const char unack_sql[] = "SELECT FROM alert_acknowledge(decode($1, 'hex'), $2, $3, $4, true)";

static int change(const struct alert_call *call, const char *sql, const char *action, const char *word,
                  const char *nothing)
{
    char sha256[FINGERPRINT_DIGITS + 1], actor[256];
    struct cm_error error = {0};
    struct db *db = NULL;
    int64_t changed = 0;
    char *detail = audit_detail("owner", call->owner, "note", call->note, NULL);
    ctl_actor(actor, sizeof actor);
    const char *params[] = {sha256, call->owner, actor, call->note};
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status)
        status = find_certificate(db, call, sha256);
    if (!status && audit_act(db, sql, params, 4, action, sha256, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        say_error("%s of %.16s%s%s", nothing, sha256, call->owner ? " for owner " : "", call->owner ? call->owner : "");
        status = CM_EXIT_PARTIAL;
    } else if (!status) {
        printf("%s: %" PRId64 " alert%s of %.16s\n", word, changed, changed == 1 ? "" : "s", sha256);
    }
    free(detail);
    db_close(db);
    return status;
}

static int acknowledge(const struct alert_call *call)
{
    return change(call, ack_sql, "alert.acknowledge", "acknowledged", "there is no open alert");
}

static int unacknowledge(const struct alert_call *call)
{
    return change(call, unack_sql, "alert.unacknowledge", "no longer acknowledged", "there is no acknowledged alert");
}

static const struct verb {
    const char *name;
    bool needs_cert;
    const char *flags; /* that it takes */
    int (*run)(const struct alert_call *call);
} verbs[] = {
    {"list", false, "all owner format", list},
    {"show", true, "", show},
    {"ack", true, "owner note", acknowledge},
    {"unack", true, "owner note", unacknowledge},
};

static int read_option(struct cli *cli, int id, void *context)
{
    struct alert_call *call = context;
    switch (id) {
    case OPTION_ALL:
        call->all = true;
        return 0;
    case OPTION_OWNER:
        call->owner = cli->argument;
        return 0;
    case OPTION_NOTE:
        call->note = cli->argument;
        return strlen(call->note) > NOTE_MAX ? cli_wrong(cli, "--note holds at most %d bytes", (int)NOTE_MAX) : 0;
    default:
        return ctl_format(cli, &call->format);
    }
}

/* Lower case, colons left out as openssl prints them; NULL when it is no beginning of a fingerprint. */
static const char *normal_prefix(const char *text, char out[static FINGERPRINT_DIGITS + 1])
{
    size_t size = 0;
    for (; *text; text++) {
        if (*text == ':')
            continue;
        if (!isxdigit((unsigned char)*text) || size == FINGERPRINT_DIGITS)
            return NULL;
        out[size++] = (char)tolower((unsigned char)*text);
    }
    out[size] = 0;
    return size >= PREFIX_MIN ? out : NULL;
}

static int dispatch(struct cli *cli, struct alert_call *call)
{
    char prefix[FINGERPRINT_DIGITS + 1];
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: list, show, ack or unack");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        int wanted = verbs[i].needs_cert ? 2 : 1;
        if (cli->operand_count < wanted)
            return cli_wrong(cli, "%s needs a CERT: its fingerprint's first digits, see certmuster alert list",
                             verbs[i].name);
        if (cli->operand_count > wanted)
            return cli_wrong(cli, "%s takes no '%s'", verbs[i].name, cli->operands[wanted]);
        if (wanted == 2 && !(call->cert = normal_prefix(cli->operands[1], prefix)))
            return cli_wrong(cli, "'%s' is no fingerprint: %d to %d hex digits", cli->operands[1], (int)PREFIX_MIN,
                             (int)FINGERPRINT_DIGITS);
        int status = ctl_begin_verb(cli, verbs[i].name, verbs[i].flags);
        return status ? status : verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': list, show, ack or unack", cli->operands[0]);
}

int alert_command(int argc, char **argv)
{
    struct cli cli;
    struct alert_call call = {.cli = &cli, .format = CTL_TEXT};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &call);
    if (!status)
        status = dispatch(&cli, &call);
    cli_done(&cli);
    return status;
}
