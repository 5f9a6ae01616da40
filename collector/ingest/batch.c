/* Reads a batch: lines into looks, certificates, runs, keys and stores. What a line says by itself is checked by record_read; what it
 * says about others (whose scanner, whose run) is checked by identity.c; grouping is in group.c. */
#include "collector/ingest/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/db.h"
#include "certmuster/limits.h"
#include "collector/ingest/reader.h"
#include "collector/ingest/sieve.h"
#include "collector/ingest/skim.h"

enum {
    TEXT_FACTOR = 6, /* escaping doubles at most, and a record's texts are kept up to three times */
    REASON_MAX = 200,
};

void *reader_room(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? 2 * *room : 256;
    return cm_realloc(list, *room * size);
}

/* --- The text arena -------------------------------------------------------------------------------------------------------------- */

text_ref text_begin(const struct batch *batch)
{
    return (text_ref)batch->text.size;
}

void text_end(struct batch *batch)
{
    buf_append_char(&batch->text, 0);
}

text_ref text_field(struct batch *batch, const char *text)
{
    if (!text)
        return 0;
    text_ref ref = text_begin(batch);
    db_copy_field(&batch->text, true, text, strlen(text));
    text_end(batch);
    return ref;
}

const char *batch_text(const struct batch *batch, text_ref ref)
{
    return ref ? batch->text.data + ref : "\\N";
}

void text_next(struct batch *batch, const char *text)
{
    db_copy_field(&batch->text, false, text, text ? strlen(text) : 0);
}

void text_next_number(struct batch *batch, int64_t value)
{
    buf_append_char(&batch->text, '\t');
    buf_append_i64(&batch->text, value);
}

/* --- Rejections ------------------------------------------------------------------------------------------------------------------ */

void batch_reject(struct batch *batch, uint32_t line, const char *reason, const char *detail)
{
    if (batch->rejection_count % 256 == 0)
        batch->rejections = cm_realloc(batch->rejections, (batch->rejection_count + 256) * sizeof *batch->rejections);
    text_ref ref = text_begin(batch);
    buf_append(&batch->text, reason, strnlen(reason, REASON_MAX));
    if (detail && *detail) {
        buf_append_str(&batch->text, ": ");
        buf_append(&batch->text, detail, strnlen(detail, REASON_MAX));
    }
    text_end(batch);
    batch->rejections[batch->rejection_count++] = (struct batch_rejection){.line = line, .reason = ref};
}

/* A certificate record that was rejected keeps the chains that need it from asking for it again and again: they are rejected too. Its
 * claimed fingerprint is taken from the raw line, since nothing else is left of it. */
static void note_claim(struct reader *reader, const char *line, size_t size)
{
    static const char member[] = "\"sha256\":\"", type[] = "\"type\":\"certificate\"";
    struct batch *batch = reader->batch;
    uint8_t sha256[CM_SHA256_SIZE];
    const char *at = memmem(line, size, member, sizeof member - 1);
    if (!at || !memmem(line, size, type, sizeof type - 1))
        return;
    at += sizeof member - 1;
    if ((size_t)(line + size - at) < 2 * CM_SHA256_SIZE ||
        hex_read(at, 2 * CM_SHA256_SIZE, sha256, CM_SHA256_SIZE) != 0)
        return;
    batch->claimed = reader_room(batch->claimed, batch->claimed_count, &reader->claimed_room, sizeof *batch->claimed);
    memcpy(batch->claimed[batch->claimed_count++], sha256, sizeof sha256);
}

/* --- Whom it is from --------------------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

uint16_t reader_origin(struct reader *reader, const char *scanner, const char *realm)
{
    struct batch *batch = reader->batch;
    if (!scanner)
        scanner = reader->options->scanner;
    for (size_t i = batch->origin_count; i-- > 0;) /* the last one is nearly always the one */
        if (strcmp(batch->origins[i].scanner, scanner) == 0 && same_text(batch->origins[i].realm, realm))
            return (uint16_t)i;
    if (batch->origin_count == BATCH_ORIGINS_MAX)
        return BATCH_ORIGINS_MAX;
    if (!batch->origins)
        batch->origins = cm_calloc(BATCH_ORIGINS_MAX, sizeof *batch->origins);
    batch->origins[batch->origin_count] =
        (struct batch_origin){.scanner = cm_strdup(scanner), .realm = realm ? cm_strdup(realm) : NULL};
    return (uint16_t)batch->origin_count++;
}

static bool same_scanner(const struct batch *batch, uint16_t a, uint16_t b)
{
    return strcmp(batch->origins[a].scanner, batch->origins[b].scanner) == 0;
}

/* A record that names no scanner is of whoever has the run. That two
 * scanners name the same run is settled when it is known which of them may. */
uint16_t reader_run(struct reader *reader, const struct record *record, uint16_t origin, const char **problem)
{
    struct batch *batch = reader->batch;
    uint8_t id[CM_UUID_SIZE];
    if (!record->run || uuid_read(record->run, id) != 0)
        memcpy(id, reader->options->run, sizeof id);
    for (size_t i = batch->run_count; i-- > 0;) {
        struct batch_run *run = &batch->runs[i];
        if (memcmp(run->run, id, sizeof id) != 0 ||
            (record->scanner && run->named && !same_scanner(batch, run->origin, origin)))
            continue;
        if (record->scanner && !run->named) {
            run->origin = origin;
            run->named = true;
        }
        return (uint16_t)i;
    }
    if (batch->run_count == BATCH_ORIGINS_MAX) {
        *problem = "too many runs in one batch";
        return BATCH_ORIGINS_MAX;
    }
    if (!batch->runs)
        batch->runs = cm_calloc(BATCH_ORIGINS_MAX, sizeof *batch->runs);
    struct batch_run *new = &batch->runs[batch->run_count];
    *new = (struct batch_run){.origin = origin, .named = record->scanner != NULL, .started_ms = -1, .finished_ms = -1};
    memcpy(new->run, id, sizeof id);
    return (uint16_t)batch->run_count++;
}

int64_t reader_time(const struct batch_options *options, int64_t at_ms)
{
    at_ms += options->skew_ms;
    return at_ms < 0 ? 0 : at_ms > options->now_ms ? options->now_ms : at_ms;
}

/* --- Records ----------------------------------------------------------------------------------------------------------------------- */

static uint8_t asset_kind(enum record_type type)
{
    return type == RECORD_KEY     ? ASSET_KEY
           : type == RECORD_STORE ? ASSET_STORE
           : type == RECORD_CSR   ? ASSET_CSR
           : type == RECORD_CRL   ? ASSET_CRL
                                  : ASSET_SSH;
}

/* A row of the staging table of its kind, without the id before it and the times behind it. */
static text_ref add_asset_row(struct batch *batch, const struct record *record)
{
    text_ref ref = text_begin(batch);
    switch (record->type) {
    case RECORD_KEY:
        db_copy_field(&batch->text, true, record->kind, strlen(record->kind));
        text_next(batch, record->encrypted ? "t" : "f");
        db_copy_bytea(&batch->text, false, record->has_spki ? record->spki_sha256 : NULL, CM_SHA256_SIZE);
        text_next(batch, record->key_alg);
        if (record->key_bits)
            text_next_number(batch, (int64_t)record->key_bits);
        else
            text_next(batch, NULL);
        break;
    case RECORD_STORE:
        db_copy_field(&batch->text, true, record->format, strlen(record->format));
        text_next(batch, record->integrity);
        text_next_number(batch, (int64_t)record->entries);
        text_next(batch, record->weak_json);
        break;
    default:
        db_copy_field(&batch->text, true, record->facts_json, strlen(record->facts_json));
    }
    text_end(batch);
    return ref;
}

static const char *take_asset(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    const char *realm = record->has_endpoint ? record->endpoint.realm : record->file.realm;
    struct batch_asset asset = {.line = line, .kind = asset_kind(record->type)};
    asset.origin = reader_origin(reader, record->scanner, realm);
    if (asset.origin == BATCH_ORIGINS_MAX)
        return problem;
    asset.run_index = reader_run(reader, record, asset.origin, &problem);
    if (asset.run_index == BATCH_ORIGINS_MAX)
        return problem;
    if (!batch->runs[asset.run_index].source)
        batch->runs[asset.run_index].source = text_field(batch, record->source);
    memcpy(asset.location_id, record->location_id, sizeof asset.location_id);
    asset.first_ms = reader_time(reader->options, record->since_ms);
    asset.last_ms = reader_time(reader->options, record->at_ms);
    asset.location = reader_location(batch, record);
    asset.row = add_asset_row(batch, record);
    batch->assets = reader_room(batch->assets, batch->asset_count, &reader->asset_room, sizeof *batch->assets);
    batch->assets[batch->asset_count++] = asset;
    return NULL;
}

static const char *take_certificate(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    struct batch_certificate certificate = {
        .line = line, .der_start = batch->ders.size, .der_size = record->der_size, .first_ms = -1, .last_ms = -1};
    memcpy(certificate.sha256, record->sha256, sizeof certificate.sha256);
    buf_append(&batch->ders, record->der, record->der_size);
    batch->certificates = reader_room(batch->certificates, batch->certificate_count, &reader->certificate_room,
                                      sizeof *batch->certificates);
    batch->certificates[batch->certificate_count++] = certificate;
    return NULL;
}

static const char *take_run(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    uint16_t origin = reader_origin(reader, record->scanner, NULL);
    if (origin == BATCH_ORIGINS_MAX)
        return problem;
    uint16_t index = reader_run(reader, record, origin, &problem);
    if (index == BATCH_ORIGINS_MAX)
        return problem;
    struct batch_run *run = &batch->runs[index];
    if (run->records++ == 0)
        run->first_line = line;
    if (record->type == RECORD_STATS) {
        run->counters = text_field(batch, record->counters_json);
        return NULL;
    }
    run->source = text_field(batch, record->source);
    run->host = record->host ? text_field(batch, record->host) : run->host;
    run->machine_id = record->machine_id ? text_field(batch, record->machine_id) : run->machine_id;
    run->addresses = record->addresses_json ? text_field(batch, record->addresses_json) : run->addresses;
    run->args = record->args_json ? text_field(batch, record->args_json) : run->args;
    if (strcmp(record->state, "finished") == 0) {
        run->finished_ms = reader_time(reader->options, record->at_ms);
        run->targets = record->targets;
        run->ok = record->ok;
        run->failed = record->failed;
        run->interrupted = record->interrupted;
        if (record->covered_json) {
            run->covered_origin = reader_origin(reader, record->scanner, record->covered_realm);
            if (run->covered_origin == BATCH_ORIGINS_MAX)
                return "records of too many scanners and realms in one batch";
            run->covered = text_begin(batch); /* as it is: no field of COPY */
            buf_append_str(&batch->text, record->covered_json);
            text_end(batch);
        }
    } else {
        run->started_ms = reader_time(reader->options, record->at_ms);
    }
    return NULL;
}

static const char *take_record(struct reader *reader, const struct record *record, uint32_t line, size_t line_at)
{
    switch (record->type) {
    case RECORD_SIGHTING:
    case RECORD_FAILURE:
    case RECORD_ENDPOINT:
        return reader_take_look(reader, record, line, line_at);
    case RECORD_KEY:
    case RECORD_STORE:
    case RECORD_CSR:
    case RECORD_CRL:
    case RECORD_SSH_CERTIFICATE:
        return take_asset(reader, record, line);
    case RECORD_CERTIFICATE:
        return take_certificate(reader, record, line);
    case RECORD_RUN:
    case RECORD_STATS:
        return take_run(reader, record, line);
    default: /* unknown types: "stored" does not count them */
        reader->batch->skipped++;
        return NULL;
    }
}

static void read_line(struct reader *reader, const char *line, size_t size, uint32_t number)
{
    struct record record;
    struct cm_error error = {0};
    if (skim_line(reader, line, size, number))
        return;
    if (record_read(line, size, &record, &error) != 0) {
        note_claim(reader, line, size);
        batch_reject(reader->batch, number, error.reason, error.detail);
        return;
    }
    const char *problem = take_record(reader, &record, number, (size_t)(line - reader->batch->body));
    if (problem)
        batch_reject(reader->batch, number, problem, NULL);
    else if (record.type == RECORD_SIGHTING || record.type == RECORD_FAILURE)
        skim_learn(reader, &record, line, size);
    record_done(&record);
}

/* What the inventory refused was found before: the batch is read again. */
static bool sift(struct reader *reader, const char *line, size_t size, uint32_t number)
{
    const struct sieve_refusal *why = NULL;
    enum sieve_fate fate = sieve_fate(reader->options->sieve, number, &why);
    if (fate == SIEVE_REFUSED) {
        char reason[REASON_MAX] = "the inventory refuses the record";
        if (why->lines > 1)
            snprintf(reason, sizeof reason,
                     "the inventory refuses one or more of %u records, which were not searched further", why->lines);
        note_claim(reader, line, size);
        batch_reject(reader->batch, number, reason, why->why);
    }
    return fate == SIEVE_TAKEN;
}

static int read_lines(struct reader *reader, struct cm_error *error)
{
    struct batch *batch = reader->batch;
    const char *body = batch->body;
    for (size_t at = 0; at < batch->body_size;) {
        const char *end = memchr(body + at, '\n', batch->body_size - at);
        if (!end)
            return error_set(error, CM_EMALFORMED, at, "the last line has no line feed: the batch was cut");
        size_t length = (size_t)(end - (body + at));
        if (++batch->lines > BATCH_LINES_MAX)
            return error_set(error, CM_ELIMIT, at, "more than 200,000 lines in one batch");
        if (length > 0 && !(length == 1 && body[at] == '\r') && sift(reader, body + at, length, (uint32_t)batch->lines))
            read_line(reader, body + at, length, (uint32_t)batch->lines);
        at += length + 1;
        if (batch->text.failed || batch->ders.failed || batch->fingerprints.failed)
            return error_set(error, CM_ELIMIT, at, "the batch is too large when unfolded");
    }
    return 0;
}

int batch_read(const char *body, size_t size, const struct batch_options *options, struct batch *out,
               struct cm_error *error)
{
    *out = (struct batch){.body = body, .body_size = size};
    struct reader reader = {.batch = out, .options = options, .skim = options->read_whole ? NULL : skim_new()};
    buf_init(&out->text, (size_t)TEXT_FACTOR * CM_LIMIT_BATCH_BYTES);
    buf_init(&out->ders, CM_LIMIT_BATCH_BYTES);
    buf_init(&out->fingerprints, CM_LIMIT_BATCH_BYTES);
    buf_append_char(&out->text, 0); /* so that no text has the reference 0 */
    int code = read_lines(&reader, error);
    skim_free(reader.skim);
    return code;
}

void batch_done(struct batch *batch)
{
    for (size_t i = 0; i < batch->origin_count; i++) {
        free(batch->origins[i].scanner);
        free(batch->origins[i].realm);
        free(batch->origins[i].advice);
    }
    for (size_t i = 0; i < batch->run_count; i++)
        free(batch->runs[i].results);
    free(batch->origins);
    free(batch->looks);
    free(batch->sayings);
    free(batch->assets);
    free(batch->certificates);
    free(batch->runs);
    free(batch->rejections);
    free(batch->claimed);
    buf_done(&batch->text);
    buf_done(&batch->ders);
    buf_done(&batch->fingerprints);
    *batch = (struct batch){.lines = 0};
}
