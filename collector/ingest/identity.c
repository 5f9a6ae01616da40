/* Scanners and what they may speak of.
 *
 * Over TLS the certificate's name must be enrolled (certmuster-ctl scanner add) and every record must be its own. On the unix socket the
 * kernel vouches for the uid, which was checked when it connected: it may speak as any scanner of this host, and those are enrolled as
 * they come. A name that is enrolled with a certificate belongs to another host and cannot be taken over here. */
#include "collector/ingest/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "collector/ingest/rows.h"
#include "collector/transaction.h"

enum { NAMES_PARAM_MAX = 1 << 20, PART_SIZE = 48, ADVICE_SIZE = 256 };

static const char scanners_sql[] =
    "SELECT s.name, s.disabled, s.enrolled LIKE 'unix:%', c.sha256 IS NOT NULL, c.revoked_at IS NOT NULL"
    "  FROM unnest($1::text[]) WITH ORDINALITY AS n(name, rank)"
    "  JOIN scanner s ON s.name = n.name"
    "  LEFT JOIN scanner_certificate c ON c.scanner = s.name AND c.sha256 = $2"
    " ORDER BY n.rank";

static int choose(const struct db_result *rows, char *name, struct cm_error *error)
{
    const char *reason =
        "no name of the client certificate is an enrolled scanner; enrol it with: certmuster scanner add";
    for (size_t row = 0; row < db_rows(rows); row++) {
        if (db_boolean(rows, row, 1))
            reason = "the scanner is disabled";
        else if (db_boolean(rows, row, 2))
            reason = "the scanner is enrolled for the unix socket";
        else if (!db_boolean(rows, row, 3))
            reason = "the scanner is enrolled with another certificate";
        else if (db_boolean(rows, row, 4))
            reason = "the scanner's certificate was revoked";
        else {
            snprintf(name, PEER_NAME_SIZE, "%s", db_text(rows, row, 0));
            return 0;
        }
    }
    return error_set(error, CM_EAUTH, 0, reason);
}

int identity_of(struct db *db, const struct config *config, const struct peer *peer, char name[static PEER_NAME_SIZE],
                struct cm_error *error)
{
    struct db_result *rows = NULL;
    struct buf names;
    if (peer->is_local) {
        snprintf(name, PEER_NAME_SIZE, "%s", config_scanner(config));
        return 0;
    }
    buf_init(&names, NAMES_PARAM_MAX);
    array_begin(&names);
    for (size_t i = 0; i < peer->name_count; i++)
        array_add_text(&names, peer->names[i]);
    array_end(&names);
    const char *params[] = {names.data, peer->fingerprint};
    int code = db_query(db, scanners_sql, params, 2, &rows, error);
    if (!code)
        code = choose(rows, name, error);
    db_result_free(rows);
    buf_done(&names);
    return code;
}

/* --- Origins -------------------------------------------------------------------------------------------------------------------------- */

static const char only_by_certificate[] = "the scanner is enrolled with a certificate, so it does not speak on this "
                                          "socket; certmuster scanner enable --socket "
                                          "lets it again";
static const char foreign_realm[] = "the realm is not this scanner's";

static bool is_host_realm(const char *realm)
{
    return strncmp(realm, "host:", 5) == 0;
}

static bool is_own_realm(const char *realm, const char *scanner)
{
    return is_host_realm(realm) && strcmp(realm + 5, scanner) == 0;
}

/* The last two: the realms that it may tell, and whose loopback is its own, for advice. */
#define MAY_TELL                                                                                                       \
    " coalesce((SELECT string_agg(r, ', ') FROM unnest(coalesce(s.realms, '{default}')) AS u(r) WHERE NOT "            \
    "starts_with(r, 'host:')), ''),"                                                                                   \
    " coalesce((SELECT min(substr(r, 6)) FROM unnest(s.realms) AS u(r) WHERE starts_with(r, 'host:')), "

static const char realms_sql[] =
    "SELECT o.rank, s.name IS NOT NULL, coalesce(s.disabled, false), coalesce(s.enrolled LIKE 'unix:%', false),"
    "       o.realm = ANY (coalesce(s.realms, '{default}'))," MAY_TELL "o.scanner)"
    "  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS o(scanner, realm, rank)"
    "  LEFT JOIN scanner s ON s.name = o.scanner ORDER BY o.rank";

/* Which realm was told, and what to do about it: one line whose parts are escaped and bounded. */
static void advise(const char *realm, const char *zones, const char *host, bool enrolled, char out[static ADVICE_SIZE])
{
    char told[PART_SIZE], may[PART_SIZE];
    bool of_host = is_host_realm(realm);
    const char *key = of_host ? "host" : "realm";
    snprintf(told, sizeof told, "%s", realm);
    snprintf(may, sizeof may, "%s%s", of_host ? "host:" : "", of_host ? host : zones);
    int size = snprintf(out, ADVICE_SIZE, "%s; it may tell %s: set %s in its configuration", log_quote(told),
                        log_quote(may), key);
    if (enrolled && size > 0 && size < ADVICE_SIZE)
        snprintf(out + size, (size_t)(ADVICE_SIZE - size), ", or enrol it with --%s %s", key,
                 log_quote(of_host ? told + strlen("host:") : told));
}

/* NULL: welcome. */
static const char *judge(const struct db_result *rows, size_t row, const struct batch_origin *origin,
                         const struct config *config, const struct peer *peer, const char *name)
{
    bool enrolled = db_boolean(rows, row, 1), local = db_boolean(rows, row, 3), has_realm = db_boolean(rows, row, 4);
    if (!peer->is_local && strcmp(origin->scanner, name) != 0)
        return "the record is another scanner's";
    if (peer->is_local && enrolled && !local)
        return only_by_certificate;
    if (!origin->realm || has_realm || is_own_realm(origin->realm, origin->scanner))
        return NULL;
    if (peer->is_local &&
        (strcmp(origin->realm, config_string(config, "realm")) == 0 || strncmp(origin->realm, "host:", 5) == 0))
        return NULL;
    return foreign_realm;
}

static int check_origins(struct db *db, const struct config *config, const struct peer *peer, const char *name,
                         struct batch *batch, struct cm_error *error)
{
    struct buf scanners, realms;
    struct db_result *rows = NULL;
    buf_init(&scanners, NAMES_PARAM_MAX);
    buf_init(&realms, NAMES_PARAM_MAX);
    array_begin(&scanners);
    array_begin(&realms);
    for (size_t i = 0; i < batch->origin_count; i++) {
        array_add_text(&scanners, batch->origins[i].scanner);
        array_add_text(&realms, batch->origins[i].realm ? batch->origins[i].realm : "");
    }
    array_end(&scanners);
    array_end(&realms);
    const char *params[] = {scanners.data, realms.data};
    int code = db_query(db, realms_sql, params, 2, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows) && row < batch->origin_count; row++) {
        if (peer->is_local && db_boolean(rows, row, 2))
            code = error_setf(error, CM_EAUTH, 0, "the scanner is disabled", "%.100s", batch->origins[row].scanner);
        struct batch_origin *origin = &batch->origins[row];
        origin->refused = judge(rows, row, origin, config, peer, name);
        if (origin->refused == foreign_realm) {
            char advice[ADVICE_SIZE];
            advise(origin->realm, db_text(rows, row, 5), db_text(rows, row, 6), !peer->is_local, advice);
            origin->advice = cm_strdup(advice);
        }
    }
    db_result_free(rows);
    buf_done(&scanners);
    buf_done(&realms);
    return code;
}

/* --- Runs ----------------------------------------------------------------------------------------------------------------------------- */

/* On the unix socket the runs of all scanners of this host are one's own. */
static int check_runs(struct db *db, const struct peer *peer, struct batch *batch, struct cm_error *error)
{
    struct buf runs, scanners;
    struct db_result *rows = NULL;
    buf_init(&runs, NAMES_PARAM_MAX);
    buf_init(&scanners, NAMES_PARAM_MAX);
    array_begin(&runs);
    array_begin(&scanners);
    for (size_t i = 0; i < batch->run_count; i++) {
        char text[CM_UUID_TEXT_SIZE];
        uuid_write(text, batch->runs[i].run);
        array_add_text(&runs, text);
        array_add_text(&scanners, batch->origins[batch->runs[i].origin].scanner);
    }
    array_end(&runs);
    array_end(&scanners);
    const char *params[] = {runs.data, scanners.data, peer->is_local ? "t" : "f"};
    int code = db_query(db,
                        "SELECT o.rank - 1 FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS o(run, scanner, rank)"
                        "  JOIN run r ON r.run = o.run AND r.scanner <> o.scanner"
                        "  LEFT JOIN scanner s ON s.name = r.scanner"
                        " WHERE NOT ($3::boolean AND coalesce(s.enrolled LIKE 'unix:%', true))",
                        params, 3, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows); row++)
        batch->runs[db_integer(rows, row, 0)].refused = true;
    db_result_free(rows);
    buf_done(&runs);
    buf_done(&scanners);
    return code;
}

int identity_check(struct db *db, const struct config *config, const struct peer *peer, const char *name,
                   struct batch *batch, struct cm_error *error)
{
    int code = batch->origin_count ? check_origins(db, config, peer, name, batch, error) : 0;
    if (!code && batch->run_count)
        code = check_runs(db, peer, batch, error);
    return code;
}

/* --- Enrolment ------------------------------------------------------------------------------------------------------------------------ */

/* Scanners of this host that are new, an act by a rule; names is an array. */
static int enrol_local(struct db *db, const struct config *config, const struct peer *peer, const char *names,
                       struct cm_error *error)
{
    char enrolled[32];
    snprintf(enrolled, sizeof enrolled, "unix:%u", (unsigned)peer->uid);
    const char *params[] = {names, enrolled, config_string(config, "realm")};
    return db_query(db,
                    "WITH new AS (INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen)"
                    " SELECT DISTINCT n.name, CASE WHEN $3 = 'default' THEN '{default}' ELSE ARRAY['default', $3] "
                    "END, $2, now(), now()"
                    "   FROM unnest($1::text[]) AS n(name)"
                    "  WHERE NOT EXISTS (SELECT FROM scanner s WHERE s.name = n.name) ORDER BY n.name"
                    " ON CONFLICT DO NOTHING RETURNING name, realms)"
                    " SELECT audit_append('collector', 'scanner.add', name,"
                    "   json_build_object('rule', 'unix socket', 'enrolled', $2, 'realms', realms)::text) FROM new",
                    params, 3, NULL, error);
}

int identity_note(struct db *db, const struct config *config, const struct peer *peer, const struct batch *batch,
                  int64_t skew_ms, struct cm_error *error)
{
    struct buf names;
    char skew[24];
    struct db_result *rows = NULL;
    snprintf(skew, sizeof skew, "%lld", (long long)skew_ms);
    buf_init(&names, NAMES_PARAM_MAX);
    array_begin(&names);
    for (size_t i = 0; i < batch->origin_count; i++)
        if (!batch->origins[i].refused)
            array_add_text(&names, batch->origins[i].scanner);
    array_end(&names);
    const char *params[] = {names.data, skew_ms ? skew : NULL};
    int code = 0;
    if (peer->is_local)
        code = enrol_local(db, config, peer, names.data, error);
    /* Once a minute and scanner is enough, or its row would be what all its batches wait for. */
    if (!code)
        code = db_query(db,
                        "UPDATE scanner SET last_seen = now(), skewed_ms = $2::bigint WHERE name = ANY ($1::text[])"
                        " AND (last_seen < now() - interval '1 minute' OR last_seen = first_seen"
                        "      OR skewed_ms IS DISTINCT FROM $2::bigint)",
                        params, 2, &rows, error);
    db_result_free(rows);
    buf_done(&names);
    return code;
}

int identity_claim(struct db *db, const struct config *config, const struct peer *peer, const char *claimed,
                   char name[static PEER_NAME_SIZE], struct cm_error *error)
{
    struct db_result *rows = NULL;
    struct buf names;
    int code = identity_of(db, config, peer, name, error);
    if (code)
        return code;
    if (claimed && !peer->is_local && strcmp(claimed, name) != 0)
        return error_set(error, CM_EAUTH, 0, "the scanner is another one");
    if (!peer->is_local)
        return 0;
    if (claimed)
        snprintf(name, PEER_NAME_SIZE, "%s", claimed);
    buf_init(&names, NAMES_PARAM_MAX);
    array_begin(&names);
    array_add_text(&names, name);
    array_end(&names);
    code = transaction_begin(db, error);
    if (!code)
        code = enrol_local(db, config, peer, names.data, error);
    code = transaction_end(db, code, error);
    buf_done(&names);
    const char *params[] = {name};
    if (!code)
        code = db_query(db, "SELECT enrolled LIKE 'unix:%', disabled FROM scanner WHERE name = $1", params, 1, &rows,
                        error);
    if (!code && (db_rows(rows) == 0 || !db_boolean(rows, 0, 0)))
        code = error_set(error, CM_EAUTH, 0, only_by_certificate);
    else if (!code && db_boolean(rows, 0, 1))
        code = error_set(error, CM_EAUTH, 0, "the scanner is disabled");
    db_result_free(rows);
    return code;
}

/* --- Who asks for work ------------------------------------------------------------------------------------------------------------------ */

int identity_asks(struct db *db, const struct peer *peer, const char *name, const char *kind, const char *realm,
                  const char *lasts, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {name, kind, realm, lasts};
    int code = transaction_query(db,
                                 "SELECT a.welcome," MAY_TELL
                                 "s.name) FROM scanner s CROSS JOIN worker_asks(s.name, $2, $3, $4::interval) AS "
                                 "a(welcome) WHERE s.name = $1",
                                 params, 4, &rows, error);
    if (!code && db_rows(rows) == 1 && !db_boolean(rows, 0, 0)) {
        char advice[ADVICE_SIZE];
        advise(realm, db_text(rows, 0, 1), db_text(rows, 0, 2), !peer->is_local, advice);
        code = error_setf(error, CM_EAUTH, 0, foreign_realm, "%s", advice);
    }
    db_result_free(rows);
    return code;
}
