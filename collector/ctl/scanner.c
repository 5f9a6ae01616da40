/* `certmuster scanner`: who may deliver over TLS, by the fingerprint of its client certificate, and for which realms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "certmuster/log.h"
#include "certmuster/table.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/ctl.h"

enum { OPTION_REALM = 1000, OPTION_CERT, OPTION_FORMAT, REALMS_MAX = 64, NAME_MAX_BYTES = 255 };

static const struct cli_program program = {
    .name = "certmuster scanner",
    .summary = "Which scanners may deliver over TLS: each by its name and the fingerprint of its client certificate.",
    .usage = (const char *const[]){"list [--format text|json]", "add NAME --cert FILE.pem|SHA256 [--realm REALM]...",
                                   "disable NAME", "enable NAME", NULL},
    .options =
        (const struct cli_option[]){{OPTION_CERT, "cert", "FILE|SHA256",
                                     "The scanner's client certificate (PEM), or its SHA-256 fingerprint in hex."},
                                    {OPTION_REALM, "realm", "REALM",
                                     "A network zone that it may report; may be given again. Default: default."},
                                    {OPTION_FORMAT, "format", "text|json", "How list prints."},
                                    {0, NULL, NULL, NULL}},
    .examples =
        (const char *const[]){"certmuster scanner add dmz-probe-1 --cert dmz-probe-1.pem --realm dmz",
                              "certmuster scanner disable dmz-probe-1     # its batches are refused from now on", NULL},
    .more = "NAME is what the scanner calls itself (configuration key scanner; its host name by default) and stands in "
            "every record it sends. Adding a name again "
            "replaces its certificate and realms. A scanner on this machine's unix socket needs no enrolment. Exit "
            "status: 0 done; 1 the certificate "
            "could not be read, or there is no such scanner; 2 wrong use; 3 the inventory could not be reached.",
};

struct scanner_call {
    const struct cli *cli;
    enum ctl_format format;
    const char *name, *cert;
    const char *realms[REALMS_MAX];
    size_t realm_count;
};

static int list(const struct scanner_call *call)
{
    static const struct table_column columns[] = {{"SCANNER", false, 8, true},      {"REALMS", false, 6, true},
                                                  {"ENROLLED AS", false, 16, true}, {"STATE", false, 0, false},
                                                  {"LAST SEEN", false, 0, false},   {"CLOCK OFF BY", true, 0, false},
                                                  {NULL, false, 0, false}};
    static const char text[] =
        "SELECT name, array_to_string(realms, ' '), enrolled, CASE WHEN disabled THEN 'disabled' ELSE 'enabled' END,"
        " to_char(last_seen, 'YYYY-MM-DD HH24:MI'), CASE WHEN skewed_ms IS NOT NULL THEN round(skewed_ms / 1000.0, 1) "
        "|| ' s' END"
        " FROM scanner ORDER BY name";
    static const char json[] = "SELECT json_strip_nulls(json_build_object('name', name, 'realms', realms, 'enrolled', "
                               "enrolled, 'disabled', disabled,"
                               " 'last_seen', to_char(last_seen, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'skewed_ms', "
                               "skewed_ms)) FROM scanner ORDER BY name";
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, NULL, 0);
    else if (!status)
        status = ctl_print_table(db, text, NULL, 0, columns, "no scanner has delivered yet, none is enrolled");
    db_close(db);
    return status;
}

static int read_fingerprint(const char *cert, char out[static CM_SHA256_HEX_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    unsigned size = 0;
    if (hex_read(cert, strlen(cert), digest, sizeof digest) == 0) {
        hex_write(out, digest, sizeof digest);
        return CM_EXIT_OK;
    }
    FILE *file = fopen(cert, "re");
    X509 *x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    if (!x509 || X509_digest(x509, EVP_sha256(), digest, &size) != 1 || size != sizeof digest) {
        say_error("cannot read a PEM certificate from %s, and it is no fingerprint of 64 hex digits either", cert);
        X509_free(x509);
        return CM_EXIT_PARTIAL;
    }
    X509_free(x509);
    hex_write(out, digest, sizeof digest);
    return CM_EXIT_OK;
}

/* Realms as a text[] literal. */
static void join_realms(const struct scanner_call *call, struct buf *out)
{
    buf_append_char(out, '{');
    for (size_t i = 0; i < call->realm_count; i++) {
        buf_append_str(out, i ? ",\"" : "\"");
        for (const char *c = call->realms[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                buf_append_char(out, '\\');
            buf_append_char(out, *c);
        }
        buf_append_char(out, '"');
    }
    buf_append_str(out, call->realm_count ? "}" : "default}");
}

static int add(const struct scanner_call *call)
{
    char fingerprint[CM_SHA256_HEX_SIZE];
    struct cm_error error = {0};
    struct db *db = NULL;
    struct buf realms;
    if (!call->cert)
        return cli_wrong(call->cli, "add needs --cert: the scanner's client certificate or its fingerprint");
    int status = read_fingerprint(call->cert, fingerprint);
    if (status)
        return status;
    buf_init(&realms, 64 * 1024);
    join_realms(call, &realms);
    const char *params[] = {call->name, realms.data, fingerprint};
    char *detail = audit_detail("certificate_sha256", fingerprint, "realms", realms.data, NULL);
    int64_t changed;
    status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status &&
        audit_act(
            db,
            "INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen) VALUES ($1, $2, $3, now(), now())"
            " ON CONFLICT (name) DO UPDATE SET realms = excluded.realms, enrolled = excluded.enrolled, disabled = "
            "false",
            params, 3, "scanner.add", call->name, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status)
        printf("enrolled %s for realms %s by certificate %.16s...\n", call->name, realms.data, fingerprint);
    db_close(db);
    free(detail);
    buf_done(&realms);
    return status;
}

static int set_disabled(const struct scanner_call *call, const char *disabled, const char *action, const char *word)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    const char *params[] = {call->name, disabled};
    int64_t changed = 0;
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status && audit_act(db, "UPDATE scanner SET disabled = $2 WHERE name = $1", params, 2, action, call->name,
                             "{}", &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        say_error("there is no scanner '%s'", call->name);
        status = CM_EXIT_PARTIAL;
    } else if (!status) {
        printf("%s %s\n", word, call->name);
    }
    db_close(db);
    return status;
}

static int disable(const struct scanner_call *call)
{
    return set_disabled(call, "true", "scanner.disable", "disabled");
}

static int enable(const struct scanner_call *call)
{
    return set_disabled(call, "false", "scanner.enable", "enabled");
}

static const struct verb {
    const char *name;
    bool needs_name;
    int (*run)(const struct scanner_call *call);
} verbs[] = {{"list", false, list}, {"add", true, add}, {"disable", true, disable}, {"enable", true, enable}};

/* A name or realm stands in records, logs and tables as it is. */
static bool is_plain(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > NAME_MAX_BYTES)
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= 0x20 || *c == 0x7F || *c == '/')
            return false;
    return true;
}

static int read_option(struct cli *cli, int id, void *context)
{
    struct scanner_call *call = context;
    switch (id) {
    case OPTION_CERT:
        call->cert = cli->argument;
        return 0;
    case OPTION_REALM:
        if (!is_plain(cli->argument))
            return cli_wrong(cli, "'%s' is no realm: no white space, no slash", cli->argument);
        if (call->realm_count == REALMS_MAX)
            return cli_wrong(cli, "more than %d realms", (int)REALMS_MAX);
        call->realms[call->realm_count++] = cli->argument;
        return 0;
    default:
        return ctl_format(cli, &call->format);
    }
}

static int dispatch(struct cli *cli, struct scanner_call *call)
{
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: list, add, disable or enable");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        int wanted = verbs[i].needs_name ? 2 : 1;
        if (cli->operand_count < wanted)
            return cli_wrong(cli, "%s needs a scanner's NAME", verbs[i].name);
        if (cli->operand_count > wanted)
            return cli_wrong(cli, "%s takes no '%s'", verbs[i].name, cli->operands[wanted]);
        call->name = wanted == 2 ? cli->operands[1] : NULL;
        if (call->name && !is_plain(call->name))
            return cli_wrong(cli, "'%s' is no scanner's name: no white space, no slash", call->name);
        return verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': list, add, disable or enable", cli->operands[0]);
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
