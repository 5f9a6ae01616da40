/* `expiring`: one row per certificate that is somewhere now and expires within the period (expired ones included), soonest first, with the
 * places where it is and whom to call. Trust anchors of trust stores are left out unless asked for.
 *
 * A filter or an owner narrows the places: a certificate is listed when one of its places passes, with those places alone. */
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/timefmt.h"
#include "report/report.h"

enum expiring_column {
    NAME,
    NOT_AFTER,
    DAYS_LEFT,
    THRESHOLD,
    PLACES,
    FAILING_PLACES,
    FIRST_PLACES,
    OWNERS,
    UNOWNED_PLACES,
    ISSUER,
    VERDICT,
    KEY,
    ROLES,
    CA,
    SUBJECT,
    SERIAL,
    NOT_BEFORE,
    SHA256,
    EXPIRING_COLUMN_COUNT
};

static const struct column columns[EXPIRING_COLUMN_COUNT] = {
    [NAME] = {"name", "Certificate", COLUMN_TEXT, false},
    [NOT_AFTER] = {"not_after", "Expires", COLUMN_TIME, false},
    [DAYS_LEFT] = {"days_left", "Days left", COLUMN_INTEGER, true},
    [THRESHOLD] = {"threshold", "Warning threshold in days", COLUMN_INTEGER, true},
    [PLACES] = {"places", "Places", COLUMN_INTEGER, false},
    [FAILING_PLACES] = {"failing_places", "Not readable at the last look", COLUMN_INTEGER, true},
    [FIRST_PLACES] = {"first_places", "First places", COLUMN_LIST, false},
    [OWNERS] = {"owners", "Whom to call", COLUMN_LIST, false},
    [UNOWNED_PLACES] = {"unowned_places", "Places that nobody owns", COLUMN_INTEGER, true},
    [ISSUER] = {"issuer", "Issuer", COLUMN_TEXT, false},
    [VERDICT] = {"verdict", "Verdict", COLUMN_TEXT, false},
    [KEY] = {"key", "Key", COLUMN_TEXT, true},
    [ROLES] = {"roles", "Roles", COLUMN_LIST, true},
    [CA] = {"ca", "CA certificate", COLUMN_BOOLEAN, true},
    [SUBJECT] = {"subject", "Subject", COLUMN_TEXT, true},
    [SERIAL] = {"serial", "Serial number", COLUMN_TEXT, true},
    [NOT_BEFORE] = {"not_before", "Valid from", COLUMN_TIME, true},
    [SHA256] = {"sha256", "SHA-256 fingerprint", COLUMN_TEXT, true},
};

static const char select_sql[] =
    "SELECT c.display_name, utc_text(c.not_after), floor(extract(epoch FROM c.not_after - now()) / 86400)::bigint,"
    " expiry_threshold(c.not_before, c.not_after, now()), u.places, u.failing,"
    " array_to_string(u.first_places, '; '), to_json(u.first_places)::text, o.text, o.json, u.unowned,"
    " c.issuer, u.verdict, key_text(c.key_alg, c.key_bits, c.curve), array_to_string(u.roles, ' '),"
    " to_json(u.roles)::text, coalesce(c.is_ca, false), c.subject, encode(c.serial, 'hex'), utc_text(c.not_before),"
    " encode(c.sha256, 'hex')"
    " FROM (SELECT p.sha256, count(DISTINCT p.location_id) AS places,"
    "   count(DISTINCT p.location_id) FILTER (WHERE p.last_result NOT IN ('ok', '')) AS failing,"
    "   count(DISTINCT p.location_id) FILTER (WHERE p.owner IS NULL) AS unowned,"
    "   (array_agg(DISTINCT p.place ORDER BY p.place))[1:5] AS first_places,"
    "   array_agg(DISTINCT p.owner) AS owners, array_agg(DISTINCT p.role) AS roles,"
    "   string_agg(DISTINCT v.verdict, ' ') AS verdict"
    "  FROM certificate_place p"
    "  LEFT JOIN LATERAL chain_best(p.chain_id) v ON true"
    "  WHERE p.not_after <= now() + $1::interval AND ($2::boolean OR p.role <> 'trust')"
    "   AND ($3::text IS NULL OR p.owner = $3 OR ($3 = 'none' AND p.owner IS NULL)) AND $4::boolean IS NOT NULL";

static const char order_sql[] =
    "  GROUP BY p.sha256) u"
    " JOIN certificate c ON c.sha256 = u.sha256"
    " CROSS JOIN LATERAL (SELECT string_agg(owner_text(o), '; ' ORDER BY o.name) AS text,"
    "   json_agg(json_strip_nulls(json_build_object('name', o.name, 'email', o.email, 'contact', o.contact,"
    "    'environment', o.environment, 'criticality', o.criticality)) ORDER BY o.name)::text AS json"
    "  FROM owner o WHERE o.name = ANY (u.owners)) o"
    " ORDER BY c.not_after, c.display_name, c.sha256";

#define ANY_NAME "EXISTS (SELECT 1 FROM certificate_name n WHERE n.sha256 = p.sha256 AND lower(n.name) LIKE $$)"

static const struct filter_sql filter_sql = {
    .text = {[FILTER_ANY] = "lower(p.display_name) LIKE $$ OR lower(p.subject) LIKE $$ OR lower(p.issuer) LIKE $$"
                            " OR lower(p.place) LIKE $$ OR lower(p.owner) LIKE $$ OR encode(p.sha256, 'hex') LIKE $$"
                            " OR " ANY_NAME,
             [FILTER_NAME] = "lower(p.display_name) LIKE $$ OR " ANY_NAME,
             [FILTER_ISSUER] = "lower(p.issuer) LIKE $$",
             [FILTER_PLACE] = "lower(p.place) LIKE $$",
             [FILTER_OWNER] = "lower(p.owner) LIKE $$",
             [FILTER_REALM] = "lower(p.realm) LIKE $$",
             [FILTER_KEY] = "lower(p.key) LIKE $$",
             [FILTER_FINGERPRINT] = "encode(p.sha256, 'hex') LIKE $$"},
    .nobody = "p.owner IS NULL",
    .status = {[FILTER_EXPIRED] = "p.not_after <= now()",
               [FILTER_EXPIRING] = "p.not_after > now() AND p.threshold IS NOT NULL",
               [FILTER_FAILING] = "p.last_result NOT IN ('ok', '')",
               [FILTER_OK] = "p.not_after > now() AND p.threshold IS NULL AND p.last_result IN ('ok', '')",
               [FILTER_GONE] = "false"}, /* a certificate does not expire where it is no more */
};

/* ---- for people ---- */

enum { PLACES_COLUMNS_MAX = 72 }; /* where no terminal cuts: a row is still one line */

enum text_column { T_EXPIRES, T_DATE, T_NAME, T_PLACES, T_OWNER, T_ISSUER, T_VERDICT, T_FINGERPRINT };

static const struct table_column cell_columns[] = {
    [T_EXPIRES] = {"EXPIRES", false, 0, false},    [T_DATE] = {"ON", false, 0, false},
    [T_NAME] = {"CERTIFICATE", false, 22, true},   [T_PLACES] = {"PLACES", false, 10, true},
    [T_OWNER] = {"WHOM TO CALL", false, 10, true}, [T_ISSUER] = {"ISSUER", false, 12, true},
    [T_VERDICT] = {"VERDICT", false, 8, true},     [T_FINGERPRINT] = {"SHA-256", false, 0, false},
};

static const struct text_layout layouts[] = {
    {180, {T_EXPIRES, T_DATE, T_NAME, T_PLACES, T_OWNER, T_ISSUER, T_VERDICT, T_FINGERPRINT}, 8},
    {116, {T_EXPIRES, T_DATE, T_NAME, T_PLACES, T_OWNER, T_ISSUER}, 6},
    {76, {T_EXPIRES, T_NAME, T_PLACES, T_OWNER}, 4},
    {0, {T_EXPIRES, T_NAME, T_OWNER}, 3},
};

static void text_cell(struct table *table, unsigned column, const struct field *f, const struct summary *now)
{
    int64_t seconds = 0;
    char distance[TIMEFMT_SIZE], date[TIMEFMT_SIZE];
    struct buf text;

    bool known = field_seconds(&f[NOT_AFTER], &seconds);
    enum table_paint urgency = known ? urgency_paint(&f[THRESHOLD], seconds - now->at) : TABLE_PLAIN;
    buf_init(&text, SHEET_ROW_BYTES_MAX);
    switch ((enum text_column)column) {
    case T_EXPIRES:
        timefmt_distance(distance, seconds - now->at);
        table_cell(table, distance, urgency);
        break;
    case T_DATE:
        timefmt_date(date, seconds);
        table_cell(table, date, TABLE_PLAIN);
        break;
    case T_NAME:
        table_cell(table, f[NAME].text, urgency);
        break;
    case T_PLACES:
        buf_append_str(&text, f[PLACES].text);
        if (strcmp(f[FAILING_PLACES].text, "0") != 0)
            buf_appendf(&text, " (%s failing)", f[FAILING_PLACES].text);
        buf_append_str(&text, ": ");
        size_t shown = text_fit(f[FIRST_PLACES].text, f[FIRST_PLACES].size, PLACES_COLUMNS_MAX);
        buf_append(&text, f[FIRST_PLACES].text, shown);
        buf_append_str(&text, shown < f[FIRST_PLACES].size ? " ..." : "");
        table_cell(table, text.data, TABLE_PLAIN);
        break;
    case T_OWNER:
        buf_append_str(&text, f[OWNERS].null ? "nobody" : f[OWNERS].text);
        if (!f[OWNERS].null && strcmp(f[UNOWNED_PLACES].text, "0") != 0)
            buf_append_str(&text, "; nobody");
        table_cell(table, text.data, f[OWNERS].null ? TABLE_WARN : TABLE_PLAIN);
        break;
    case T_ISSUER:
        table_cell(table, f[ISSUER].text, TABLE_PLAIN);
        break;
    case T_VERDICT:
        table_cell(table, f[VERDICT].null ? "not judged" : f[VERDICT].text,
                   f[VERDICT].null                      ? TABLE_DIM
                   : strcmp(f[VERDICT].text, "ok") == 0 ? TABLE_GOOD
                                                        : TABLE_WARN);
        break;
    case T_FINGERPRINT:
        buf_append(&text, f[SHA256].text, f[SHA256].size < 16 ? f[SHA256].size : 16);
        table_cell(table, text.data, TABLE_DIM);
        break;
    }
    buf_done(&text);
}

static void text_foot(const struct request *request, const struct summary *summary, int64_t rows, struct buf *out)
{
    bool narrowed = request->filter.count > 0 || request->owner;
    if (rows == 0)
        buf_appendf(out, "nothing%s expires", narrowed ? " of what was asked for" : "");
    else
        append_count(out, rows, "certificate expires", "certificates expire");
    buf_append_str(out, " within ");
    append_period(out, request);
    buf_append_str(out, " (");
    if (rows == 0)
        append_count(out, summary->certificates, "certificate, ", "certificates, ");
    append_count(out, summary->places, "place looked at, ", "places looked at, ");
    append_last_look(out, summary);
    if (summary->failing > 0) {
        buf_append_str(out, "; ");
        append_count(out, summary->failing, "place could not be read then: ", "places could not be read then: ");
        buf_append_str(out, "unreachable is not absent");
    }
    buf_append_str(out, ")");
}

const struct report report_expiring = {
    .name = "expiring",
    .summary = "certificates in use that expire within the period, soonest first, with places and whom to call",
    .title = "Expiring certificates",
    .sheet = {"expiring", columns, EXPIRING_COLUMN_COUNT},
    .select = select_sql,
    .order = order_sql,
    .filter = &filter_sql,
    .takes_within = true,
    .cell_columns = cell_columns,
    .layouts = layouts,
    .text_cell = text_cell,
    .text_foot = text_foot,
};
