/* From a request to rows: the snapshot, the summary, the report's query with the filter compiled into it. SQL text comes from constants
 * alone, values are bound. */
#include <stdio.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "report/report.h"

int snapshot_begin(struct db *db, struct cm_error *error)
{
    /* Compiling these queries costs more than it ever wins back; and a report that was interrupted shall not go on at the server. */
    return db_exec(db,
                   "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off;"
                   " SET LOCAL client_connection_check_interval = '5s'",
                   error);
}

int snapshot_end(struct db *db, struct cm_error *error)
{
    return db_exec(db, "COMMIT", error);
}

int summary_read(struct db *db, struct summary *out, struct cm_error *error)
{
    struct db_result *result = NULL;
    int code = db_query(db,
                        "SELECT extract(epoch FROM at)::bigint, places, failing, unowned,"
                        " extract(epoch FROM last_looked)::bigint, gone FROM inventory_summary",
                        NULL, 0, &result, error);
    if (code)
        return code;
    *out = (struct summary){.at = db_integer(result, 0, 0),
                            .places = db_integer(result, 0, 1),
                            .failing = db_integer(result, 0, 2),
                            .unowned = db_integer(result, 0, 3),
                            .looked = !db_is_null(result, 0, 4),
                            .last_looked = db_integer(result, 0, 4),
                            .gone = db_integer(result, 0, 5)};
    db_result_free(result);
    return CM_OK;
}

int summary_count(struct db *db, struct summary *summary, struct cm_error *error)
{
    struct db_result *result = NULL;
    int code = db_query(db, "SELECT count(*), count(*) FILTER (WHERE not_after <= now()) FROM certificate_in_use", NULL,
                        0, &result, error);
    if (code)
        return code;
    summary->certificates = db_integer(result, 0, 0);
    summary->expired = db_integer(result, 0, 1);
    summary->counted = true;
    db_result_free(result);
    return CM_OK;
}

struct each {
    const struct sheet *sheet;
    report_row_fn fn;
    void *context;
    int64_t rows;
    struct cm_error *error;
};

static int each_row(const struct db_result *row, void *context)
{
    struct each *each = context;
    struct field fields[SHEET_COLUMNS_MAX];
    sheet_fields(each->sheet, row, 0, fields);
    int code = each->fn(fields, each->context, each->error);
    each->rows += code == CM_OK;
    return code;
}

int report_each(struct db *db, const struct request *request, report_row_fn fn, void *context, int64_t *rows,
                struct cm_error *error)
{
    const struct report *report = request->report;
    const char *parameters[FIRST_FILTER_PARAMETER - 1 + CM_LIMIT_FILTER_TERMS];
    char within[48];
    struct buf sql;
    struct each each = {&report->sheet, fn, context, 0, error};

    snprintf(within, sizeof within, "%lld seconds", (long long)request->within_s);
    parameters[0] = within;
    parameters[1] = request->include_trust ? "true" : "false";
    parameters[2] = request->owner;
    parameters[3] = filter_asks_gone(&request->filter) ? "true" : "false";
    buf_init(&sql, 1024 * 1024);
    buf_append_str(&sql, report->select);
    size_t count = FIRST_FILTER_PARAMETER - 1;
    count += filter_where(&request->filter, report->filter, FIRST_FILTER_PARAMETER, &sql,
                          parameters + FIRST_FILTER_PARAMETER - 1);
    buf_append_str(&sql, report->order);
    int code = sql.failed ? error_set(error, CM_ELIMIT, 0, "the filter is too long")
                          : db_each(db, sql.data, parameters, count, each_row, &each, error);
    buf_done(&sql);
    if (!code)
        *rows = each.rows;
    return code;
}

/* ---- what the reports' texts share ---- */

void append_number(struct buf *out, int64_t value)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)value);
    for (int i = 0; i < size; i++) {
        buf_append_char(out, digits[i]);
        if ((size - i) % 3 == 1 && i + 1 < size && digits[i] != '-')
            buf_append_char(out, ',');
    }
}

void append_count(struct buf *out, int64_t count, const char *singular, const char *plural)
{
    append_number(out, count);
    buf_appendf(out, " %s", count == 1 ? singular : plural);
}

void append_period(struct buf *out, const struct request *request)
{
    if (request->within_s % 86400 == 0)
        append_count(out, request->within_s / 86400, "day", "days");
    else
        buf_append_str(out, request->within);
}

void append_last_look(struct buf *out, const struct summary *summary)
{
    char text[TIMEFMT_SIZE];
    int64_t ago = summary->at - summary->last_looked;
    if (!summary->looked) {
        buf_append_str(out, "nobody looked yet");
        return;
    }
    if (ago < 60)
        snprintf(text, sizeof text, "just now");
    else if (ago < 2 * 3600)
        snprintf(text, sizeof text, "%lld min ago", (long long)(ago / 60));
    else if (ago < 2 * 86400)
        snprintf(text, sizeof text, "%lld hours ago", (long long)(ago / 3600));
    else
        snprintf(text, sizeof text, "%lld days ago", (long long)(ago / 86400));
    buf_appendf(out, "last look %s", text);
}

void summary_time(struct buf *out, int64_t seconds)
{
    char text[TIMEFMT_SIZE];
    timefmt_seconds(text, seconds);
    json_string(out, text);
}

bool field_seconds(const struct field *field, int64_t *seconds)
{
    int64_t ms;
    if (field->null || timefmt_read_ms(field->text, &ms) != CM_OK)
        return false;
    *seconds = ms / 1000;
    return true;
}

enum table_paint urgency_paint(const struct field *threshold, int64_t seconds_left)
{
    if (seconds_left <= 0)
        return TABLE_BAD;
    if (threshold->null)
        return TABLE_PLAIN;
    return strlen(threshold->text) == 1 ? TABLE_BAD : TABLE_WARN; /* 7, 3, 1 or 30, 14 */
}
