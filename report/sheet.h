/* A sheet: named columns, and rows of fields for them, written one row at a time as CSV or JSON. Every export is one. */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "certmuster/error.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_INTEGER,
    COLUMN_BOOLEAN,
    COLUMN_TIME, /* RFC 3339, UTC, seconds */
    COLUMN_LIST, /* two columns of the result: text for people and CSV, then a JSON array */
};

struct column {
    const char *name;  /* in CSV's first line and as JSON member */
    const char *title; /* for people; NULL where only machines read */
    enum column_kind kind;
    bool detail; /* for people: not in the table, but in the details of a row */
};

struct sheet {
    const char *name;
    const struct column *columns;
    size_t count; /* at most SHEET_COLUMNS_MAX */
};

enum {
    SHEET_COLUMNS_MAX = 56,
    SHEET_ROW_BYTES_MAX =
        256 * 1024 * 1024 /* one row as text: a place with thousands of chains is absurd, not impossible */
};

struct field {
    const char *text; /* "" when null; lends from the row */
    size_t size;
    const char *json; /* of a list: a JSON array, "[]" when null */
    bool null;
};

/* One row of a result as fields of a sheet. The result must have the sheet's columns, lists twice. */
void sheet_fields(const struct sheet *sheet, const struct db_result *row, size_t index, struct field *out);

/* Each appends one line with its end: CSV (RFC 4180, CRLF) and NDJSON (absent when null). sheet_json_object has no line end. */
void sheet_csv_head(const struct sheet *sheet, struct buf *out);
void sheet_csv_row(const struct sheet *sheet, const struct field *fields, struct buf *out);
void sheet_json_object(const struct sheet *sheet, const struct field *fields, struct buf *out);
/* The row as a JSON array, null where null: what the HTML page holds. */
void sheet_json_array(const struct sheet *sheet, const struct field *fields, struct buf *out);
/* "text" with quotes. */
void json_string(struct buf *out, const char *text);

/* Writes what the buffer holds and empties it. CM_EIO with strerror, CM_ELIMIT when the buffer had failed. */
CM_MUST_CHECK int sheet_write(struct buf *buf, FILE *out, struct cm_error *error);

#endif
