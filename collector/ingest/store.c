/* The order in which a batch becomes inventory. The statements are in the .sql files beside this one; read them for what each does.
 *
 * Outside the transaction: whether the key was taken, reading, who may say it, which certificates are lacking. Inside: the key first, so that
 * the same batch sent twice at once waits for itself; then certificates, what changed, spans, states, observation, runs. Deadlocks and
 * serialization failures are tried again from the key on. */
#include "collector/ingest/store.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/db_array.h"
#include "certmuster/delivery.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/identity.h"
#include "collector/ingest/rows.h"
#include "collector/ingest/sieve.h"
#include "collector/ingest/work.h"
#include "collector/transaction.h"

enum {
    TRIES_MAX = 8,
    REFUSALS_TOLD_MAX = 16, /* in the log; the answer names them all */
};

#define EMBED(name) static const unsigned char name[]
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
EMBED(remember_sql) = {
#include "gen/collector/ingest/remember.sql.inc"
    0};
EMBED(runs_sql) = {
#include "gen/collector/ingest/runs.sql.inc"
    0};

static int exec_embedded(struct db *db, const unsigned char *sql, struct cm_error *error)
{
    return db_exec(db, (const char *)sql, error);
}

/* Many may send the same file, and what one may tell another may not: the key of a file is stored behind the name of who sent it. On the unix
 * socket that is this host's, behind a slash, for a scanner that has a certificate may bear the same. */
static void name_key(struct work *work)
{
    const char *key = work->request->key, *name = strncmp(key, "file/", 5) == 0 ? work->scanner : NULL;
    snprintf(work->key, sizeof work->key, "%s%s%s%s", name && work->request->peer.is_local ? "/" : "", name ? name : "",
             name ? "/" : "", key);
}

/* CM_ENOTFOUND: the key was not taken before. Either way it is known when the request came. Once a file's key was stored as it came; what is
 * stored so holds for the scanner that sent it. */
static int repeat_answer(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {work->key, work->request->key, work->scanner};
    int code = db_query(work->db,
                        "SELECT b.stored, b.rejected, (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
                        " FROM (SELECT) always LEFT JOIN batch b"
                        " ON b.batch_key IN ($1, $2) AND (b.batch_key = $1 OR b.scanner = $3)",
                        params, 3, &rows, error);
    if (!code)
        work->received_ms = db_integer(rows, 0, 2) - (clock_monotonic_ms() - work->request->received_ms);
    if (!code && db_is_null(rows, 0, 0))
        code = CM_ENOTFOUND;
    if (!code) {
        answer_stored(answer, (uint64_t)db_integer(rows, 0, 0), db_text(rows, 0, 1));
        answer->repeated = true;
    }
    db_result_free(rows);
    return code;
}

/* --- Merging -------------------------------------------------------------------------------------------------------------------------- */

/* 0 and *taken: another transaction committed the key meanwhile. */
static int insert_key(struct work *work, bool *taken, struct cm_error *error)
{
    char stored[24], skew[24], received[TIMEFMT_SIZE];
    struct db_result *rows = NULL;
    snprintf(stored, sizeof stored, "%llu", (unsigned long long)work->batch->stored);
    snprintf(skew, sizeof skew, "%lld", (long long)work->skew_ms);
    timefmt_ms(received, work->received_ms);
    const char *params[] = {work->key, work->scanner, received, stored, work->rejected.data, skew};
    int code = db_query(work->db,
                        "INSERT INTO batch (batch_key, scanner, received_at, stored, rejected, skew_ms)"
                        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                        params, 6, &rows, error);
    if (!code)
        *taken = db_affected(rows) == 0;
    db_result_free(rows);
    return code;
}

static int merge_certificates(struct work *work, struct cm_error *error)
{
    size_t copied = 0;
    int code = work_copy_certificates(work, &copied, error);
    return code || !copied ? code : exec_embedded(work->db, certificates_sql, error);
}

/* Spans round by round, then the state that they leave. Keys and stores bring places without looks. */
static int merge_places(struct work *work, bool changed, struct cm_error *error)
{
    char sql[64];
    if (!changed && !work->batch->asset_count)
        return 0;
    int code = work_copy_changed(work, error);
    if (!code)
        code = exec_embedded(work->db, places_sql, error);
    for (unsigned round = 0; !code && changed && round < work->places.rounds; round++) {
        snprintf(sql, sizeof sql, "SET LOCAL certmuster.round = '%u'", round);
        code = db_exec(work->db, sql, error);
        if (!code)
            code = exec_embedded(work->db, spans_sql, error);
    }
    return code || !changed ? code : exec_embedded(work->db, state_sql, error);
}

static int merge_assets(struct work *work, struct cm_error *error)
{
    if (!work->batch->asset_count)
        return 0;
    int code = work_copy_assets(work, error);
    return code ? code : exec_embedded(work->db, assets_sql, error);
}

/* One row per run for all places that are as they were. */
static int observe_run(struct work *work, uint16_t run, struct cm_error *error)
{
    const struct places *places = &work->places;
    struct buf unchanged, failing;
    int64_t first = INT64_MAX, last = INT64_MIN;
    buf_init(&unchanged, WORK_PARAM_MAX);
    buf_init(&failing, WORK_PARAM_MAX);
    db_array_begin(&unchanged, DB_ARRAY_UUID);
    db_array_begin(&failing, DB_ARRAY_UUID);
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->list[i];
        const struct look *look = &work->batch->looks[places->order[place->start]];
        if (place->changed || place->ignored || look->run_index != run)
            continue;
        db_array_add_uuid(place->kind == LOOK_FAILED ? &failing : &unchanged, look->location_id);
        first = place->first_ms < first ? place->first_ms : first;
        last = place->last_ms > last ? place->last_ms : last;
    }
    db_array_end(&unchanged);
    db_array_end(&failing);
    int code = 0;
    if (last != INT64_MIN) {
        char day[TIMEFMT_SIZE], key[WORK_KEY_SIZE + 16], id[CM_UUID_TEXT_SIZE], from[TIMEFMT_SIZE], until[TIMEFMT_SIZE];
        timefmt_date(day, work->session->day * 24 * 60 * 60);
        snprintf(key, sizeof key, run ? "%s#%u" : "%s", work->key, run);
        uuid_write(id, work->batch->runs[run].run);
        timefmt_ms(from, first);
        timefmt_ms(until, last);
        const struct db_param params[] = {{.bytes = day},   {.bytes = key},        {.bytes = id},      {.bytes = from},
                                          {.bytes = until}, {.array = &unchanged}, {.array = &failing}};
        code = db_query_arrays(work->db,
                               "INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing) "
                               "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                               params, 7, NULL, error);
    }
    buf_done(&unchanged);
    buf_done(&failing);
    return code;
}

static int merge(struct work *work, struct cm_error *error)
{
    struct compared places = {.asked = 0};
    int code = identity_note(work->db, work->session->settings->config, &work->request->peer, work->batch,
                             work->skew_ms, error);
    if (!code)
        code = merge_certificates(work, error);
    if (!code)
        code = work_compare_places(work, &places, error);
    if (!code)
        code = work_copy_runs(work, error);
    if (!code)
        code = merge_places(work, places.changed > 0, error);
    if (!code)
        code = merge_assets(work, error);
    for (size_t i = 0; !code && i < work->batch->run_count; i++)
        code = observe_run(work, (uint16_t)i, error);
    if (!code && places.to_remember)
        code = exec_embedded(work->db, remember_sql, error);
    if (!code)
        code = exec_embedded(work->db, runs_sql, error);
    if (!code)
        code = work_tell(work, error);
    return code ? code : work->is_try ? SIEVE_PASSED : 0;
}

static int transact(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    bool taken = false;
    int code = transaction_begin(work->db, error);
    if (!code)
        code = insert_key(work, &taken, error);
    if (!code && !taken)
        code = merge(work, error);
    code = transaction_end(work->db, code, error);
    if (!code && taken)
        return repeat_answer(work, answer, error);
    if (!code)
        answer_stored(answer, work->batch->stored, work->rejected.data);
    return code;
}

/* --- A batch -------------------------------------------------------------------------------------------------------------------------- */

static int store_settled(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    int code = work_look_up_certificates(work, answer, error);
    if (code || answer->status == 409)
        return code;
    answer_write_rejections(work->batch, &work->rejected);
    answer->rejected = work->batch->rejection_count;
    if (work->rejected.failed || work->batch->text.failed)
        return error_set(error, CM_ELIMIT, 0, "too much of the batch is wrong to be told");
    /* Of nothing there is nothing to be counted twice: once this scanner may speak, the same is welcome under its key. */
    if (work->batch->stored == 0 && answer->rejected) {
        answer_stored(answer, 0, work->rejected.data);
        return 0;
    }
    code = session_partition(work->session, work->received_ms, error);
    for (int tries = 0; !code; tries++) {
        code = transact(work, answer, error);
        if (code != CM_ECONFLICT || tries + 1 == TRIES_MAX)
            break;
        log_event(LOG_LEVEL_INFO, "batch_again", "key=%s try=%d %s", log_quote(work->request->key), tries + 1,
                  log_error(error));
        code = 0;
    }
    return code;
}

/* A run of the batch's own, for records that name none: the same when the batch is sent again. */
static void run_of_key(const char *key, uint8_t run[static CM_UUID_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    sha256_bytes(key, strlen(key), digest);
    memcpy(run, digest, CM_UUID_SIZE);
}

/* Once, with the lines that the sieve takes; from the body on, since all that was made of it is sorted and grouped. */
static int store_lines(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    const struct delivery_request *request = work->request;
    uint8_t run[CM_UUID_SIZE];
    int64_t skew = request->sent_ms >= 0 ? work->received_ms - request->sent_ms : 0;
    work->skew_ms = skew > BATCH_SKEW_MS || skew < -BATCH_SKEW_MS ? skew : 0;
    run_of_key(work->key, run);
    const struct batch_options options = {.scanner = work->scanner,
                                          .run = run,
                                          .skew_ms = work->skew_ms,
                                          .now_ms = work->received_ms,
                                          .sieve = work->sieve};
    places_done(&work->places);
    batch_done(work->batch);
    buf_reset(&work->rejected);
    answer->status = 0;
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
    code = work_mark_same(work, error);
    return code ? code : store_settled(work, answer, error);
}

struct sifting {
    struct work *work;
    struct delivery_answer *answer;
};

static int try_lines(void *context, bool for_good, struct cm_error *error)
{
    struct sifting *sifting = context;
    sifting->work->is_try = !for_good;
    int code = store_lines(sifting->work, sifting->answer, error);
    return !for_good && !code && !sifting->answer->repeated ? SIEVE_PASSED : code; /* nothing of it was to be stored */
}

/* What PostgreSQL does not take it will never take: the records that are to blame are rejected with its reason, and the others are stored. */
static int store_sifted(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    struct sieve sieve;
    struct sifting sifting = {.work = work, .answer = answer};
    unsigned told = 0;
    log_event(LOG_LEVEL_WARN, "batch_refused", "key=%s %s", log_quote(work->request->key), log_error(error));
    sieve_init(&sieve, work->batch);
    work->sieve = &sieve;
    int code = sieve_store(&sieve, try_lines, &sifting, error);
    for (size_t i = 0; i < sieve.refusal_count && told < REFUSALS_TOLD_MAX; i++) {
        const struct sieve_refusal *refusal = &sieve.refusals[i];
        if (refusal->lines == 0)
            continue;
        told++;
        log_event(LOG_LEVEL_WARN, "record_refused", "key=%s line=%u lines=%u reason=%s", log_quote(work->request->key),
                  refusal->line, refusal->lines, log_quote(refusal->why));
    }
    work->sieve = NULL;
    sieve_done(&sieve);
    return code;
}

static int store_body(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    int code = store_lines(work, answer, error);
    return db_refused(code, error) ? store_sifted(work, answer, error) : code;
}

/* "<scanner>/…", or "file/<sha256 of the part>", which name_key makes one's own: nobody takes a key that another will need. On the unix socket speak
 * all scanners of this host, that is those without a certificate. */
static int check_key(const struct work *work, struct cm_error *error)
{
    char key[DELIVERY_KEY_MAX + 1];
    const char *params[] = {key};
    size_t size = strlen(work->scanner);
    struct db_result *rows = NULL;
    int code = 0;
    if (strncmp(work->request->key, "file/", 5) == 0)
        return 0;
    bool owned = delivery_key_read(work->request->key, key);
    if (owned && !work->request->peer.is_local) {
        owned = strncmp(key, work->scanner, size) == 0 && key[size] == '/';
    } else if (owned) {
        code = db_query(work->db,
                        "SELECT FROM scanner s WHERE s.enrolled NOT LIKE 'unix:%' AND starts_with($1, s.name || '/')",
                        params, 1, &rows, error);
        owned = !code && db_rows(rows) == 0;
        db_result_free(rows);
    }
    return code || owned ? code : error_set(error, CM_EAUTH, 0, "the Idempotency-Key is another scanner's");
}

int store_batch(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                struct cm_error *error)
{
    struct batch batch = {.lines = 0};
    int code = session_ready(session, error);
    if (code)
        return code;
    struct work work = {.session = session, .db = session->db, .request = request, .batch = &batch};
    buf_init(&work.rejected, WORK_PARAM_MAX);
    code = identity_of(work.db, session->settings->config, &request->peer, work.scanner, error);
    if (!code)
        name_key(&work);
    if (!code)
        code = check_key(&work, error);
    if (!code)
        code = repeat_answer(&work, answer, error);
    if (code == CM_ENOTFOUND)
        code = store_body(&work, answer, error);
    if (code == CM_EAUTH && !db_right_lacks(code, error)) {
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
