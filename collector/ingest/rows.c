/* Rows for the staging tables of stage.sql, whose column order they follow. Certificates have a file of their own. */
#include "collector/ingest/rows.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"

/* --- COPY -------------------------------------------------------------------------------------------------------------------------- */

void copy_begin(struct copy *copy, struct db *db, const char *sql, struct cm_error *error)
{
    *copy = (struct copy){.db = db, .error = error};
    buf_init(&copy->rows, ROWS_MAX);
    copy->code = db_copy_begin(db, sql, error);
    copy->begun = copy->code == 0;
}

static void flush(struct copy *copy)
{
    if (!copy->code && copy->rows.failed)
        copy->code = error_set(copy->error, CM_ELIMIT, 0, "a row is too large");
    if (!copy->code && copy->rows.size)
        copy->code = db_copy_data(copy->db, copy->rows.data, copy->rows.size, copy->error);
    buf_reset(&copy->rows);
}

void copy_row(struct copy *copy)
{
    buf_append_char(&copy->rows, '\n');
    if (copy->rows.size >= ROWS_CHUNK_BYTES)
        flush(copy);
}

int copy_end(struct copy *copy)
{
    flush(copy);
    if (copy->begun && db_alive(copy->db)) {
        int code = db_copy_end(copy->db, copy->code != 0, copy->code ? NULL : copy->error);
        copy->code = copy->code ? copy->code : code;
    }
    buf_done(&copy->rows);
    return copy->code;
}

/* --- Fields ------------------------------------------------------------------------------------------------------------------------ */

static void add_uuid(struct buf *out, const uint8_t id[static CM_UUID_SIZE])
{
    char text[CM_UUID_TEXT_SIZE];
    uuid_write(text, id);
    buf_append(out, text, CM_UUID_TEXT_SIZE - 1);
}

static void next_uuid(struct buf *out, const uint8_t id[static CM_UUID_SIZE])
{
    buf_append_char(out, '\t');
    add_uuid(out, id);
}

static void next_time(struct buf *out, int64_t ms)
{
    char text[TIMEFMT_SIZE];
    timefmt_ms(text, ms);
    buf_append_char(out, '\t');
    buf_append_str(out, ms < 0 ? "\\N" : text);
}

/* A field that the arena holds ready. */
static void next_text(struct buf *out, const struct batch *batch, text_ref ref)
{
    buf_append_char(out, '\t');
    buf_append_str(out, batch_text(batch, ref));
}

static void next_count(struct buf *out, uint64_t value)
{
    buf_append_char(out, '\t');
    buf_append_u64(out, value);
}

void array_begin(struct buf *out)
{
    buf_append_char(out, '{');
}

static void next_element(struct buf *out)
{
    if (out->size && out->data[out->size - 1] != '{')
        buf_append_char(out, ',');
}

void array_add_uuid(struct buf *out, const uint8_t id[static CM_UUID_SIZE])
{
    next_element(out);
    add_uuid(out, id);
}

void array_add_text(struct buf *out, const char *text)
{
    next_element(out);
    buf_append_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}

void array_add_sha256(struct buf *out, const uint8_t sha256[static CM_SHA256_SIZE])
{
    next_element(out);
    buf_append_str(out, "\"\\\\x");
    hex_append(out, sha256, CM_SHA256_SIZE);
    buf_append_char(out, '"');
}

void array_end(struct buf *out)
{
    buf_append_char(out, '}');
}

/* --- Rows -------------------------------------------------------------------------------------------------------------------------- */

static void next_chains(struct buf *out, const struct batch *batch, const struct places *places,
                        const struct place *place)
{
    uint8_t(*chains)[CM_UUID_SIZE] = cm_malloc(place->count * sizeof *chains);
    size_t count = place_chains(batch, places, place, chains);
    buf_append_char(out, '\t');
    array_begin(out);
    for (size_t i = 0; i < count; i++)
        array_add_uuid(out, chains[i]);
    array_end(out);
    free(chains);
}

void row_place(struct buf *out, const struct batch *batch, const struct places *places, const struct place *place)
{
    const struct look *told = &batch->looks[places->order[place->told_by]];
    const struct saying *saying = &batch->sayings[told->saying];
    add_uuid(out, told->location_id);
    if (place->kind == LOOK_MIXED)
        buf_append_str(out, "\t\\N");
    else
        next_uuid(out, place->digest);
    buf_append_char(out, '\t');
    buf_append_char(out, (char)place->kind);
    next_time(out, place->first_ms);
    next_text(out, batch, saying->result);
    next_text(out, batch, saying->role);
    if (place->kind == LOOK_SEEN)
        next_chains(out, batch, places, place);
    else
        buf_append_str(out, "\t\\N");
    next_text(out, batch, saying->tail);
}

void row_look(struct buf *out, const struct batch *batch, const struct look *look)
{
    const struct saying *saying = &batch->sayings[look->saying];
    add_uuid(out, look->location_id);
    buf_append_char(out, '\t');
    buf_append_char(out, (char)look->kind);
    next_count(out, look->round);
    next_uuid(out, look->run);
    next_time(out, look->first_ms);
    next_time(out, look->last_ms);
    if (look->kind == LOOK_SEEN)
        next_uuid(out, look->chain);
    else
        buf_append_str(out, "\t\\N");
    next_text(out, batch, saying->role);
    const char *scanner = batch->origins[look->origin].scanner;
    db_copy_field(out, false, scanner, strlen(scanner));
    next_text(out, batch, saying->result);
    next_text(out, batch, saying->detail);
    next_text(out, batch, saying->tail);
}

void row_location(struct buf *out, const struct batch *batch, const uint8_t id[static CM_UUID_SIZE], text_ref location,
                  int64_t first_ms)
{
    add_uuid(out, id);
    next_text(out, batch, location);
    next_time(out, first_ms);
}

void row_chain(struct buf *out, const struct batch *batch, const struct look *look)
{
    add_uuid(out, look->chain);
    buf_append_str(out, "\t{");
    for (size_t i = 0; i < look->chain_count; i++) {
        /* A bytea inside an array literal inside COPY: the backslash is escaped for each. */
        buf_append_str(out, i ? ",\"\\\\\\\\x" : "\"\\\\\\\\x");
        hex_append(out, batch->fingerprints.data + (look->chain_start + i) * CM_SHA256_SIZE, CM_SHA256_SIZE);
        buf_append_char(out, '"');
    }
    buf_append_char(out, '}');
}

void row_asset(struct buf *out, const struct batch *batch, const struct batch_asset *asset)
{
    add_uuid(out, asset->location_id);
    next_text(out, batch, asset->row);
    next_time(out, asset->first_ms);
    next_time(out, asset->last_ms);
}

void row_run(struct buf *out, const struct batch *batch, const struct batch_run *run)
{
    const char *scanner = batch->origins[run->origin].scanner;
    bool finished = run->finished_ms >= 0;
    add_uuid(out, run->run);
    buf_append_char(out, '\t'); /* only stats named it: no source is known yet */
    buf_append_str(out, run->source ? batch_text(batch, run->source) : "");
    db_copy_field(out, false, scanner, strlen(scanner));
    next_text(out, batch, run->host);
    next_text(out, batch, run->machine_id);
    next_text(out, batch, run->addresses);
    next_text(out, batch, run->args);
    next_time(out, run->started_ms);
    next_time(out, run->finished_ms);
    buf_append_str(out, !finished ? "\t\\N" : run->interrupted ? "\tt" : "\tf");
    const uint64_t counts[] = {run->targets, run->ok, run->failed};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (finished)
            next_count(out, counts[i]);
        else
            buf_append_str(out, "\t\\N");
    }
    next_count(out, run->stored_ok);
    next_count(out, run->stored_failed);
    buf_append_char(out, '\t');
    results_write(out, batch, run);
    next_text(out, batch, run->counters);
}
