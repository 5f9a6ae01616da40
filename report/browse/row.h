/* A row that the database gave, kept: its fields as text. The first two are its key in a list: what it is sorted by, and its identity. */
#ifndef REPORT_BROWSE_ROW_H
#define REPORT_BROWSE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "certmuster/db.h"

enum { ROW_SORT, ROW_ID, ROW_FIRST };

struct row {
    size_t count;
    const char *field[]; /* lent, for the row's life; "" where the database said NULL */
};

struct row *row_new(const char *const *fields, size_t count); /* free() ends it */
struct row *row_of(const struct db_result *result, size_t at);
int64_t row_integer(const struct row *row, size_t field, int64_t when_empty);

/* Rows in order, owned. */
struct rows {
    struct row **row;
    size_t count;
};

void rows_done(struct rows *rows);
void rows_take(struct rows *rows, const struct db_result *result); /* all of a result, appended */

#endif
