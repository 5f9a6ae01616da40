/* `certmuster scanner enrol`, `collector` and `revoke`: certificates from the private CA, and their end. */
#include "collector/ctl/scanner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/home.h"
#include "certmuster/inventory.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/authority.h"

enum { DAYS_DEFAULT = 365, FINGERPRINT_DIGITS = CM_SHA256_HEX_SIZE - 1 };

#define SYSTEM_CA "/etc/certmuster/ca"

/* A home that is named is a world of its own, but for a CA of this machine that it has used so far. */
static bool is_system_ca(const char *home)
{
    const char *named = getenv("CERTMUSTER_HOME");
    char own[HOME_PATH_SIZE + sizeof "/ca/ca.pem"];
    if (geteuid() != 0)
        return false;
    snprintf(own, sizeof own, "%s/ca/ca.pem", home);
    return !named || !*named || (access(own, F_OK) != 0 && access(SYSTEM_CA "/ca.pem", F_OK) == 0);
}

/* Where the CA lives: ca.dir, else /etc/certmuster/ca for root unless a home is named, else the home. */
static int authority_directory(const struct cli *cli, char *out, size_t size, struct cm_error *error)
{
    struct config *config = NULL;
    char home[HOME_PATH_SIZE];
    int code = config_load(cli->config_path, &config, error);
    const char *configured = code ? NULL : config_string(config, "ca.dir");
    if (configured)
        snprintf(out, size, "%s", configured);
    else if (!code && (code = home_own(home, error)) == 0)
        snprintf(out, size, "%s%s", is_system_ca(home) ? SYSTEM_CA : home, is_system_ca(home) ? "" : "/ca");
    config_free(config);
    return code;
}

/* Letters, digits, '.', '-', '_': what stands in a certificate, a file's name and a record alike. Colons are for addresses. */
static bool is_name(const char *text, bool address)
{
    size_t size = strlen(text),
           plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    if (address && plain < size)
        plain = strspn(text, "0123456789abcdefABCDEF:.");
    return size > 0 && size <= 253 && plain == size && text[0] != '.' && text[0] != '-';
}

static int open_authority(const struct scanner_call *call, struct authority **out)
{
    char dir[HOME_PATH_SIZE + 8];
    struct cm_error error = {0};
    bool made;
    if (authority_directory(call->cli, dir, sizeof dir, &error) != 0 || authority_open(dir, out, &made, &error) != 0)
        return ctl_fail(&error, "nothing was changed");
    if (made)
        printf("made a CA of our own: %s (its key beside it, for root's eyes)\n", authority_certificate_path(*out));
    return CM_EXIT_OK;
}

static unsigned days_of(const struct scanner_call *call)
{
    return call->days ? call->days : DAYS_DEFAULT;
}

static void tell_cut_short(const struct scanner_call *call, const struct issued *issued, const char *end)
{
    if (issued->cut_short)
        printf("of the %u days asked for it has those that the CA has left: both end %s\n", days_of(call), end);
}

/* Admitted first: where that cannot be, what stands on the disk and is in use stays. */
int scanner_enrol(const struct scanner_call *call)
{
    struct authority *authority = NULL;
    struct issued issued = {0};
    struct private_file files[ISSUED_FILES];
    struct scanner_standing standing = {.realm = NULL};
    struct cm_error error = {0};
    char end[TIMEFMT_SIZE];
    const char *dir = call->out ? call->out : ".";
    if (!is_name(call->name, false))
        return cli_wrong(call->cli, "'%s' cannot stand in a certificate: letters, digits, '.', '-' and '_'",
                         call->name);
    int status = open_authority(call, &authority);
    if (!status && authority_issue(authority, AUTHORITY_CLIENT, &call->name, 1, days_of(call), &issued, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    if (!status && issued_prepare(&issued, dir, call->name, files, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status) {
        bool replaces = files[0].replaces || files[1].replaces;
        timefmt_seconds(end, issued.not_after);
        status = scanner_admit(call, issued.sha256, end, "scanner.enrol", &standing);
        if (status)
            issued_discard(files);
        else if (issued_publish(files, &error) != 0)
            status = ctl_fail(&error, "it is enrolled, but key and certificate could not be put in place; the older "
                                      "ones stay, enrol it again");
        else if (replaces)
            printf("%s.key and %s.pem took the place of older ones\n", call->name, call->name);
    }
    if (!status) {
        fputs(standing.staying, stdout);
        tell_cut_short(call, &issued, end);
        scanner_print_client(call, &standing, dir, end, authority_certificate_path(authority));
    }
    scanner_standing_done(&standing);
    issued_done(&issued);
    authority_close(authority);
    return status;
}

/* An act like enrolment, though it changes nothing in the inventory, which need not be there yet: where it cannot be told, that is said. */
static void note_collector(const struct scanner_call *call, const char *sha256, const char *end)
{
    struct cm_error error = {0};
    struct config *config = NULL;
    struct db *db = NULL;
    char names[4096] = "";
    for (size_t i = 0, used = 0; i < call->name_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? " " : "", call->names[i]);
    char *detail = audit_detail("names", names, "sha256", sha256, "until", end, NULL);
    int code = config_load(call->cli->config_path, &config, &error);
    if (!code)
        code = inventory_connect(config, "certmuster_operate", log_program(), &db, &error);
    if (!code)
        code = inventory_check_schema(db, NULL, &error);
    if (!code)
        code = audit_note(db, "scanner.collector", call->names[0], detail, &error);
    if (code)
        say_error("the audit log has no row of this: %s%s%s", error.reason, error.detail[0] ? ": " : "", error.detail);
    db_close(db);
    config_free(config);
    free(detail);
}

int scanner_collector(const struct scanner_call *call)
{
    struct authority *authority = NULL;
    struct issued issued = {0};
    struct private_file files[ISSUED_FILES];
    struct cm_error error = {0};
    char end[TIMEFMT_SIZE];
    const char *dir = call->out ? call->out : ".";
    for (size_t i = 0; i < call->name_count; i++)
        if (!is_name(call->names[i], true))
            return cli_wrong(call->cli, "'%s' is neither a host's name nor an address", call->names[i]);
    int status = open_authority(call, &authority);
    if (!status && authority_issue(authority, AUTHORITY_SERVER, call->names, call->name_count, days_of(call), &issued,
                                   &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    if (!status &&
        (issued_prepare(&issued, dir, "collector", files, &error) != 0 || issued_publish(files, &error) != 0))
        status = ctl_fail(&error, "nothing was changed");
    if (!status) {
        timefmt_seconds(end, issued.not_after);
        tell_cut_short(call, &issued, end);
        scanner_print_collector(dir, end, authority_certificate_path(authority));
        note_collector(call, issued.sha256, end);
    }
    issued_done(&issued);
    authority_close(authority);
    return status;
}

/* --- Revoking -------------------------------------------------------------------------------------------------------------------------- */

/* The beginning of a fingerprint; NULL: all certificates. A scanner with none left is disabled as well: one line in `scanner list`. */
static const char revoke_sql[] =
    "WITH ended AS (UPDATE scanner_certificate SET revoked_at = now()"
    "                WHERE scanner = $1 AND revoked_at IS NULL AND ($2::text IS NULL OR starts_with(sha256, lower($2)))"
    "            RETURNING sha256),"
    " left_over AS (SELECT FROM scanner_certificate c WHERE c.scanner = $1 AND c.revoked_at IS NULL"
    "                  AND NOT ($2::text IS NULL OR starts_with(c.sha256, lower($2))))"
    " UPDATE scanner SET disabled = disabled OR NOT EXISTS (SELECT FROM left_over)"
    "  WHERE name = $1 AND (EXISTS (SELECT FROM ended) OR ($2::text IS NULL AND NOT disabled))";

int scanner_revoke(const struct scanner_call *call)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    int64_t changed = 0;
    const char *params[] = {call->name, call->cert};
    if (call->cert && (strlen(call->cert) < 8 || strlen(call->cert) > FINGERPRINT_DIGITS ||
                       strspn(call->cert, "0123456789abcdefABCDEF") != strlen(call->cert)))
        return cli_wrong(call->cli, "--cert takes a fingerprint or its first 8 digits or more, not '%s'", call->cert);
    char *detail = audit_detail("certificate_sha256", call->cert ? call->cert : "all", NULL);
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status && audit_act_on_certificates(db, revoke_sql, params, 2, "scanner.revoke", call->name, detail, &changed,
                                             &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        say_error("scanner '%s' has no such certificate that is not revoked already", call->name);
        status = CM_EXIT_PARTIAL;
    } else if (!status) {
        printf("revoked %s of %s; it is refused from now on\n", call->cert ? call->cert : "every certificate",
               call->name);
    }
    free(detail);
    db_close(db);
    return status;
}
