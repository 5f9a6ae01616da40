/* The browser as a whole: what all views share. Every field belongs to the user interface's thread. */
#ifndef REPORT_BROWSE_BROWSE_H
#define REPORT_BROWSE_BROWSE_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"
#include "report/browse/cell.h"
#include "report/browse/line.h"
#include "report/browse/link.h"
#include "report/browse/screen.h"

enum view { VIEW_LIST, VIEW_DETAIL, VIEW_HELP, VIEW_COUNT_ };
enum { BROWSE_LINK_ROWS, BROWSE_LINK_TOTALS, BROWSE_LINK_OPERATE, BROWSE_LINKS };
/* Slots of the links: what is wanted there now. */
enum { SLOT_LIST = 0, SLOT_DETAIL = 1, SLOT_PLACES = 2 };
enum { SLOT_LIST_TOTALS = 0, SLOT_DETAIL_TOTALS = 1, SLOT_CHECKED = 2 };
enum { SLOT_ACKNOWLEDGE = 0 };

enum { BROWSE_ROWS_MIN = 8, BROWSE_COLUMNS_MIN = 40 };

enum motion { MOVE_UP, MOVE_DOWN, MOVE_PAGE_UP, MOVE_PAGE_DOWN, MOVE_HOME, MOVE_END };

struct browse;
struct list;
struct detail;

/* What a view is to the loop. Rows [top, top + height) of the screen are its own. */
struct view_ops {
    const char *name;
    void (*title)(struct browse *browse, struct buf *left, struct buf *right);
    void (*draw)(struct browse *browse, int top, int height);
    void (*status)(struct browse *browse, struct buf *left);
    void (*move)(struct browse *browse, enum motion motion);
    void (*refresh)(struct browse *browse); /* by hand, by the clock, or because the database is back */
};
extern const struct view_ops list_ops, detail_ops, help_ops;

struct prompt {
    const char *label; /* NULL: nobody is asked */
    struct line line;
    char wrong[128]; /* what is wrong with what was typed so far; "" when nothing is */
    void (*changed)(struct browse *browse, const char *text); /* may be NULL */
    void (*accepted)(struct browse *browse, const char *text);
    void (*given_up)(struct browse *browse);
};

struct browse {
    struct link *link[BROWSE_LINKS];
    struct link_status status; /* of BROWSE_LINK_ROWS, as of the last look */
    uint64_t connects;         /* of it, when the views were last refreshed */
    int notify_fd;

    bool utf8;
    int rows, columns; /* of the screen */
    int64_t now;       /* wall clock, seconds */
    int64_t refreshed_ms;
    bool quit;

    enum view view, behind_help;
    struct list *list;
    struct detail *detail;
    size_t help_top;

    struct prompt prompt;
    char notice[256]; /* what was just done or could not be */
    enum paint notice_paint;
    int64_t notice_until_ms;
    char acknowledging[65]; /* the fingerprint that the note is for */
};

void browse_notice(struct browse *browse, enum paint paint, const char *format, ...) CM_PRINTF(3, 4);
void browse_ask(struct browse *browse, const char *label, const char *text,
                void (*changed)(struct browse *browse, const char *text),
                void (*accepted)(struct browse *browse, const char *text), void (*given_up)(struct browse *browse));
void browse_refresh(struct browse *browse);                     /* everything that is shown */
const struct view_ops *browse_ops(const struct browse *browse); /* of the present view */

/* Drawing. text is hostile unless said otherwise; it is escaped and fitted here. */
void draw_cell(struct browse *browse, int row, int column, int width, const char *text, enum cell_align align,
               enum paint paint, bool selected);
void draw_safe(struct browse *browse, int row, int column, int width, const char *text,
               enum paint paint);                                                 /* escaped before */
void draw_blank(struct browse *browse, int row, enum paint paint, bool selected); /* a whole row */

/* Runs until the user quits. Exit status. */
int browse_run(struct browse *browse);

#endif
