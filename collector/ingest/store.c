/* The order in which a batch becomes inventory. The statements are in the .sql files beside this one; read them for what each does.
 *
 * Outside the transaction: whether the key was taken, reading, who may say it, which certificates are lacking. Inside: the key first, so that
 * the same batch sent twice at once waits for itself; then certificates, what changed, spans, states, observation, runs. Deadlocks and
 * serialization failures are tried again from the key on. */
#include "collector/ingest/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/escape.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/identity.h"
#include "collector/ingest/rows.h"

enum { TRIES_MAX = 8, PARAM_MAX = 64 << 20 };

#define EMBED(name) static const unsigned char name[]
EMBED(compare_sql) = {
#include "gen/collector/ingest/compare.sql.inc"
    0};
EMBED(certificates_sql) = {
#include "gen/collector/ingest/certificates.sql.inc"
    0};
EMBED(places_sql) = {
#include "gen/collector/ingest/places.sql.inc"
    0};
EMBED(spans_sql) = {
#include "gen/collector/ingest/spans.sql.inc"
    0};
EMBED(state_sql) = {
#include "gen/collector/ingest/state.sql.inc"
    0};
EMBED(assets_sql) = {
#include "gen/collector/ingest/assets.sql.inc"
    0};
EMBED(runs_sql) = {
#include "gen/collector/ingest/runs.sql.inc"
    0};

static int exec_embedded(struct db *db, const unsigned char *sql, struct cm_error *error)
{
    return db_exec(db, (const char *)sql, error);
}

struct work {
    struct session *session;
    struct db *db;
    const struct delivery_request *request;
    struct batch *batch;
    struct places places;
    int64_t skew_ms; /* 0 unless beyond BATCH_SKEW_MS */
    char scanner[PEER_NAME_SIZE];
    struct buf rejected; /* the rejections as a JSON array */
};

/* --- Answers ------------------------------------------------------------------------------------------------------------------------- */

static void answer_error(struct delivery_answer *answer, int status, const struct cm_error *error)
{
    buf_reset(&answer->body);
    answer->status = status;
    buf_append_str(&answer->body, "{\"error\":\"");
    escape_json(&answer->body, error->reason, strlen(error->reason));
    if (error->detail[0]) {
        buf_append_str(&answer->body, ": ");
        escape_json(&answer->body, error->detail, strlen(error->detail));
    }
    buf_append_str(&answer->body, "\"}\n");
}

static void answer_stored(struct delivery_answer *answer, uint64_t stored, const char *rejected)
{
    buf_reset(&answer->body);
    answer->status = 200;
    answer->stored = stored;
    buf_append_str(&answer->body, "{\"stored\":");
    buf_append_u64(&answer->body, stored);
    buf_append_str(&answer->body, ",\"rejected\":");
    buf_append_str(&answer->body, rejected);
    buf_append_str(&answer->body, "}\n");
}

static void write_rejections(const struct batch *batch, struct buf *out)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < batch->rejection_count; i++) {
        const char *reason = batch_text(batch, batch->rejections[i].reason);
        buf_appendf(out, "%s{\"line\":%u,\"reason\":\"", i ? "," : "", batch->rejections[i].line);
        escape_json(out, reason, strlen(reason));
        buf_append_str(out, "\"}");
    }
    buf_append_char(out, ']');
}

/* CM_ENOTFOUND: the key was not taken before. */
static int repeat_answer(struct db *db, const char *key, struct delivery_answer *answer, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {key};
    int code = db_query(db, "SELECT stored, rejected FROM batch WHERE batch_key = $1", params, 1, &rows, error);
    if (!code && db_rows(rows) == 0)
        code = CM_ENOTFOUND;
    if (!code) {
        answer_stored(answer, (uint64_t)db_integer(rows, 0, 0), db_text(rows, 0, 1));
        answer->repeated = true;
    }
    db_result_free(rows);
    return code;
}

/* --- Certificates that are there and not there --------------------------------------------------------------------------------------- */

typedef uint8_t sha256_value[CM_SHA256_SIZE];

/* Those of the sorted list that the inventory lacks are moved to its front; *count becomes how many. */
static int keep_lacking(struct db *db, sha256_value *list, size_t *count, struct cm_error *error)
{
    struct buf array;
    struct db_result *rows = NULL;
    if (*count == 0)
        return 0;
    buf_init(&array, PARAM_MAX);
    array_begin(&array);
    for (size_t i = 0; i < *count; i++)
        array_add_sha256(&array, list[i]);
    array_end(&array);
    const char *params[] = {array.data};
    int code = array.failed
                   ? error_set(error, CM_ELIMIT, 0, "too many fingerprints")
                   : db_query(db,
                              "SELECT o.rank - 1 FROM unnest($1::bytea[]) WITH ORDINALITY AS o(sha256, rank)"
                              " WHERE NOT EXISTS (SELECT FROM certificate c WHERE c.sha256 = o.sha256) ORDER BY 1",
                              params, 1, &rows, error);
    if (!code) {
        size_t kept = db_rows(rows);
        for (size_t row = 0; row < kept; row++)
            memmove(list[row], list[db_integer(rows, row, 0)], CM_SHA256_SIZE);
        *count = kept;
    }
    db_result_free(rows);
    buf_done(&array);
    return code;
}

static void answer_missing(struct delivery_answer *answer, int status, sha256_value *list, size_t count)
{
    buf_reset(&answer->body);
    answer->status = status;
    buf_append_str(&answer->body, "{\"missing\":[");
    for (size_t i = 0; i < count; i++) {
        buf_append_str(&answer->body, i ? ",\"" : "\"");
        hex_append(&answer->body, list[i], CM_SHA256_SIZE);
        buf_append_char(&answer->body, '"');
    }
    buf_append_str(&answer->body, "]}\n");
}

/* Marks the batch's certificates that are known. Answers 409 when a chain needs one that is nowhere. */
static int look_up_certificates(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    struct batch *batch = work->batch;
    size_t count = 0, lacking = 0;
    sha256_value *list = batch_references(batch, &count);
    int code = keep_lacking(work->db, list, &count, error);
    size_t at = 0;
    for (size_t i = 0; !code && i < batch->certificate_count; i++)
        batch->certificates[i].known = true;
    for (size_t i = 0; !code && i < count; i++) { /* both sorted */
        while (at < batch->certificate_count && memcmp(batch->certificates[at].sha256, list[i], CM_SHA256_SIZE) < 0)
            at++;
        if (at < batch->certificate_count && memcmp(batch->certificates[at].sha256, list[i], CM_SHA256_SIZE) == 0)
            batch->certificates[at].known = false;
        else
            memmove(list[lacking++], list[i], CM_SHA256_SIZE);
    }
    if (!code && lacking)
        answer_missing(answer, 409, list, lacking);
    free(list);
    return code;
}

/* --- Staging -------------------------------------------------------------------------------------------------------------------------- */

static int copy_certificates(struct work *work, struct cm_error *error)
{
    const struct batch *batch = work->batch;
    struct copy copy;
    size_t new = 0;
    for (size_t i = 0; i < batch->certificate_count; i++)
        new += !batch->certificates[i].known;
    if (!new)
        return 0;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_certificate FROM STDIN", error);
    for (size_t i = 0; i < batch->certificate_count && !copy.code; i++)
        if (!batch->certificates[i].known) {
            row_certificate(&copy.rows, batch, &batch->certificates[i], work->request->received_ms);
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
    code = copy_end(&copy);
    return code ? code : exec_embedded(work->db, certificates_sql, error);
}

static int compare_id(const void *key, const void *element)
{
    return memcmp(key, element, CM_UUID_SIZE);
}

/* Tells every place apart: as it was, changed, or (of an endpoint record) nothing new. */
static int compare_places(struct work *work, struct cm_error *error)
{
    struct places *places = &work->places;
    const struct batch *batch = work->batch;
    struct db_result *rows = NULL;
    struct copy copy;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_place FROM STDIN", error);
    for (size_t i = 0; i < places->count && !copy.code; i++) {
        places->list[i].changed = places->list[i].ignored = false;
        row_place(&copy.rows, batch, places, &places->list[i]);
        copy_row(&copy);
    }
    int code = copy_end(&copy);
    if (!code)
        code = db_query(work->db, (const char *)compare_sql, NULL, 0, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows); row++) {
        uint8_t id[CM_UUID_SIZE];
        size_t low = 0, high = places->count;
        if (uuid_read(db_text(rows, row, 0), id) != 0)
            continue;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (compare_id(batch->looks[places->order[places->list[middle].start]].location_id, id) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (db_text(rows, row, 1)[0] == 'i')
            places->list[low].ignored = true;
        else
            places->list[low].changed = true;
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

/* Of changed places, and of keys and stores. */
static int copy_locations(struct work *work, struct cm_error *error)
{
    const struct places *places = &work->places;
    const struct batch *batch = work->batch;
    struct copy copy;
    copy_begin(&copy, work->db, "COPY pg_temp.stage_location FROM STDIN", error);
    for (size_t i = 0; i < places->count && !copy.code; i++) {
        const struct look *look = &batch->looks[places->order[places->list[i].start]];
        if (!places->list[i].changed)
            continue;
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

static int copy_runs(struct work *work, struct cm_error *error)
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

static int copy_assets(struct work *work, bool stores, struct cm_error *error)
{
    struct copy copy;
    copy_begin(&copy, work->db, stores ? "COPY pg_temp.stage_store FROM STDIN" : "COPY pg_temp.stage_key FROM STDIN",
               error);
    for (size_t i = 0; i < work->batch->asset_count && !copy.code; i++) {
        const struct batch_asset *asset = &work->batch->assets[i];
        if (asset->rejected || asset->is_store != stores)
            continue;
        row_asset(&copy.rows, work->batch, asset);
        copy_row(&copy);
    }
    return copy_end(&copy);
}

/* --- Merging -------------------------------------------------------------------------------------------------------------------------- */

/* 0 and *taken: another transaction committed the key meanwhile. */
static int insert_key(struct work *work, bool *taken, struct cm_error *error)
{
    char stored[24], skew[24], received[TIMEFMT_SIZE];
    struct db_result *rows = NULL;
    snprintf(stored, sizeof stored, "%llu", (unsigned long long)work->batch->stored);
    snprintf(skew, sizeof skew, "%lld", (long long)work->skew_ms);
    timefmt_ms(received, work->request->received_ms);
    const char *params[] = {work->request->key, work->scanner, received, stored, work->rejected.data, skew};
    int code = db_query(work->db,
                        "INSERT INTO batch (batch_key, scanner, received_at, stored, rejected, skew_ms)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                        params, 6, &rows, error);
    if (!code)
        *taken = db_affected(rows) == 0;
    db_result_free(rows);
    return code;
}

static int merge_changed(struct work *work, size_t changed, bool has_assets, struct cm_error *error)
{
    int code = 0;
    if (changed)
        code = copy_looks(work, error);
    if (!code && (changed || has_assets))
        code = copy_locations(work, error);
    if (!code && changed)
        code = copy_chains(work, error);
    if (!code && (changed || has_assets))
        code = exec_embedded(work->db, places_sql, error);
    for (unsigned round = 0; !code && changed && round < work->places.rounds; round++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SET LOCAL certmuster.round = '%u'", round);
        code = db_exec(work->db, sql, error);
        if (!code)
            code = exec_embedded(work->db, spans_sql, error);
    }
    if (!code && changed)
        code = exec_embedded(work->db, state_sql, error);
    return code;
}

static int merge_assets(struct work *work, struct cm_error *error)
{
    int code = copy_assets(work, false, error);
    if (!code)
        code = copy_assets(work, true, error);
    return code ? code : exec_embedded(work->db, assets_sql, error);
}

/* One row per run for all places that are as they were. */
static int observe_run(struct work *work, uint16_t run, struct cm_error *error)
{
    const struct places *places = &work->places;
    struct buf unchanged, failing;
    int64_t first = INT64_MAX, last = INT64_MIN;
    buf_init(&unchanged, PARAM_MAX);
    buf_init(&failing, PARAM_MAX);
    array_begin(&unchanged);
    array_begin(&failing);
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->list[i];
        const struct look *look = &work->batch->looks[places->order[place->start]];
        if (place->changed || place->ignored || look->run_index != run)
            continue;
        array_add_uuid(place->kind == LOOK_FAILED ? &failing : &unchanged, look->location_id);
        first = place->first_ms < first ? place->first_ms : first;
        last = place->last_ms > last ? place->last_ms : last;
    }
    array_end(&unchanged);
    array_end(&failing);
    int code = 0;
    if (last != INT64_MIN) {
        char day[TIMEFMT_SIZE], key[DELIVERY_KEY_MAX + 16], id[CM_UUID_TEXT_SIZE], from[TIMEFMT_SIZE],
            until[TIMEFMT_SIZE];
        timefmt_date(day, work->session->day * 24 * 60 * 60);
        snprintf(key, sizeof key, run ? "%s#%u" : "%s", work->request->key, run);
        uuid_write(id, work->batch->runs[run].run);
        timefmt_ms(from, first);
        timefmt_ms(until, last);
        const char *params[] = {day, key, id, from, until, unchanged.data, failing.data};
        code = db_query(work->db,
                        "INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing) VALUES "
                        "($1, $2, $3, $4, $5, $6, $7)",
                        params, 7, NULL, error);
    }
    buf_done(&unchanged);
    buf_done(&failing);
    return code;
}

static int merge(struct work *work, struct cm_error *error)
{
    size_t changed = 0;
    bool has_assets = work->batch->asset_count > 0;
    int code = identity_note(work->db, work->session->settings->config, &work->request->peer, work->batch,
                             work->skew_ms, error);
    if (!code)
        code = copy_certificates(work, error);
    if (!code)
        code = compare_places(work, error);
    for (size_t i = 0; !code && i < work->places.count; i++)
        changed += work->places.list[i].changed;
    if (!code)
        code = copy_runs(work, error);
    if (!code)
        code = merge_changed(work, changed, has_assets, error);
    if (!code && has_assets)
        code = merge_assets(work, error);
    for (size_t i = 0; !code && i < work->batch->run_count; i++)
        code = observe_run(work, (uint16_t)i, error);
    return code ? code : exec_embedded(work->db, runs_sql, error);
}

static void roll_back(struct db *db)
{
    struct cm_error ignored;
    if (db_alive(db) && db_exec(db, "ROLLBACK", &ignored) != 0)
        log_event(LOG_LEVEL_WARN, "rollback_failed", "%s", log_error(&ignored));
}

static int transact(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    bool taken = false;
    int code = db_exec(work->db, "BEGIN", error);
    if (!code)
        code = insert_key(work, &taken, error);
    if (!code && taken) {
        roll_back(work->db);
        return repeat_answer(work->db, work->request->key, answer, error);
    }
    if (!code)
        code = merge(work, error);
    if (!code)
        code = db_exec(work->db, "COMMIT", error);
    if (code)
        roll_back(work->db);
    else
        answer_stored(answer, work->batch->stored, work->rejected.data);
    return code;
}

/* --- A batch -------------------------------------------------------------------------------------------------------------------------- */

static int store_settled(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    int code = look_up_certificates(work, answer, error);
    if (code || answer->status == 409)
        return code;
    write_rejections(work->batch, &work->rejected);
    if (work->rejected.failed || work->batch->text.failed)
        return error_set(error, CM_ELIMIT, 0, "too much of the batch is wrong to be told");
    code = session_partition(work->session, work->request->received_ms, error);
    for (int tries = 0; !code; tries++) {
        code = transact(work, answer, error);
        if (code != CM_ECONFLICT || tries + 1 == TRIES_MAX)
            break;
        log_event(LOG_LEVEL_INFO, "batch_again", "key=%s try=%d %s", log_quote(work->request->key), tries + 1,
                  log_error(error));
        code = 0;
    }
    answer->rejected = work->batch->rejection_count;
    answer->new_chains = !code && work->places.count > 0;
    return code;
}

/* A run of the batch's own, for records that name none: the same when the batch is sent again. */
static void run_of_key(const char *key, uint8_t run[static CM_UUID_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    sha256_bytes(key, strlen(key), digest);
    memcpy(run, digest, CM_UUID_SIZE);
}

static int store_body(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    const struct delivery_request *request = work->request;
    uint8_t run[CM_UUID_SIZE];
    int64_t skew = request->sent_ms >= 0 ? request->received_ms - request->sent_ms : 0;
    work->skew_ms = skew > BATCH_SKEW_MS || skew < -BATCH_SKEW_MS ? skew : 0;
    run_of_key(request->key, run);
    const struct batch_options options = {
        .scanner = work->scanner, .run = run, .skew_ms = work->skew_ms, .now_ms = request->received_ms};
    int code = batch_read(request->body, request->size, &options, work->batch, error);
    if (code) {
        answer_error(answer, code == CM_ELIMIT ? 413 : 400, error);
        return 0;
    }
    code = identity_check(work->db, work->session->settings->config, &request->peer, work->scanner, work->batch, error);
    if (code)
        return code;
    batch_settle(work->batch);
    batch_group(work->batch, &work->places);
    return store_settled(work, answer, error);
}

/* "<scanner>/…", or "file/<sha256 of the part>": nobody takes a key that another will need. On the unix socket all are of this host. */
static bool owns_key(const struct work *work)
{
    const char *key = work->request->key;
    size_t size = strlen(work->scanner);
    return work->request->peer.is_local || strncmp(key, "file/", 5) == 0 ||
           (strncmp(key, work->scanner, size) == 0 && key[size] == '/');
}

int store_batch(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                struct cm_error *error)
{
    struct batch batch = {.lines = 0};
    int code = session_ready(session, error);
    if (code)
        return code;
    struct work work = {.session = session, .db = session->db, .request = request, .batch = &batch};
    buf_init(&work.rejected, PARAM_MAX);
    code = identity_of(work.db, session->settings->config, &request->peer, work.scanner, error);
    if (!code && !owns_key(&work))
        code = error_set(error, CM_EAUTH, 0, "the Idempotency-Key is another scanner's");
    if (!code)
        code = repeat_answer(work.db, request->key, answer, error);
    if (code == CM_ENOTFOUND)
        code = store_body(&work, answer, error);
    if (code == CM_EAUTH && !strstr(error->detail, "42501")) {
        answer_error(answer, 403, error);
        code = 0;
    } else if (code == CM_ELIMIT) {
        answer_error(answer, 413, error);
        code = 0;
    }
    places_done(&work.places);
    batch_done(&batch);
    buf_done(&work.rejected);
    return code;
}

/* --- The question what is missing ----------------------------------------------------------------------------------------------------- */

static int compare_values(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

static int read_question(const struct delivery_request *request, sha256_value **list, size_t *count,
                         struct cm_error *error)
{
    json_error_t where;
    json_t *root = json_loadb(request->body, request->size, JSON_REJECT_DUPLICATES, &where);
    const json_t *array = json_object_get(root, "sha256");
    int code = 0;
    if (!root)
        code = error_setf(error, CM_EMALFORMED, 0, "not valid JSON", "%s", where.text);
    else if (!json_is_array(array))
        code = error_set(error, CM_EMALFORMED, 0, "\"sha256\" must be a list of fingerprints");
    else if (json_array_size(array) > DELIVERY_MISSING_MAX)
        code = error_set(error, CM_ELIMIT, 0, "more than 65,536 fingerprints in one question");
    size_t size = code ? 0 : json_array_size(array);
    *list = cm_calloc(size + 1, sizeof **list);
    for (size_t i = 0; !code && i < size; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || hex_read(text, strlen(text), (*list)[i], CM_SHA256_SIZE) != 0)
            code = error_set(error, CM_EMALFORMED, i, "not a SHA-256 in hex");
    }
    json_decref(root);
    *count = size;
    return code;
}

int store_missing(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                  struct cm_error *error)
{
    sha256_value *list = NULL;
    size_t count = 0, kept = 0;
    char name[PEER_NAME_SIZE];
    int code = read_question(request, &list, &count, error);
    if (code) {
        free(list);
        answer_error(answer, code == CM_ELIMIT ? 413 : 400, error);
        return 0;
    }
    qsort(list, count, sizeof *list, compare_values);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(list[i], list[kept - 1], CM_SHA256_SIZE) != 0)
            memmove(list[kept++], list[i], CM_SHA256_SIZE);
    code = session_ready(session, error);
    if (!code)
        code = identity_of(session->db, session->settings->config, &request->peer, name, error);
    if (!code)
        code = keep_lacking(session->db, list, &kept, error);
    if (!code)
        answer_missing(answer, 200, list, kept);
    free(list);
    if (code == CM_EAUTH && !strstr(error->detail, "42501")) {
        answer_error(answer, 403, error);
        code = 0;
    }
    return code;
}
