/* What the figures are: a few statements, of which most are answered by indexes. */
#include "collector/figures.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/timefmt.h"

/* What is gone is taken off rather than left out: for gone_at every place would have to be read. */
static const char counts_sql[] =
    "SELECT c.all_of_them, c.undecodable, p.all_of_them, p.failing, soon.expired, soon.expiring,"
    "       (SELECT count(DISTINCT d.chain_id) FROM docket d), scanners.all_of_them, scanners.skewed,"
    "       (SELECT count(*) FROM observation_old() WHERE NOT folded)"
    "  FROM (SELECT (SELECT count(*) FROM certificate) AS all_of_them,"
    "               (SELECT count(*) FROM certificate WHERE undecodable IS NOT NULL) AS undecodable) c,"
    "       (SELECT (SELECT count(*) FROM location_state) - gone.places AS all_of_them,"
    "               (SELECT count(*) FROM location_state WHERE last_result <> 'ok' AND last_result <> '')"
    "               - gone.failing AS failing"
    "          FROM (SELECT count(*) AS places, count(*) FILTER (WHERE last_result NOT IN ('ok', '')) AS failing"
    "                  FROM location_state WHERE gone_at IS NOT NULL) gone) p,"
    "       (SELECT count(*) FILTER (WHERE not_after <= now()) AS expired, count(*) FILTER (WHERE not_after > now()) "
    "AS expiring"
    "          FROM browse_certificate WHERE current AND expires <= now() + interval '30 days' AND "
    "member_in_use(sha256)) "
    "soon,"
    "       (SELECT count(*) AS all_of_them, count(skewed_ms) AS skewed FROM scanner WHERE NOT disabled) scanners";

static int read_counts(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, counts_sql, NULL, 0, &rows, error);
    if (!code) {
        uint64_t *fields[] = {&out->certificates,    &out->certificates_undecodable,
                              &out->places,          &out->places_failing,
                              &out->expired,         &out->expiring_30d,
                              &out->chains_unjudged, &out->scanners,
                              &out->scanners_skewed, &out->partitions_unfolded};
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

/* The classes stand in the order of state_classes, shards in that of state_shards. */
static const char running_sql[] =
    "SELECT count(*), coalesce(sum(g.open), 0), coalesce(sum(g.leased), 0), coalesce(sum(g.done), 0), "
    "coalesce(sum(g.abandoned), 0), coalesce(sum(c.certificate), 0), coalesce(sum(c.no_certificate), 0), "
    "coalesce(sum(c.refused), 0), coalesce(sum(c.silent), 0), coalesce(sum(c.unreachable), 0), "
    "coalesce(sum(c.unresolved), 0), coalesce(sum(c.other), 0), coalesce(sum(c.never), 0),"
    " (SELECT (extract(epoch FROM now() - min(l.taken_at)) * 1000)::bigint FROM lease l WHERE l.ended_at IS NULL)"
    "  FROM sweep w JOIN sweep_progress g ON g.sweep_id = w.sweep_id JOIN sweep_coverage c ON c.sweep_id = w.sweep_id"
    " WHERE w.state = 'running'";

static int read_running(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, running_sql, NULL, 0, &rows, error);
    size_t column = 0;
    if (!code) {
        out->sweeps_running = (uint64_t)db_integer(rows, 0, column++);
        for (size_t i = 0; i < SWEEP_SHARD_STATES; i++)
            out->shards[i] = (uint64_t)db_integer(rows, 0, column++);
        for (size_t i = 0; i < SWEEP_CLASSES; i++)
            out->told[i] = (uint64_t)db_integer(rows, 0, column++);
        out->lease_oldest_ms =
            db_is_null(rows, 0, column) ? -1 : out->at_ms - db_integer(rows, 0, column); /* by our clock */
    }
    db_result_free(rows);
    return code;
}

/* Of plans that were deleted nothing is told any more. When they ended is told by the database's clock, the same whichever collector is asked. */
static const char finished_sql[] =
    "SELECT w.plan, (extract(epoch FROM w.finished_at) * 1000)::bigint,"
    " (SELECT count(*) FROM shard s WHERE s.sweep_id = w.sweep_id AND s.state = 'abandoned'),"
    " c.certificate, c.no_certificate, c.refused, c.silent, c.unreachable, c.unresolved, c.other, c.never"
    "  FROM (SELECT l.* FROM sweep_plan p CROSS JOIN LATERAL (SELECT w.sweep_id, w.plan, w.finished_at FROM sweep w"
    "          WHERE w.plan = p.name AND w.finished_at IS NOT NULL ORDER BY w.started_at DESC LIMIT 1) l"
    "         ORDER BY l.finished_at DESC LIMIT 16) w"
    "  JOIN sweep_coverage c ON c.sweep_id = w.sweep_id ORDER BY w.plan";

static int read_finished(struct db *db, struct figures *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, finished_sql, NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows) && row < STATE_PLANS_MAX; row++) {
        snprintf(out->plans[row].name, STATE_PLAN_SIZE, "%.103s", db_text(rows, row, 0));
        out->plans[row].finished_ms = db_integer(rows, row, 1);
        out->plans[row].abandoned = (uint64_t)db_integer(rows, row, 2);
        for (size_t i = 0; i < SWEEP_CLASSES; i++)
            out->plans[row].told[i] = (uint64_t)db_integer(rows, row, 3 + i);
        out->plan_count = (unsigned)row + 1;
    }
    db_result_free(rows);
    return code;
}

/* What was known stays when one of them cannot be read. */
static int read_all(struct db *db, void *context, struct cm_error *error)
{
    struct figures figures = {.known = true, .at_ms = clock_wall_ms()};
    int code = read_counts(db, &figures, error);
    if (!code)
        code = read_sources(db, &figures, error);
    if (!code)
        code = read_verdicts(db, &figures, error);
    if (!code)
        code = read_running(db, &figures, error);
    if (!code)
        code = read_finished(db, &figures, error);
    if (!code)
        state_set_figures(context, &figures);
    return code;
}

int figures_clerk(const struct settings *settings, struct state *state, struct clerk **out, struct cm_error *error)
{
    const struct clerk_work work = {.name = "figures", .rest_ms = 4000, .share = 20, .round = read_all};
    return clerk_new(settings, &work, state, out, error);
}
