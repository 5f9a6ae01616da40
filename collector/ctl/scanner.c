/* `certmuster scanner`: who may deliver over TLS, by the fingerprints of its client certificates, and for which realms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/scanner.h"

enum {
    OPTION_REALM = 1000,
    OPTION_CERT,
    OPTION_FORMAT,
    OPTION_DAYS,
    OPTION_OUT,
    OPTION_ONLY,
    OPTION_HOST,
    OPTION_LEAVE_SOCKET,
    OPTION_SOCKET,
    DAYS_MAX = 3650
};

static const struct cli_program program = {
    .name = "certmuster scanner",
    .summary = "Which scanners may deliver over TLS: each by its name and the fingerprints of its client certificates.",
    .usage = (const char *const[]){"list [--format text|json]",
                                   "add NAME --cert FILE.pem|SHA256 [--realm REALM]... [--host HOST] [--only] "
                                   "[--leave-socket]",
                                   "enrol NAME [--realm REALM]... [--host HOST] [--days DAYS] [--out DIR] [--only] "
                                   "[--leave-socket]",
                                   "collector HOST... [--days DAYS] [--out DIR]", "revoke NAME [--cert SHA256]",
                                   "disable NAME", "enable NAME [--socket]", NULL},
    .options =
        (const struct cli_option[]){
            {OPTION_CERT, "cert", "FILE|SHA256",
             "The scanner's client certificate (PEM), or its SHA-256 fingerprint in hex; for "
             "revoke its first 8 digits or more."},
            {OPTION_REALM, "realm", "REALM",
             "A network zone that it may report; may be given again. Default: those that it has, "
             "of a new one default."},
            {OPTION_HOST, "host", "HOST",
             "The scanner's configuration key host, where that is not NAME: whose loopback and link-local places it "
             "may "
             "report. Default: as it was, of a new one NAME."},
            {OPTION_ONLY, "only", NULL, "Revoke every other certificate of this scanner."},
            {OPTION_LEAVE_SOCKET, "leave-socket", NULL,
             "Enrol a NAME that delivers on the collector's unix socket, which it may no more from then on."},
            {OPTION_SOCKET, "socket", NULL,
             "With enable: NAME delivers on the collector's unix socket (again), and every certificate of it ends."},
            {OPTION_DAYS, "days", "DAYS", "How long the certificate lasts (365), but no longer than the CA."},
            {OPTION_OUT, "out", "DIR", "Where key and certificate are written (here)."},
            {OPTION_FORMAT, "format", "text|json", "How list prints."},
            {0, NULL, NULL, NULL}},
    .examples =
        (const char *const[]){
            "certmuster scanner enrol dmz-probe-1 --realm dmz   # key and certificate from our own CA",
            "certmuster scanner collector pki.example.org       # the same for the collector",
            "certmuster scanner add dmz-probe-2 --cert dmz-probe-2.pem --realm dmz",
            "certmuster scanner enrol web1 --host web1.example.org  # it scans its own loopback, too",
            "certmuster scanner enrol dmz-probe-1               # renewed in place: the old one stays valid as well",
            "certmuster scanner enrol dmz-probe-1 --only        # renewed: the old one ends now",
            "certmuster scanner revoke dmz-probe-1              # refused from now on",
            "certmuster scanner enable web1 --socket            # a name that was enrolled is this machine's again",
            NULL},
    .more =
        "NAME is what the scanner calls itself (configuration key scanner; its host name by default) and stands in "
        "every record it sends. A scanner may have several certificates, so that it can change over to a new one: "
        "until then both are taken, nothing is restarted. enrol puts key and certificate in the place of older "
        "ones, both or neither. The private CA, for those who have none, is made at its "
        "first use in ca.dir. A scanner on this machine's unix socket needs no enrolment, and has no certificate. Exit "
        "status: 0 done; 1 the certificate "
        "could not be read or is none that NAME gets in by, or there is no such scanner; 2 wrong use; 3 the CA "
        "has ended or cannot be used, or the inventory could not be reached.",
};

static int add(const struct scanner_call *call)
{
    char fingerprint[CM_SHA256_HEX_SIZE], end[TIMEFMT_SIZE];
    if (!call->cert)
        return cli_wrong(call->cli, "add needs --cert: the scanner's client certificate or its fingerprint");
    struct scanner_standing standing;
    int status = scanner_read_certificate(call->cert, call->name, fingerprint, end);
    if (!status)
        status = scanner_admit(call, fingerprint, *end ? end : NULL, "scanner.add", &standing);
    if (status)
        return status;
    fputs(standing.staying, stdout);
    scanner_standing_done(&standing);
    return CM_EXIT_OK;
}

static int change(const struct scanner_call *call, const char *sql, const char *value, const char *action,
                  const char *detail, struct db **db)
{
    struct cm_error error = {0};
    const char *params[] = {call->name, value};
    int64_t changed = 0;
    int status = ctl_connect(call->cli, "certmuster_operate", db);
    if (!status && audit_act_on_certificates(*db, sql, params, 2, action, call->name, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        say_error("there is no scanner '%s'", call->name);
        status = CM_EXIT_PARTIAL;
    }
    return status;
}

static const char disabled_sql[] = "UPDATE scanner SET disabled = $2::boolean WHERE name = $1";

static int disable(const struct scanner_call *call)
{
    struct db *db = NULL;
    int status = change(call, disabled_sql, "true", "scanner.disable", "{}", &db);
    if (!status)
        printf("disabled %s\n", call->name);
    db_close(db);
    return status;
}

/* Of several certificates the last to end; one that was enrolled by its fingerprint may be good for all we know. */
static const char usable_sql[] =
    "SELECT s.enrolled LIKE 'unix:%' OR EXISTS (SELECT FROM scanner_certificate c WHERE c.scanner = s.name"
    "  AND c.revoked_at IS NULL AND coalesce(c.not_after > now(), true)) FROM scanner s WHERE s.name = $1";

static int enable_as_it_was(const struct scanner_call *call)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    struct db_result *rows = NULL;
    const char *params[] = {call->name};
    int status = change(call, disabled_sql, "false", "scanner.enable", "{}", &db);
    if (!status && db_query(db, usable_sql, params, 1, &rows, &error) != 0)
        status = ctl_fail(&error, "it is enabled, but its certificates cannot be read");
    else if (!status && db_rows(rows) == 1 && !db_boolean(rows, 0, 0))
        printf("enabled %s, but it has no certificate that is valid, and is refused until it has: certmuster scanner "
               "enrol, or add, or where it is a scanner of the collector's own machine: certmuster scanner enable %s "
               "--socket\n",
               call->name, call->name);
    else if (!status)
        printf("enabled %s\n", call->name);
    db_result_free(rows);
    db_close(db);
    return status;
}

/* The way back from enrolment; whose uid is written down is told to those who read the table, and decides nothing. */
static int enable_on_socket(const struct scanner_call *call)
{
    static const char sql[] =
        "WITH ended AS (UPDATE scanner_certificate SET revoked_at = now() WHERE scanner = $1 AND revoked_at IS NULL)"
        " UPDATE scanner SET enrolled = $2, disabled = false WHERE name = $1";
    char enrolled[32];
    struct db *db = NULL;
    snprintf(enrolled, sizeof enrolled, "unix:%u", (unsigned)getuid());
    int status = change(call, sql, enrolled, "scanner.enable", "{\"socket\":\"yes\"}", &db);
    if (!status)
        printf("enabled %s on the collector's unix socket; no certificate of it is taken any more\n", call->name);
    db_close(db);
    return status;
}

static int enable(const struct scanner_call *call)
{
    return call->socket ? enable_on_socket(call) : enable_as_it_was(call);
}

static const struct verb {
    const char *name;
    int names;         /* operands behind it: 0, 1, or -1 for one or more */
    const char *flags; /* that it takes */
    int (*run)(const struct scanner_call *call);
} verbs[] = {{"list", 0, "format", scanner_list},
             {"add", 1, "cert realm host only leave-socket", add},
             {"enrol", 1, "realm host days out only leave-socket", scanner_enrol},
             {"collector", -1, "days out", scanner_collector},
             {"revoke", 1, "cert", scanner_revoke},
             {"disable", 1, "", disable},
             {"enable", 1, "socket", enable}};

static int read_days(const struct cli *cli, unsigned *out)
{
    char *end;
    unsigned long days = strtoul(cli->argument, &end, 10);
    if (cli->argument[0] < '0' || cli->argument[0] > '9' || *end || days < 1 || days > DAYS_MAX)
        return cli_wrong(cli, "--days takes a number from 1 to %d", (int)DAYS_MAX);
    *out = (unsigned)days;
    return 0;
}

static int read_option(struct cli *cli, int id, void *context)
{
    struct scanner_call *call = context;
    switch (id) {
    case OPTION_CERT:
        call->cert = cli->argument;
        return 0;
    case OPTION_REALM:
        if (!ctl_is_plain(cli->argument))
            return cli_wrong(cli, "'%s' is no realm: no white space, no slash", cli->argument);
        if (call->realm_count == SCANNER_REALMS_MAX)
            return cli_wrong(cli, "more than %d realms", (int)SCANNER_REALMS_MAX);
        call->realms[call->realm_count++] = cli->argument;
        return 0;
    case OPTION_HOST:
        if (!ctl_is_plain(cli->argument))
            return cli_wrong(cli, "'%s' is no host: no white space, no slash", cli->argument);
        call->host = cli->argument;
        return 0;
    case OPTION_DAYS:
        return read_days(cli, &call->days);
    case OPTION_OUT:
        call->out = cli->argument;
        return 0;
    case OPTION_ONLY:
        call->only = true;
        return 0;
    case OPTION_LEAVE_SOCKET:
        call->leave_socket = true;
        return 0;
    case OPTION_SOCKET:
        call->socket = true;
        return 0;
    default:
        return ctl_format(cli, &call->format);
    }
}

static int take_names(struct cli *cli, const struct verb *verb, struct scanner_call *call)
{
    int count = cli->operand_count - 1;
    if (verb->names && count < 1)
        return cli_wrong(cli, "%s needs a %s", verb->name, verb->names < 0 ? "HOST" : "scanner's NAME");
    if (verb->names >= 0 && count > verb->names)
        return cli_wrong(cli, "%s takes no '%s'", verb->name, cli->operands[verb->names + 1]);
    if (count > SCANNER_NAMES_MAX)
        return cli_wrong(cli, "more than %d names", (int)SCANNER_NAMES_MAX);
    for (int i = 0; i < count; i++) {
        if (!ctl_is_plain(cli->operands[i + 1]))
            return cli_wrong(cli, "'%s' is no %s name: no white space, no slash", cli->operands[i + 1],
                             verb->names < 0 ? "host's" : "scanner's");
        call->names[call->name_count++] = cli->operands[i + 1];
    }
    call->name = call->name_count ? call->names[0] : NULL;
    return 0;
}

static int dispatch(struct cli *cli, struct scanner_call *call)
{
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: list, add, enrol, collector, revoke, disable or enable");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        int status = take_names(cli, &verbs[i], call);
        if (!status)
            status = ctl_begin_verb(cli, verbs[i].name, verbs[i].flags);
        return status ? status : verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': list, add, enrol, collector, revoke, disable or enable", cli->operands[0]);
}

int scanner_command(int argc, char **argv)
{
    struct cli cli;
    struct scanner_call call = {.cli = &cli, .format = CTL_TEXT};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &call);
    if (!status)
        status = dispatch(&cli, &call);
    cli_done(&cli);
    return status;
}
