/* The window of pages.h. Called by the views on the user interface's thread only.
 *
 * One request is out at a time. New rows join at either side; beyond WINDOW_MAX rows the far side is let go, so that memory stays
 * bounded however long somebody scrolls. */
#include "report/browse/pages.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"

enum { WINDOW_MAX = 4000, FETCH_MIN = 150, FETCH_SCREENS = 6 };

void pages_init(struct pages *pages, void (*ask)(void *context, const struct pages_request *request), void *context)
{
    *pages = (struct pages){.ask = ask, .context = context, .base = -1, .height = 1};
}

void pages_done(struct pages *pages)
{
    rows_done(&pages->rows);
}

void pages_request_copy(struct pages_request *to, const struct pages_request *from)
{
    *to = *from;
    to->sort = from->sort ? cm_strdup(from->sort) : NULL;
    to->id = from->id ? cm_strdup(from->id) : NULL;
}

void pages_request_done(struct pages_request *request)
{
    free(request->sort);
    free(request->id);
    request->sort = request->id = NULL;
}

static size_t fetch_size(const struct pages *pages)
{
    size_t wanted = pages->height * FETCH_SCREENS;
    return wanted < FETCH_MIN ? FETCH_MIN : wanted > WINDOW_MAX / 4 ? WINDOW_MAX / 4 : wanted;
}

static void ask(struct pages *pages, enum pages_from from, const char *sort, const char *id, bool fresh)
{
    struct pages_request request = {
        .from = from, .generation = pages->generation, .limit = fetch_size(pages), .fresh = fresh};
    if (sort)
        request.sort = cm_strdup(sort);
    if (id)
        request.id = cm_strdup(id);
    pages->waiting = true;
    pages->failed = false;
    pages->ask(pages->context, &request);
    pages_request_done(&request);
}

static void ask_row(struct pages *pages, enum pages_from from, size_t at)
{
    const struct row *row = pages->rows.row[at];
    ask(pages, from, row->field[ROW_SORT], row->field[ROW_ID], false);
}

/* Starts over: whatever is still under way is no longer wanted. */
static void begin(struct pages *pages)
{
    pages->generation++;
    pages->debt = 0;
    pages->waiting = false;
}

void pages_reset(struct pages *pages, const char *sort, const char *id)
{
    begin(pages);
    pages->stale = true;
    ask(pages, sort ? PAGES_AROUND : PAGES_START, sort, id, true);
}

void pages_home(struct pages *pages)
{
    if (pages->at_start && !pages->stale) {
        pages->selected = pages->top = 0;
        return;
    }
    begin(pages);
    ask(pages, PAGES_START, NULL, NULL, true);
}

void pages_refresh(struct pages *pages)
{
    if (pages->stale || pages->rows.count == 0) {
        pages_reset(pages, NULL, NULL);
        return;
    }
    begin(pages);
    ask_row(pages, PAGES_AROUND, pages->selected);
}

/* The window must lie in the rows, and the selection in the window. */
static void settle(struct pages *pages)
{
    size_t count = pages->rows.count;
    if (count == 0) {
        pages->selected = pages->top = 0;
        return;
    }
    if (pages->selected >= count)
        pages->selected = count - 1;
    if (pages->top > pages->selected)
        pages->top = pages->selected;
    if (pages->selected - pages->top >= pages->height)
        pages->top = pages->selected - pages->height + 1;
    size_t last_top = count > pages->height ? count - pages->height : 0;
    if (pages->top > last_top && pages->at_end)
        pages->top = last_top;
}

/* Asks for more when the window comes near an end of the rows that is not the end of the list. */
static void prefetch(struct pages *pages)
{
    size_t near = pages->height * 3;
    if (pages->waiting || pages->failed || pages->rows.count == 0)
        return;
    if (!pages->at_end && pages->rows.count - pages->selected <= near + pages->height)
        ask_row(pages, PAGES_AFTER, pages->rows.count - 1);
    else if (!pages->at_start && pages->top <= near)
        ask_row(pages, PAGES_BEFORE, 0);
}

void pages_end(struct pages *pages)
{
    if (pages->at_end && !pages->stale && pages->rows.count > 0) {
        pages->selected = pages->rows.count - 1;
        settle(pages);
        prefetch(pages);
        return;
    }
    begin(pages);
    ask(pages, PAGES_END, NULL, NULL, true);
}

static void owe(struct pages *pages, int64_t lines)
{
    /* A key that was held down must not run on for long after it was let go. */
    int64_t most = 3 * (int64_t)pages->height;
    pages->debt = lines > most ? most : lines < -most ? -most : lines;
}

/* Moves *at by lines within [0, last]; what cannot be moved yet, because rows are still to come, becomes debt. */
static void move_within(struct pages *pages, size_t *at, size_t last, int64_t lines)
{
    int64_t target = (int64_t)*at + lines, rest = 0;
    if (target < 0) {
        rest = pages->at_start ? 0 : target;
        target = 0;
    } else if (target > (int64_t)last) {
        rest = pages->at_end ? 0 : target - (int64_t)last;
        target = (int64_t)last;
    }
    *at = (size_t)target;
    owe(pages, rest);
}

/* A page at a time the window moves as far as the selection does. What it cannot move yet waits as debt, so that pages follow one another
 * without a gap or an overlap however slow the rows come. */
static void move_pages(struct pages *pages, int64_t lines)
{
    size_t count = pages->rows.count, last_top = count > pages->height ? count - pages->height : 0;
    bool down = lines > 0;
    int64_t room = down ? (int64_t)last_top - (int64_t)pages->top : -(int64_t)pages->top, rest = 0;
    if (!(down ? pages->at_end : pages->at_start) && (down ? lines > room : lines < room)) {
        rest = lines - room;
        lines = room;
    }
    size_t from = pages->selected;
    move_within(pages, &pages->selected, count - 1, lines);
    int64_t top = (int64_t)pages->top + (int64_t)pages->selected - (int64_t)from;
    pages->top = top < 0 ? 0 : (size_t)top > last_top ? last_top : (size_t)top;
    owe(pages, rest);
}

void pages_move(struct pages *pages, int64_t lines)
{
    if (pages->rows.count == 0)
        return;
    lines += pages->debt;
    if (pages->height > 1 && (lines >= (int64_t)pages->height - 1 || -lines >= (int64_t)pages->height - 1))
        move_pages(pages, lines);
    else
        move_within(pages, &pages->selected, pages->rows.count - 1, lines);
    settle(pages);
    prefetch(pages);
}

void pages_scroll(struct pages *pages, int64_t lines)
{
    if (pages->rows.count == 0)
        return;
    size_t last = pages->rows.count > pages->height ? pages->rows.count - pages->height : 0;
    if (pages->top > last)
        pages->top = last;
    lines += pages->debt;
    move_within(pages, &pages->top, last, lines);
    pages->selected = pages->top;
    prefetch(pages);
}

void pages_height(struct pages *pages, size_t height)
{
    pages->height = height > 0 ? height : 1;
    settle(pages);
    prefetch(pages);
}

static void join_after(struct pages *pages, struct rows *more)
{
    struct rows *rows = &pages->rows;
    size_t drop = rows->count + more->count > WINDOW_MAX ? rows->count + more->count - WINDOW_MAX : 0;
    if (drop > pages->top)
        drop = pages->top; /* never what is shown */
    for (size_t i = 0; i < drop; i++)
        free(rows->row[i]);
    memmove(rows->row, rows->row + drop, (rows->count - drop) * sizeof(*rows->row));
    rows->count -= drop;
    rows->row = cm_realloc(rows->row, (rows->count + more->count + 1) * sizeof(*rows->row));
    if (more->count > 0)
        memcpy(rows->row + rows->count, more->row, more->count * sizeof(*rows->row));
    rows->count += more->count;
    pages->top -= drop;
    pages->selected -= drop;
    if (drop > 0)
        pages->at_start = false;
    if (pages->base >= 0)
        pages->base += (int64_t)drop;
}

static void join_before(struct pages *pages, struct rows *more)
{
    struct rows *rows = &pages->rows;
    rows->row = cm_realloc(rows->row, (rows->count + more->count + 1) * sizeof(*rows->row));
    memmove(rows->row + more->count, rows->row, rows->count * sizeof(*rows->row));
    if (more->count > 0)
        memcpy(rows->row, more->row, more->count * sizeof(*rows->row));
    rows->count += more->count;
    pages->top += more->count;
    pages->selected += more->count;
    if (pages->base >= 0)
        pages->base -= (int64_t)more->count;
    size_t keep = pages->top + pages->height + 1 > WINDOW_MAX ? pages->top + pages->height + 1 : WINDOW_MAX;
    while (rows->count > keep) {
        free(rows->row[--rows->count]);
        pages->at_end = false;
    }
}

static bool find_id(const struct pages *pages, const char *id, size_t *at)
{
    for (size_t i = 0; i < pages->rows.count; i++) {
        if (strcmp(pages->rows.row[i]->field[ROW_ID], id) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* The whole window is new. Where the selection goes is the point of all this. */
static void replace(struct pages *pages, const struct pages_request *request, struct pages_answer *answer)
{
    size_t line = pages->selected - pages->top, was = pages->selected;
    int64_t base = pages->base;
    struct rows old = pages->rows;

    pages->rows = answer->rows;
    pages->at_start = answer->at_start;
    pages->at_end = answer->at_end;
    pages->base = answer->at_start ? 0 : -1;
    if (request->from == PAGES_START || pages->rows.count == 0) {
        pages->selected = pages->top = 0;
    } else if (request->from == PAGES_END) {
        pages->selected = pages->rows.count - 1;
        pages->top = pages->selected; /* settle() fills the screen */
    } else {
        pages->selected = answer->before < pages->rows.count ? answer->before : pages->rows.count - 1;
        if (request->fresh) {
            /* What is overdue comes first if it leaves room for what comes next. */
            line = pages->height / 3;
            if (pages->at_start && answer->before <= pages->height / 2)
                pages->selected = 0;
        } else if (was < old.count && find_id(pages, old.row[was]->field[ROW_ID], &pages->selected)) {
            /* Still there, and it may have been moved to since the question. Its number is close enough until it is counted. */
            if (pages->base < 0 && base >= 0 && base + (int64_t)was >= (int64_t)pages->selected)
                pages->base = base + (int64_t)was - (int64_t)pages->selected;
        }
        pages->top = pages->selected > line ? pages->selected - line : 0;
    }
    rows_done(&old);
}

void pages_deliver(struct pages *pages, const struct pages_request *request, struct pages_answer *answer)
{
    if (request->generation != pages->generation) {
        rows_done(&answer->rows);
        return;
    }
    pages->waiting = false;
    pages->known = true;
    pages->stale = false;
    if (request->from == PAGES_AFTER) {
        pages->at_end = answer->at_end;
        join_after(pages, &answer->rows);
        free(answer->rows.row);
    } else if (request->from == PAGES_BEFORE) {
        pages->at_start = answer->at_start;
        join_before(pages, &answer->rows);
        if (pages->at_start)
            pages->base = 0;
        free(answer->rows.row);
    } else {
        replace(pages, request, answer);
    }
    answer->rows = (struct rows){0};
    settle(pages);
    int64_t debt = pages->debt;
    pages->debt = 0;
    if (debt != 0 && pages->rows.count > 0) {
        move_pages(pages, debt);
        settle(pages);
    }
    prefetch(pages);
}

void pages_fail(struct pages *pages, const struct pages_request *request)
{
    if (request->generation != pages->generation)
        return;
    pages->waiting = false;
    pages->failed = true;
}

const struct row *pages_line(const struct pages *pages, size_t line)
{
    size_t at = pages->top + line;
    return line < pages->height && at < pages->rows.count ? pages->rows.row[at] : NULL;
}

const struct row *pages_selected(const struct pages *pages)
{
    return pages->selected < pages->rows.count ? pages->rows.row[pages->selected] : NULL;
}

void pages_number(struct pages *pages, const char *id, int64_t number)
{
    size_t at;
    if (find_id(pages, id, &at) && number >= (int64_t)at)
        pages->base = number - (int64_t)at;
}

void pages_length(struct pages *pages, int64_t length)
{
    if (pages->base < 0 && pages->at_end && length >= (int64_t)pages->rows.count)
        pages->base = length - (int64_t)pages->rows.count;
}
