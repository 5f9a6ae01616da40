/* The paging window against an array that stands in for the database: answers come late, rows come and go, and the selection must stay
 * with its row, the window without gap or double. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"
#include "report/browse/pages.h"

enum { LIST_MAX = 20000 };

/* A sorted list of numbers; each is a row whose sort key and id are the number. */
struct source {
    int number[LIST_MAX];
    size_t count;
    struct pages_request asked; /* the last request that is not answered yet */
    bool open;
    int requests;
};

static void source_fill(struct source *source, size_t count)
{
    source->count = count;
    for (size_t i = 0; i < count; i++)
        source->number[i] = (int)i * 10;
}

static void ask(void *context, const struct pages_request *request)
{
    struct source *source = context;
    if (source->open)
        pages_request_done(&source->asked);
    pages_request_copy(&source->asked, request);
    source->open = true;
    source->requests++;
}

static size_t lower_bound(const struct source *source, int number)
{
    size_t at = 0;
    while (at < source->count && source->number[at] < number)
        at++;
    return at;
}

/* Answers as page_job.c does: so many rows in each direction that the request wants. */
static bool answer(struct source *source, struct pages *pages)
{
    if (!source->open)
        return false;
    struct pages_request request = source->asked;
    struct pages_answer to = {0};
    source->open = false;
    size_t key = request.sort ? lower_bound(source, atoi(request.sort)) : 0;
    size_t from = 0, until = source->count;
    switch (request.from) {
    case PAGES_START:
        until = request.limit < source->count ? request.limit : source->count;
        break;
    case PAGES_END:
        from = source->count > request.limit ? source->count - request.limit : 0;
        break;
    case PAGES_AFTER:
        from = key < source->count && source->number[key] == atoi(request.sort) ? key + 1 : key;
        until = from + request.limit < source->count ? from + request.limit : source->count;
        break;
    case PAGES_BEFORE:
        until = key;
        from = key > request.limit ? key - request.limit : 0;
        break;
    case PAGES_AROUND:
        from = key > request.limit ? key - request.limit : 0;
        until = key + request.limit < source->count ? key + request.limit : source->count;
        to.before = key - from;
        break;
    }
    to.rows.row = cm_calloc(until - from + 1, sizeof(struct row *));
    for (size_t i = from; i < until; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", source->number[i]);
        to.rows.row[to.rows.count++] = row_new((const char *const[]){text, text}, 2);
    }
    to.at_start = from == 0;
    to.at_end = until == source->count;
    pages_deliver(pages, &request, &to);
    rows_done(&to.rows);
    pages_request_done(&request);
    return true;
}

static void answer_all(struct source *source, struct pages *pages)
{
    while (answer(source, pages))
        ;
}

static int selected(const struct pages *pages)
{
    const struct row *row = pages_selected(pages);
    assert_non_null(row);
    return atoi(row->field[ROW_ID]);
}

/* What the window promises whatever happened. */
static void assert_whole(const struct pages *pages, const struct source *source, bool unchanged)
{
    assert_true(pages->rows.count <= 6000);
    if (pages->rows.count == 0)
        return;
    assert_true(pages->selected < pages->rows.count);
    assert_true(pages->top <= pages->selected && pages->selected - pages->top < pages->height);
    if (!unchanged)
        return;
    size_t at = lower_bound(source, atoi(pages->rows.row[0]->field[ROW_ID]));
    for (size_t i = 0; i < pages->rows.count; i++)
        assert_int_equal(atoi(pages->rows.row[i]->field[ROW_ID]), source->number[at + i]);
    if (pages->base >= 0)
        assert_int_equal(pages->base, at);
    if (pages->at_start)
        assert_int_equal(at, 0);
    if (pages->at_end)
        assert_int_equal(at + pages->rows.count, source->count);
}

static struct source *source;
static struct pages pages;

static int set_up(void **state)
{
    (void)state;
    source = cm_calloc(1, sizeof *source);
    pages_init(&pages, ask, source);
    pages_height(&pages, 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pages_done(&pages);
    if (source->open)
        pages_request_done(&source->asked);
    free(source);
    return 0;
}

static void test_empty_list(void **state)
{
    (void)state;
    pages_reset(&pages, NULL, NULL);
    assert_false(pages.known);
    answer_all(source, &pages);
    assert_true(pages.known);
    assert_null(pages_selected(&pages));
    assert_null(pages_line(&pages, 0));
    pages_move(&pages, 1);
    pages_move(&pages, -100);
    pages_end(&pages);
    pages_refresh(&pages);
    answer_all(source, &pages);
    assert_null(pages_selected(&pages));
}

static void test_opens_at_a_key(void **state)
{
    (void)state;
    source_fill(source, 1000);
    pages_reset(&pages, "5003", "");
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 5010); /* the first from there on */
    assert_int_equal(pages.selected - pages.top, 20 / 3);
    /* Few before the key: they fit above, the list shows its start. */
    pages_reset(&pages, "75", "");
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 0);
    assert_int_equal(pages.top, 0);
    /* All before the key: the last. */
    pages_reset(&pages, "999999", "");
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 9990);
}

static void test_pages_follow_one_another(void **state)
{
    (void)state;
    source_fill(source, 5000);
    pages_reset(&pages, NULL, NULL);
    answer_all(source, &pages);
    /* Answers only come when the window cannot do without: a slow database. */
    for (int page = 1; page < 100; page++) {
        pages_move(&pages, 19);
        if (atoi(pages_line(&pages, 0)->field[ROW_ID]) != page * 190)
            answer_all(source, &pages);
        assert_int_equal(atoi(pages_line(&pages, 0)->field[ROW_ID]), page * 190);
        assert_non_null(pages_line(&pages, 19));
        assert_whole(&pages, source, true);
    }
    for (int page = 98; page >= 0; page--) {
        pages_move(&pages, -19);
        if (atoi(pages_line(&pages, 0)->field[ROW_ID]) != page * 190)
            answer_all(source, &pages);
        assert_int_equal(atoi(pages_line(&pages, 0)->field[ROW_ID]), page * 190);
    }
}

static void test_home_and_end(void **state)
{
    (void)state;
    source_fill(source, 15000);
    pages_reset(&pages, "70000", "");
    answer_all(source, &pages);
    pages_end(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 149990);
    assert_int_equal(pages.selected - pages.top, 19);
    assert_true(pages.base < 0);
    pages_length(&pages, 15000);
    assert_whole(&pages, source, true);
    assert_true(pages.base >= 0);
    pages_home(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 0);
    assert_int_equal(pages.base, 0);
    int requests = source->requests;
    pages_move(&pages, 5);
    pages_home(&pages);
    assert_int_equal(selected(&pages), 0);
    assert_int_equal(source->requests, requests); /* it is held: nothing is asked */
}

/* Another list was asked for: what is still shown of the old one must not answer for it. */
static void test_keys_mean_the_list_to_come(void **state)
{
    (void)state;
    source_fill(source, 3);
    pages_reset(&pages, NULL, NULL);
    answer_all(source, &pages);
    source_fill(source, 5000);
    pages_reset(&pages, NULL, NULL);
    pages_end(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 49990);
    pages_reset(&pages, "25000", "");
    pages_home(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 0);
    assert_whole(&pages, source, true);
}

static void test_memory_stays_bounded(void **state)
{
    (void)state;
    source_fill(source, LIST_MAX);
    pages_reset(&pages, NULL, NULL);
    answer_all(source, &pages);
    for (int i = 0; i < 3000; i++) {
        pages_move(&pages, 19);
        answer_all(source, &pages);
        assert_true(pages.rows.count <= 5000);
    }
    assert_int_equal(selected(&pages), (LIST_MAX - 1) * 10);
    assert_whole(&pages, source, true);
    assert_true(pages.base > 0);
}

static void test_selection_sticks_to_the_row(void **state)
{
    (void)state;
    source_fill(source, 1000);
    pages_reset(&pages, "5000", "");
    answer_all(source, &pages);
    pages_move(&pages, 3);
    int before = selected(&pages);
    size_t line = pages.selected - pages.top;
    /* 300 rows in front of it vanish (they were renewed). */
    memmove(source->number, source->number + 300, (source->count - 300) * sizeof(int));
    source->count -= 300;
    pages_refresh(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), before);
    assert_int_equal(pages.selected - pages.top, line);
    /* It vanishes itself: the next takes its place. */
    size_t at = lower_bound(source, before);
    memmove(source->number + at, source->number + at + 1, (source->count - at - 1) * sizeof(int));
    source->count--;
    pages_refresh(&pages);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), before + 10);
    assert_whole(&pages, source, true);
}

static void test_overtaken_answers_are_dropped(void **state)
{
    (void)state;
    source_fill(source, 1000);
    pages_reset(&pages, NULL, NULL);
    struct pages_request old;
    pages_request_copy(&old, &source->asked);
    pages_reset(&pages, "5000", "");
    struct pages_answer late = {.at_start = true};
    late.rows.row = cm_calloc(1, sizeof(struct row *));
    late.rows.row[late.rows.count++] = row_new((const char *const[]){"1", "1"}, 2);
    pages_deliver(&pages, &old, &late);
    assert_false(pages.known);
    pages_fail(&pages, &old);
    assert_false(pages.failed);
    pages_request_done(&old);
    answer_all(source, &pages);
    assert_int_equal(selected(&pages), 5000);
}

static void test_a_failure_is_not_asked_again_at_once(void **state)
{
    (void)state;
    source_fill(source, 1000);
    pages_reset(&pages, NULL, NULL);
    answer_all(source, &pages);
    pages_move(&pages, 100);
    assert_true(source->open);
    pages_fail(&pages, &source->asked);
    int requests = source->requests;
    pages_move(&pages, 1);
    assert_int_equal(source->requests, requests);
    pages_refresh(&pages);
    assert_int_equal(source->requests, requests + 1);
    answer_all(source, &pages);
    assert_false(pages.failed);
}

static void test_any_walk_keeps_the_promises(void **state)
{
    (void)state;
    unsigned seed = 1;
    source_fill(source, 3000);
    pages_reset(&pages, NULL, NULL);
    bool unchanged = true;
    for (int step = 0; step < 30000; step++) {
        seed = seed * 1103515245 + 12345;
        unsigned what = seed >> 16;
        switch (what % 16) {
        case 0:
            pages_home(&pages);
            break;
        case 1:
            pages_end(&pages);
            break;
        case 2:
            pages_refresh(&pages);
            break;
        case 3:
            pages_height(&pages, 1 + what / 16 % 80);
            break;
        case 4:
            if (pages.rows.count > 0 && source->count > 10) {
                size_t at = what % source->count;
                memmove(source->number + at, source->number + at + 1, (source->count - at - 1) * sizeof(int));
                source->count--;
                unchanged = false;
            }
            break;
        case 5:
            pages_reset(&pages, "12345", "");
            answer_all(source, &pages);
            unchanged = true;
            break;
        case 6:
            pages_scroll(&pages, (int)(what / 16 % 40) - 20);
            break;
        case 7:
        case 8:
        case 9:
            answer(source, &pages);
            break;
        default:
            pages_move(&pages, (int)(what / 16 % 200) - 100);
        }
        assert_whole(&pages, source, unchanged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_opens_at_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages_follow_one_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_home_and_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_mean_the_list_to_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_stays_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_selection_sticks_to_the_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overtaken_answers_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_is_not_asked_again_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_walk_keeps_the_promises, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
