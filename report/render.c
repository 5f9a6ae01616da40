/* A report in the format asked, row by row and in constant memory: each format is a row of the table with its head, row and tail. */
#include <string.h>

#include "report/html/html.h"
#include "report/report.h"

struct rendering {
    const struct request *request;
    const struct summary *summary;
    FILE *out;
    struct buf buf;
    struct table *table; /* of text */
    const struct text_layout *layout;
    struct table_column cell_columns[TEXT_COLUMNS_MAX];
    int64_t rows;
};

struct format_ops {
    int (*head)(struct rendering *r, struct db *db, struct cm_error *error);
    void (*row)(struct rendering *r, const struct field *fields);
    int (*tail)(struct rendering *r, struct cm_error *error);
};

/* ---- text ---- */

/* The table begins with its first row: an empty report is one sentence. */
static void text_row(struct rendering *r, const struct field *fields)
{
    const struct report *report = r->request->report;
    if (!r->table) {
        struct term_style style;
        term_style_of(r->out, &style);
        r->layout = report->layouts;
        while (style.columns > 0 && r->layout->min_columns > style.columns)
            r->layout++;
        for (size_t i = 0; i < r->layout->count; i++)
            r->cell_columns[i] = report->cell_columns[r->layout->columns[i]];
        r->table = table_new(r->out, r->cell_columns, r->layout->count);
    }
    for (size_t i = 0; i < r->layout->count; i++)
        report->text_cell(r->table, r->layout->columns[i], fields, r->summary);
}

static int text_tail(struct rendering *r, struct cm_error *error)
{
    (void)error;
    if (r->table) {
        table_free(r->table);
        r->table = NULL;
        buf_append_char(&r->buf, '\n');
    }
    r->request->report->text_foot(r->request, r->summary, r->rows, &r->buf);
    buf_append_char(&r->buf, '\n');
    return CM_OK;
}

/* ---- csv, ndjson, json ---- */

static int csv_head(struct rendering *r, struct db *db, struct cm_error *error)
{
    (void)db;
    (void)error;
    sheet_csv_head(&r->request->report->sheet, &r->buf);
    return CM_OK;
}

static void csv_row(struct rendering *r, const struct field *fields)
{
    sheet_csv_row(&r->request->report->sheet, fields, &r->buf);
}

static void ndjson_row(struct rendering *r, const struct field *fields)
{
    sheet_json_object(&r->request->report->sheet, fields, &r->buf);
    buf_append_char(&r->buf, '\n');
}

static int json_head(struct rendering *r, struct db *db, struct cm_error *error)
{
    const struct request *request = r->request;
    (void)db;
    (void)error;
    buf_appendf(&r->buf, "{\"v\":1,\"report\":\"%s\",\"at\":", request->report->name);
    summary_time(&r->buf, r->summary->at);
    if (request->report->takes_within)
        buf_appendf(&r->buf, ",\"within_seconds\":%lld", (long long)request->within_s);
    if (request->filter_text) {
        buf_append_str(&r->buf, ",\"filter\":");
        json_string(&r->buf, request->filter_text);
    }
    if (request->owner) {
        buf_append_str(&r->buf, ",\"owner\":");
        json_string(&r->buf, request->owner);
    }
    buf_appendf(&r->buf, ",\"places\":%lld,\"failing_places\":%lld", (long long)r->summary->places,
                (long long)r->summary->failing);
    if (r->summary->looked) {
        buf_append_str(&r->buf, ",\"last_looked\":");
        summary_time(&r->buf, r->summary->last_looked);
    }
    buf_append_str(&r->buf, ",\"rows\":[");
    return CM_OK;
}

static void json_row(struct rendering *r, const struct field *fields)
{
    buf_append_str(&r->buf, r->rows ? ",\n" : "\n");
    sheet_json_object(&r->request->report->sheet, fields, &r->buf);
}

static int json_tail(struct rendering *r, struct cm_error *error)
{
    (void)error;
    buf_appendf(&r->buf, "\n],\"count\":%lld}\n", (long long)r->rows);
    return CM_OK;
}

/* ---- html ---- */

static int page_head(struct rendering *r, struct db *db, struct cm_error *error)
{
    struct chart chart;
    int code = chart_read(db, r->request, &chart, error);
    return code ? code : html_head(r->request, r->summary, &chart, &r->buf, error);
}

static void page_row(struct rendering *r, const struct field *fields)
{
    html_row(r->request, fields, r->rows == 0, &r->buf);
}

static int page_tail(struct rendering *r, struct cm_error *error)
{
    return html_tail(&r->buf, error);
}

static const struct format_ops formats[] = {
    [FORMAT_TEXT] = {NULL, text_row, text_tail},      [FORMAT_CSV] = {csv_head, csv_row, NULL},
    [FORMAT_JSON] = {json_head, json_row, json_tail}, [FORMAT_NDJSON] = {NULL, ndjson_row, NULL},
    [FORMAT_HTML] = {page_head, page_row, page_tail},
};

static int render_row(const struct field *fields, void *context, struct cm_error *error)
{
    struct rendering *r = context;
    if (r->request->format == FORMAT_HTML && r->rows == HTML_ROWS_MAX)
        return error_setf(error, CM_ELIMIT, 0, "too many rows for a page",
                          "more than %d: narrow it, or use csv or ndjson", HTML_ROWS_MAX);
    formats[r->request->format].row(r, fields);
    r->rows++;
    return sheet_write(&r->buf, r->out, error);
}

int report_render(struct db *db, const struct request *request, FILE *out, int64_t *rows, struct cm_error *error)
{
    const struct format_ops *ops = &formats[request->format];
    struct summary summary;
    struct rendering r = {.request = request, .summary = &summary, .out = out};
    int64_t count;

    buf_init(&r.buf, SHEET_ROW_BYTES_MAX);
    int code = summary_read(db, &summary, error);
    if (!code && request->format == FORMAT_HTML)
        code = summary_count(db, &summary, error);
    if (!code && ops->head)
        code = ops->head(&r, db, error);
    if (!code)
        code = sheet_write(&r.buf, out, error);
    if (!code)
        code = report_each(db, request, render_row, &r, &count, error);
    if (!code && r.rows == 0 && !summary.counted && request->format == FORMAT_TEXT)
        code = summary_count(db, &summary, error);
    if (!code && ops->tail)
        code = ops->tail(&r, error);
    if (!code)
        code = sheet_write(&r.buf, out, error);
    if (!code)
        *rows = r.rows;
    if (r.table)
        table_free(r.table);
    buf_done(&r.buf);
    return code;
}
