/* Tables for people, and what the terminal can show. Cells are hostile: they are escaped and cut here. */
#ifndef CERTMUSTER_TABLE_H
#define CERTMUSTER_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "certmuster/error.h"

struct term_style {
    bool colour; /* a terminal, TERM not dumb, NO_COLOR unset */
    bool utf8;   /* the locale's codeset; else ASCII */
    int columns; /* of the terminal or $COLUMNS; 0 when not a terminal: never cut */
};

void term_style_of(FILE *stream, struct term_style *out); /* calls setlocale(LC_CTYPE, "") once */

enum table_paint { TABLE_PLAIN, TABLE_BAD /* red */, TABLE_WARN /* yellow */, TABLE_GOOD /* green */, TABLE_DIM };

struct table_column {
    const char *title;
    bool right;    /* aligned right */
    int min_width; /* columns; what is left of the terminal goes to stretching columns */
    bool stretch;  /* may be cut with an ellipsis when the terminal is narrow */
};

struct table; /* collects up to 1,000 rows to size its columns, then streams */
struct table *table_new(FILE *out, const struct table_column *columns, size_t count);
void table_write_to(struct table *table, FILE *out); /* rows go there, laid out for the stream of table_new */
void table_cell(struct table *table, const char *text, enum table_paint paint); /* left to right; text is copied */
/* Writes what is held back. CM_EIO when not everything so far could be written; a reader that left (EPIPE) had what it wanted. */
CM_MUST_CHECK int table_flush(struct table *table, struct cm_error *error);
void table_free(struct table *table); /* flushes */

#endif
