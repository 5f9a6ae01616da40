/* Cells on the screen: the last step of everything that is shown, where hostile text is escaped and fitted. */
#include <string.h>

#include "report/browse/browse.h"

void draw_safe(struct browse *browse, int row, int column, int width, const char *text, enum paint paint)
{
    if (width <= 0 || row < 0 || row >= browse->rows)
        return;
    screen_put(row, column, text, paint, false);
}

void draw_cell(struct browse *browse, int row, int column, int width, const char *text, enum cell_align align,
               enum paint paint, bool selected)
{
    struct buf cell;
    if (column + width > browse->columns)
        width = browse->columns - column;
    if (width <= 0)
        return;
    buf_init(&cell, 64 * CELL_BYTES_MAX);
    cell_fit(&cell, text, strlen(text), (size_t)width, align, browse->utf8);
    screen_put(row, column, cell.data, paint, selected);
    buf_done(&cell);
}

void draw_blank(struct browse *browse, int row, enum paint paint, bool selected)
{
    draw_cell(browse, row, 0, browse->columns, "", CELL_LEFT, paint, selected);
}
