/* Admitting a scanner by a certificate, and what it may tell from then on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/log.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/scanner.h"

enum { TEXT_MAX = 64 * 1024 };

/* Realms as a text[] literal; NULL when none were given. The caller frees. */
static char *realms_literal(const struct scanner_call *call)
{
    struct buf realms, *out = &realms;
    if (!call->realm_count)
        return NULL;
    buf_init(out, TEXT_MAX);
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
    buf_append_char(out, '}');
    return buf_take(out, NULL);
}

/* Network zones and hosts (host:HOST) are replaced each by what is given of its kind, else stay. A certificate that is another scanner's changes nothing, nor does a name that delivers on the unix socket and is not to leave it: the number of rows tells. */
static const char admit_sql[] =
    "WITH was AS (SELECT u.realm, u.rank, starts_with(u.realm, 'host:') AS of_host"
    "               FROM scanner s, unnest(s.realms) WITH ORDINALITY AS u(realm, rank) WHERE s.name = $1),"
    " given AS (SELECT u.realm, u.rank, starts_with(u.realm, 'host:') AS of_host"
    "             FROM unnest($2::text[]) WITH ORDINALITY AS u(realm, rank)"
    "            WHERE $6::text IS NULL OR NOT starts_with(u.realm, 'host:')"
    "            UNION ALL SELECT 'host:' || $6, 0, true WHERE $6::text IS NOT NULL),"
    " lists AS (SELECT CASE WHEN $2::text[] IS NOT NULL"
    "             THEN (SELECT array_agg(g.realm ORDER BY g.rank) FROM given g WHERE NOT g.of_host)"
    "             WHEN EXISTS (SELECT FROM scanner s WHERE s.name = $1)"
    "             THEN (SELECT array_agg(w.realm ORDER BY w.rank) FROM was w WHERE NOT w.of_host) ELSE '{default}' END"
    "             AS zones,"
    "           CASE WHEN EXISTS (SELECT FROM given g WHERE g.of_host)"
    "             THEN (SELECT array_agg(g.realm ORDER BY g.rank) FROM given g WHERE g.of_host)"
    "             ELSE (SELECT array_agg(w.realm ORDER BY w.rank) FROM was w WHERE w.of_host) END AS hosts),"
    " entry AS (INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen)"
    "           SELECT $1, coalesce(zones, '{}') || coalesce(hosts, '{}'), 'certificate', now(), now() FROM lists"
    "           ON CONFLICT (name) DO UPDATE SET realms = excluded.realms, enrolled = 'certificate', disabled = false"
    "                                      WHERE scanner.enrolled NOT LIKE 'unix:%' OR $7::boolean"
    "           RETURNING name),"
    " ended AS (UPDATE scanner_certificate SET revoked_at = now()"
    "            WHERE scanner = $1 AND sha256 <> $3 AND revoked_at IS NULL AND $5::boolean)"
    " INSERT INTO scanner_certificate AS c (sha256, scanner, not_after, added_at)"
    " SELECT $3, name, $4::timestamptz, now() FROM entry"
    " ON CONFLICT (sha256) DO UPDATE SET not_after = coalesce(excluded.not_after, c.not_after), revoked_at = NULL"
    " WHERE c.scanner = excluded.scanner";

/* What it is now: realms one by one, zones first as they are kept; certificates besides this one that are still taken. */
static const char standing_sql[] =
    "SELECT coalesce(min(x.realm) FILTER (WHERE x.rank = 1), ''), coalesce(string_agg(x.realm, ', ' ORDER BY x.rank) "
    "FILTER (WHERE x.rank > 1), ''),"
    " (SELECT coalesce(min(substr(h.realm, 6)), $1) FROM scanner s, unnest(s.realms) AS h(realm)"
    "   WHERE s.name = $1 AND starts_with(h.realm, 'host:')),"
    " (SELECT array_to_string(s.realms, ', ') FROM scanner s WHERE s.name = $1)"
    "  FROM (SELECT u.realm, row_number() OVER (ORDER BY u.rank) AS rank"
    "          FROM scanner s, unnest(s.realms) WITH ORDINALITY AS u(realm, rank)"
    "         WHERE s.name = $1 AND NOT starts_with(u.realm, 'host:')) x";
static const char older_sql[] =
    "SELECT CASE count(*) WHEN 0 THEN '' WHEN 1 THEN 'its older certificate ' || min(left(c.sha256, 16)) || '... stays "
    "valid until ' || coalesce(max(to_char(c.not_after, 'YYYY-MM-DD')), 'it ends') || '; end it earlier with: "
    "certmuster scanner revoke ' || $1 || ' --cert ' || min(left(c.sha256, 16)) ELSE count(*) || ' older certificates "
    "of it stay valid until they end' || coalesce(', the last ' || to_char(max(c.not_after), 'YYYY-MM-DD'), '') || '; "
    "end them earlier with: certmuster scanner revoke ' || $1 || ' --cert SHA256, as certmuster scanner list shows "
    "them' END"
    "  FROM scanner_certificate c"
    " WHERE c.scanner = $1 AND c.sha256 <> $2 AND c.revoked_at IS NULL AND coalesce(c.not_after > now(), true)";

static int read_standing(struct db *db, const struct scanner_call *call, const char *sha256,
                         struct scanner_standing *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {call->name, sha256};
    struct buf staying;
    int code = db_query(db, standing_sql, params, 1, &rows, error);
    if (code)
        return code;
    printf("enrolled %s for realms %s by certificate %.16s...%s\n", call->name, db_text(rows, 0, 3), sha256,
           call->only ? ", and no other" : "");
    *out = (struct scanner_standing){.realm = cm_strdup(db_text(rows, 0, 0)),
                                     .further = cm_strdup(db_text(rows, 0, 1)),
                                     .host = cm_strdup(db_text(rows, 0, 2))};
    db_result_free(rows);
    rows = NULL;
    code = db_query(db, older_sql, params, 2, &rows, error);
    buf_init(&staying, TEXT_MAX);
    if (!code && *db_text(rows, 0, 0))
        buf_appendf(&staying, "%s\n", db_text(rows, 0, 0));
    out->staying = buf_take(&staying, NULL);
    db_result_free(rows);
    if (code)
        scanner_standing_done(out);
    return code;
}

static int refuse(struct db *db, const struct scanner_call *call, const char *sha256)
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    const char *params[] = {call->name};
    int code = db_query(db, "SELECT FROM scanner WHERE name = $1 AND enrolled LIKE 'unix:%'", params, 1, &rows, &error);
    bool local = !code && db_rows(rows) > 0 && !call->leave_socket;
    db_result_free(rows);
    if (code)
        return ctl_fail(&error, "nothing was changed");
    if (local)
        say_error(
            "scanner '%s' delivers on the collector's unix socket, and could no more with a certificate: take another "
            "name, or add --leave-socket; nothing was changed",
            call->name);
    else
        say_error("the certificate %.16s... is enrolled for another scanner; nothing was changed", sha256);
    return CM_EXIT_PARTIAL;
}

int scanner_admit(const struct scanner_call *call, const char *sha256, const char *not_after, const char *action,
                  struct scanner_standing *out)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    int64_t changed = 0;
    char *realms = realms_literal(call);
    char *detail =
        audit_detail("certificate_sha256", sha256, "not_after", not_after, "realms", realms, "host", call->host, "only",
                     call->only ? "yes" : NULL, "leave_socket", call->leave_socket ? "yes" : NULL, NULL);
    const char *params[] = {
        call->name, realms, sha256, not_after, call->only ? "t" : "f", call->host, call->leave_socket ? "t" : "f"};
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status &&
        audit_act_on_certificates(db, admit_sql, params, 7, action, call->name, detail, &changed, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status && changed == 0) {
        status = refuse(db, call, sha256);
    } else if (!status && read_standing(db, call, sha256, out, &error) != 0) {
        status = ctl_fail(&error, "it is enrolled, but what it may tell cannot be read");
    }
    db_close(db);
    free(detail);
    free(realms);
    return status;
}

void scanner_standing_done(struct scanner_standing *standing)
{
    free(standing->realm);
    free(standing->further);
    free(standing->host);
    free(standing->staying);
    *standing = (struct scanner_standing){.realm = NULL};
}
