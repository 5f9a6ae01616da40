/* `inventory`: one row per place (endpoint or entry of a file) with what is there now, who owns it, how the last look ended and when that
 * was. A place that could not be read keeps what was last known of it: unreachable is not absent.
 *
 * Certificates that are nowhere now have no row here; `evidence` lists them. Places that hold trust anchors alone (the bundles that
 * distributions ship) are left out unless asked for. */
#include <string.h>

#include "certmuster/timefmt.h"
#include "report/report.h"

enum inventory_column {
    PLACE,
    KIND,
    REALM,
    NAME,
    NOT_AFTER,
    DAYS_LEFT,
    THRESHOLD,
    OWNER,
    OWNER_EMAIL,
    OWNER_CONTACT,
    ENVIRONMENT,
    CRITICALITY,
    RESULT,
    DETAIL,
    LAST_CHECKED,
    LAST_OK,
    LAST_FAILURE,
    ISSUER,
    SUBJECT,
    SERIAL,
    NOT_BEFORE,
    KEY,
    SIG_ALG,
    VERDICT,
    MISSING_ISSUER,
    EFFECTIVE_NOT_AFTER,
    CHAIN_FAULTS,
    NAME_MATCHES,
    SHA256,
    CERTIFICATES,
    TLS_VERSION,
    CIPHER,
    GROUP,
    STAPLE,
    STAPLE_NEXT,
    PROOF,
    JA3S,
    TRANSPORT,
    IP,
    PORT,
    SNI,
    STARTTLS,
    HOST,
    PATH,
    INNER_PATH,
    ENTRY,
    FORMAT,
    SOURCE,
    SCANNER,
    FIRST_SEEN,
    GONE_SINCE,
    INVENTORY_COLUMN_COUNT
};
_Static_assert((int)INVENTORY_COLUMN_COUNT <= (int)SHEET_COLUMNS_MAX, "raise SHEET_COLUMNS_MAX");

static const struct column columns[INVENTORY_COLUMN_COUNT] = {
    [PLACE] = {"place", "Place", COLUMN_TEXT, false},
    [KIND] = {"kind", "Kind", COLUMN_TEXT, true},
    [REALM] = {"realm", "Realm", COLUMN_TEXT, true},
    [NAME] = {"name", "Certificate", COLUMN_TEXT, false},
    [NOT_AFTER] = {"not_after", "Expires", COLUMN_TIME, false},
    [DAYS_LEFT] = {"days_left", "Days left", COLUMN_INTEGER, true},
    [THRESHOLD] = {"threshold", "Warning threshold in days", COLUMN_INTEGER, true},
    [OWNER] = {"owner", "Owner", COLUMN_TEXT, false},
    [OWNER_EMAIL] = {"owner_email", "Owner's mail", COLUMN_LIST, true},
    [OWNER_CONTACT] = {"owner_contact", "Owner's contact", COLUMN_TEXT, true},
    [ENVIRONMENT] = {"environment", "Environment", COLUMN_TEXT, true},
    [CRITICALITY] = {"criticality", "Criticality", COLUMN_TEXT, true},
    [RESULT] = {"result", "Last result", COLUMN_TEXT, false},
    [DETAIL] = {"detail", "Detail of the failure", COLUMN_TEXT, true},
    [LAST_CHECKED] = {"last_checked", "Last checked", COLUMN_TIME, false},
    [LAST_OK] = {"last_ok", "Last read", COLUMN_TIME, true},
    [LAST_FAILURE] = {"last_failure", "Last failure", COLUMN_TIME, true},
    [ISSUER] = {"issuer", "Issuer", COLUMN_TEXT, true},
    [SUBJECT] = {"subject", "Subject", COLUMN_TEXT, true},
    [SERIAL] = {"serial", "Serial number", COLUMN_TEXT, true},
    [NOT_BEFORE] = {"not_before", "Valid from", COLUMN_TIME, true},
    [KEY] = {"key", "Key", COLUMN_TEXT, true},
    [SIG_ALG] = {"sig_alg", "Signature", COLUMN_TEXT, true},
    [VERDICT] = {"verdict", "Verdict", COLUMN_TEXT, true},
    [MISSING_ISSUER] = {"missing_issuer", "Issuer that is nowhere", COLUMN_TEXT, true},
    [EFFECTIVE_NOT_AFTER] = {"effective_not_after", "End of the path", COLUMN_TIME, true},
    [CHAIN_FAULTS] = {"chain_faults", "Wrong with the chain as served", COLUMN_TEXT, true},
    [NAME_MATCHES] = {"name_matches", "Is for the name asked", COLUMN_BOOLEAN, true},
    [SHA256] = {"sha256", "SHA-256 fingerprint", COLUMN_TEXT, true},
    [CERTIFICATES] = {"certificates", "All certificates there", COLUMN_LIST, true},
    [TLS_VERSION] = {"tls_version", "TLS", COLUMN_TEXT, false},
    [CIPHER] = {"cipher", "Cipher suite", COLUMN_TEXT, true},
    [GROUP] = {"group", "Key agreement", COLUMN_TEXT, true},
    [STAPLE] = {"staple", "Stapled OCSP status", COLUMN_TEXT, true},
    [STAPLE_NEXT] = {"staple_next_update", "Staple's next update", COLUMN_TIME, true},
    [PROOF] = {"proof", "Key proven", COLUMN_TEXT, true},
    [JA3S] = {"ja3s", "JA3S", COLUMN_TEXT, true},
    [TRANSPORT] = {"transport", "Transport", COLUMN_TEXT, true},
    [IP] = {"ip", "Address", COLUMN_TEXT, true},
    [PORT] = {"port", "Port", COLUMN_INTEGER, true},
    [SNI] = {"sni", "Name asked for", COLUMN_TEXT, true},
    [STARTTLS] = {"starttls", "STARTTLS", COLUMN_TEXT, true},
    [HOST] = {"host", "Host", COLUMN_TEXT, true},
    [PATH] = {"path", "Path", COLUMN_TEXT, true},
    [INNER_PATH] = {"inner_path", "Path inside", COLUMN_TEXT, true},
    [ENTRY] = {"entry", "Entry", COLUMN_TEXT, true},
    [FORMAT] = {"format", "Format", COLUMN_TEXT, true},
    [SOURCE] = {"source", "Source", COLUMN_TEXT, true},
    [SCANNER] = {"scanner", "Scanner", COLUMN_TEXT, true},
    [FIRST_SEEN] = {"first_seen", "First seen", COLUMN_TIME, true},
    [GONE_SINCE] = {"gone_since", "Gone since", COLUMN_TIME, true},
};

/* Sorted before the certificates of each place are looked up, so that rows stream. The certificate shown is the leaf that expires
 * first; all of them stand in `certificates`. */
static const char select_sql[] =
    "SELECT l.place, l.kind, l.realm, n.display_name, utc_text(n.not_after),"
    " floor(extract(epoch FROM n.not_after - now()) / 86400)::bigint, expiry_threshold(n.not_before, n.not_after, "
    "now()),"
    " l.owner, array_to_string(l.owner_email, ', '), to_json(l.owner_email)::text, l.owner_contact, l.environment,"
    " l.criticality, CASE WHEN l.gone_at IS NOT NULL THEN 'gone' WHEN l.last_result = '' THEN 'hidden' ELSE "
    "l.last_result END, l.last_detail,"
    " utc_text(greatest(l.ok_at, l.failed_at)), utc_text(l.ok_at), utc_text(l.failed_at), n.issuer, n.subject,"
    " encode(n.serial, 'hex'), utc_text(n.not_before), key_text(n.key_alg, n.key_bits, n.curve), n.sig_alg, n.verdict,"
    " n.missing_issuer, utc_text(n.effective_not_after), n.faults,"
    " CASE WHEN l.kind = 'endpoint' AND l.name <> '' THEN name_matches(n.sha256, l.name) END,"
    " encode(n.sha256, 'hex'), m.text, m.json, l.tls->>'version', l.tls->>'cipher', l.tls->>'group',"
    " l.tls#>>'{staple,status}', l.tls#>>'{staple,next_update}', l.tls->>'proof', l.tls->>'ja3s', l.transport, "
    "host(l.ip), l.port,"
    " CASE l.kind WHEN 'endpoint' THEN l.name END, l.starttls, l.host, l.path, l.inner_path, l.entry,"
    " l.file_meta->>'format', l.source, l.scanner, utc_text(l.first_seen), utc_text(l.gone_since)"
    " FROM (SELECT pl.*, greatest(pl.last_ok, k.last_ok) AS ok_at, greatest(pl.last_failure, k.last_failure) AS "
    "failed_at"
    "  FROM place pl LEFT JOIN places_checked() k ON k.location_id = pl.location_id"
    "  WHERE ($2::boolean OR NOT EXISTS (SELECT 1 FROM place_of_anchors a WHERE a.location_id = pl.location_id))"
    "   AND ($3::text IS NULL OR pl.owner = $3 OR ($3 = 'none' AND pl.owner IS NULL))"
    "   AND ($4::boolean OR pl.gone_at IS NULL)"
    "   AND $1::interval IS NOT NULL"; /* every report takes it */

static const char order_sql[] =
    "  ORDER BY pl.realm, pl.kind, pl.host, pl.path, pl.inner_path, pl.entry, pl.ip, pl.port, pl.name, pl.location_id) "
    "l"
    " LEFT JOIN LATERAL (SELECT c.*, v.verdict, v.missing_issuer, v.effective_not_after, chain_faults(p.chain_id) AS "
    "faults"
    "  FROM (SELECT s.sha256, s.chain_id FROM place_certificate s"
    "    WHERE s.location_id = l.location_id AND s.position = 0 AND NOT s.superseded"
    "    UNION ALL SELECT g.sha256, g.chain_id FROM gone_certificate g" /* what was there */
    "    WHERE l.gone_at IS NOT NULL AND g.location_id = l.location_id AND g.position = 0) p"
    "  JOIN certificate c ON c.sha256 = p.sha256"
    "  LEFT JOIN LATERAL chain_best(p.chain_id) v ON true"
    "  ORDER BY c.not_after, c.sha256 LIMIT 1) n ON true"
    " CROSS JOIN LATERAL (SELECT string_agg(encode(p.sha256, 'hex'), ' ' ORDER BY p.chain_id, p.role, p.position) AS "
    "text,"
    "   json_agg(json_build_object('sha256', encode(p.sha256, 'hex'), 'name', c.display_name, 'position', p.position,"
    "    'role', p.role, 'not_after', utc_text(c.not_after), 'first_seen', utc_text(p.first_seen))"
    "    ORDER BY p.chain_id, p.role, p.position)::text AS json"
    "  FROM place_certificate p JOIN certificate c ON c.sha256 = p.sha256"
    "  WHERE p.location_id = l.location_id AND NOT p.superseded) m"
    " ORDER BY l.realm, l.kind, l.host, l.path, l.inner_path, l.entry, l.ip, l.port, l.name, l.location_id";

#define SOME(condition)                                                                                                \
    "EXISTS (SELECT 1 FROM certificate_place p WHERE p.location_id = pl.location_id AND (" condition "))"
#define SOME_NAME                                                                                                      \
    SOME("lower(p.display_name) LIKE $$ OR EXISTS (SELECT 1 FROM certificate_name n WHERE n.sha256 = p.sha256"         \
         " AND lower(n.name) LIKE $$)")
#define FAILING "pl.gone_at IS NULL AND pl.last_result NOT IN ('ok', '')"

static const struct filter_sql filter_sql = {
    .text = {[FILTER_ANY] = "lower(pl.place) LIKE $$ OR lower(pl.owner) LIKE $$ OR " SOME(
                 "lower(p.display_name) LIKE $$ OR lower(p.subject) LIKE $$ OR lower(p.issuer) LIKE $$"
                 " OR encode(p.sha256, 'hex') LIKE $$ OR EXISTS (SELECT 1 FROM certificate_name n"
                 " WHERE n.sha256 = p.sha256 AND lower(n.name) LIKE $$)"),
             [FILTER_NAME] = SOME_NAME,
             [FILTER_ISSUER] = SOME("p.position = 0 AND lower(p.issuer) LIKE $$"),
             [FILTER_PLACE] = "lower(pl.place) LIKE $$",
             [FILTER_OWNER] = "lower(pl.owner) LIKE $$",
             [FILTER_REALM] = "lower(pl.realm) LIKE $$",
             [FILTER_KEY] = SOME("p.position = 0 AND lower(p.key) LIKE $$"),
             [FILTER_FINGERPRINT] = SOME("encode(p.sha256, 'hex') LIKE $$")},
    .nobody = "pl.owner IS NULL",
    .status = {[FILTER_EXPIRED] = SOME("p.not_after <= now()"),
               [FILTER_EXPIRING] = SOME("p.not_after > now() AND p.threshold IS NOT NULL"),
               [FILTER_FAILING] = FAILING,
               [FILTER_OK] = "pl.gone_at IS NULL AND NOT (" FAILING ") AND NOT " SOME("p.threshold IS NOT NULL"),
               [FILTER_GONE] = "pl.gone_at IS NOT NULL"},
};

/* ---- for people ---- */

enum text_column { T_PLACE, T_NAME, T_EXPIRES, T_OWNER, T_RESULT, T_CHECKED, T_TLS, T_ISSUER };

static const struct table_column cell_columns[] = {
    [T_PLACE] = {"PLACE", false, 22, true},       [T_NAME] = {"CERTIFICATE", false, 20, true},
    [T_EXPIRES] = {"EXPIRES", false, 0, false},   [T_OWNER] = {"OWNER", false, 8, true},
    [T_RESULT] = {"LAST RESULT", false, 8, true}, [T_CHECKED] = {"CHECKED", false, 0, false},
    [T_TLS] = {"TLS", false, 0, false},           [T_ISSUER] = {"ISSUER", false, 12, true},
};

static const struct text_layout layouts[] = {
    {160, {T_PLACE, T_NAME, T_EXPIRES, T_OWNER, T_RESULT, T_CHECKED, T_TLS, T_ISSUER}, 8},
    {110, {T_PLACE, T_NAME, T_EXPIRES, T_OWNER, T_RESULT, T_CHECKED}, 6},
    {76, {T_PLACE, T_NAME, T_EXPIRES, T_OWNER}, 4},
    {0, {T_PLACE, T_NAME}, 2},
};

static void text_cell(struct table *table, unsigned column, const struct field *f, const struct summary *now)
{
    int64_t seconds = 0;
    char text[TIMEFMT_SIZE];
    bool ok = strcmp(f[RESULT].text, "ok") == 0, hidden = strcmp(f[RESULT].text, "hidden") == 0,
         gone = !f[GONE_SINCE].null;

    switch ((enum text_column)column) {
    case T_PLACE:
        table_cell(table, f[PLACE].text, TABLE_PLAIN);
        break;
    case T_NAME:
        if (!f[NAME].null)
            table_cell(table, f[NAME].text, TABLE_PLAIN);
        else
            table_cell(table, ok ? "-" : hidden ? "cannot be seen" : f[RESULT].text, TABLE_DIM);
        break;
    case T_EXPIRES:
        if (field_seconds(&f[NOT_AFTER], &seconds)) {
            timefmt_distance(text, seconds - now->at);
            table_cell(table, text, gone ? TABLE_DIM : urgency_paint(&f[THRESHOLD], seconds - now->at));
        } else {
            table_cell(table, "-", TABLE_DIM);
        }
        break;
    case T_OWNER:
        table_cell(table, f[OWNER].null ? "nobody" : f[OWNER].text, f[OWNER].null ? TABLE_WARN : TABLE_PLAIN);
        break;
    case T_RESULT:
        table_cell(table, f[RESULT].text, ok ? TABLE_GOOD : hidden || gone ? TABLE_DIM : TABLE_BAD);
        break;
    case T_CHECKED:
        if (field_seconds(&f[LAST_CHECKED], &seconds))
            timefmt_date(text, seconds);
        table_cell(table, f[LAST_CHECKED].null ? "never" : text, TABLE_PLAIN);
        break;
    case T_TLS:
        table_cell(table, f[TLS_VERSION].null ? "-" : f[TLS_VERSION].text, TABLE_PLAIN);
        break;
    case T_ISSUER:
        table_cell(table, f[ISSUER].text, TABLE_PLAIN);
        break;
    }
}

static void text_foot(const struct request *request, const struct summary *summary, int64_t rows, struct buf *out)
{
    bool narrowed = request->filter.count > 0 || request->owner;
    if (rows == 0)
        buf_append_str(out, narrowed ? "no place is what was asked for (" : "no place is known (");
    else {
        append_count(out, rows, "place (", "places (");
    }
    if (rows != summary->places)
        append_count(out, summary->places, "in all, ", "in all, ");
    append_last_look(out, summary);
    if (summary->failing > 0) {
        buf_append_str(out, "; ");
        append_count(out, summary->failing, "could not be read then: ", "could not be read then: ");
        buf_append_str(out, "unreachable is not absent");
    }
    if (summary->gone > 0 && !filter_asks_gone(&request->filter)) {
        buf_append_str(out, "; ");
        append_number(out, summary->gone);
        buf_append_str(out, " gone: --filter status:gone");
    }
    buf_append_str(out, ")");
}

const struct report report_inventory = {
    .name = "inventory",
    .summary = "every place with its certificates, owner, last result and when it was last looked at",
    .title = "Certificate inventory",
    .sheet = {"inventory", columns, INVENTORY_COLUMN_COUNT},
    .select = select_sql,
    .order = order_sql,
    .filter = &filter_sql,
    .cell_columns = cell_columns,
    .layouts = layouts,
    .text_cell = text_cell,
    .text_foot = text_foot,
};
