/* Rows for people. table.c escapes and cuts the cells; what stands in them is chosen here. Called by sink.c alone. */
#include "scanner/crawl/rows.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/crl.h"
#include "certmuster/csr.h"
#include "certmuster/limits.h"
#include "certmuster/ssh_certificate.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"

enum { SOON_SECONDS = 30 * 86400 };

struct rows {
    struct table *table;
    struct buf text;
    int64_t now; /* seconds */
};

static const struct table_column columns[] = {
    {.title = "FILE", .min_width = 20, .stretch = true},
    {.title = "ENTRY"},
    {.title = "SUBJECT", .min_width = 20, .stretch = true},
    {.title = "EXPIRES"},
    {.title = "KEY"},
};

struct rows *rows_new(void)
{
    struct rows *rows = cm_calloc(1, sizeof *rows);
    rows->table = table_new(stdout, columns, sizeof columns / sizeof *columns);
    rows->now = clock_wall_ms() / 1000;
    buf_init(&rows->text, CM_LIMIT_NAME_BYTES);
    return rows;
}

int rows_flush(struct rows *rows, struct cm_error *error)
{
    return rows ? table_flush(rows->table, error) : CM_OK;
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    table_free(rows->table);
    buf_done(&rows->text);
    free(rows);
}

static void begin(struct rows *rows, const char *path, const char *entry)
{
    table_cell(rows->table, path, TABLE_PLAIN);
    table_cell(rows->table, entry ? entry : "", TABLE_DIM);
}

/* The subject, or its first name when that is empty, and how many certificates the chain goes on with. */
static const char *subject_of(struct rows *rows, const struct cert *leaf, size_t count)
{
    struct san_walk walk;
    enum san_kind kind;
    buf_reset(&rows->text);
    (void)name_rfc4514(leaf->subject, &rows->text); /* of a broken name what could be read */
    san_walk_init(&walk, leaf);
    if (!rows->text.size && san_walk_next(&walk, &kind, &rows->text) <= 0)
        buf_append_str(&rows->text, "(no name)");
    if (count > 1)
        buf_appendf(&rows->text, " +%zu", count - 1);
    return rows->text.data;
}

static void expiry_cell(struct rows *rows, int64_t not_after)
{
    char date[TIMEFMT_SIZE];
    timefmt_date(date, not_after);
    buf_reset(&rows->text);
    buf_appendf(&rows->text, "%s%s", date, not_after < rows->now ? " expired" : "");
    table_cell(rows->table, rows->text.data,
               not_after < rows->now                  ? TABLE_BAD
               : not_after < rows->now + SOON_SECONDS ? TABLE_WARN
                                                      : TABLE_PLAIN);
}

static void key_cell(struct rows *rows, const char *alg, const char *curve, unsigned bits)
{
    buf_reset(&rows->text);
    buf_append_str(&rows->text, alg);
    if (curve)
        buf_appendf(&rows->text, " %s", curve);
    else if (bits)
        buf_appendf(&rows->text, " %u", bits);
    table_cell(rows->table, rows->text.data, TABLE_PLAIN);
}

/* The rest of a row whose subject is a remark in words. */
static void remark_cells(struct rows *rows, const char *remark, enum table_paint paint)
{
    table_cell(rows->table, remark, paint);
    table_cell(rows->table, "", TABLE_PLAIN);
    table_cell(rows->table, "", TABLE_PLAIN);
}

void rows_chain(struct rows *rows, const char *path, const char *entry, const struct cert *leaf, size_t count)
{
    begin(rows, path, entry);
    if (!leaf) {
        remark_cells(rows, "(certificate that cannot be decoded)", TABLE_BAD);
        return;
    }
    table_cell(rows->table, subject_of(rows, leaf, count), TABLE_PLAIN);
    expiry_cell(rows, leaf->not_after);
    key_cell(rows, leaf->key_alg ? leaf->key_alg : leaf->key_oid, leaf->curve, leaf->key_bits);
}

void rows_key(struct rows *rows, const char *path, const struct found_key *key)
{
    begin(rows, path, key->entry);
    table_cell(rows->table, key->encrypted ? "(private key, encrypted)" : "(private key)",
               key->encrypted ? TABLE_DIM : TABLE_WARN);
    table_cell(rows->table, "", TABLE_PLAIN);
    if (key->has_spki && key->alg)
        key_cell(rows, key->alg, NULL, key->bits);
    else
        table_cell(rows->table, key->kind, TABLE_DIM);
}

void rows_request(struct rows *rows, const char *path, const char *entry, struct slice der)
{
    struct cert request;
    begin(rows, path, entry);
    if (csr_parse(der.data, der.size, &request, NULL)) {
        remark_cells(rows, "(signing request that cannot be decoded)", TABLE_BAD);
        return;
    }
    subject_of(rows, &request, 1);
    buf_append_str(&rows->text, " (signing request)");
    table_cell(rows->table, rows->text.data, TABLE_PLAIN);
    table_cell(rows->table, "", TABLE_PLAIN);
    key_cell(rows, request.key_alg ? request.key_alg : request.key_oid, request.curve, request.key_bits);
}

void rows_crl(struct rows *rows, const char *path, const char *entry, struct slice der)
{
    struct crl crl;
    begin(rows, path, entry);
    if (crl_parse(der.data, der.size, &crl, NULL)) {
        remark_cells(rows, "(CRL that cannot be decoded)", TABLE_BAD);
        return;
    }
    buf_reset(&rows->text);
    (void)name_rfc4514(crl.issuer, &rows->text); /* of a broken name what could be read */
    buf_appendf(&rows->text, " (CRL of %llu)", (unsigned long long)crl.entries);
    table_cell(rows->table, rows->text.data, TABLE_PLAIN);
    if (crl.next_update != INT64_MIN)
        expiry_cell(rows, crl.next_update);
    else
        table_cell(rows->table, "", TABLE_PLAIN);
    table_cell(rows->table, "", TABLE_PLAIN);
}

void rows_ssh_certificate(struct rows *rows, const char *path, const char *entry, struct slice blob)
{
    struct ssh_certificate certificate;
    begin(rows, path, entry);
    if (ssh_certificate_parse(blob, &certificate, NULL)) {
        remark_cells(rows, "(SSH certificate that cannot be decoded)", TABLE_BAD);
        return;
    }
    buf_reset(&rows->text);
    buf_append(&rows->text, certificate.key_id.data, certificate.key_id.size);
    buf_append_str(&rows->text, certificate.role == 2 ? " (SSH host certificate)" : " (SSH user certificate)");
    table_cell(rows->table, rows->text.data, TABLE_PLAIN);
    if (certificate.valid_before <= INT32_MAX * UINT64_C(100))
        expiry_cell(rows, (int64_t)certificate.valid_before);
    else
        table_cell(rows->table, "never", TABLE_PLAIN);
    key_cell(rows, certificate.key.alg, certificate.key.curve, certificate.key.bits);
}

void rows_store(struct rows *rows, const char *path, const struct found_store *store)
{
    bool bad = strcmp(store->integrity, "bad") == 0;
    begin(rows, path, NULL);
    buf_reset(&rows->text);
    buf_appendf(&rows->text, "(%s keystore%s", store->format, bad ? ", integrity bad" : "");
    for (size_t i = 0; i < store->weak_count; i++)
        buf_appendf(&rows->text, "%s%s", i ? ", " : ": ", store->weak[i]);
    buf_append_char(&rows->text, ')');
    remark_cells(rows, rows->text.data, bad ? TABLE_BAD : TABLE_WARN);
}

void rows_problem(struct rows *rows, const char *path, const char *entry, const char *error, const char *detail)
{
    begin(rows, path, entry);
    buf_reset(&rows->text);
    buf_appendf(&rows->text, "%s: %s", error, detail ? detail : "");
    remark_cells(rows, rows->text.data, TABLE_BAD);
}
