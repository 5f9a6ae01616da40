/* Looks: what a sighting, a failure or an endpoint record says, taken from the record that record_read made of its line.
 *
 * What many looks of a batch say alike (role, result, TLS) is kept once and called a saying. Where a look was is kept as its id alone;
 * the row of its place is made when the inventory turns out not to know it so, from the line once more. */
#include <stdio.h>
#include <string.h>

#include "certmuster/db.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/reader.h"

text_ref reader_location(struct batch *batch, const struct record *record)
{
    text_ref ref = text_begin(batch);
    if (record->has_endpoint) {
        const struct record_endpoint *at = &record->endpoint;
        buf_append_str(&batch->text, "endpoint");
        text_next(batch, at->realm);
        text_next(batch, at->transport);
        text_next(batch, at->ip);
        text_next_number(batch, at->port);
        text_next(batch, at->name);
        buf_append_str(&batch->text, "\t\\N\t\\N\t\\N\t\\N");
    } else {
        const struct record_file *at = &record->file;
        buf_append_str(&batch->text, "file");
        text_next(batch, at->realm);
        buf_append_str(&batch->text, "\t\\N\t\\N\t\\N\t\\N");
        text_next(batch, at->host);
        text_next(batch, at->path);
        text_next(batch, at->inner ? at->inner : "");
        text_next(batch, at->entry ? at->entry : "");
    }
    text_end(batch);
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
    text_ref ref = text_begin(batch);
    db_copy_field(&batch->text, true, record->source, strlen(record->source));
    text_next(batch, record->tls_json);
    text_next(batch, record->has_endpoint ? record->endpoint.starttls : NULL);
    if (record->has_file && (record->file.format || record->file.has_stat))
        next_file_meta(batch, &record->file);
    else
        text_next(batch, NULL);
    text_end(batch);
    return ref;
}

/* What compare.sql compares of a look of this kind. A change here takes a migration that sets location_state.digest to NULL. */
static void digest_saying(const struct batch *batch, enum look_kind kind, struct saying *saying)
{
    const char *tail = strchr(batch_text(batch, saying->tail), '\t'); /* behind the source */
    struct buf said;
    buf_init(&said, CM_LIMIT_RECORD_BYTES * 2);
    buf_append_char(&said, (char)kind);
    if (kind == LOOK_FAILED) {
        buf_append_str(&said, batch_text(batch, saying->result));
    } else if (kind == LOOK_TLS) {
        buf_append(&said, tail, 1 + strcspn(tail + 1, "\t"));
    } else {
        buf_append_str(&said, batch_text(batch, saying->role));
        buf_append_str(&said, tail);
    }
    sha256_bytes(said.data, said.size, saying->digest);
    buf_done(&said);
}

static void make_saying(struct batch *batch, const struct record *record, enum look_kind kind, struct saying *out)
{
    char result[160] = "";
    *out = (struct saying){.tail = add_tail(batch, record)};
    if (kind == LOOK_SEEN) {
        out->role = text_field(batch, record->role);
        snprintf(result, sizeof result, "ok");
    } else if (kind == LOOK_FAILED) {
        snprintf(result, sizeof result, "%s:%s", record->stage, record->error);
        out->cancelled = strcmp(record->error, record_error_name(RECORD_ERROR_CANCELLED)) == 0;
        out->detail = text_field(batch, record->detail);
    }
    out->result = text_field(batch, result);
    digest_saying(batch, kind, out);
}

static uint32_t add_saying(struct reader *reader, const struct saying *saying)
{
    struct batch *batch = reader->batch;
    batch->sayings = reader_room(batch->sayings, batch->saying_count, &reader->saying_room, sizeof *batch->sayings);
    batch->sayings[batch->saying_count] = *saying;
    return (uint32_t)batch->saying_count++;
}

static void add_chain(struct batch *batch, struct look *look, const struct record *record)
{
    look->chain_start = batch->fingerprints.size / CM_SHA256_SIZE;
    look->chain_count = record->chain_count;
    buf_append(&batch->fingerprints, record->chain, record->chain_count * CM_SHA256_SIZE);
    chain_id((const uint8_t(*)[CM_SHA256_SIZE])record->chain, record->chain_count, look->chain);
}

void reader_add_look(struct reader *reader, const struct look *look)
{
    struct batch *batch = reader->batch;
    batch->looks = reader_room(batch->looks, batch->look_count, &reader->look_room, sizeof *batch->looks);
    batch->looks[batch->look_count++] = *look;
}

const char *reader_take_look(struct reader *reader, const struct record *record, uint32_t line, size_t line_at)
{
    struct batch *batch = reader->batch;
    const char *problem = "records of too many scanners and realms in one batch";
    const char *realm = record->has_endpoint ? record->endpoint.realm : record->file.realm;
    struct look look = {.line = line, .line_at = line_at};
    struct saying saying;
    look.origin = reader_origin(reader, record->scanner, realm);
    if (look.origin == BATCH_ORIGINS_MAX)
        return problem;
    look.run_index = reader_run(reader, record, look.origin, &problem);
    if (look.run_index == BATCH_ORIGINS_MAX)
        return problem;
    struct batch_run *run = &batch->runs[look.run_index];
    if (!run->source)
        run->source = text_field(batch, record->source);
    memcpy(look.run, run->run, sizeof look.run);
    memcpy(look.location_id, record->location_id, sizeof look.location_id);
    look.first_ms = reader_time(reader->options, record->since_ms);
    look.last_ms = reader_time(reader->options, record->at_ms);
    look.kind = record->type == RECORD_SIGHTING ? LOOK_SEEN : record->type == RECORD_FAILURE ? LOOK_FAILED : LOOK_TLS;
    if (look.kind == LOOK_SEEN)
        add_chain(batch, &look, record);
    make_saying(batch, record, (enum look_kind)look.kind, &saying);
    look.saying = add_saying(reader, &saying);
    reader_add_look(reader, &look);
    return NULL;
}

int batch_unfold(struct batch *batch, struct look *look, struct cm_error *error)
{
    struct record record;
    if (look->location)
        return 0;
    const char *line = batch->body + look->line_at, *end = memchr(line, '\n', batch->body_size - look->line_at);
    int code = end ? record_read(line, (size_t)(end - line), &record, error) : CM_EMALFORMED;
    if (code)
        return error_set(error, CM_EMALFORMED, look->line, "a line cannot be read a second time");
    look->location = reader_location(batch, &record);
    record_done(&record);
    return batch->text.failed ? error_set(error, CM_ELIMIT, 0, "the batch is too large when unfolded") : 0;
}
