/* The terminal: the only interface to curses. Text arrives escaped and fitted (cell.h); nothing here interprets it. */
#ifndef REPORT_BROWSE_SCREEN_H
#define REPORT_BROWSE_SCREEN_H

#include <stdbool.h>

#include "certmuster/error.h"

/* What text means; screen.c decides how that looks. Nothing is told by colour alone. */
enum paint {
    PAINT_PLAIN,
    PAINT_DIM,
    PAINT_STRONG,
    PAINT_BAD,
    PAINT_WARN,
    PAINT_SOON,
    PAINT_GOOD,
    PAINT_TITLE, /* the line at the top */
    PAINT_HEAD,  /* column titles and section titles */
    PAINT_KEY,   /* a key in the line of hints */
    PAINT_COUNT_
};

/* Keys beyond Unicode; what people type is its code point, control characters included (27: Esc, 13: Enter). */
enum input {
    INPUT_NONE = -1,
    INPUT_UP = 0x110000,
    INPUT_DOWN,
    INPUT_LEFT,
    INPUT_RIGHT,
    INPUT_PAGE_UP,
    INPUT_PAGE_DOWN,
    INPUT_HOME,
    INPUT_END,
    INPUT_BACKSPACE,
    INPUT_DELETE,
    INPUT_RESIZE,
    INPUT_OTHER, /* a function key that means nothing here */
    INPUT_ESCAPE = 27,
    INPUT_ENTER = 13,
};

/* Takes the terminal over. CM_EUNSUPPORTED when $TERM is unknown or cannot address the cursor. */
CM_MUST_CHECK int screen_open(bool colour, struct cm_error *error);
void screen_close(void); /* gives it back as it was; harmless when not open */
void screen_size(int *rows, int *columns);
void screen_erase(void);
/* Text at a cell. `selected` turns it round (or marks it, as the terminal can). Outside the screen: nothing happens. */
void screen_put(int row, int column, const char *text, enum paint paint, bool selected);
void screen_cursor(int row, int column); /* where to show the cursor; row -1 hides it */
void screen_show(void);
void screen_redraw(void); /* the next screen_show paints everything anew */
/* Leaves the screen for a while: prints text as it is and waits for Enter (or a signal). */
void screen_print(const char *text);
/* The next key without waiting: a code point or enum input. */
int screen_key(void);

#endif
