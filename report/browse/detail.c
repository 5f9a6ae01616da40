/* The detail view: the text of detail_doc.c, and below it the places, which may be 400,000 and are read a page at a time.
 *
 * Both scroll as one: the text first, then the places move under it. The name stays in the title. */
#include "report/browse/detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/browse/checked.h"
#include "report/browse/detail_doc.h"
#include "report/browse/list.h"
#include "report/browse/page_job.h"
#include "report/browse/when.h"

/* --- Asking ---------------------------------------------------------------------------------------------------------------------- */

/* Answers may be for a certificate that was left meanwhile. */
static struct detail *present(struct browse *browse, const char *fingerprint)
{
    return browse->detail && strcmp(browse->detail->fingerprint, fingerprint) == 0 ? browse->detail : NULL;
}

static void complain(struct browse *browse, struct detail *detail, const struct cm_error *error)
{
    detail->failed = true;
    browse_notice(browse, PAINT_BAD, "%s: %s", error->reason, error->detail);
}

static void got_facts(void *context, const char *fingerprint, int code, struct detail_facts *facts,
                      const struct cm_error *error)
{
    struct browse *browse = context;
    struct detail *detail = present(browse, fingerprint);
    if (!detail) {
        detail_facts_free(facts);
        return;
    }
    if (code) {
        complain(browse, detail, error);
        return;
    }
    detail->failed = false;
    detail_facts_free(detail->facts);
    detail->facts = facts;
}

static void got_owners(void *context, const char *fingerprint, int code, struct rows *owners,
                       const struct cm_error *error)
{
    struct browse *browse = context;
    struct detail *detail = present(browse, fingerprint);
    (void)error; /* the owners of the first places are shown; the next refresh counts again */
    if (code)
        return;
    if (!detail) {
        rows_done(owners);
        return;
    }
    rows_done(&detail->owners);
    detail->owners = *owners;
    detail->owners_exact = true;
}

static void got_checked(void *context, int code, struct rows *checked)
{
    struct browse *browse = context;
    if (!browse->detail || code)
        return;
    rows_done(&browse->detail->checked);
    browse->detail->checked = *checked;
    *checked = (struct rows){0};
}

/* Of the places around those that are shown. */
static void ask_checked(struct browse *browse)
{
    const struct pages *places = &browse->detail->places;
    size_t before = places->top < CHECKED_MOST / 4 ? places->top : CHECKED_MOST / 4;
    if (places->rows.count > 0)
        link_submit(browse->link[BROWSE_LINK_TOTALS], SLOT_CHECKED,
                    checked_job(&places->rows, places->top - before, CHECKED_MOST, got_checked));
}

static void got_places(void *context, const struct pages_request *request, int code, struct pages_answer *answer,
                       const struct cm_error *error)
{
    struct browse *browse = context;
    struct detail *detail = browse->detail;
    if (!detail)
        return;
    if (code) {
        pages_fail(&detail->places, request);
        complain(browse, detail, error);
        return;
    }
    pages_deliver(&detail->places, request, answer);
    ask_checked(browse);
}

static void ask_places(void *context, const struct pages_request *request)
{
    struct browse *browse = context;
    link_submit(browse->link[BROWSE_LINK_ROWS], SLOT_PLACES,
                page_job_places(browse->detail->fingerprint, request, got_places));
}

static void ask_facts(struct browse *browse)
{
    const char *fingerprint = browse->detail->fingerprint;
    link_submit(browse->link[BROWSE_LINK_ROWS], SLOT_DETAIL, detail_facts_job(fingerprint, got_facts));
    link_submit(browse->link[BROWSE_LINK_TOTALS], SLOT_DETAIL_TOTALS, detail_owners_job(fingerprint, got_owners));
}

struct detail *detail_new(struct browse *browse, const char *fingerprint, const char *name)
{
    static uint64_t generation; /* an answer to the places of the one before is not for this one */
    struct detail *detail = cm_calloc(1, sizeof *detail);
    snprintf(detail->fingerprint, sizeof detail->fingerprint, "%s", fingerprint);
    snprintf(detail->name, sizeof detail->name, "%s", name);
    pages_init(&detail->places, ask_places, browse);
    detail->places.generation = generation += 1000000;
    browse->detail = detail;
    ask_facts(browse);
    pages_reset(&detail->places, NULL, NULL);
    return detail;
}

void detail_free(struct detail *detail)
{
    if (!detail)
        return;
    detail_facts_free(detail->facts);
    rows_done(&detail->owners);
    rows_done(&detail->checked);
    pages_done(&detail->places);
    free(detail);
}

/* --- Drawing ----------------------------------------------------------------------------------------------------------------------- */

static const struct row *certificate_of(const struct detail *detail)
{
    return detail->facts && detail->facts->certificate.count > 0 ? detail->facts->certificate.row[0] : NULL;
}

static void title(struct browse *browse, struct buf *left, struct buf *right)
{
    const struct detail *detail = browse->detail;
    const struct row *certificate = certificate_of(detail);
    buf_appendf(left, "certmuster  %s", certificate ? certificate->field[FACT_NAME] : detail->name);
    buf_appendf(right, "%.16s%s", detail->fingerprint, browse->utf8 ? "…" : "~");
}

static void count_places(const struct detail *detail, int64_t *places, int64_t *failing)
{
    *places = *failing = 0;
    for (size_t i = 0; i < detail->owners.count; i++) {
        *places += row_integer(detail->owners.row[i], OWNER_PLACES, 0);
        *failing += row_integer(detail->owners.row[i], OWNER_FAILING, 0);
    }
}

static void status(struct browse *browse, struct buf *left)
{
    struct detail *detail = browse->detail;
    struct pages *pages = &detail->places;
    char first[CELL_TEXT_SIZE], last[CELL_TEXT_SIZE], all[CELL_TEXT_SIZE];
    int64_t places, failing;
    if (!detail->owners_exact || pages->rows.count == 0)
        return;
    count_places(detail, &places, &failing);
    pages_length(pages, places);
    if (pages->base < 0)
        return;
    size_t shown = pages->rows.count - pages->top < pages->height ? pages->rows.count - pages->top : pages->height;
    cell_count(first, pages->base + (int64_t)pages->top + 1);
    cell_count(last, pages->base + (int64_t)(pages->top + shown));
    cell_count(all, places);
    buf_appendf(left, "places %s to %s of %s", first, last, all);
}

static void draw_places_head(struct browse *browse, int at)
{
    const struct detail *detail = browse->detail;
    char all[CELL_TEXT_SIZE], bad[CELL_TEXT_SIZE], text[160];
    int64_t places, failing;
    count_places(detail, &places, &failing);
    cell_count(all, places);
    cell_count(bad, failing);
    if (detail->owners_exact)
        snprintf(text, sizeof text, "PLACES  %s%s%s%s", all, failing ? ", " : "", failing ? bad : "",
                 failing ? " failing" : "");
    else
        snprintf(text, sizeof text, "PLACES");
    draw_blank(browse, at, PAINT_HEAD, false);
    draw_cell(browse, at, 1, browse->columns - 1, text, CELL_LEFT, PAINT_HEAD, false);
}

/* The place gets what is left of result, last seen, TLS (or role) and, where there is room for what stands above as well, the owner. */
static void draw_place(struct browse *browse, int at, const struct row *place)
{
    const char *result = place->field[PLACE_RESULT], *owner = place->field[PLACE_OWNER],
               *role = place->field[PLACE_ROLE];
    bool ok = strcmp(result, "ok") == 0, wide = browse->columns >= 100,
         other = ok && place->field[PLACE_OTHER_NAME][0] == 't';
    char seen[WHEN_SIZE];
    struct buf what, how;
    int64_t last = row_integer(place, PLACE_LAST_SEEN, 0), checked = checked_at(&browse->detail->checked, place);
    int right = browse->columns, widths[4] = {wide ? 28 : 10, 10, wide ? 16 : 7, 20};

    buf_init(&what, CELL_BYTES_MAX);
    buf_init(&how, CELL_BYTES_MAX);
    when_ago(seen, checked > last ? checked : last, browse->now);
    buf_append_str(&what, !result[0] ? "seen" : other ? wide ? "ok, wrong name" : "wrong name" : result);
    if (wide && !ok && place->field[PLACE_DETAIL][0])
        buf_appendf(&what, " %s", place->field[PLACE_DETAIL]);
    if (place->field[PLACE_STARTTLS][0] && (wide || !place->field[PLACE_TLS][0]))
        buf_appendf(&how, "%s ", place->field[PLACE_STARTTLS]);
    buf_append_str(&how, place->field[PLACE_TLS][0]    ? place->field[PLACE_TLS]
                         : strcmp(role, "server") == 0 ? ""
                                                       : role);
    const char *texts[4] = {what.data, seen, how.data, owner[0] ? owner : "nobody"};
    int shown = wide ? 4 : browse->columns >= 66 ? 3 : browse->columns >= 56 ? 2 : 1;
    for (int i = 0; i < shown; i++)
        right -= widths[i] + 1;
    draw_cell(browse, at, 1, right - 2, place->field[PLACE_TEXT], CELL_LEFT, PAINT_PLAIN, false);
    for (int i = 0; i < shown; i++) {
        enum paint paint = i == 0               ? other              ? PAINT_WARN
                                                  : ok || !result[0] ? PAINT_GOOD
                                                                     : PAINT_BAD
                           : i == 3 && owner[0] ? PAINT_PLAIN
                                                : PAINT_DIM;
        draw_cell(browse, at, right, widths[i], texts[i], i == 1 ? CELL_RIGHT : CELL_LEFT, paint, false);
        right += widths[i] + 1;
    }
    buf_done(&what);
    buf_done(&how);
}

static const char *why_no_places(const struct browse *browse)
{
    const struct detail *detail = browse->detail;
    if (detail->failed)
        return "The places could not be read. r tries again.";
    return !detail->places.known ? "Reading …" : "It is nowhere any more: every place that had it has another one now.";
}

static void build_doc(struct browse *browse, struct doc *doc)
{
    struct detail *detail = browse->detail;
    doc_init(doc, browse->columns, browse->utf8);
    if (certificate_of(detail)) {
        struct detail_show show = {.fingerprint = detail->fingerprint,
                                   .facts = detail->facts,
                                   .owners = detail->owners_exact ? &detail->owners : &detail->facts->owners,
                                   .all_names = detail->all_names,
                                   .all_events = detail->all_events,
                                   .now = browse->now};
        detail_doc(doc, &show);
    } else if (detail->facts) {
        doc_add(doc, "", PAINT_WARN, "This certificate is not in the inventory any more.");
    } else {
        doc_add(doc, "", PAINT_DIM, detail->failed ? "It could not be read. r tries again." : "Reading …");
    }
    detail->lines = doc->count;
}

static void draw(struct browse *browse, int top, int height)
{
    struct detail *detail = browse->detail;
    struct doc doc;
    build_doc(browse, &doc);
    /* The heading of the places stays on the screen, and at least one of them. */
    size_t most = doc.count, fits = (size_t)height > 2 ? (size_t)height - 2 : 1;
    if (detail->scrolled > most)
        detail->scrolled = most;
    size_t lines = doc.count - detail->scrolled;
    if (lines > fits)
        lines = fits;
    for (size_t i = 0; i < lines; i++) {
        const struct doc_line *line = &doc.lines[detail->scrolled + i];
        draw_cell(browse, top + (int)i, 1, DOC_LABEL_WIDTH - 1, line->label, CELL_LEFT, PAINT_DIM, false);
        draw_safe(browse, top + (int)i, DOC_LABEL_WIDTH, browse->columns - DOC_LABEL_WIDTH,
                  doc_text(&doc, detail->scrolled + i), line->paint);
    }
    doc_done(&doc);
    int at = top + (int)lines;
    draw_places_head(browse, at++);
    int rows = top + height - at;
    pages_height(&detail->places, (size_t)rows);
    if (detail->places.rows.count == 0)
        draw_cell(browse, at, DOC_LABEL_WIDTH, browse->columns - DOC_LABEL_WIDTH, why_no_places(browse), CELL_LEFT,
                  PAINT_DIM, false);
    for (int i = 0; i < rows; i++) {
        const struct row *place = pages_line(&detail->places, (size_t)i);
        if (place)
            draw_place(browse, at + i, place);
    }
}

/* --- Keys ----------------------------------------------------------------------------------------------------------------------------- */

/* How far the text may be scrolled away: until the last place stands on the last line. */
static size_t scroll_room(const struct browse *browse)
{
    const struct detail *detail = browse->detail;
    const struct pages *places = &detail->places;
    size_t height = (size_t)browse->rows - 4, all = detail->lines + places->rows.count;
    if (!places->at_end || places->rows.count > height)
        return detail->lines;
    return all > height ? all - height < detail->lines ? all - height : detail->lines : 0;
}

static void scroll(struct browse *browse, int64_t lines)
{
    struct detail *detail = browse->detail;
    struct pages *places = &detail->places;
    if (lines > 0) {
        size_t room = scroll_room(browse), left = room > detail->scrolled ? room - detail->scrolled : 0;
        size_t take = left < (size_t)lines ? left : (size_t)lines;
        detail->scrolled += take;
        if (lines > (int64_t)take && detail->scrolled == detail->lines)
            pages_scroll(places, lines - (int64_t)take);
        return;
    }
    bool at_top = places->at_start && places->top == 0;
    if (!at_top) {
        int64_t before = places->at_start ? (int64_t)places->top : INT64_MAX;
        pages_scroll(places, lines);
        lines = -lines > before ? lines + before : 0;
    }
    detail->scrolled -= detail->scrolled < (size_t)-lines ? detail->scrolled : (size_t)-lines;
}

static void move(struct browse *browse, enum motion motion)
{
    struct detail *detail = browse->detail;
    int64_t page = browse->rows > 6 ? browse->rows - 5 : 1;
    switch (motion) {
    case MOVE_UP:
        scroll(browse, -1);
        break;
    case MOVE_DOWN:
        scroll(browse, 1);
        break;
    case MOVE_PAGE_UP:
        scroll(browse, -page);
        break;
    case MOVE_PAGE_DOWN:
        scroll(browse, page);
        break;
    case MOVE_HOME:
        detail->scrolled = 0;
        pages_home(&detail->places);
        break;
    case MOVE_END:
        detail->scrolled = scroll_room(browse);
        if (detail->scrolled == detail->lines)
            pages_end(&detail->places);
        break;
    }
}

static void refresh(struct browse *browse)
{
    ask_facts(browse);
    pages_refresh(&browse->detail->places);
}

const struct view_ops detail_ops = {"detail", title, draw, status, move, refresh};

void detail_back(struct browse *browse, int argument)
{
    (void)argument;
    link_drop(browse->link[BROWSE_LINK_ROWS], SLOT_DETAIL);
    link_drop(browse->link[BROWSE_LINK_ROWS], SLOT_PLACES);
    link_drop(browse->link[BROWSE_LINK_TOTALS], SLOT_DETAIL_TOTALS);
    link_drop(browse->link[BROWSE_LINK_TOTALS], SLOT_CHECKED);
    detail_free(browse->detail);
    browse->detail = NULL;
    browse->view = VIEW_LIST;
}

void detail_names(struct browse *browse, int argument)
{
    (void)argument;
    browse->detail->all_names = !browse->detail->all_names;
}

void detail_events(struct browse *browse, int argument)
{
    (void)argument;
    browse->detail->all_events = !browse->detail->all_events;
}

void detail_neighbour(struct browse *browse, int step)
{
    struct pages *pages = &browse->list->pages;
    const struct row *before = pages_selected(pages), *after;
    pages_move(pages, step);
    after = pages_selected(pages);
    if (after && after != before)
        list_enter(browse, 0);
}
