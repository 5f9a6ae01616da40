/* The queries of evidence, and the text that says what its files are good for. Places are told by the inventory report. */
#include "report/evidence_sql.h"

/* ---- sheets ---- */

static const struct column certificate_columns[] = {
    {"sha256", NULL, COLUMN_TEXT, false},      {"name", NULL, COLUMN_TEXT, false},
    {"in_use", NULL, COLUMN_BOOLEAN, false},   {"places", NULL, COLUMN_INTEGER, false},
    {"roles", NULL, COLUMN_LIST, false},       {"subject", NULL, COLUMN_TEXT, false},
    {"issuer", NULL, COLUMN_TEXT, false},      {"serial", NULL, COLUMN_TEXT, false},
    {"not_before", NULL, COLUMN_TIME, false},  {"not_after", NULL, COLUMN_TIME, false},
    {"names", NULL, COLUMN_LIST, false},       {"key", NULL, COLUMN_TEXT, false},
    {"sig_alg", NULL, COLUMN_TEXT, false},     {"ca", NULL, COLUMN_BOOLEAN, false},
    {"spki_sha256", NULL, COLUMN_TEXT, false}, {"undecodable", NULL, COLUMN_TEXT, false},
    {"first_seen", NULL, COLUMN_TIME, false},  {"last_changed", NULL, COLUMN_TIME, false},
};

/* Every certificate ever stored; those that are nowhere now say in_use false and 0 places. */
static const char certificates_sql[] =
    "SELECT encode(c.sha256, 'hex'), c.display_name, u.places IS NOT NULL, coalesce(u.places, 0),"
    " array_to_string(u.roles, ' '), to_json(u.roles)::text, c.subject, c.issuer, encode(c.serial, 'hex'),"
    " utc_text(c.not_before), utc_text(c.not_after), array_to_string(n.names, ' '), to_json(n.names)::text,"
    " key_text(c.key_alg, c.key_bits, c.curve), c.sig_alg, c.is_ca, encode(c.spki_sha256, 'hex'), c.undecodable,"
    " utc_text(c.first_seen), utc_text(c.last_seen)"
    " FROM certificate c"
    " LEFT JOIN (SELECT p.sha256, count(DISTINCT p.location_id) AS places, array_agg(DISTINCT p.role) AS roles"
    "  FROM place_certificate p WHERE NOT p.superseded GROUP BY p.sha256) u ON u.sha256 = c.sha256"
    " CROSS JOIN LATERAL (SELECT array_agg(n.kind || ':' || n.name ORDER BY n.kind, n.name) AS names"
    "  FROM certificate_name n WHERE n.sha256 = c.sha256) n"
    " ORDER BY c.sha256";

static const struct column coverage_columns[] = {
    {"realm", NULL, COLUMN_TEXT, false},         {"kind", NULL, COLUMN_TEXT, false},
    {"result", NULL, COLUMN_TEXT, false},        {"places", NULL, COLUMN_INTEGER, false},
    {"never_read", NULL, COLUMN_INTEGER, false}, {"unowned", NULL, COLUMN_INTEGER, false},
    {"oldest_check", NULL, COLUMN_TIME, false},  {"newest_check", NULL, COLUMN_TIME, false},
};

#define CHECKED                                                                                                        \
    "(SELECT pl.realm, pl.kind, pl.owner, CASE pl.last_result WHEN '' THEN 'hidden' ELSE pl.last_result END AS "       \
    "result,"                                                                                                          \
    " greatest(pl.last_ok, k.last_ok) AS ok_at,"                                                                       \
    " greatest(pl.last_ok, k.last_ok, pl.last_failure, k.last_failure) AS checked_at"                                  \
    " FROM place pl LEFT JOIN places_checked() k ON k.location_id = pl.location_id WHERE pl.gone_at IS NULL) p"

static const char coverage_sql[] =
    "SELECT p.realm, p.kind, p.result, count(*), count(*) FILTER (WHERE p.ok_at IS NULL),"
    " count(*) FILTER (WHERE p.owner IS NULL), utc_text(min(p.checked_at)), utc_text(max(p.checked_at))"
    " FROM " CHECKED " GROUP BY p.realm, p.kind, p.result ORDER BY p.realm, p.kind, p.result";

static const struct column owner_columns[] = {
    {"owner", NULL, COLUMN_TEXT, false},       {"email", NULL, COLUMN_LIST, false},
    {"contact", NULL, COLUMN_TEXT, false},     {"environment", NULL, COLUMN_TEXT, false},
    {"criticality", NULL, COLUMN_TEXT, false}, {"rules", NULL, COLUMN_INTEGER, false},
    {"places", NULL, COLUMN_INTEGER, false},   {"failing_places", NULL, COLUMN_INTEGER, false},
    {"expired", NULL, COLUMN_INTEGER, false},  {"expiring_30_days", NULL, COLUMN_INTEGER, false},
};

/* The last row, with an empty owner, counts what nobody owns. */
static const char owners_sql[] =
    "SELECT o.name, array_to_string(o.email, ', '), to_json(o.email)::text, o.contact, o.environment, o.criticality,"
    " (SELECT count(*) FROM owner_rule r WHERE r.owner = o.name), coalesce(s.places, 0), coalesce(s.failing, 0),"
    " coalesce(e.expired, 0), coalesce(e.expiring, 0)"
    " FROM (SELECT name, email, contact, environment, criticality FROM owner UNION ALL SELECT NULL, NULL, NULL, NULL, "
    "NULL) o"
    " LEFT JOIN (SELECT st.owner, count(*) AS places, count(*) FILTER (WHERE st.last_result NOT IN ('ok', '')) AS "
    "failing"
    "  FROM location_state st WHERE st.gone_at IS NULL GROUP BY st.owner) s ON s.owner IS NOT DISTINCT FROM o.name"
    " LEFT JOIN (SELECT p.owner, count(DISTINCT p.sha256) FILTER (WHERE p.not_after <= now()) AS expired,"
    "   count(DISTINCT p.sha256) FILTER (WHERE p.not_after > now()) AS expiring"
    "  FROM certificate_place p WHERE p.not_after <= now() + interval '30 days' AND p.role <> 'trust'"
    "  GROUP BY p.owner) e ON e.owner IS NOT DISTINCT FROM o.name"
    " ORDER BY o.name NULLS LAST";

static const struct column chain_columns[] = {
    {"chain_id", NULL, COLUMN_TEXT, false},
    {"in_use", NULL, COLUMN_BOOLEAN, false},
    {"name", NULL, COLUMN_TEXT, false},
    {"certificates", NULL, COLUMN_LIST, false},
    {"trust_store", NULL, COLUMN_TEXT, false},
    {"verdict", NULL, COLUMN_TEXT, false},
    {"at_fault", NULL, COLUMN_INTEGER, false},
    {"path", NULL, COLUMN_LIST, false},
    {"effective_not_after", NULL, COLUMN_TIME, false},
    {"missing_issuer", NULL, COLUMN_TEXT, false},
    {"verified_at", NULL, COLUMN_TIME, false},
    {"ordered", NULL, COLUMN_BOOLEAN, false},
    {"superfluous", NULL, COLUMN_INTEGER, false},
    {"duplicates", NULL, COLUMN_INTEGER, false},
    {"undecodable", NULL, COLUMN_INTEGER, false},
    {"root_included", NULL, COLUMN_BOOLEAN, false},
    {"cross_signed", NULL, COLUMN_BOOLEAN, false},
};

#define HEX_OF(array)                                                                                                  \
    "(SELECT array_agg(encode(x.sha256, 'hex') ORDER BY x.n) AS hex FROM unnest(" array                                \
    ") WITH ORDINALITY AS x(sha256, n))"

/* One row for each chain and trust store; a chain that nobody judged yet has one row without a verdict. */
static const char chains_sql[] =
    "SELECT ch.chain_id, EXISTS (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL),"
    " c.display_name, array_to_string(f.hex, ' '), to_json(f.hex)::text, v.trust_store, v.verdict, v.depth,"
    " array_to_string(p.hex, ' '), to_json(p.hex)::text, utc_text(v.effective_not_after), v.missing_issuer,"
    " utc_text(v.verified_at), sh.ordered, sh.superfluous, sh.duplicates, sh.undecodable, sh.root_included,"
    " sh.cross_signed"
    " FROM chain ch"
    " LEFT JOIN certificate c ON c.sha256 = ch.leaf_sha256"
    " LEFT JOIN chain_verdict v ON v.chain_id = ch.chain_id"
    " LEFT JOIN chain_shape sh ON sh.chain_id = ch.chain_id"
    " CROSS JOIN LATERAL " HEX_OF("ch.fingerprints") " f CROSS JOIN LATERAL " HEX_OF(
        "v.path") " p"
                  " ORDER BY ch.chain_id, v.trust_store";

#define SHEET(name, columns)                                                                                           \
    {                                                                                                                  \
        name, columns, sizeof(columns) / sizeof *(columns)                                                             \
    }

const struct evidence_sheet evidence_sheets[] = {
    {"certificates.csv", "certificates.ndjson", SHEET("certificates", certificate_columns), certificates_sql},
    {"chains.csv", "chains.ndjson", SHEET("chains", chain_columns), chains_sql},
    {"coverage.csv", NULL, SHEET("coverage", coverage_columns), coverage_sql},
    {"owners.csv", NULL, SHEET("owners", owner_columns), owners_sql},
    {NULL, NULL, {NULL, NULL, 0}, NULL},
};

/* ---- documents ---- */

/* 'lost' is DESIGN's word for a run that never said it finished, and whose lease or 24 hours are over: it does not count as having looked. */
#define RUN_STATE                                                                                                      \
    "CASE WHEN r.run IN (SELECT o.run FROM run_lost o) THEN 'lost'"                                                    \
    " WHEN r.finished_at IS NULL THEN 'running' WHEN r.interrupted THEN 'interrupted' ELSE 'finished' END"

static const struct evidence_section scope_sections[] = {
    {"at", false, "SELECT to_json(utc_text(now()))"},
    {"period", false,
     "SELECT json_build_object('from', utc_text(min(started_at)), 'to', utc_text(max(coalesce(finished_at, "
     "started_at))))"
     " FROM run"},
    {"realms", true,
     "SELECT json_build_object('realm', realm, 'places', count(*)) FROM location GROUP BY realm ORDER BY realm"},
    {"scanners", true,
     "SELECT json_strip_nulls(json_build_object('scanner', s.name, 'realms', s.realms, 'enrolled', s.enrolled, "
     "'disabled',"
     " s.disabled, 'clock_skew_ms', s.skewed_ms, 'first_seen', utc_text(s.first_seen), 'last_seen', "
     "utc_text(s.last_seen)))"
     " FROM scanner s ORDER BY s.name"},
    {"runs", true,
     "SELECT json_strip_nulls(json_build_object('run', r.run, 'source', r.source, 'scanner', r.scanner, 'host', r.host,"
     " 'asked', r.args, 'state', " RUN_STATE ", 'started_at', utc_text(r.started_at), 'finished_at',"
     " utc_text(r.finished_at), 'targets', r.targets, 'ok', r.ok, 'failed', r.failed, 'stored_ok', r.stored_ok,"
     " 'stored_failed', r.stored_failed)) FROM run r ORDER BY r.started_at NULLS FIRST, r.run"},
    {"trust_stores", true,
     "SELECT json_build_object('trust_store', t.name, 'sha256', t.digest, 'changed_at', utc_text(t.changed_at), "
     "'anchors',"
     " (SELECT count(*) FROM trust_anchor a WHERE a.trust_store = t.name)) FROM trust_store t ORDER BY t.name"},
    {"audit", false,
     "SELECT json_build_object('acts', h.seq, 'head', h.seq || ':' || encode(h.hash, 'hex'), 'last_at',"
     " (SELECT utc_text(l.at) FROM audit_log l WHERE l.seq = h.seq)) FROM audit_head h"},
    {NULL, false, NULL},
};

static const struct evidence_section coverage_sections[] = {
    {"at", false, "SELECT to_json(utc_text(now()))"},
    {"places", false,
     "SELECT json_build_object('known', count(*), 'read', count(*) FILTER (WHERE result = 'ok'), 'failing',"
     " count(*) FILTER (WHERE result NOT IN ('ok', 'hidden')), 'hidden', count(*) FILTER (WHERE result = 'hidden'),"
     " 'never_read', count(*) FILTER (WHERE ok_at IS NULL), 'failing_but_read_before',"
     " count(*) FILTER (WHERE result NOT IN ('ok', 'hidden') AND ok_at IS NOT NULL),"
     " 'unowned', count(*) FILTER (WHERE owner IS NULL),"
     " 'gone', (SELECT gone FROM inventory_summary)) FROM " CHECKED},
    {"last_check_age", false,
     "SELECT json_build_object('within_1_day', count(*) FILTER (WHERE checked_at > now() - interval '1 day'),"
     " 'within_7_days', count(*) FILTER (WHERE checked_at <= now() - interval '1 day' AND checked_at > now() - "
     "interval '7 days'),"
     " 'within_30_days', count(*) FILTER (WHERE checked_at <= now() - interval '7 days' AND checked_at > now() - "
     "interval '30 days'),"
     " 'older', count(*) FILTER (WHERE checked_at <= now() - interval '30 days'), 'never', count(*) FILTER (WHERE "
     "checked_at IS NULL))"
     " FROM " CHECKED},
    {"failing_by_reason", true,
     "SELECT json_build_object('result', result, 'places', count(*)) FROM " CHECKED
     " WHERE result NOT IN ('ok', 'hidden') GROUP BY result ORDER BY count(*) DESC, result"},
    {"runs", false,
     "SELECT json_build_object('total', count(*), 'finished', count(*) FILTER (WHERE state = 'finished'), "
     "'interrupted',"
     " count(*) FILTER (WHERE state = 'interrupted'), 'running', count(*) FILTER (WHERE state = 'running'), 'lost',"
     " count(*) FILTER (WHERE state = 'lost'), 'targets', coalesce(sum(targets), 0), 'ok', coalesce(sum(ok), 0), "
     "'failed',"
     " coalesce(sum(failed), 0), 'stored_ok', coalesce(sum(stored_ok), 0), 'stored_failed', "
     "coalesce(sum(stored_failed), 0))"
     " FROM (SELECT r.*, " RUN_STATE " AS state FROM run r) r"},
    {"sweeps", true,
     "SELECT json_strip_nulls(json_build_object('sweep', w.sweep_id, 'plan', w.plan, 'kind', w.kind, 'realm', w.realm,"
     " 'state', w.state, 'started_by', w.started_by, 'started_at', utc_text(w.started_at), 'finished_at',"
     " utc_text(w.finished_at), 'shards', w.shards, 'probes', c.probes, 'certificate', c.certificate,"
     " 'no_certificate', c.no_certificate, 'refused', c.refused, 'silent', c.silent, 'unreachable', c.unreachable,"
     " 'unresolved', c.unresolved, 'other', c.other, 'never', c.never))"
     " FROM sweep w JOIN sweep_coverage c ON c.sweep_id = w.sweep_id ORDER BY w.started_at, w.sweep_id"},
    {"verdicts", true,
     "SELECT json_build_object('trust_store', v.trust_store, 'verdict', v.verdict, 'chains', count(*), 'in_use',"
     " count(*) FILTER (WHERE EXISTS (SELECT FROM sighting s WHERE s.chain_id = v.chain_id AND s.closed_at IS NULL)))"
     " FROM chain_verdict v GROUP BY v.trust_store, v.verdict ORDER BY v.trust_store, count(*) DESC, v.verdict"},
    {"certificates", false,
     "SELECT json_build_object('stored', count(*), 'undecodable', count(*) FILTER (WHERE undecodable IS NOT NULL), "
     "'in_use',"
     " (SELECT count(*) FROM certificate_in_use)) FROM certificate"},
    {NULL, false, NULL},
};

const struct evidence_document evidence_documents[] = {
    {"scope.json", scope_sections},
    {"coverage.json", coverage_sections},
    {NULL, NULL},
};

const char evidence_certificates_sql[] =
    "SELECT encode(sha256, 'hex'), encode(der, 'hex') FROM certificate WHERE undecodable IS NULL ORDER BY sha256";

const char evidence_anchors_sql[] = "SELECT encode(sha256, 'hex'), encode(der, 'hex'), trust_store FROM trust_anchor"
                                    " ORDER BY trust_store, sha256";

const char evidence_readme[] =
    "Evidence of the certificate inventory, written by certmuster-report evidence.\n"
    "All files come from one snapshot of the inventory; its time is \"at\" in scope.json.\n"
    "\n"
    "Check that nothing was changed since:   sha256sum -c MANIFEST.sha256\n"
    "(Keep the hash of MANIFEST.sha256 itself where this directory cannot be changed with it.)\n"
    "\n"
    "inventory.csv, inventory.ndjson        every place (network endpoint or entry of a file) with its certificates, "
    "owner, last\n"
    "                                       result, and when it was last checked and last read\n"
    "certificates.csv, certificates.ndjson  every certificate ever stored, in use now or not: names, issuer, validity, "
    "key\n"
    "certificates.pem                       the same certificates themselves, except those that cannot be decoded\n"
    "chains.csv, chains.ndjson              every chain as it was served, and what each trust store says of it: "
    "verdict "
    "('ok';\n"
    "                                       'incomplete': not from what was served, but with the certificates in path; "
    "else\n"
    "                                       OpenSSL's reason), the path with its anchor, the earliest end in it, and "
    "what was\n"
    "                                       wrong with the order\n"
    "trust_anchors.pem                      the anchors of those trust stores, each below its store's name\n"
    "owners.csv                             who answers for how many places; the last row counts what nobody owns\n"
    "scope.json                             what was asked: scanners, network zones (realms), runs with their "
    "arguments, period;\n"
    "                                       the trust stores, and the head of the audit log, with which certmuster "
    "audit verify\n"
    "                                       --head proves afterwards that no act before it was changed\n"
    "coverage.json, coverage.csv            what was reached and what was not: places by result, failures by reason, "
    "age of the\n"
    "                                       last check, runs by how they ended, coverage of each sweep, verdicts\n"
    "\n"
    "Check it without us: a fingerprint is the SHA-256 of the certificate in certificates.pem; a verdict is what\n"
    "openssl verify -attime VERIFIED_AT -no-CApath -no-CAstore -CAfile (the store's anchors) -untrusted (the rest of\n"
    "the chain, and of path where it is incomplete) says of the leaf; where a chain lacks issuers that "
    "certificates.pem\n"
    "has, what it says with those. name_matches in inventory.csv compares sni with the DNS names of the leaf by RFC "
    "9525.\n"
    "\n"
    "Which requirement each file supports\n"
    "\n"
    "PCI DSS v4.0.1, 4.2.1.1 (an inventory of the trusted keys and certificates that protect PAN in transit is "
    "maintained):\n"
    "    inventory.csv and certificates.csv are that inventory; filter by the realms and owners in scope of the "
    "assessment.\n"
    "    coverage.json and scope.json show how it is kept up to date. Keys are told by their certificates' public "
    "keys.\n"
    "DORA RTS, Regulation (EU) 2024/1774, Article 7(4) (a register of all certificates and certificate-storing "
    "devices, kept up to\n"
    "    date): certificates.csv is the register of certificates, inventory.csv that of the devices and files that "
    "hold them;\n"
    "    last_checked in inventory.csv and last_check_age in coverage.json show its currency. Article 7(5) (prompt "
    "renewal before\n"
    "    expiry): not_after, days_left and threshold in inventory.csv, expired and expiring_30_days in owners.csv.\n"
    "NIST SP 1800-16 (TLS server certificate management: inventory, ownership, continuous monitoring):\n"
    "    inventory.csv holds the recommended fields (names, issuer, validity, key length and algorithm, location, "
    "owner contact);\n"
    "    owners.csv shows assigned and missing ownership; coverage.json shows what monitoring reached.\n"
    "\n"
    "What it does not say: only places that scope.json names were looked at. A place that could not be read keeps what "
    "was last\n"
    "known of it and says so in its result; unreachable is not absent. A result \"hidden\" is TLS seen on the wire "
    "whose\n"
    "certificate cannot be seen. Fields of CSV files that a spreadsheet would run as a formula begin with an "
    "apostrophe.\n";
