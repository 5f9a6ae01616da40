/* What is pure in showing: fitting cells, columns, times, the line editor, wrapped text, the table of keys, SQL. */
#include "tests/unit/lib/cmocka_first.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/escape.h"
#include "report/browse/cell.h"
#include "report/browse/doc.h"
#include "report/browse/keys.h"
#include "report/browse/line.h"
#include "report/browse/list_layout.h"
#include "report/browse/query.h"
#include "report/browse/when.h"

static const char *fit(const char *text, size_t width, enum cell_align align, bool utf8)
{
    static char kept[4096];
    struct buf out;
    buf_init(&out, sizeof kept - 1);
    cell_fit(&out, text, strlen(text), width, align, utf8);
    memcpy(kept, out.data, out.size + 1);
    buf_done(&out);
    return kept;
}

static void test_cells(void **state)
{
    (void)state;
    assert_string_equal(fit("abc", 5, CELL_LEFT, true), "abc  ");
    assert_string_equal(fit("abc", 5, CELL_RIGHT, true), "  abc");
    assert_string_equal(fit("abcdef", 4, CELL_LEFT, true), "abc…");
    assert_string_equal(fit("abcdef", 4, CELL_RIGHT, false), "abc~");
    assert_string_equal(fit("abc", 0, CELL_LEFT, true), "");
    assert_string_equal(fit("", 3, CELL_LEFT, true), "   ");
    /* Half of a wide character is never shown; what it leaves is filled. */
    assert_string_equal(fit("东京", 3, CELL_LEFT, true), "东…");
    assert_string_equal(fit("东京", 2, CELL_LEFT, true), "… ");
    assert_string_equal(fit("东京", 4, CELL_LEFT, true), "东京");
    /* A combining mark stays with its letter, and one without a letter goes. */
    assert_string_equal(fit("e\xCC\x81x", 3, CELL_LEFT, true), "e\xCC\x81x ");
    assert_string_equal(fit("\xCC\x81x", 3, CELL_LEFT, true), "x  ");
    assert_string_equal(fit("\x1b[2Jx", 8, CELL_LEFT, true), "\\x1B[2Jx");
    assert_string_equal(fit("a\nb\tc", 12, CELL_LEFT, true), "a\\x0Ab\\x09c ");
    assert_string_equal(fit("é", 8, CELL_LEFT, false), "\\u{00E9}");
}

/* Whatever comes in, a cell is as wide as it was asked to be and holds no control. */
static void test_any_cell_has_its_width(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t size = 0;
        for (; size < 30 && (seed >> 16) % 31; size++) {
            seed = seed * 1103515245 + 12345;
            text[size] = (char)(seed >> 20);
            if (text[size] == '\0')
                text[size] = 'a';
        }
        text[size] = '\0';
        seed = seed * 1103515245 + 12345;
        size_t width = seed >> 16 & 31;
        const char *cell = fit(text, width, i % 2 ? CELL_LEFT : CELL_RIGHT, i % 3 != 0);
        assert_int_equal(text_columns(cell, strlen(cell)), width);
        for (const char *at = cell; *at; at++)
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7F);
    }
}

static const char *common_name(const char *name)
{
    static char kept[256];
    struct buf out;
    buf_init(&out, sizeof kept - 1);
    cell_common_name(&out, name);
    memcpy(kept, out.data, out.size + 1);
    buf_done(&out);
    return kept;
}

static void test_common_names(void **state)
{
    (void)state;
    assert_string_equal(common_name("CN=Fleet CA 1,O=Fleet"), "Fleet CA 1");
    assert_string_equal(common_name("O=Fleet,CN=Fleet CA 1"), "Fleet CA 1");
    assert_string_equal(common_name("O=A\\,CN=trap+CN=real"), "real");
    assert_string_equal(common_name("OU=unit,O=Only This"), "Only This");
    assert_string_equal(common_name("CN=a\\,b\\\\c"), "a,b\\c");
    assert_string_equal(common_name("1.2.3=#0500"), "1.2.3=#0500");
    assert_string_equal(common_name("CN=,O=x"), "x");
    assert_string_equal(common_name("CN=a\\"), "a\\");
    assert_string_equal(common_name(""), "");
}

static void test_counts_and_verdicts(void **state)
{
    (void)state;
    char text[CELL_TEXT_SIZE];
    static const struct {
        int64_t count;
        const char *text;
    } rows[] = {{0, "0"},
                {999, "999"},
                {1000, "1,000"},
                {12345, "12,345"},
                {1000000, "1,000,000"},
                {-1234, "-1,234"},
                {INT64_MAX, "9,223,372,036,854,775,807"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cell_count(text, rows[i].count);
        assert_string_equal(text, rows[i].text);
    }
    assert_string_equal(cell_verdict("cert_has_expired"), "expired");
    assert_string_equal(cell_verdict("unable_to_decode_leaf_public_key"), "unknown key");
    assert_string_equal(cell_verdict("incomplete"), "incomplete");
    assert_string_equal(cell_verdict("something_new"), "something_new");
}

static void test_every_width_has_a_layout(void **state)
{
    (void)state;
    for (int width = LIST_WIDTH_MIN; width <= 1000; width++) {
        struct list_layout layout;
        int end = 0;
        list_layout(&layout, width);
        for (int i = 0; i < COLUMN_COUNT_; i++) {
            if (layout.width[i] == 0)
                continue;
            assert_true(end == 0 ? layout.at[i] == 0 : layout.at[i] > end);
            end = layout.at[i] + layout.width[i];
            assert_true((int)strlen(list_column_title(i)) <= layout.width[i]);
        }
        assert_int_equal(end, width); /* nothing is left over */
        assert_true(layout.width[COLUMN_EXPIRES] >= 10 && layout.width[COLUMN_NAME] >= 16);
        if (width >= 80)
            assert_true(layout.width[COLUMN_NAME] >= 24 && layout.width[COLUMN_OWNER] && layout.width[COLUMN_PLACES] &&
                        layout.width[COLUMN_ISSUER] && layout.width[COLUMN_CHAIN]);
    }
}

static void test_urgency_is_the_alerts(void **state)
{
    (void)state;
    const int64_t day = 86400, now = 1800000000, long_ago = now - 360 * day;
    assert_int_equal(when_urgency(long_ago, now, now), URGENCY_EXPIRED);
    assert_int_equal(when_urgency(long_ago, now + 1, now), URGENCY_3);
    assert_int_equal(when_urgency(long_ago, now + 3 * day, now), URGENCY_3);
    assert_int_equal(when_urgency(long_ago, now + 3 * day + 1, now), URGENCY_14);
    assert_int_equal(when_urgency(long_ago, now + 14 * day + 1, now), URGENCY_30);
    assert_int_equal(when_urgency(long_ago, now + 30 * day + 1, now), URGENCY_NONE);
    /* 47 days: 30 × 47 / 90 = 15.67 days */
    assert_int_equal(when_urgency(now - 31 * day, now + 16 * day, now), URGENCY_NONE);
    assert_int_equal(when_urgency(now - 32 * day, now + 15 * day, now), URGENCY_30);
    assert_int_equal(when_urgency(INT64_MIN, now + 29 * day, now), URGENCY_30);
    assert_int_equal(when_urgency(INT64_MIN, WHEN_NEVER, now), URGENCY_NONE);
    /* Each mark is one column, and no two are the same, with and without UTF-8. */
    for (int utf8 = 0; utf8 < 2; utf8++) {
        for (enum urgency a = URGENCY_NONE; a <= URGENCY_EXPIRED; a++) {
            assert_int_equal(text_columns(when_mark(a, utf8), strlen(when_mark(a, utf8))), 1);
            for (enum urgency b = URGENCY_NONE; b < a; b++)
                assert_string_not_equal(when_mark(a, utf8), when_mark(b, utf8));
        }
    }
}

static void test_times(void **state)
{
    (void)state;
    char text[WHEN_SIZE];
    static const struct {
        int64_t left;
        const char *text;
    } rows[] = {{30, "0 min"},
                {47 * 60, "47 min"},
                {3600, "1 h 00 m"},
                {47 * 3600 + 3540, "47 h 59 m"},
                {48 * 3600, "2 d 00 h"},
                {6 * 86400 + 7200, "6 d 02 h"},
                {14 * 86400, "14 d"},
                {999 * 86400, "999 d"},
                {4000 * 86400LL, "10 y"},
                {0, "0 min ago"},
                {-300, "5 min ago"},
                {-47 * 3600, "47 h ago"},
                {-3 * 86400, "3 d ago"},
                {-4000 * 86400LL, "10 y ago"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        when_short(text, 2000000000 + rows[i].left, 2000000000);
        assert_string_equal(text, rows[i].text);
        assert_true(strlen(text) <= 10);
    }
    when_short(text, WHEN_NEVER, 0);
    assert_string_equal(text, "unknown");
    when_short(text, 253402300799, -62167219200); /* years 9999 and 0000 */
    assert_true(strlen(text) <= 10);
    when_ago(text, 0, 100);
    assert_string_equal(text, "never");
    when_ago(text, 100, 50);
    assert_string_equal(text, "0 s ago");
    when_ago(text, 100, 100 + 3 * 3600);
    assert_string_equal(text, "3 h ago");
}

static void test_bar(void **state)
{
    (void)state;
    struct buf out;
    int percent;
    buf_init(&out, 1000);
    when_bar(&out, 0, 100, 50, 10, false, &percent);
    assert_string_equal(out.data, "#####-----");
    assert_int_equal(percent, 50);
    static const int64_t odd[][3] = {{0, 100, -5}, {0, 100, 500}, {100, 100, 100}, {100, 0, 50}};
    for (size_t i = 0; i < 4; i++) {
        buf_reset(&out);
        when_bar(&out, odd[i][0], odd[i][1], odd[i][2], 10, true, &percent);
        assert_int_equal(text_columns(out.data, out.size), 10);
        assert_true(percent >= 0 && percent <= 100);
    }
    buf_done(&out);
}

static void type(struct line *line, const char *text)
{
    for (; *text; text++)
        line_key(line, (unsigned char)*text);
}

static void test_line_editor(void **state)
{
    (void)state;
    struct line line;
    line_clear(&line);
    type(&line, "owner:web");
    assert_true(line_key(&line, 0x4EAC));  /* 京 */
    assert_true(line_key(&line, 0x1F600)); /* beyond 16 bits */
    assert_string_equal(line.text, "owner:web京😀");
    assert_true(line_key(&line, INPUT_BACKSPACE));
    assert_string_equal(line.text, "owner:web京");
    assert_false(line_key(&line, INPUT_LEFT));
    assert_false(line_key(&line, INPUT_LEFT));
    type(&line, "!");
    assert_string_equal(line.text, "owner:we!b京");
    assert_true(line_key(&line, INPUT_DELETE));
    assert_string_equal(line.text, "owner:we!京");
    line_key(&line, INPUT_HOME);
    assert_false(line_key(&line, INPUT_BACKSPACE));
    type(&line, "a b ");
    assert_true(line_key(&line, 'w' & 0x1F));
    assert_string_equal(line.text, "a owner:we!京");
    line_key(&line, INPUT_END);
    assert_false(line_key(&line, INPUT_DELETE));
    assert_true(line_key(&line, 'u' & 0x1F));
    assert_string_equal(line.text, "");
    /* Controls, surrogates, keys: ignored. */
    static const int ignored[] = {0, 1, 27, 127, 0x9B, 0xD800, INPUT_NONE, INPUT_RESIZE, INPUT_OTHER, INPUT_PAGE_UP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        assert_false(line_key(&line, ignored[i]));
    assert_string_equal(line.text, "");
    for (int i = 0; i < 1000; i++)
        line_key(&line, 0x4EAC);
    assert_true(line.size < LINE_BYTES_MAX && line.size % 3 == 0);
    assert_int_equal(strlen(line.text), line.size);
}

static void test_wrapped_text(void **state)
{
    (void)state;
    struct doc doc;
    doc_init(&doc, DOC_LABEL_WIDTH + 2 + 20, true);
    doc_add(&doc, "Label", PAINT_PLAIN, "twelve words are here to be wrapped");
    doc_add(&doc, "Long", PAINT_PLAIN, "0123456789012345678901234567890123456789");
    doc_add(&doc, "Empty", PAINT_PLAIN, "");
    doc_addf(&doc, "Evil", PAINT_PLAIN, "%s", "\x1b[2J");
    assert_string_equal(doc.lines[0].label, "Label");
    assert_string_equal(doc.lines[1].label, "");
    assert_string_equal(doc_text(&doc, 0), "twelve words are");
    assert_string_equal(doc_text(&doc, 1), "here to be wrapped");
    assert_string_equal(doc_text(&doc, 2), "01234567890123456789");
    assert_string_equal(doc_text(&doc, 3), "01234567890123456789");
    assert_string_equal(doc_text(&doc, 4), "");
    assert_string_equal(doc_text(&doc, 5), "\\x1B[2J");
    assert_int_equal(doc.count, 6);
    doc_done(&doc);
    /* However narrow, it ends. */
    for (int width = 0; width < 30; width++) {
        doc_init(&doc, width, false);
        doc_add(&doc, "x", PAINT_PLAIN,
                "东京东京 东京东京东京东京 a b c d e f g h i j k l m n o p q r s t u v w x y z");
        assert_in_range(doc.count, 1, 12);
        doc_done(&doc);
    }
}

static void test_no_key_means_two_things(void **state)
{
    (void)state;
    for (const struct key_row *row = key_rows; row->name; row++) {
        assert_true(row->views != 0 && row->views < 1u << VIEW_COUNT_);
        assert_non_null(row->run);
        assert_true(strlen(row->help) > 0 && row->help[strlen(row->help) - 1] == '.');
        for (const struct key_row *other = key_rows; other < row; other++)
            if (other->key == row->key && (other->views & row->views))
                fail_msg("%s and %s", other->help, row->help);
    }
    /* And one can leave every view. */
    for (int view = 0; view < VIEW_COUNT_; view++) {
        bool leaves = false;
        for (const struct key_row *row = key_rows; row->name; row++)
            leaves = leaves || (row->key == 'q' && (row->views & IN(view)));
        assert_true(leaves);
    }
}

/* The highest $n of the text is the number of parameters, and each is there. */
static void assert_parameters(const struct query *query)
{
    assert_false(query->sql.failed);
    for (size_t n = 1; n <= query->count + 1; n++) {
        char name[16];
        bool found = false;
        snprintf(name, sizeof name, "$%zu", n);
        for (const char *at = query->sql.data; (at = strstr(at, name)) != NULL; at += strlen(name))
            found = found || at[strlen(name)] < '0' || at[strlen(name)] > '9';
        assert_int_equal(found, n <= query->count);
    }
    for (size_t i = 0; i < query->count; i++)
        assert_non_null(query->parameters[i]);
}

static void test_queries(void **state)
{
    (void)state;
    struct choice choice = {.filter = "shop -owner:none place:10.0 \"it's; DROP TABLE alert\" status:failing"};
    char sort[] = "2026-11-21T03:00:00Z", id[] = "00ff";
    struct cm_error error = {0};
    for (int i = 0; i < SCOPE_COUNT_ * ORDER_COUNT_ * 2 * 5 * 2; i++) {
        struct pages_request request = {.from = i % 5, .limit = 100};
        struct query query;
        bool behind = i / 5 % 2;
        choice.trust = i / 10 % 2;
        choice.order = i / 20 % ORDER_COUNT_;
        choice.scope = i / 40 % SCOPE_COUNT_;
        if (request.from != PAGES_START && request.from != PAGES_END) {
            request.sort = sort;
            request.id = id;
        }
        assert_int_equal(query_list(&query, &choice, &request, behind, true, &error), CM_OK);
        assert_parameters(&query);
        assert_null(strstr(query.sql.data, "DROP")); /* a parameter, not text */
        assert_non_null(strstr(query.sql.data, choice.order == ORDER_NAME ? "b.name_key" : "b.expires"));
        assert_int_equal(strstr(query.sql.data, " DESC") == NULL, behind);
        assert_int_equal(strstr(query.sql.data, "b.in_trust") != NULL, choice.trust);
        query_done(&query);

        assert_int_equal(query_totals(&query, &choice, request.sort, request.id, &error), CM_OK);
        assert_parameters(&query);
        query_done(&query);

        query_places(&query, "00ff", &request, behind);
        assert_parameters(&query);
        query_done(&query);
    }
    struct pages_request request = {.from = PAGES_START, .limit = 1};
    struct query query;
    snprintf(choice.filter, sizeof choice.filter, "nosuch:key");
    assert_int_equal(query_list(&query, &choice, &request, true, true, &error), CM_EINVAL);
    assert_int_equal(query_totals(&query, &choice, NULL, NULL, &error), CM_EINVAL);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_any_cell_has_its_width),
        cmocka_unit_test(test_common_names),
        cmocka_unit_test(test_counts_and_verdicts),
        cmocka_unit_test(test_every_width_has_a_layout),
        cmocka_unit_test(test_urgency_is_the_alerts),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_line_editor),
        cmocka_unit_test(test_wrapped_text),
        cmocka_unit_test(test_no_key_means_two_things),
        cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
