/* Rows copied out of results, each in one piece of memory. Called by the jobs (worker thread) and, through pages, by the views. */
#include "report/browse/row.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"

struct row *row_new(const char *const *fields, size_t count)
{
    size_t size = sizeof(struct row) + count * sizeof(char *);
    for (size_t i = 0; i < count; i++)
        size += strlen(fields[i]) + 1;
    struct row *row = cm_malloc(size);
    char *text = (char *)(row->field + count);
    row->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(fields[i]) + 1;
        row->field[i] = memcpy(text, fields[i], length);
        text += length;
    }
    return row;
}

struct row *row_of(const struct db_result *result, size_t at)
{
    enum { FIELDS_MAX = 48 };
    const char *fields[FIELDS_MAX];
    size_t count = db_columns(result);
    if (count > FIELDS_MAX)
        count = FIELDS_MAX;
    for (size_t i = 0; i < count; i++)
        fields[i] = db_text(result, at, i);
    return row_new(fields, count);
}

int64_t row_integer(const struct row *row, size_t field, int64_t when_empty)
{
    return field < row->count && *row->field[field] ? strtoll(row->field[field], NULL, 10) : when_empty;
}

void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->row[i]);
    free(rows->row);
    *rows = (struct rows){0};
}

void rows_take(struct rows *rows, const struct db_result *result)
{
    size_t more = db_rows(result);
    if (more == 0)
        return;
    rows->row = cm_realloc(rows->row, (rows->count + more) * sizeof(*rows->row));
    for (size_t i = 0; i < more; i++)
        rows->row[rows->count++] = row_of(result, i);
}
