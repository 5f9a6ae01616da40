/* Parallel arrays for unnest(), one statement for each table. Null is "" and read back with nullif(). */
#include "collector/judge/rulings.h"

#include <stdio.h>
#include <stdlib.h>

#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"

enum { PARAM_MAX = 32 << 20 };

static void begin(struct buf *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_init(&columns[i], PARAM_MAX);
        array_begin(&columns[i]);
    }
}

static void done(struct buf *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_done(&columns[i]);
}

void rulings_init(struct rulings *rulings, const char *stores, int64_t at_ms)
{
    *rulings = (struct rulings){.stores = stores, .at_ms = at_ms};
    begin(rulings->verdicts, RULING_COLUMNS);
    begin(rulings->shapes, SHAPE_COLUMNS);
    begin(rulings->taken, TAKEN_COLUMNS);
}

void rulings_done(struct rulings *rulings)
{
    done(rulings->verdicts, RULING_COLUMNS);
    done(rulings->shapes, SHAPE_COLUMNS);
    done(rulings->taken, TAKEN_COLUMNS);
}

static void add_number(struct buf *out, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    array_add_text(out, text);
}

/* Seconds that PostgreSQL can hold; what lies beyond never comes. */
static void add_time(struct buf *out, int64_t seconds)
{
    char text[TIMEFMT_SIZE] = "";
    if (seconds != INT64_MAX)
        timefmt_seconds(text, seconds < INT64_C(-62135596800) ? INT64_C(-62135596800) : seconds);
    array_add_text(out, text);
}

/* An array within an array has to be rectangular, so this one travels as its own text. */
static void add_path(struct buf *out, const struct verdict *verdict)
{
    struct buf path;
    buf_init(&path, VERIFY_PATH_MAX * 80);
    array_begin(&path);
    for (size_t i = 0; i < verdict->path_count; i++)
        array_add_sha256(&path, verdict->path[i]);
    array_end(&path);
    array_add_text(out, verdict->path_count ? path.data : "");
    buf_done(&path);
}

static void add_waits(struct buf *out, const struct verdict *verdict)
{
    struct buf names;
    buf_init(&names, SEARCH_NAMES_MAX * (ISSUERS_KEY_SIZE + 4));
    array_begin(&names);
    for (size_t i = 0; i < verdict->waits_count; i++)
        array_add_text(&names, verdict->waits_for[i]);
    array_end(&names);
    array_add_text(out, verdict->waits_count ? names.data : "");
    buf_done(&names);
}

void rulings_add(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const char *store,
                 const struct verdict *verdict)
{
    struct buf *column = rulings->verdicts;
    char at[TIMEFMT_SIZE];
    array_add_uuid(column++, chain);
    array_add_text(column++, store);
    array_add_text(column++, verdict->name);
    if (verdict->path_count)
        array_add_text(column++, "");
    else
        add_number(column++, verdict->depth);
    add_path(column++, verdict);
    add_time(column++, verdict->path_count ? verdict->effective_not_after : INT64_MAX);
    add_time(column++, verdict->next_change);
    array_add_text(column++, verdict->missing_issuer ? verdict->missing_issuer : "");
    add_waits(column++, verdict);
    timefmt_ms(at, rulings->at_ms);
    array_add_text(column++, at);
    rulings->verdict_count++;
}

void rulings_add_shape(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const struct shape *shape)
{
    struct buf *column = rulings->shapes;
    array_add_uuid(column++, chain);
    array_add_text(column++, shape->ordered ? "t" : "f");
    add_number(column++, shape->superfluous);
    add_number(column++, shape->duplicates);
    add_number(column++, shape->undecodable);
    array_add_text(column++, shape->root_included ? "t" : "f");
    array_add_text(column++, shape->cross_signed ? "t" : "f");
    rulings->shape_count++;
}

void rulings_take(struct rulings *rulings, const uint8_t chain[static CM_UUID_SIZE], const char *store)
{
    array_add_uuid(&rulings->taken[0], chain);
    array_add_text(&rulings->taken[1], store);
    rulings->taken_count++;
}

/* --- Writing -------------------------------------------------------------------------------------------------------------------------- */

static const char verdicts_sql[] =
    "INSERT INTO chain_verdict AS v (chain_id, trust_store, verdict, depth, path, effective_not_after, next_change,"
    "                                missing_issuer, waits_for, verified_at)"
    " SELECT n.chain_id, n.trust_store, n.verdict, nullif(n.depth, '')::integer, nullif(n.path, '')::bytea[],"
    "        nullif(n.effective, '')::timestamptz, nullif(n.change, '')::timestamptz, nullif(n.missing, ''),"
    "        nullif(n.waits, '')::text[], n.at"
    "   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],"
    "               $9::text[], $10::timestamptz[])"
    "        AS n(chain_id, trust_store, verdict, depth, path, effective, change, missing, waits, at)"
    "  ORDER BY n.chain_id, n.trust_store"
    " ON CONFLICT (chain_id, trust_store) DO UPDATE SET verdict = excluded.verdict, depth = excluded.depth,"
    " path = excluded.path, effective_not_after = excluded.effective_not_after, next_change = excluded.next_change,"
    " missing_issuer = excluded.missing_issuer, waits_for = excluded.waits_for, verified_at = excluded.verified_at";

static const char shapes_sql[] =
    "INSERT INTO chain_shape (chain_id, ordered, superfluous, duplicates, undecodable, root_included, cross_signed)"
    " SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::smallint[], $4::smallint[], $5::smallint[], $6::boolean[],"
    " $7::boolean[]) ON CONFLICT DO NOTHING";

static const char taken_sql[] = "DELETE FROM docket d USING unnest($1::uuid[], $2::text[]) AS t(chain_id, trust_store)"
                                " WHERE d.chain_id = t.chain_id AND d.trust_store = t.trust_store";

/* Stores that another collector alone has, or that cannot be used here for now. */
static const char others_sql[] =
    "INSERT INTO docket (chain_id, trust_store)"
    " SELECT DISTINCT t.chain_id, n.trust_store FROM unnest($1::uuid[], $2::text[]) AS t(chain_id, trust_store)"
    " CROSS JOIN trust_store_named n WHERE t.trust_store = '' AND n.trust_store <> ALL ($3::text[])"
    " ORDER BY 1, 2 ON CONFLICT DO NOTHING";

static int write_columns(struct db *db, const char *sql, struct buf *columns, size_t count, uint64_t rows,
                         struct cm_error *error)
{
    const char *params[RULING_COLUMNS];
    if (!rows)
        return 0;
    for (size_t i = 0; i < count; i++) {
        array_end(&columns[i]);
        if (columns[i].failed)
            return error_set(error, CM_ELIMIT, 0, "too many verdicts at once");
        params[i] = columns[i].data;
    }
    return db_query(db, sql, params, count, NULL, error);
}

static int write_taken(struct db *db, struct rulings *rulings, struct cm_error *error)
{
    int code = write_columns(db, taken_sql, rulings->taken, TAKEN_COLUMNS, rulings->taken_count, error);
    const char *params[] = {rulings->taken[0].data, rulings->taken[1].data, rulings->stores};
    return code || !rulings->taken_count ? code : db_query(db, others_sql, params, 3, NULL, error);
}

/* Who brings CA certificates holds this row until they can be seen, and then marks those who wait for them (collector/ingest/certificates.sql). With it in
 * hand, either their mark finds our verdicts or our count finds their certificates. */
static const char hold_sql[] = "SELECT FROM upkeep WHERE task = 'issuers' FOR UPDATE";

static const char come_sql[] =
    "WITH come AS (SELECT n.key FROM unnest($1::text[], $2::bigint[]) AS n(key, total)"
    "               WHERE n.total <> (SELECT count(*) FROM certificate c WHERE c.is_ca AND md5(c.subject) = n.key))"
    " INSERT INTO docket (chain_id, trust_store)"
    " SELECT v.chain_id, v.trust_store FROM chain_verdict v WHERE v.waits_for && ARRAY(SELECT c.key FROM come c)"
    "  ORDER BY 1, 2 ON CONFLICT DO NOTHING";

static int look_again(struct db *db, const struct issuers *issuers, struct cm_error *error)
{
    struct buf columns[2];
    begin(columns, 2);
    for (size_t i = 0; i < issuers_count(issuers); i++) {
        array_add_text(&columns[0], issuers_at(issuers, i)->key);
        add_number(&columns[1], issuers_at(issuers, i)->total);
    }
    int code = write_columns(db, come_sql, columns, 2, issuers_count(issuers), error);
    done(columns, 2);
    return code;
}

int rulings_write(struct db *db, struct rulings *rulings, const struct issuers *issuers, struct cm_error *error)
{
    int code = issuers_count(issuers) ? db_exec(db, hold_sql, error) : 0;
    if (!code)
        code = write_columns(db, verdicts_sql, rulings->verdicts, RULING_COLUMNS, rulings->verdict_count, error);
    if (!code)
        code = write_columns(db, shapes_sql, rulings->shapes, SHAPE_COLUMNS, rulings->shape_count, error);
    if (!code)
        code = write_taken(db, rulings, error);
    return code ? code : look_again(db, issuers, error);
}
