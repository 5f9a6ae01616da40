/* The list's columns: one row each says when it appears and how wide it may be; the name takes what is left. Called by list.c. */
#include "report/browse/list_layout.h"

#include <string.h>

enum { WIDE = 110, GAP = 1, GAP_WIDE = 2, NAME_READABLE = 30 };

static const struct {
    const char *title;
    int from; /* shown on screens at least this wide */
    int least, most;
    enum cell_align align;
} columns[COLUMN_COUNT_] = {
    [COLUMN_MARK] = {"", 0, 2, 2, CELL_LEFT},
    [COLUMN_EXPIRES] = {"EXPIRES IN", 0, 10, 10, CELL_RIGHT},
    [COLUMN_DATE] = {"ON", 120, 10, 10, CELL_LEFT},
    [COLUMN_NAME] = {"NAME", 0, 16, 1000, CELL_LEFT},
    [COLUMN_NAMES] = {"NAMES", 150, 6, 6, CELL_RIGHT},
    [COLUMN_PLACES] = {"PLACES", 50, 6, 6, CELL_RIGHT},
    [COLUMN_OWNER] = {"OWNER", 60, 9, 18, CELL_LEFT},
    [COLUMN_CRITICALITY] = {"CRITICAL", 110, 8, 10, CELL_LEFT},
    [COLUMN_ENVIRONMENT] = {"RUNS", 140, 10, 14, CELL_LEFT},
    [COLUMN_ISSUER] = {"ISSUER", 72, 12, 34, CELL_LEFT},
    [COLUMN_CHAIN] = {"CHAIN", 66, 11, 14, CELL_LEFT},
    [COLUMN_KEY] = {"KEY", 160, 9, 12, CELL_LEFT},
};

const char *list_column_title(enum list_column column)
{
    return columns[column].title;
}

enum cell_align list_column_align(enum list_column column)
{
    return columns[column].align;
}

void list_layout(struct list_layout *out, int width)
{
    int gap = width >= WIDE ? GAP_WIDE : GAP, used = 0;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < COLUMN_COUNT_; i++) {
        if (width < columns[i].from)
            continue;
        out->width[i] = columns[i].least;
        used += columns[i].least + (used > 0 ? gap : 0);
    }
    /* A name that can be read comes first; then what is left goes a column at a time to whoever may have more. */
    int left = width - used, wanted = NAME_READABLE - out->width[COLUMN_NAME], first = left < wanted ? left : wanted;
    out->width[COLUMN_NAME] += first > 0 ? first : 0;
    left -= first > 0 ? first : 0;
    for (int i = COLUMN_NAME; left > 0; i = (i + 1) % COLUMN_COUNT_) {
        bool more = out->width[i] > 0 && out->width[i] < columns[i].most;
        out->width[i] += more;
        left -= more;
    }
    for (int i = 0, at = 0; i < COLUMN_COUNT_; i++) {
        out->at[i] = at;
        at += out->width[i] > 0 ? out->width[i] + gap : 0;
    }
}
