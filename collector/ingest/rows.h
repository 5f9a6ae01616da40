/* Rows of the staging tables in COPY's text format, and the COPY that takes them. */
#ifndef COLLECTOR_INGEST_ROWS_H
#define COLLECTOR_INGEST_ROWS_H

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "collector/ingest/batch.h"

enum { ROWS_CHUNK_BYTES = 1 << 20, ROWS_MAX = 16 << 20 }; /* the names of the largest certificate take 5 MiB */

/* One COPY: rows are appended to rows and sent a chunk at a time. Errors stick; copy_end tells the first. */
struct copy {
    struct db *db;
    struct buf rows;
    bool begun;
    int code;
    struct cm_error *error;
};
void copy_begin(struct copy *copy, struct db *db, const char *sql, struct cm_error *error);
void copy_row(struct copy *copy); /* ends the row that was just appended */
CM_MUST_CHECK int copy_end(struct copy *copy);

/* Each appends one row, without its line feed. */
void row_place(struct buf *out, const struct batch *batch, const struct places *places, const struct place *place);
void row_look(struct buf *out, const struct batch *batch, const struct look *look);
void row_location(struct buf *out, const struct batch *batch, const uint8_t id[static CM_UUID_SIZE], text_ref location,
                  int64_t first_ms);
void row_chain(struct buf *out, const struct batch *batch, const struct look *look);
void row_asset(struct buf *out, const struct batch *batch, const struct batch_asset *asset);
void row_run(struct buf *out, const struct batch *batch, const struct batch_run *run);
/* Decodes: nothing that the scanner said of the certificate is believed. now_ms: when it was seen, if no look tells. */
void row_certificate(struct buf *out, const struct batch *batch, const struct batch_certificate *certificate,
                     int64_t now_ms);
/* Its names, each a whole row with its line feed. */
void rows_names(struct buf *out, const struct batch *batch, const struct batch_certificate *certificate);

/* PostgreSQL array literals, for parameters and fields. */
void array_begin(struct buf *out);
void array_add_uuid(struct buf *out, const uint8_t id[static CM_UUID_SIZE]);
void array_add_text(struct buf *out, const char *text);
void array_add_sha256(struct buf *out, const uint8_t sha256[static CM_SHA256_SIZE]); /* an element of bytea[] */
void array_end(struct buf *out);

#endif
