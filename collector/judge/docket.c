/* A round of the docket: takes chains that wait, judges them with every store that may, writes what came of it; all in one transaction,
 * which holds the rows so that no other judge takes them. Chains whose time has come are put on the docket before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"
#include "collector/ingest/session.h"
#include "collector/judge/judge.h"
#include "collector/judge/paths.h"
#include "collector/judge/rulings.h"
#include "collector/transaction.h"

enum {
    ROUND_CHAINS = 500,
    ROUND_MS = 2000, /* a round of expensive chains ends here; the rest comes with the next */
};

#define FIRST_CHAIN "00000000-0000-0000-0000-000000000000"

struct docket {
    struct shelf *shelf;
    struct bench bench;
    char after
        [CM_UUID_TEXT_SIZE]; /* the last chain taken: the rows before it are gone, and would only be stepped over */
    struct db *db;           /* of this round */
    struct cm_error *error;
};

struct docket *docket_new(void)
{
    struct docket *docket = cm_calloc(1, sizeof *docket);
    docket->shelf = shelf_new();
    docket->bench.issuers = issuers_new();
    docket->bench.paths = paths_new();
    snprintf(docket->after, sizeof docket->after, "%s", FIRST_CHAIN);
    return docket;
}

void docket_free(struct docket *docket)
{
    if (!docket)
        return;
    shelf_free(docket->shelf);
    issuers_free(docket->bench.issuers);
    paths_free(docket->bench.paths);
    free(docket);
}

/* --- What the verdicts need from the inventory ---------------------------------------------------------------------------------------- */

static bool take_hex(const char *hex, size_t size, struct buf *der)
{
    char *room = size ? buf_extend(der, size / 2) : NULL;
    return room && hex_read(hex, size, (uint8_t *)room, size / 2) == 0;
}

static int find_der(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context)
{
    struct docket *docket = context;
    struct db_result *rows = NULL;
    char hex[CM_SHA256_HEX_SIZE];
    hex_write(hex, sha256, CM_SHA256_SIZE);
    const char *params[] = {hex};
    int code = db_query(docket->db, "SELECT encode(der, 'hex') FROM certificate WHERE sha256 = decode($1, 'hex')",
                        params, 1, &rows, docket->error);
    if (!code && (db_rows(rows) == 0 || !take_hex(db_text(rows, 0, 0), db_text_size(rows, 0, 0), der)))
        code = CM_ENOTFOUND; /* or larger than any certificate that we take */
    db_result_free(rows);
    return code;
}

/* Those that are valid first, then those of usual size, then those known longest, as many as take no more than 32 KiB: whoever comes
 * later with a thousand of one name, or with large ones, does not crowd them out. */
static const char issuers_sql[] =
    "WITH name AS (SELECT c.issuer AS text, md5(c.issuer) AS key FROM certificate c WHERE c.sha256 = decode($1, 'hex'))"
    " SELECT n.text, n.key, (SELECT count(*) FROM certificate t WHERE t.is_ca AND md5(t.subject) = n.key),"
    "        encode(ca.der, 'hex')"
    "   FROM name n"
    "   LEFT JOIN LATERAL (SELECT w.der FROM ("
    "     SELECT o.der, o.rank, sum(octet_length(o.der)) OVER (ORDER BY o.rank) AS so_far FROM ("
    "       SELECT c.der, row_number() OVER (ORDER BY (now() BETWEEN c.not_before AND c.not_after) DESC,"
    "                                                 octet_length(c.der) <= 4096 DESC, c.first_seen, c.sha256) AS rank"
    "         FROM certificate c WHERE c.is_ca AND md5(c.subject) = n.key AND c.subject = n.text"
    "                              AND octet_length(c.der) <= 32768) o WHERE o.rank <= $2::bigint) w"
    "    WHERE w.so_far <= 32768 ORDER BY w.rank) ca ON true";

static int find_issuers(const uint8_t sha256[CM_SHA256_SIZE], struct issuers_name *out, void *context)
{
    struct docket *docket = context;
    struct db_result *rows = NULL;
    char hex[CM_SHA256_HEX_SIZE], most[16];
    hex_write(hex, sha256, CM_SHA256_SIZE);
    snprintf(most, sizeof most, "%d", ISSUERS_CANDIDATES_MAX);
    const char *params[] = {hex, most};
    int code = db_query(docket->db, issuers_sql, params, 2, &rows, docket->error);
    for (size_t row = 0; !code && row < db_rows(rows); row++) {
        struct buf der;
        buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
        if (take_hex(db_text(rows, row, 3), db_text_size(rows, row, 3), &der) && out->count < ISSUERS_CANDIDATES_MAX &&
            (out->candidates[out->count] = shelf_decode(der.data, der.size)) != NULL)
            out->bytes += der.size, out->count++;
        buf_done(&der);
    }
    bool named = !code && db_rows(rows) > 0;
    snprintf(out->key, sizeof out->key, "%s", named ? db_text(rows, 0, 1) : "");
    out->total = named ? db_integer(rows, 0, 2) : 0;
    out->text = cm_strdup(named ? db_text(rows, 0, 0) : "");
    db_result_free(rows);
    return code;
}

/* --- A chain -------------------------------------------------------------------------------------------------------------------------- */

enum field { CHAIN_ID, STORE, FINGERPRINTS, SHAPED, LEAF };

static const char take_sql[] =
    "SELECT d.chain_id, d.trust_store, (SELECT string_agg(encode(f.sha256, 'hex'), '' ORDER BY f.rank)"
    " FROM unnest(ch.fingerprints) WITH ORDINALITY AS f(sha256, rank)),"
    " EXISTS (SELECT FROM chain_shape s WHERE s.chain_id = d.chain_id),"
    " CASE WHEN octet_length(c.der) <= 8192 THEN encode(c.der, 'hex') END"
    " FROM docket d LEFT JOIN chain ch ON ch.chain_id = d.chain_id LEFT JOIN certificate c ON c.sha256 = ch.leaf_sha256"
    " WHERE d.chain_id > $1::uuid AND (d.trust_store = '' OR d.trust_store = ANY ($2::text[]))"
    " ORDER BY d.chain_id, d.trust_store LIMIT $3::bigint FOR UPDATE OF d SKIP LOCKED";

static int read_served(struct docket *docket, const struct db_result *rows, size_t row, struct served *served)
{
    size_t size = db_text_size(rows, row, FINGERPRINTS), first = 0;
    served->count = size / (2 * CM_SHA256_SIZE);
    if (served->count == 0 || served->count > CM_LIMIT_CHAIN_CERTS ||
        hex_read(db_text(rows, row, FINGERPRINTS), size, served->sha256[0], served->count * CM_SHA256_SIZE) != 0)
        return error_set(docket->error, CM_EMALFORMED, row, "a chain that cannot be read");
    if (!db_is_null(rows, row, LEAF)) {
        struct buf der;
        buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
        if (take_hex(db_text(rows, row, LEAF), db_text_size(rows, row, LEAF), &der))
            served->member[0] = shelf_decode(der.data, der.size);
        buf_done(&der);
        first = 1;
    }
    return served_get(served, first, docket->shelf, find_der, docket);
}

static int judge_with(struct docket *docket, const struct trust *trust, const struct served *served,
                      const uint8_t id[static CM_UUID_SIZE], struct rulings *rulings)
{
    struct verdict verdict;
    int code = verify_chain(trust, served, &docket->bench, &verdict);
    if (!code)
        rulings_add(rulings, id, trust_name(trust), &verdict);
    return code;
}

static int judge_row(struct docket *docket, const struct trust_set *set, const struct db_result *rows, size_t row,
                     struct rulings *rulings)
{
    struct served served = {.count = 0};
    uint8_t id[CM_UUID_SIZE];
    const char *store = db_text(rows, row, STORE);
    if (uuid_read(db_text(rows, row, CHAIN_ID), id) != 0)
        return error_set(docket->error, CM_EMALFORMED, row, "a chain that cannot be read");
    rulings_take(rulings, id, store);
    bool told = row > 0 && !db_text(rows, row - 1, STORE)[0] &&
                strcmp(db_text(rows, row, CHAIN_ID), db_text(rows, row - 1, CHAIN_ID)) == 0;
    if (db_is_null(rows, row, FINGERPRINTS) || told) /* gone, or judged by every store here a moment ago */
        return 0;
    int code = read_served(docket, rows, row, &served);
    for (size_t i = 0; !code && i < set->count; i++) {
        if (store[0] && strcmp(store, trust_name(set->stores[i])) != 0)
            continue;
        if (set->usable[i])
            code = judge_with(docket, set->stores[i], &served, id, rulings);
    }
    if (!code && !db_boolean(rows, row, SHAPED)) {
        struct shape shape;
        shape_of(&served, &shape);
        rulings_add_shape(rulings, id, &shape);
    }
    served_done(&served);
    return code;
}

/* --- A round -------------------------------------------------------------------------------------------------------------------------- */

/* The stores that judge, as a PostgreSQL array. */
static void write_usable(const struct trust_set *set, struct buf *names)
{
    buf_init(names, TRUST_STORES_MAX * (TRUST_NAME_SIZE + 4));
    array_begin(names);
    for (size_t i = 0; i < set->count; i++)
        if (set->usable[i])
            array_add_text(names, trust_name(set->stores[i]));
    array_end(names);
}

static int take(struct docket *docket, const char *stores, struct db_result **rows)
{
    char limit[16];
    snprintf(limit, sizeof limit, "%d", ROUND_CHAINS);
    const char *params[] = {docket->after, stores, limit};
    return db_query(docket->db, take_sql, params, 3, rows, docket->error);
}

/* The next round goes on behind the last row that was judged, and from the start when there was no more. */
static void move_on(struct docket *docket, const struct db_result *rows, size_t judged, struct docket_tally *tally)
{
    bool began = strcmp(docket->after, FIRST_CHAIN) == 0;
    bool all = judged == db_rows(rows) && judged < ROUND_CHAINS;
    tally->full = !all;
    tally->more = !all || !began;
    snprintf(docket->after, sizeof docket->after, "%s", all ? FIRST_CHAIN : db_text(rows, judged - 1, CHAIN_ID));
}

static int judge_rows(struct docket *docket, const struct trust_set *set, struct rulings *rulings,
                      struct docket_tally *tally)
{
    struct db_result *rows = NULL;
    int64_t end_ms = clock_monotonic_ms() + ROUND_MS;
    size_t row = 0;
    int code = take(docket, rulings->stores, &rows);
    while (!code && row < db_rows(rows) &&
           (row == 0 || (clock_monotonic_ms() < end_ms && !issuers_full(docket->bench.issuers))))
        code = judge_row(docket, set, rows, row++, rulings);
    if (!code)
        move_on(docket, rows, row, tally);
    db_result_free(rows);
    return code;
}

/* By the clock that judges, which is the database's. */
static int call_due(struct db *db, int64_t now, struct cm_error *error)
{
    char at[TIMEFMT_SIZE];
    timefmt_seconds(at, now);
    const char *params[] = {at};
    return transaction_query(
        db,
        "WITH due AS (UPDATE chain_verdict v SET next_change = NULL FROM"
        " (SELECT w.chain_id, w.trust_store FROM chain_verdict w WHERE w.next_change <= $1::timestamptz"
        "   ORDER BY w.next_change LIMIT 10000 FOR UPDATE SKIP LOCKED) w"
        " WHERE v.chain_id = w.chain_id AND v.trust_store = w.trust_store RETURNING v.chain_id, v.trust_store)"
        " INSERT INTO docket (chain_id, trust_store) SELECT d.chain_id, d.trust_store FROM due d ORDER BY 1, 2"
        " ON CONFLICT DO NOTHING",
        params, 1, NULL, error);
}

/* Verdicts of a clock that was ahead: their next change may be long after the one that was wrong. Asked at the start, and when the clock
 * went back. */
static int call_untimely(struct db *db, int64_t now, struct cm_error *error)
{
    char at[TIMEFMT_SIZE];
    struct db_result *rows = NULL;
    timefmt_seconds(at, now);
    const char *params[] = {at};
    int code = transaction_query(
        db,
        "INSERT INTO docket (chain_id, trust_store) SELECT v.chain_id, v.trust_store FROM chain_verdict v"
        " WHERE v.verified_at > $1::timestamptz + interval '1 minute' ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        params, 1, &rows, error);
    if (!code && db_affected(rows) > 0)
        log_event(LOG_LEVEL_WARN, "verdicts_of_the_future", "chains=%lld", (long long)db_affected(rows));
    db_result_free(rows);
    return code;
}

static bool some_usable(const struct trust_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->usable[i])
            return true;
    return false;
}

/* Each in a transaction of its own: whose turn it is has to be seen by others at once. */
int docket_call_up(struct db *db, const struct trust_set *set, int64_t *last, struct cm_error *error)
{
    int64_t at_ms = 0;
    if (!some_usable(set))
        return 0;
    int code = database_clock(db, &at_ms, error);
    if (!code && (!*last || at_ms / 1000 < *last))
        code = call_untimely(db, at_ms / 1000, error);
    if (!code)
        code = call_due(db, at_ms / 1000, error);
    if (!code)
        *last = at_ms / 1000;
    return code;
}

static int judge_in_transaction(struct docket *docket, const struct trust_set *set, struct rulings *rulings,
                                struct docket_tally *tally)
{
    int code = transaction_begin(docket->db, docket->error);
    if (!code)
        code = judge_rows(docket, set, rulings, tally);
    if (!code)
        code = rulings_write(docket->db, rulings, docket->bench.issuers, docket->error);
    return transaction_end(docket->db, code, docket->error);
}

int docket_round(struct docket *docket, struct db *db, const struct trust_set *set, struct docket_tally *tally,
                 struct cm_error *error)
{
    struct rulings rulings;
    struct buf stores;
    int64_t at_ms = 0;
    *tally = (struct docket_tally){.judged = 0};
    if (!some_usable(set))
        return 0;
    int code = database_clock(db, &at_ms, error);
    if (code)
        return code;
    docket->db = db;
    docket->error = error;
    docket->bench.now = at_ms / 1000;
    docket->bench.built = docket->bench.cached = 0;
    issuers_begin(docket->bench.issuers, find_issuers, docket);
    paths_begin_round(docket->bench.paths);
    write_usable(set, &stores);
    rulings_init(&rulings, stores.data, at_ms);
    code = judge_in_transaction(docket, set, &rulings, tally);
    if (!code) {
        tally->judged = rulings.verdict_count;
        tally->built = docket->bench.built;
        tally->cached = docket->bench.cached;
    }
    rulings_done(&rulings);
    buf_done(&stores);
    return code;
}
