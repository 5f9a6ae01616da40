/* Writes the evidence: one snapshot, one file after the other into a bundle, the manifest last. Everything streams. */
#include "report/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/escape.h"
#include "report/bundle.h"
#include "report/evidence_sql.h"
#include "report/report.h"

static const char *const file_names[] = {
    "README.txt",       "inventory.csv", "inventory.ndjson", "certificates.csv",  "certificates.ndjson",
    "certificates.pem", "coverage.csv",  "owners.csv",       "scope.json",        "coverage.json",
    BUNDLE_MANIFEST,    "chains.csv",    "chains.ndjson",    "trust_anchors.pem", NULL,
};

/* A sheet in the making: the same rows as CSV, as NDJSON, or both. */
struct pair {
    const struct sheet *sheet;
    const char *csv_name, *ndjson_name;
    FILE *csv, *ndjson;
    struct buf buf;
};

static int pair_open(struct bundle *bundle, struct pair *pair, struct cm_error *error)
{
    int code = CM_OK;
    buf_init(&pair->buf, SHEET_ROW_BYTES_MAX);
    if (pair->csv_name)
        code = bundle_open_file(bundle, pair->csv_name, &pair->csv, error);
    if (!code && pair->ndjson_name)
        code = bundle_open_file(bundle, pair->ndjson_name, &pair->ndjson, error);
    if (code || !pair->csv)
        return code;
    sheet_csv_head(pair->sheet, &pair->buf);
    return sheet_write(&pair->buf, pair->csv, error);
}

static int pair_row(const struct field *fields, void *context, struct cm_error *error)
{
    struct pair *pair = context;
    int code = CM_OK;
    if (pair->csv) {
        sheet_csv_row(pair->sheet, fields, &pair->buf);
        code = sheet_write(&pair->buf, pair->csv, error);
    }
    if (!code && pair->ndjson) {
        sheet_json_object(pair->sheet, fields, &pair->buf);
        buf_append_char(&pair->buf, '\n');
        code = sheet_write(&pair->buf, pair->ndjson, error);
    }
    return code;
}

/* Closes both whatever happened before: code is what happened, and is returned when it is a failure. */
static int pair_close(struct bundle *bundle, struct pair *pair, int code, struct cm_error *error)
{
    int closed = CM_OK;
    if (pair->csv)
        closed = bundle_close_file(bundle, pair->csv_name, pair->csv, code ? NULL : error);
    if (pair->ndjson) {
        int second = bundle_close_file(bundle, pair->ndjson_name, pair->ndjson, code || closed ? NULL : error);
        closed = closed ? closed : second;
    }
    buf_done(&pair->buf);
    return code ? code : closed;
}

static int write_inventory(struct db *db, struct bundle *bundle, struct cm_error *error)
{
    struct pair pair = {
        .sheet = &report_inventory.sheet, .csv_name = "inventory.csv", .ndjson_name = "inventory.ndjson"};
    const struct request request = {.report = &report_inventory, .include_trust = true};
    int64_t rows;
    int code = pair_open(bundle, &pair, error);
    if (!code)
        code = report_each(db, &request, pair_row, &pair, &rows, error);
    return pair_close(bundle, &pair, code, error);
}

struct sheet_rows {
    struct pair *pair;
    struct cm_error *error;
};

static int sheet_row(const struct db_result *row, void *context)
{
    struct sheet_rows *rows = context;
    struct field fields[SHEET_COLUMNS_MAX];
    sheet_fields(rows->pair->sheet, row, 0, fields);
    return pair_row(fields, rows->pair, rows->error);
}

static int write_sheet(struct db *db, struct bundle *bundle, const struct evidence_sheet *wanted,
                       struct cm_error *error)
{
    struct pair pair = {.sheet = &wanted->sheet, .csv_name = wanted->csv, .ndjson_name = wanted->ndjson};
    struct sheet_rows rows = {&pair, error};
    int code = pair_open(bundle, &pair, error);
    if (!code)
        code = db_each(db, wanted->sql, NULL, 0, sheet_row, &rows, error);
    return pair_close(bundle, &pair, code, error);
}

struct lines {
    FILE *file;
    struct buf buf;
    const char *separator; /* before the next value */
    struct cm_error *error;
};

static int section_row(const struct db_result *row, void *context)
{
    struct lines *lines = context;
    buf_append_str(&lines->buf, lines->separator);
    escape_json_text(&lines->buf, db_text(row, 0, 0), db_text_size(row, 0, 0));
    lines->separator = ",\n";
    return sheet_write(&lines->buf, lines->file, lines->error);
}

static int write_document(struct db *db, struct bundle *bundle, const struct evidence_document *document,
                          struct cm_error *error)
{
    struct lines lines = {.error = error};
    int code = bundle_open_file(bundle, document->file, &lines.file, error);
    if (code)
        return code;
    buf_init(&lines.buf, SHEET_ROW_BYTES_MAX);
    buf_append_str(&lines.buf, "{\"v\":1");
    for (const struct evidence_section *section = document->sections; !code && section->name; section++) {
        lines.separator = section->array ? "\n" : "";
        buf_appendf(&lines.buf, ",\n\"%s\":%s", section->name, section->array ? "[" : "");
        code = db_each(db, section->sql, NULL, 0, section_row, &lines, error);
        buf_append_str(&lines.buf, section->array ? "\n]" : "");
    }
    buf_append_str(&lines.buf, "\n}\n");
    if (!code)
        code = sheet_write(&lines.buf, lines.file, error);
    int closed = bundle_close_file(bundle, document->file, lines.file, code ? NULL : error);
    buf_done(&lines.buf);
    return code ? code : closed;
}

/* One certificate as PEM (RFC 7468: lines of 64), above it its fingerprint, and the trust store that an anchor is of. Its names stay
 * out: they could hold a line that begins another certificate. */
static int pem_row(const struct db_result *row, void *context)
{
    enum { LINE = 64 };
    struct lines *lines = context;
    struct buf base64;
    size_t size = db_text_size(row, 0, 1) / 2;
    uint8_t *der = cm_malloc(size + 1);
    int code = hex_read(db_text(row, 0, 1), 2 * size, der, size);
    if (code) {
        free(der);
        return error_set(lines->error, CM_EMALFORMED, 0, "the database sent a certificate that is not hex");
    }
    buf_init(&base64, 2 * size + 8);
    base64_append(&base64, der, size);
    free(der);
    if (db_columns(row) > 2)
        buf_appendf(&lines->buf, "# trust_store %s\n", db_text(row, 0, 2));
    buf_appendf(&lines->buf, "# sha256 %s\n-----BEGIN CERTIFICATE-----\n", db_text(row, 0, 0));
    for (size_t at = 0; at < base64.size; at += LINE) {
        buf_append(&lines->buf, base64.data + at, base64.size - at < LINE ? base64.size - at : LINE);
        buf_append_char(&lines->buf, '\n');
    }
    buf_append_str(&lines->buf, "-----END CERTIFICATE-----\n");
    buf_done(&base64);
    return sheet_write(&lines->buf, lines->file, lines->error);
}

static int write_pem(struct db *db, struct bundle *bundle, const char *name, const char *sql, struct cm_error *error)
{
    struct lines lines = {.error = error};
    int code = bundle_open_file(bundle, name, &lines.file, error);
    if (code)
        return code;
    buf_init(&lines.buf, SHEET_ROW_BYTES_MAX);
    code = db_each(db, sql, NULL, 0, pem_row, &lines, error);
    int closed = bundle_close_file(bundle, name, lines.file, code ? NULL : error);
    buf_done(&lines.buf);
    return code ? code : closed;
}

static int write_readme(struct bundle *bundle, struct cm_error *error)
{
    FILE *file;
    int code = bundle_open_file(bundle, "README.txt", &file, error);
    if (code)
        return code;
    fputs(evidence_readme, file); /* bundle_close_file sees whether it worked */
    return bundle_close_file(bundle, "README.txt", file, error);
}

static int write_files(struct db *db, struct bundle *bundle, struct cm_error *error)
{
    int code = write_readme(bundle, error);
    if (!code)
        code = write_inventory(db, bundle, error);
    for (const struct evidence_sheet *sheet = evidence_sheets; !code && sheet->sql; sheet++)
        code = write_sheet(db, bundle, sheet, error);
    for (const struct evidence_document *document = evidence_documents; !code && document->file; document++)
        code = write_document(db, bundle, document, error);
    if (!code)
        code = write_pem(db, bundle, "certificates.pem", evidence_certificates_sql, error);
    return code ? code : write_pem(db, bundle, "trust_anchors.pem", evidence_anchors_sql, error);
}

int evidence_write(struct db *db, const char *path, struct cm_error *error)
{
    struct bundle bundle;
    int code = bundle_open(path, file_names, &bundle, error);
    if (code)
        return code;
    code = write_files(db, &bundle, error);
    if (code) {
        bundle_abort(&bundle);
        return code;
    }
    return bundle_commit(&bundle, error);
}
