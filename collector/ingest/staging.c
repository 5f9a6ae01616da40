/* Fills the temporary tables of stage.sql from a batch. */
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/rows.h"
#include "collector/ingest/work.h"

static const unsigned char compare_sql[] = {
#include "gen/collector/ingest/compare.sql.inc"
    0};

int work_copy_certificates(struct work *work, size_t *copied, struct cm_error *error)
{
    const struct batch *batch = work->batch;
    struct copy copy;
    *copied = 0;
    for (size_t i = 0; i < batch->certificate_count; i++)
        *copied += !batch->certificates[i].known;
    if (!*copied)
        return 0;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_certificate FROM STDIN", error);
    for (size_t i = 0; i < batch->certificate_count && !copy.code; i++)
        if (!batch->certificates[i].known) {
            row_certificate(&copy.rows, batch, &batch->certificates[i], work->received_ms);
            copy_row(&copy);
        }
    int code = copy_end(&copy);
    if (code)
        return code;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_name FROM STDIN", error);
    for (size_t i = 0; i < batch->certificate_count && !copy.code; i++)
        if (!batch->certificates[i].known) {
            rows_names(&copy.rows, batch, &batch->certificates[i]);
            if (copy.rows.size) { /* its rows are whole already */
                copy.rows.size--;
                copy_row(&copy);
            }
        }
    return copy_end(&copy);
}

static int compare_id(const void *key, const void *element)
{
    return memcmp(key, element, CM_UUID_SIZE);
}

/* Places are by id; one that PostgreSQL tells is one that it was told. */
static struct place *find_place(const struct work *work, const uint8_t id[static CM_UUID_SIZE])
{
    const struct places *places = &work->places;
    size_t low = 0, high = places->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_id(work->batch->looks[places->order[places->list[middle].start]].location_id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < places->count ? &places->list[low] : NULL;
}

static int copy_places(struct work *work, struct compared *out, struct cm_error *error)
{
    struct places *places = &work->places;
    struct copy copy;
    *out = (struct compared){.asked = 0};
    for (size_t i = 0; i < places->count; i++)
        out->asked += !places->list[i].same;
    if (!out->asked)
        return 0;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_place FROM STDIN", error);
    for (size_t i = 0; i < places->count && !copy.code; i++) {
        places->list[i].changed = places->list[i].ignored = false;
        if (places->list[i].same)
            continue;
        row_place(&copy.rows, work->batch, places, &places->list[i]);
        copy_row(&copy);
    }
    return copy_end(&copy);
}

int work_compare_places(struct work *work, struct compared *out, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = copy_places(work, out, error);
    if (code || !out->asked)
        return code;
    code = db_query(work->db, (const char *)compare_sql, NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows); row++) {
        uint8_t id[CM_UUID_SIZE];
        char what = db_text(rows, row, 1)[0];
        struct place *place = uuid_read(db_text(rows, row, 0), id) == 0 ? find_place(work, id) : NULL;
        if (!place)
            continue;
        place->ignored = what == 'i';
        place->changed = what == 'c';
        out->changed += place->changed;
        out->to_remember += what == 'r';
    }
    db_result_free(rows);
    return code;
}

static int copy_looks(struct work *work, struct cm_error *error)
{
    const struct places *places = &work->places;
    struct copy copy;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_look FROM STDIN", error);
    for (size_t i = 0; i < places->count && !copy.code; i++)
        for (size_t j = 0; places->list[i].changed && j < places->list[i].count; j++) {
            row_look(&copy.rows, work->batch, &work->batch->looks[places->order[places->list[i].start + j]]);
            copy_row(&copy);
        }
    return copy_end(&copy);
}

/* Of changed places, and of keys, keystores and what else is no certificate. */
static int copy_locations(struct work *work, struct cm_error *error)
{
    const struct places *places = &work->places;
    struct batch *batch = work->batch;
    struct copy copy;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_location FROM STDIN", error);
    for (size_t i = 0; i < places->count && !copy.code; i++) {
        struct look *look = &batch->looks[places->order[places->list[i].start]];
        if (!places->list[i].changed)
            continue;
        copy.code = batch_unfold(batch, look, error);
        row_location(&copy.rows, batch, look->location_id, look->location, places->list[i].first_ms);
        copy_row(&copy);
    }
    for (size_t i = 0; i < batch->asset_count && !copy.code; i++) {
        if (batch->assets[i].rejected)
            continue;
        row_location(&copy.rows, batch, batch->assets[i].location_id, batch->assets[i].location,
                     batch->assets[i].first_ms);
        copy_row(&copy);
    }
    return copy_end(&copy);
}

static int compare_chains(const void *a, const void *b)
{
    const struct look *const *left = a, *const *right = b;
    return memcmp((*left)->chain, (*right)->chain, CM_UUID_SIZE);
}

/* Each chain of a changed place once. */
static int copy_chains(struct work *work, struct cm_error *error)
{
    const struct places *places = &work->places;
    const struct look **looks = cm_calloc(places->order_count + 1, sizeof *looks);
    size_t count = 0;
    struct copy copy;
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; places->list[i].changed && j < places->list[i].count; j++) {
            const struct look *look = &work->batch->looks[places->order[places->list[i].start + j]];
            if (look->kind == LOOK_SEEN)
                looks[count++] = look;
        }
    qsort(looks, count, sizeof *looks, compare_chains);
    copy_begin(&copy, work->db, "COPY pg_temp.stage_chain FROM STDIN", error);
    for (size_t i = 0; i < count && !copy.code; i++)
        if (i == 0 || compare_chains(&looks[i - 1], &looks[i]) != 0) {
            row_chain(&copy.rows, work->batch, looks[i]);
            copy_row(&copy);
        }
    free(looks);
    return copy_end(&copy);
}

int work_copy_changed(struct work *work, struct cm_error *error)
{
    int code = copy_looks(work, error);
    if (!code)
        code = copy_locations(work, error);
    return code ? code : copy_chains(work, error);
}

int work_copy_runs(struct work *work, struct cm_error *error)
{
    struct copy copy;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_run FROM STDIN", error);
    for (size_t i = 0; i < work->batch->run_count && !copy.code; i++) {
        const struct batch_run *run = &work->batch->runs[i];
        if (run->refused || (!run->records && !run->stored_ok && !run->stored_failed && !run->source))
            continue;
        row_run(&copy.rows, work->batch, run);
        copy_row(&copy);
    }
    return copy_end(&copy);
}

static int copy_assets_of(struct work *work, enum asset_kind kind, const char *sql, struct cm_error *error)
{
    struct copy copy;
    copy_begin(&copy, work->db, sql, error);
    for (size_t i = 0; i < work->batch->asset_count && !copy.code; i++) {
        const struct batch_asset *asset = &work->batch->assets[i];
        if (asset->rejected || asset->kind != kind)
            continue;
        row_asset(&copy.rows, work->batch, asset);
        copy_row(&copy);
    }
    return copy_end(&copy);
}

int work_copy_assets(struct work *work, struct cm_error *error)
{
    static const char *const copies[ASSET_KINDS_] = {
        [ASSET_KEY] = "COPY pg_temp.stage_key FROM STDIN", [ASSET_STORE] = "COPY pg_temp.stage_store FROM STDIN",
        [ASSET_CSR] = "COPY pg_temp.stage_csr FROM STDIN", [ASSET_CRL] = "COPY pg_temp.stage_crl FROM STDIN",
        [ASSET_SSH] = "COPY pg_temp.stage_ssh FROM STDIN",
    };
    int code = 0;
    for (unsigned kind = 0; kind < ASSET_KINDS_ && !code; kind++)
        code = copy_assets_of(work, (enum asset_kind)kind, copies[kind], error);
    return code;
}
