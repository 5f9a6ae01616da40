/* Reads a batch: lines into looks, certificates, runs, keys and stores. What a line says by itself is checked by record_read; what it
 * says about others (whose scanner, whose run) is checked by identity.c; grouping is in group.c. */
#include "collector/ingest/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/db.h"
#include "certmuster/limits.h"
#include "certmuster/record_read.h"
#include "certmuster/timefmt.h"

enum {
    TEXT_FACTOR = 6, /* escaping doubles at most, and a record's texts are kept up to three times */
    REASON_MAX = 200,
};

struct reader {
    struct batch *batch;
    const struct batch_options *options;
    size_t look_room, asset_room, certificate_room, rejection_room, claimed_room;
};

/* Doubles an array when it is full. Its growth is bounded by BATCH_LINES_MAX. */
static void *make_room(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? 2 * *room : 256;
    return cm_realloc(list, *room * size);
}

/* --- The text arena -------------------------------------------------------------------------------------------------------------- */

static text_ref begin_text(const struct batch *batch)
{
    return (text_ref)batch->text.size;
}

static void end_text(struct batch *batch)
{
    buf_append_char(&batch->text, 0);
}

static text_ref add_field(struct batch *batch, const char *text)
{
    if (!text)
        return 0;
    text_ref ref = begin_text(batch);
    db_copy_field(&batch->text, true, text, strlen(text));
    end_text(batch);
    return ref;
}

const char *batch_text(const struct batch *batch, text_ref ref)
{
    return ref ? batch->text.data + ref : "\\N";
}

static void next_field(struct batch *batch, const char *text)
{
    db_copy_field(&batch->text, false, text, text ? strlen(text) : 0);
}

static void next_number(struct batch *batch, int64_t value)
{
    buf_append_char(&batch->text, '\t');
    buf_append_i64(&batch->text, value);
}

/* --- Rejections ------------------------------------------------------------------------------------------------------------------ */

void batch_reject(struct batch *batch, uint32_t line, const char *reason, const char *detail)
{
    if (batch->rejection_count % 256 == 0)
        batch->rejections = cm_realloc(batch->rejections, (batch->rejection_count + 256) * sizeof *batch->rejections);
    text_ref ref = begin_text(batch);
    buf_append(&batch->text, reason, strnlen(reason, REASON_MAX));
    if (detail && *detail) {
        buf_append_str(&batch->text, ": ");
        buf_append(&batch->text, detail, strnlen(detail, REASON_MAX));
    }
    end_text(batch);
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
    batch->claimed = make_room(batch->claimed, batch->claimed_count, &reader->claimed_room, sizeof *batch->claimed);
    memcpy(batch->claimed[batch->claimed_count++], sha256, sizeof sha256);
}

/* --- Whom it is from --------------------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Index of the pair; BATCH_ORIGINS_MAX when there are too many. */
static uint16_t find_origin(struct reader *reader, const char *scanner, const char *realm)
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

/* Index of the run as this scanner's; BATCH_ORIGINS_MAX when there are too many. A record that names no scanner is of whoever has the run. That two
 * scanners name the same run is settled when it is known which of them may. */
static uint16_t find_run(struct reader *reader, const struct record *record, uint16_t origin, const char **problem)
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

static int64_t clamp_time(const struct batch_options *options, int64_t at_ms)
{
    at_ms += options->skew_ms;
    return at_ms < 0 ? 0 : at_ms > options->now_ms ? options->now_ms : at_ms;
}

/* --- Records ----------------------------------------------------------------------------------------------------------------------- */

/* A row of stage_location after its id and before first_seen. */
static text_ref add_location(struct batch *batch, const struct record *record)
{
    text_ref ref = begin_text(batch);
    if (record->has_endpoint) {
        const struct record_endpoint *at = &record->endpoint;
        buf_append_str(&batch->text, "endpoint");
        next_field(batch, at->realm);
        next_field(batch, at->transport);
        next_field(batch, at->ip);
        next_number(batch, at->port);
        next_field(batch, at->name);
        buf_append_str(&batch->text, "\t\\N\t\\N\t\\N\t\\N");
    } else {
        const struct record_file *at = &record->file;
        buf_append_str(&batch->text, "file");
        next_field(batch, at->realm);
        buf_append_str(&batch->text, "\t\\N\t\\N\t\\N\t\\N");
        next_field(batch, at->host);
        next_field(batch, at->path);
        next_field(batch, at->inner ? at->inner : "");
        next_field(batch, at->entry ? at->entry : "");
    }
    end_text(batch);
    return ref;
}

/* What the file system said, as JSON. The inode stays out: it changes with every rename and tells nobody anything. */
static void next_file_meta(struct batch *batch, const struct record_file *file)
{
    char mtime[TIMEFMT_SIZE], numbers[192] = "";
    struct buf json;
    buf_init(&json, 1024);
    buf_append_char(&json, '{');
    if (file->format) {
        /* A label of at most 64 bytes; characters that JSON would need escaped make no format. */
        buf_append_str(&json, "\"format\":\"");
        for (const char *c = file->format; *c; c++)
            buf_append_char(&json, (unsigned char)*c < 0x20 || *c == '"' || *c == '\\' ? '?' : *c);
        buf_append_str(&json, file->has_stat ? "\"," : "\"");
    }
    if (file->has_stat) {
        timefmt_seconds(mtime, file->mtime);
        snprintf(numbers, sizeof numbers, "\"mode\":%u,\"uid\":%u,\"gid\":%u,\"size\":%llu,\"mtime\":\"%s\"",
                 file->mode, file->uid, file->gid, (unsigned long long)file->size_bytes, mtime);
    }
    buf_appendf(&json, "%s}", numbers);
    db_copy_field(&batch->text, false, json.data, json.size);
    buf_done(&json);
}

/* source, tls, starttls, file_meta: what both staging tables end in. */
static text_ref add_tail(struct batch *batch, const struct record *record)
{
    text_ref ref = begin_text(batch);
    db_copy_field(&batch->text, true, record->source, strlen(record->source));
    next_field(batch, record->tls_json);
    next_field(batch, record->has_endpoint ? record->endpoint.starttls : NULL);
    if (record->has_file && (record->file.format || record->file.has_stat))
        next_file_meta(batch, &record->file);
    else
        next_field(batch, NULL);
    end_text(batch);
    return ref;
}

static void add_chain(struct batch *batch, struct look *look, const struct record *record)
{
    look->chain_start = batch->fingerprints.size / CM_SHA256_SIZE;
    look->chain_count = record->chain_count;
    buf_append(&batch->fingerprints, record->chain, record->chain_count * CM_SHA256_SIZE);
    chain_id((const uint8_t(*)[CM_SHA256_SIZE])record->chain, record->chain_count, look->chain);
}

static const char *take_look(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    const char *realm = record->has_endpoint ? record->endpoint.realm : record->file.realm;
    struct look look = {.line = line};
    char result[160];
    look.origin = find_origin(reader, record->scanner, realm);
    if (look.origin == BATCH_ORIGINS_MAX)
        return problem;
    look.run_index = find_run(reader, record, look.origin, &problem);
    if (look.run_index == BATCH_ORIGINS_MAX)
        return problem;
    struct batch_run *run = &batch->runs[look.run_index];
    if (!run->source)
        run->source = add_field(batch, record->source);
    memcpy(look.run, run->run, sizeof look.run);
    memcpy(look.location_id, record->location_id, sizeof look.location_id);
    look.first_ms = clamp_time(reader->options, record->since_ms);
    look.last_ms = clamp_time(reader->options, record->at_ms);
    look.location = add_location(batch, record);
    look.tail = add_tail(batch, record);
    switch (record->type) {
    case RECORD_SIGHTING:
        look.kind = LOOK_SEEN;
        look.role = add_field(batch, record->role);
        look.result = add_field(batch, "ok");
        add_chain(batch, &look, record);
        break;
    case RECORD_FAILURE:
        look.kind = LOOK_FAILED;
        snprintf(result, sizeof result, "%s:%s", record->stage, record->error);
        look.result = add_field(batch, result);
        look.detail = add_field(batch, record->detail);
        break;
    default:
        look.kind = LOOK_TLS;
        look.result = add_field(batch, "");
    }
    batch->looks = make_room(batch->looks, batch->look_count, &reader->look_room, sizeof *batch->looks);
    batch->looks[batch->look_count++] = look;
    return NULL;
}

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
    text_ref ref = begin_text(batch);
    switch (record->type) {
    case RECORD_KEY:
        db_copy_field(&batch->text, true, record->kind, strlen(record->kind));
        next_field(batch, record->encrypted ? "t" : "f");
        db_copy_bytea(&batch->text, false, record->has_spki ? record->spki_sha256 : NULL, CM_SHA256_SIZE);
        next_field(batch, record->key_alg);
        if (record->key_bits)
            next_number(batch, (int64_t)record->key_bits);
        else
            next_field(batch, NULL);
        break;
    case RECORD_STORE:
        db_copy_field(&batch->text, true, record->format, strlen(record->format));
        next_field(batch, record->integrity);
        next_number(batch, (int64_t)record->entries);
        next_field(batch, record->weak_json);
        break;
    default:
        db_copy_field(&batch->text, true, record->facts_json, strlen(record->facts_json));
    }
    end_text(batch);
    return ref;
}

static const char *take_asset(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    const char *realm = record->has_endpoint ? record->endpoint.realm : record->file.realm;
    struct batch_asset asset = {.line = line, .kind = asset_kind(record->type)};
    asset.origin = find_origin(reader, record->scanner, realm);
    if (asset.origin == BATCH_ORIGINS_MAX)
        return problem;
    memcpy(asset.location_id, record->location_id, sizeof asset.location_id);
    asset.first_ms = clamp_time(reader->options, record->since_ms);
    asset.last_ms = clamp_time(reader->options, record->at_ms);
    asset.location = add_location(batch, record);
    asset.row = add_asset_row(batch, record);
    batch->assets = make_room(batch->assets, batch->asset_count, &reader->asset_room, sizeof *batch->assets);
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
    batch->certificates = make_room(batch->certificates, batch->certificate_count, &reader->certificate_room,
                                    sizeof *batch->certificates);
    batch->certificates[batch->certificate_count++] = certificate;
    return NULL;
}

static const char *take_run(struct reader *reader, const struct record *record, uint32_t line)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    uint16_t origin = find_origin(reader, record->scanner, NULL);
    if (origin == BATCH_ORIGINS_MAX)
        return problem;
    uint16_t index = find_run(reader, record, origin, &problem);
    if (index == BATCH_ORIGINS_MAX)
        return problem;
    struct batch_run *run = &batch->runs[index];
    if (run->records++ == 0)
        run->first_line = line;
    if (record->type == RECORD_STATS) {
        run->counters = add_field(batch, record->counters_json);
        return NULL;
    }
    run->source = add_field(batch, record->source);
    run->host = record->host ? add_field(batch, record->host) : run->host;
    run->machine_id = record->machine_id ? add_field(batch, record->machine_id) : run->machine_id;
    run->addresses = record->addresses_json ? add_field(batch, record->addresses_json) : run->addresses;
    run->args = record->args_json ? add_field(batch, record->args_json) : run->args;
    if (strcmp(record->state, "finished") == 0) {
        run->finished_ms = clamp_time(reader->options, record->at_ms);
        run->targets = record->targets;
        run->ok = record->ok;
        run->failed = record->failed;
        run->interrupted = record->interrupted;
    } else {
        run->started_ms = clamp_time(reader->options, record->at_ms);
    }
    return NULL;
}

static const char *take_record(struct reader *reader, const struct record *record, uint32_t line)
{
    switch (record->type) {
    case RECORD_SIGHTING:
    case RECORD_FAILURE:
    case RECORD_ENDPOINT:
        return take_look(reader, record, line);
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
    if (record_read(line, size, &record, &error) != 0) {
        note_claim(reader, line, size);
        batch_reject(reader->batch, number, error.reason, error.detail);
        return;
    }
    const char *problem = take_record(reader, &record, number);
    if (problem)
        batch_reject(reader->batch, number, problem, NULL);
    record_done(&record);
}

int batch_read(const char *body, size_t size, const struct batch_options *options, struct batch *out,
               struct cm_error *error)
{
    *out = (struct batch){.lines = 0};
    struct reader reader = {.batch = out, .options = options};
    buf_init(&out->text, (size_t)TEXT_FACTOR * CM_LIMIT_BATCH_BYTES);
    buf_init(&out->ders, CM_LIMIT_BATCH_BYTES);
    buf_init(&out->fingerprints, CM_LIMIT_BATCH_BYTES);
    buf_append_char(&out->text, 0); /* so that no text has the reference 0 */
    for (size_t at = 0; at < size;) {
        const char *end = memchr(body + at, '\n', size - at);
        if (!end)
            return error_set(error, CM_EMALFORMED, at, "the last line has no line feed: the batch was cut");
        size_t length = (size_t)(end - (body + at));
        if (++out->lines > BATCH_LINES_MAX)
            return error_set(error, CM_ELIMIT, at, "more than 200,000 lines in one batch");
        if (length > 0 && !(length == 1 && body[at] == '\r'))
            read_line(&reader, body + at, length, (uint32_t)out->lines);
        at += length + 1;
        if (out->text.failed || out->ders.failed || out->fingerprints.failed)
            return error_set(error, CM_ELIMIT, at, "the batch is too large when unfolded");
    }
    return 0;
}

void batch_done(struct batch *batch)
{
    for (size_t i = 0; i < batch->origin_count; i++) {
        free(batch->origins[i].scanner);
        free(batch->origins[i].realm);
    }
    for (size_t i = 0; i < batch->run_count; i++)
        free(batch->runs[i].results);
    free(batch->origins);
    free(batch->looks);
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
