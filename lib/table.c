/* Tables for people: columns sized to what they hold, cut to the terminal, cells escaped, colour only on a terminal.
 *
 * Rows are held back until SAMPLE_ROWS of them are known (or the table ends), then sizes are fixed and rows stream, so that a
 * table of millions takes constant memory. Colour is never the only carrier of a meaning: the text says it too. */
#include "certmuster/table.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"

enum { SAMPLE_ROWS = 1000, CELL_BYTES_MAX = 16 * 1024, GAP = 2, STRETCH_MIN = 8 };

static void set_locale(void)
{
    setlocale(LC_CTYPE, "");
}

void term_style_of(FILE *stream, struct term_style *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_locale);
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR"), *columns = getenv("COLUMNS");
    bool terminal = isatty(fileno(stream));
    *out = (struct term_style){.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    out->colour = terminal && term && *term && strcmp(term, "dumb") != 0 && !(no_colour && *no_colour);
    struct winsize size;
    if (!terminal)
        return;
    if (columns && atoi(columns) > 0)
        out->columns = atoi(columns) < 10000 ? atoi(columns) : 10000;
    else if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        out->columns = size.ws_col;
    else
        out->columns = 80;
}

struct cell {
    char *text; /* escaped */
    size_t columns;
    enum table_paint paint;
};

struct table {
    FILE *out;
    struct term_style style;
    const struct table_column *columns;
    size_t column_count;
    size_t *widths;
    struct cell *cells; /* held back, row by row */
    size_t cell_count, cell_capacity;
    bool streaming;
    struct buf scratch;
};

struct table *table_new(FILE *out, const struct table_column *columns, size_t count)
{
    struct table *table = cm_calloc(1, sizeof *table);
    table->out = out;
    table->columns = columns;
    table->column_count = count;
    table->widths = cm_calloc(count ? count : 1, sizeof *table->widths);
    term_style_of(out, &table->style);
    buf_init(&table->scratch, CELL_BYTES_MAX * 8);
    return table;
}

void table_write_to(struct table *table, FILE *out)
{
    table->out = out;
}

static void widen(struct table *table, size_t column, size_t columns)
{
    if (columns > table->widths[column])
        table->widths[column] = columns;
}

/* Takes what does not fit away from the widest stretching column, one column at a time, down to its minimum. */
static void fit_to_terminal(struct table *table)
{
    size_t total = 0;
    for (size_t i = 0; i < table->column_count; i++)
        total += table->widths[i] + (i ? GAP : 0);
    while (table->style.columns > 0 && total > (size_t)table->style.columns) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++) {
            size_t least =
                table->columns[i].min_width > STRETCH_MIN ? (size_t)table->columns[i].min_width : STRETCH_MIN;
            if (table->columns[i].stretch && table->widths[i] > least &&
                (widest == table->column_count || table->widths[i] > table->widths[widest]))
                widest = i;
        }
        if (widest == table->column_count)
            return; /* wider than the terminal whatever we do */
        table->widths[widest]--;
        total--;
    }
}

static void print_padding(FILE *out, size_t columns)
{
    fprintf(out, "%*s", (int)columns, "");
}

/* Text of `shown` columns, cut with an ellipsis when it is wider than the column may be. */
static void print_cell(struct table *table, size_t column, const struct cell *cell)
{
    static const char *const paints[] = {[TABLE_PLAIN] = "",
                                         [TABLE_BAD] = "\033[31m",
                                         [TABLE_WARN] = "\033[33m",
                                         [TABLE_GOOD] = "\033[32m",
                                         [TABLE_DIM] = "\033[2m"};
    size_t width = table->widths[column], size = strlen(cell->text), shown = cell->columns;
    const char *dots = table->style.utf8 ? "…" : "...";
    size_t dots_columns = table->style.utf8 ? 1 : 3;
    bool cut = table->columns[column].stretch && shown > width && table->style.columns > 0;
    bool paint = table->style.colour && cell->paint != TABLE_PLAIN;
    bool last = column + 1 == table->column_count;
    if (cut) {
        size = text_fit(cell->text, size, width > dots_columns ? width - dots_columns : 0);
        shown = text_columns(cell->text, size) + dots_columns;
    }
    size_t padding = width > shown ? width - shown : 0;
    if (column)
        print_padding(table->out, GAP);
    if (table->columns[column].right)
        print_padding(table->out, padding);
    fputs(paint ? paints[cell->paint] : "", table->out);
    fwrite(cell->text, 1, size, table->out);
    fputs(cut ? dots : "", table->out);
    fputs(paint ? "\033[0m" : "", table->out);
    if (!table->columns[column].right && !last)
        print_padding(table->out, padding);
    if (last)
        fputc('\n', table->out);
}

static void start_streaming(struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        widen(table, i, text_columns(table->columns[i].title, strlen(table->columns[i].title)));
        widen(table, i, table->columns[i].min_width > 0 ? (size_t)table->columns[i].min_width : 0);
    }
    for (size_t i = 0; i < table->cell_count; i++)
        widen(table, i % table->column_count, table->cells[i].columns);
    fit_to_terminal(table);
    for (size_t i = 0; i < table->column_count; i++) {
        const char *title = table->columns[i].title;
        struct cell cell = {(char *)title, text_columns(title, strlen(title)), TABLE_DIM};
        print_cell(table, i, &cell);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        print_cell(table, i % table->column_count, &table->cells[i]);
        free(table->cells[i].text);
    }
    /* Of a row that is not complete, its place in the row is kept by cell_count. */
    table->cell_count %= table->column_count;
    table->streaming = true;
}

void table_cell(struct table *table, const char *text, enum table_paint paint)
{
    size_t size = strnlen(text, CELL_BYTES_MAX);
    buf_reset(&table->scratch);
    escape_terminal(&table->scratch, text, size, !table->style.utf8);
    struct cell cell = {table->scratch.data, text_columns(table->scratch.data, table->scratch.size), paint};
    if (table->streaming) {
        print_cell(table, table->cell_count, &cell);
        table->cell_count = (table->cell_count + 1) % table->column_count;
        return;
    }
    if (table->cell_count == table->cell_capacity) {
        table->cell_capacity = table->cell_capacity ? table->cell_capacity * 2 : 64;
        table->cells = cm_realloc(table->cells, table->cell_capacity * sizeof *table->cells);
    }
    cell.text = cm_strndup(table->scratch.data, table->scratch.size);
    table->cells[table->cell_count++] = cell;
    if (table->cell_count >= SAMPLE_ROWS * table->column_count)
        start_streaming(table);
}

int table_flush(struct table *table, struct cm_error *error)
{
    if (!table->streaming)
        start_streaming(table);
    errno = 0;
    bool good = fflush(table->out) == 0 && !ferror(table->out);
    if (good || errno == EPIPE)
        return CM_OK;
    return error_setf(error, CM_EIO, 0, "the table could not be written", "%s", strerror(errno ? errno : EIO));
}

void table_free(struct table *table)
{
    if (!table)
        return;
    if (!table->streaming)
        start_streaming(table);
    fflush(table->out);
    buf_done(&table->scratch);
    free(table->cells);
    free(table->widths);
    free(table);
}
