/* Which columns the list shows in how many screen columns, and how wide each is. Pure. */
#ifndef REPORT_BROWSE_LIST_LAYOUT_H
#define REPORT_BROWSE_LIST_LAYOUT_H

#include "report/browse/cell.h"

enum list_column {
    COLUMN_MARK, /* how urgent, and whether somebody took it */
    COLUMN_EXPIRES,
    COLUMN_DATE,
    COLUMN_NAME,
    COLUMN_NAMES,
    COLUMN_PLACES,
    COLUMN_OWNER,
    COLUMN_CRITICALITY,
    COLUMN_ENVIRONMENT,
    COLUMN_ISSUER,
    COLUMN_CHAIN,
    COLUMN_KEY,
    COLUMN_COUNT_
};

struct list_layout {
    int at[COLUMN_COUNT_];    /* where it starts */
    int width[COLUMN_COUNT_]; /* 0: not shown */
};

/* width at least LIST_WIDTH_MIN. The columns end exactly at width. */
enum { LIST_WIDTH_MIN = 40 };
void list_layout(struct list_layout *out, int width);
const char *list_column_title(enum list_column column);
enum cell_align list_column_align(enum list_column column);

#endif
