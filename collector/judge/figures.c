/* The figures of /metrics, read from the inventory in a few statements. */
#include <stdio.h>
#include <string.h>

#include "certmuster/timefmt.h"
#include "collector/judge/judge.h"

static const char counts_sql[] =
    "SELECT c.all_of_them, c.undecodable, p.all_of_them, p.failing, soon.expired, soon.expiring,"
    "       (SELECT count(DISTINCT d.chain_id) FROM docket d)"
    "  FROM (SELECT count(*) AS all_of_them, count(undecodable) AS undecodable FROM certificate) c,"
    "       (SELECT count(*) AS all_of_them, count(*) FILTER (WHERE last_result NOT IN ('ok', '')) AS failing FROM "
    "location_state) p,"
    "       (SELECT count(*) FILTER (WHERE not_after <= now()) AS expired, count(*) FILTER (WHERE not_after > now()) "
    "AS expiring"
    "          FROM browse_certificate WHERE expires <= now() + interval '30 days' AND in_use) soon";

static int read_counts(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, counts_sql, NULL, 0, &rows, error);
    if (!code) {
        uint64_t *fields[] = {
            &out->certificates, &out->certificates_undecodable, &out->places, &out->places_failing, &out->expired,
            &out->expiring_30d, &out->chains_unjudged};
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            *fields[i] = (uint64_t)db_integer(rows, 0, i);
    }
    db_result_free(rows);
    return code;
}

static int read_sources(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(
        db,
        "SELECT source, (extract(epoch FROM now() - max(finished_at)) * 1000)::bigint FROM run WHERE source <> ''"
        " GROUP BY source ORDER BY count(*) DESC, source LIMIT 8",
        NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows) && row < STATE_SOURCES_MAX; row++) {
        snprintf(out->sources[row].name, STATE_SOURCE_SIZE, "%.31s", db_text(rows, row, 0));
        out->sources[row].finished_ms =
            db_is_null(rows, row, 1) ? -1 : out->at_ms - db_integer(rows, row, 1); /* by our clock */
        out->source_count = (unsigned)row + 1;
    }
    db_result_free(rows);
    return code;
}

static int read_verdicts(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db,
                        "SELECT trust_store, verdict, count(*) FROM chain_verdict"
                        " GROUP BY trust_store, verdict ORDER BY count(*) DESC, trust_store, verdict LIMIT 32",
                        NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows) && row < STATE_VERDICTS_MAX; row++) {
        snprintf(out->verdicts[row].store, STATE_VERDICT_SIZE, "%.63s", db_text(rows, row, 0));
        snprintf(out->verdicts[row].name, STATE_VERDICT_SIZE, "%.63s", db_text(rows, row, 1));
        out->verdicts[row].chains = (uint64_t)db_integer(rows, row, 2);
        out->verdict_count = (unsigned)row + 1;
    }
    db_result_free(rows);
    return code;
}

int figures_read(struct db *db, struct figures *out, struct cm_error *error)
{
    struct figures figures = {.at_ms = clock_wall_ms()};
    int code = read_counts(db, &figures, error);
    if (!code)
        code = read_sources(db, &figures, error);
    if (!code)
        code = read_verdicts(db, &figures, error);
    figures.known = true;
    if (!code)
        *out = figures;
    return code;
}
