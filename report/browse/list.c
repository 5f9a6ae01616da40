/* The list view: draws the window of pages.c, asks for pages and totals, keeps what was chosen.
 *
 * The list opens where the next certificate breaks: what is overdue stands above it, as far as that leaves room. */
#include "report/browse/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"
#include "report/browse/detail.h"
#include "report/browse/list_layout.h"
#include "report/browse/page_job.h"
#include "report/browse/when.h"

enum { TOTALS_REST = 20 }; /* counting may take one part in so many of the server's time */

/* --- Asking ---------------------------------------------------------------------------------------------------------------------- */

static void got_page(void *context, const struct pages_request *request, int code, struct pages_answer *answer,
                     const struct cm_error *error);

static void ask_page(void *context, const struct pages_request *request)
{
    struct browse *browse = context;
    link_submit(browse->link[BROWSE_LINK_ROWS], SLOT_LIST, page_job_list(&browse->list->choice, request, got_page));
}

static void got_totals(void *context, const char *id, int code, const struct totals *totals,
                       const struct cm_error *error)
{
    struct browse *browse = context;
    struct list *list = browse->list;
    (void)error; /* the list is complete without; the next refresh counts again */
    if (code)
        return;
    list->totals = (struct list_totals){true, totals->all, totals->expired, totals->week, totals->month};
    list->totals_next_ms = clock_monotonic_ms() + totals->took_ms * TOTALS_REST;
    if (id && totals->before >= 0)
        pages_number(&list->pages, id, totals->before);
}

static void ask_totals(struct browse *browse)
{
    struct list *list = browse->list;
    const struct row *row = pages_selected(&list->pages);
    if (list->totals.known && clock_monotonic_ms() < list->totals_next_ms)
        return;
    link_submit(
        browse->link[BROWSE_LINK_TOTALS], SLOT_LIST_TOTALS,
        totals_job(&list->choice, row ? row->field[ROW_SORT] : NULL, row ? row->field[ROW_ID] : NULL, got_totals));
}

static void got_page(void *context, const struct pages_request *request, int code, struct pages_answer *answer,
                     const struct cm_error *error)
{
    struct browse *browse = context;
    struct list *list = browse->list;
    if (code) {
        pages_fail(&list->pages, request);
        list->failed = true;
        browse_notice(browse, PAINT_BAD, "%s: %s", error->reason, error->detail);
        return;
    }
    list->failed = false;
    bool whole = request->from == PAGES_AROUND || request->from == PAGES_START || request->from == PAGES_END;
    pages_deliver(&list->pages, request, answer);
    if (list->totals.known)
        pages_length(&list->pages, list->totals.all);
    if (whole && list->pages.generation == request->generation) {
        if (list->pages.base < 0)
            list->totals_next_ms = 0; /* where are we? */
        ask_totals(browse);
    }
}

/* The key to open at, as the order's type reads it; NULL: the start. What was filtered starts at its start: that is one query instead of two, and
 * little enough to be looked through. */
static const char *open_at(const struct browse *browse, char now[static TIMEFMT_SIZE])
{
    if (browse->list->choice.order != ORDER_EXPIRY || browse->list->choice.filter[0])
        return NULL;
    timefmt_seconds(now, clock_wall_ms() / 1000);
    return now;
}

void list_open(struct browse *browse)
{
    char now[TIMEFMT_SIZE];
    browse->list->totals.known = false;
    link_drop(browse->link[BROWSE_LINK_TOTALS], SLOT_LIST_TOTALS);
    pages_reset(&browse->list->pages, open_at(browse, now), "");
}

struct list *list_new(struct browse *browse)
{
    struct list *list = cm_calloc(1, sizeof *list);
    pages_init(&list->pages, ask_page, browse);
    return list;
}

void list_free(struct list *list)
{
    if (!list)
        return;
    pages_done(&list->pages);
    free(list);
}

const char *list_selected(const struct browse *browse)
{
    const struct row *row = pages_selected(&browse->list->pages);
    return row ? row->field[ROW_ID] : NULL;
}

/* --- Drawing ----------------------------------------------------------------------------------------------------------------------- */

static void title(struct browse *browse, struct buf *left, struct buf *right)
{
    const struct choice *choice = &browse->list->choice;
    struct list *list = browse->list;
    char all[CELL_TEXT_SIZE];
    buf_appendf(left, "certmuster  %s%s, %s", scope_name(choice->scope), choice->trust ? " + trust stores" : "",
                order_name(choice->order));
    if (choice->filter[0])
        buf_appendf(left, "  /%s", choice->filter);
    if (list->totals.known) {
        cell_count(all, list->totals.all);
        buf_appendf(right, "%s certificate%s", all, list->totals.all == 1 ? "" : "s");
    } else if (list->pages.known && browse->status.state == LINK_UP) {
        buf_append_str(right, "counting");
    }
}

static void status(struct browse *browse, struct buf *left)
{
    const struct list *list = browse->list;
    const struct list_totals *totals = &list->totals;
    char number[CELL_TEXT_SIZE], all[CELL_TEXT_SIZE], expired[CELL_TEXT_SIZE], week[CELL_TEXT_SIZE],
        month[CELL_TEXT_SIZE];
    cell_count(number, list->pages.base + (int64_t)list->pages.selected + 1);
    cell_count(all, totals->all);
    if (list->pages.rows.count > 0 && list->pages.base >= 0)
        buf_append_str(left, number);
    if (list->pages.rows.count > 0 && list->pages.base >= 0 && totals->known)
        buf_appendf(left, " of %s", all);
    if (!totals->known)
        return;
    cell_count(expired, totals->expired);
    cell_count(week, totals->week);
    cell_count(month, totals->month);
    buf_appendf(left, "%s%s expired, %s end within 7 days, %s within 30", left->size > 0 ? "   " : "", expired, week,
                month);
}

static void draw_row(struct browse *browse, const struct list_layout *layout, int at, const struct row *row,
                     bool selected)
{
    int64_t not_after = row_integer(row, LIST_NOT_AFTER, WHEN_NEVER);
    enum urgency urgency = when_urgency(row_integer(row, LIST_NOT_BEFORE, INT64_MIN), not_after, browse->now);
    int64_t places = row_integer(row, LIST_PLACES, 0), owners = row_integer(row, LIST_OWNERS, 0);
    const char *owner = row->field[LIST_OWNER], *verdict = row->field[LIST_VERDICT];
    bool taken = row->field[LIST_ACKNOWLEDGED][0] == 't', nobody = !owner[0];
    char mark[16], expires[WHEN_SIZE], date[TIMEFMT_SIZE] = "", count[CELL_TEXT_SIZE];
    struct buf issuer, who;

    buf_init(&issuer, CELL_BYTES_MAX * 4);
    buf_init(&who, CELL_BYTES_MAX);
    snprintf(mark, sizeof mark, "%s%s", when_mark(urgency, browse->utf8), taken ? (browse->utf8 ? "✓" : "a") : " ");
    when_short(expires, not_after, browse->now);
    if (not_after != WHEN_NEVER)
        timefmt_date(date, not_after);
    cell_count(count, places);
    if (places >= LIST_PLACES_MOST)
        snprintf(count, sizeof count, ">1000");
    cell_common_name(&issuer, row->field[LIST_ISSUER]);
    buf_append_str(&who, nobody ? "nobody" : owner);
    if (owners > 1)
        buf_appendf(&who, " +%lld", (long long)owners - 1);

    const struct {
        const char *text;
        enum paint paint;
    } cells[COLUMN_COUNT_] = {
        [COLUMN_MARK] = {mark, when_paint(urgency)},
        [COLUMN_EXPIRES] = {expires, when_paint(urgency)},
        [COLUMN_DATE] = {date, PAINT_PLAIN},
        [COLUMN_NAME] = {row->field[LIST_NAME], PAINT_STRONG},
        [COLUMN_NAMES] = {row->field[LIST_NAMES], PAINT_DIM},
        [COLUMN_PLACES] = {count, PAINT_PLAIN},
        [COLUMN_OWNER] = {who.data, nobody ? PAINT_DIM : PAINT_PLAIN},
        [COLUMN_CRITICALITY] = {row->field[LIST_CRITICALITY], PAINT_PLAIN},
        [COLUMN_ENVIRONMENT] = {row->field[LIST_ENVIRONMENT], PAINT_PLAIN},
        [COLUMN_ISSUER] = {issuer.data, PAINT_PLAIN},
        [COLUMN_CHAIN] = {cell_verdict(verdict), strcmp(verdict, "ok") == 0 || !verdict[0] ? PAINT_DIM : PAINT_WARN},
        [COLUMN_KEY] = {row->field[LIST_KEY], PAINT_DIM},
    };
    if (selected)
        draw_blank(browse, at, PAINT_PLAIN, true);
    for (int i = 0; i < COLUMN_COUNT_; i++)
        draw_cell(browse, at, layout->at[i], layout->width[i], cells[i].text, list_column_align(i),
                  selected && cells[i].paint == PAINT_DIM ? PAINT_PLAIN : cells[i].paint, selected);
    buf_done(&issuer);
    buf_done(&who);
}

static const char *why_empty(const struct browse *browse)
{
    const struct list *list = browse->list;
    if (list->failed)
        return "This page could not be read. r tries again.";
    if (!list->pages.known)
        return browse->status.state == LINK_AWAY ? "Nothing was read yet." : "Reading …";
    if (list->choice.filter[0])
        return "Nothing matches. Esc clears the filter.";
    if (list->choice.scope != SCOPE_ALL)
        return "Nothing of that kind. s shows the next scope.";
    return "The inventory is empty. certmuster scan and certmuster crawl fill it.";
}

static void draw(struct browse *browse, int top, int height)
{
    struct pages *pages = &browse->list->pages;
    struct list_layout layout;
    list_layout(&layout, browse->columns);
    draw_blank(browse, top, PAINT_HEAD, false);
    for (int i = 0; i < COLUMN_COUNT_; i++)
        draw_cell(browse, top, layout.at[i], layout.width[i], list_column_title(i), list_column_align(i), PAINT_HEAD,
                  false);
    pages_height(pages, (size_t)(height - 1));
    if (pages->rows.count == 0)
        draw_cell(browse, top + 2, 2, browse->columns - 2, why_empty(browse), CELL_LEFT, PAINT_PLAIN, false);
    for (int i = 0; i < height - 1; i++) {
        const struct row *row = pages_line(pages, (size_t)i);
        if (row)
            draw_row(browse, &layout, top + 1 + i, row, pages->top + (size_t)i == pages->selected);
    }
}

/* --- Keys ----------------------------------------------------------------------------------------------------------------------------- */

static void move(struct browse *browse, enum motion motion)
{
    struct pages *pages = &browse->list->pages;
    int64_t page = (int64_t)pages->height - 1 > 0 ? (int64_t)pages->height - 1 : 1;
    switch (motion) {
    case MOVE_UP:
        pages_move(pages, -1);
        break;
    case MOVE_DOWN:
        pages_move(pages, 1);
        break;
    case MOVE_PAGE_UP:
        pages_move(pages, -page);
        break;
    case MOVE_PAGE_DOWN:
        pages_move(pages, page);
        break;
    case MOVE_HOME:
        pages_home(pages);
        break;
    case MOVE_END:
        pages_end(pages);
        break;
    }
}

static void refresh(struct browse *browse)
{
    struct pages *pages = &browse->list->pages;
    if (pages->stale || pages->rows.count == 0)
        list_open(browse);
    else
        pages_refresh(pages);
}

const struct view_ops list_ops = {"list", title, draw, status, move, refresh};

void list_enter(struct browse *browse, int argument)
{
    (void)argument;
    const struct row *row = pages_selected(&browse->list->pages);
    if (!row)
        return;
    detail_free(browse->detail);
    browse->detail = detail_new(browse, row->field[ROW_ID], row->field[LIST_NAME]);
    browse->view = VIEW_DETAIL;
}

static void filter_changed(struct browse *browse, const char *text)
{
    struct list *list = browse->list;
    struct filter filter;
    struct cm_error error = {0};
    browse->prompt.wrong[0] = '\0';
    if (filter_parse(text, FILTER_TYPING, &filter, &error) != CM_OK) {
        snprintf(browse->prompt.wrong, sizeof browse->prompt.wrong, "%s%s%.80s", error.reason,
                 error.detail[0] ? ": " : "", error.detail);
        return;
    }
    filter_done(&filter);
    if (strcmp(list->choice.filter, text) == 0)
        return;
    snprintf(list->choice.filter, sizeof list->choice.filter, "%s", text);
    list_open(browse);
}

static void filter_accepted(struct browse *browse, const char *text)
{
    filter_changed(browse, text);
    if (browse->prompt.wrong[0])
        browse_notice(browse, PAINT_WARN, "Filter: %s", browse->prompt.wrong);
}

static void filter_given_up(struct browse *browse)
{
    list_clear_filter(browse, 0);
}

void list_filter(struct browse *browse, int argument)
{
    (void)argument;
    browse_ask(browse, "/", browse->list->choice.filter, filter_changed, filter_accepted, filter_given_up);
}

void list_clear_filter(struct browse *browse, int argument)
{
    (void)argument;
    if (!browse->list->choice.filter[0])
        return;
    browse->list->choice.filter[0] = '\0';
    list_open(browse);
}

void list_scope(struct browse *browse, int step)
{
    struct choice *choice = &browse->list->choice;
    choice->scope = (enum scope)(((int)choice->scope + step + SCOPE_COUNT_) % SCOPE_COUNT_);
    list_open(browse);
}

void list_order(struct browse *browse, int argument)
{
    (void)argument;
    struct choice *choice = &browse->list->choice;
    choice->order = (enum order)((choice->order + 1) % ORDER_COUNT_);
    list_open(browse);
}

void list_trust(struct browse *browse, int argument)
{
    (void)argument;
    browse->list->choice.trust = !browse->list->choice.trust;
    list_open(browse);
}

void list_now(struct browse *browse, int argument)
{
    (void)argument;
    char now[TIMEFMT_SIZE];
    timefmt_seconds(now, clock_wall_ms() / 1000);
    if (browse->list->choice.order == ORDER_EXPIRY)
        pages_reset(&browse->list->pages, now, "");
    else
        browse_notice(browse, PAINT_WARN, "The list is not in the order of expiry; o changes that.");
}
