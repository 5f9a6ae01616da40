/* Which chains to verify, and what comes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"
#include "collector/judge/judge.h"

enum {
    ROUND_CHAINS = 500,
    ROUND_MS = 2000, /* a round of expensive chains ends here; the rest comes with the next */
    PARAM_MAX = 16 << 20,
};

/* The trust store's name in chain_verdict. */
#define STORE_NAME "system"

#define CHAIN_COLUMNS                                                                                                  \
    "ch.chain_id, (SELECT string_agg(encode(f.sha256, 'hex'), '' ORDER BY f.rank)"                                     \
    " FROM unnest(ch.fingerprints) WITH ORDINALITY AS f(sha256, rank))"

static const char new_sql[] = "SELECT " CHAIN_COLUMNS " FROM chain ch WHERE NOT EXISTS (SELECT FROM chain_verdict v"
                              " WHERE v.chain_id = ch.chain_id AND v.trust_store = '" STORE_NAME "') LIMIT $1";
static const char stale_sql[] =
    "SELECT " CHAIN_COLUMNS " FROM (SELECT v.chain_id FROM chain_verdict v WHERE v.trust_store = '" STORE_NAME
    "' AND v.verified_at < $2 ORDER BY v.verified_at LIMIT $1) v JOIN chain ch ON ch.chain_id = v.chain_id";

struct rulings { /* parallel arrays for unnest() */
    struct buf ids, names, depths, paths;
    uint64_t count;
};

struct finder {
    struct db *db;
    struct cm_error *error;
};

static int find_der(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context)
{
    struct finder *finder = context;
    struct db_result *rows = NULL;
    char hex[CM_SHA256_HEX_SIZE];
    hex_write(hex, sha256, CM_SHA256_SIZE);
    const char *params[] = {hex};
    int code = db_query(finder->db, "SELECT encode(der, 'hex') FROM certificate WHERE sha256 = decode($1, 'hex')",
                        params, 1, &rows, finder->error);
    if (!code && db_rows(rows) == 0)
        code = CM_ENOTFOUND;
    size_t size = code ? 0 : db_text_size(rows, 0, 0) / 2;
    char *room = size ? buf_extend(der, size) : NULL;
    if (!code && (!room || hex_read(db_text(rows, 0, 0), 2 * size, (uint8_t *)room, size) != 0))
        code = CM_ENOTFOUND; /* larger than any certificate that we take */
    db_result_free(rows);
    return code;
}

static void rulings_init(struct rulings *rulings)
{
    struct buf *all[] = {&rulings->ids, &rulings->names, &rulings->depths, &rulings->paths};
    rulings->count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        buf_init(all[i], PARAM_MAX);
        array_begin(all[i]);
    }
}

static void rulings_done(struct rulings *rulings)
{
    buf_done(&rulings->ids);
    buf_done(&rulings->names);
    buf_done(&rulings->depths);
    buf_done(&rulings->paths);
}

static void rulings_add(struct rulings *rulings, const uint8_t id[static CM_UUID_SIZE], const struct verdict *verdict)
{
    struct buf path;
    array_add_uuid(&rulings->ids, id);
    array_add_text(&rulings->names, verdict->name);
    buf_appendf(&rulings->depths, "%s%d", rulings->count ? "," : "", verdict->depth);
    buf_init(&path, VERIFY_PATH_MAX * 80);
    array_begin(&path);
    for (size_t i = 0; i < verdict->path_count; i++)
        array_add_sha256(&path, verdict->path[i]);
    array_end(&path);
    array_add_text(&rulings->paths, verdict->path_count ? path.data : "");
    buf_done(&path);
    rulings->count++;
}

static int rulings_write(struct db *db, struct rulings *rulings, struct cm_error *error)
{
    if (!rulings->count)
        return 0;
    array_end(&rulings->ids);
    array_end(&rulings->names);
    array_end(&rulings->depths);
    array_end(&rulings->paths);
    if (rulings->ids.failed || rulings->names.failed || rulings->paths.failed)
        return error_set(error, CM_ELIMIT, 0, "too many verdicts at once");
    const char *params[] = {rulings->ids.data, rulings->names.data, rulings->depths.data, rulings->paths.data};
    return db_query(
        db,
        "INSERT INTO chain_verdict (chain_id, trust_store, verdict, depth, path, verified_at)"
        " SELECT n.chain_id, '" STORE_NAME "', n.verdict, CASE WHEN n.verdict <> 'ok' THEN n.depth END,"
        "        nullif(n.path, '')::bytea[], now()"
        "   FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[]) AS n(chain_id, verdict, depth, path)"
        "  ORDER BY n.chain_id"
        " ON CONFLICT (chain_id, trust_store) DO UPDATE SET verdict = excluded.verdict, depth = excluded.depth,"
        " path = excluded.path, verified_at = excluded.verified_at",
        params, 4, NULL, error);
}

static int judge_row(struct trust *trust, const struct db_result *rows, size_t row, struct finder *finder,
                     struct rulings *rulings)
{
    uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE], id[CM_UUID_SIZE];
    struct verdict verdict;
    size_t count = db_text_size(rows, row, 1) / (2 * CM_SHA256_SIZE);
    if (uuid_read(db_text(rows, row, 0), id) != 0 || count == 0 || count > CM_LIMIT_CHAIN_CERTS ||
        hex_read(db_text(rows, row, 1), count * 2 * CM_SHA256_SIZE, chain[0], count * CM_SHA256_SIZE) != 0)
        return error_set(finder->error, CM_EMALFORMED, row, "a chain that cannot be read");
    int code = verify_chain(trust, (const uint8_t(*)[CM_SHA256_SIZE])chain, count, find_der, finder, &verdict);
    if (!code)
        rulings_add(rulings, id, &verdict);
    return code;
}

static int judge_some(struct db *db, struct trust *trust, const char *sql, const char *const *params,
                      size_t param_count, uint64_t *judged, bool *more, struct cm_error *error)
{
    struct db_result *rows = NULL;
    struct rulings rulings;
    struct finder finder = {.db = db, .error = error};
    int64_t end_ms = clock_monotonic_ms() + ROUND_MS;
    size_t row = 0;
    rulings_init(&rulings);
    int code = db_query(db, sql, params, param_count, &rows, error);
    for (; !code && row < db_rows(rows) && clock_monotonic_ms() < end_ms; row++)
        code = judge_row(trust, rows, row, &finder, &rulings);
    if (!code)
        code = rulings_write(db, &rulings, error);
    if (!code) {
        *judged += rulings.count;
        *more = *more || row < db_rows(rows) || db_rows(rows) == ROUND_CHAINS;
    }
    db_result_free(rows);
    rulings_done(&rulings);
    return code;
}

int docket_round(struct db *db, struct trust *trust, const struct docket *docket, uint64_t *judged, bool *more,
                 struct cm_error *error)
{
    char limit[16], before[TIMEFMT_SIZE];
    int code = 0;
    *judged = 0;
    *more = false;
    snprintf(limit, sizeof limit, "%d", ROUND_CHAINS);
    timefmt_ms(before, docket->stale_before_ms);
    const char *params[] = {limit, before};
    if (docket->look_for_new)
        code = judge_some(db, trust, new_sql, params, 1, judged, more, error);
    if (!code && !*more)
        code = judge_some(db, trust, stale_sql, params, 2, judged, more, error);
    return code;
}
