/* A window into a list that is too long to hold: rows are asked for by key as the window moves, never by number.
 *
 * The list has an order; each row has a key (sort, id). A source answers "so many rows from here on" and "so many rows before here"
 * (a query, or a test's array), later, by pages_deliver. What is selected is a row, not a line: it stays selected when rows come and go
 * around it. Knows neither SQL nor curses.
 *
 *        rows before: at_start?            ┌ top ─────── height ───────┐
 *   …   [0] ─────────────────────────────  │ …      selected       …  │ ───────────── [count)   at_end?  …
 */
#ifndef REPORT_BROWSE_PAGES_H
#define REPORT_BROWSE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/browse/row.h"

enum pages_from {
    PAGES_START,
    PAGES_END,
    PAGES_AFTER,  /* the rows behind a key */
    PAGES_BEFORE, /* the rows before a key */
    PAGES_AROUND, /* from the key on, and the rows before it */
};

struct pages_request {
    enum pages_from from;
    uint64_t generation;
    size_t limit;    /* rows in each direction */
    char *sort, *id; /* owned; NULL for START and END */
    bool fresh;      /* AROUND: the list opens here; else a refresh, the selection stays where it is on the screen */
};

struct pages_answer {
    struct rows rows;      /* in the list's order */
    size_t before;         /* AROUND: how many of them stand before the key */
    bool at_start, at_end; /* nothing before the first row, nothing behind the last (as far as was asked) */
};

struct pages {
    struct rows rows;
    bool at_start, at_end;
    bool known; /* an answer has come since the last reset */
    size_t top, selected, height;
    int64_t base; /* the number of rows[0] in the list, from 0; -1: unknown */
    bool stale;   /* the rows are of a list no longer wanted, shown until the new ones come */
    bool waiting; /* a request is out */
    bool failed;  /* the last one got no answer; nothing is asked until the next reset or refresh */
    int64_t debt; /* movement that waits for rows */
    uint64_t generation;
    void (*ask)(void *context, const struct pages_request *request); /* copies what it keeps */
    void *context;
};

void pages_init(struct pages *pages, void (*ask)(void *context, const struct pages_request *request), void *context);
void pages_done(struct pages *pages);
/* Opens the list anew: at its start, or (sort, id given) at a key with a third of the screen before it. What is shown stays until the
 * answer comes. */
void pages_reset(struct pages *pages, const char *sort, const char *id);
void pages_refresh(struct pages *pages); /* asks again around what is selected */
void pages_home(struct pages *pages);
void pages_end(struct pages *pages);
void pages_move(struct pages *pages, int64_t lines);   /* the selection; the window follows */
void pages_scroll(struct pages *pages, int64_t lines); /* the window; the selection is its first line */
void pages_height(struct pages *pages, size_t height);
/* The answer to a request; takes the rows. One that was overtaken by a reset is dropped. */
void pages_deliver(struct pages *pages, const struct pages_request *request, struct pages_answer *answer);
void pages_fail(struct pages *pages, const struct pages_request *request);

const struct row *pages_line(const struct pages *pages, size_t line); /* of the window; NULL behind the end */
const struct row *pages_selected(const struct pages *pages);
/* Numbers the rows: `number` is that of the row with this id, if the window holds it. */
void pages_number(struct pages *pages, const char *id, int64_t number);

/* The same from the list's length, where its last row is held. */
void pages_length(struct pages *pages, int64_t length);

void pages_request_copy(struct pages_request *to, const struct pages_request *from);
void pages_request_done(struct pages_request *request);

#endif
