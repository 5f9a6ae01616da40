/* Events of YAML and JSON: their order, and that a scalar's place names its very bytes, whatever characters and line ends stand before it. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include "certmuster/buf.h"
#include "certmuster/yamlevents.h"

/* "M" map, "m" its end, "L" and "l" list, "D" and "d" document, "*" alias, <raw bytes|text>, "." the end, "!" malformed. */
static void expect(const char *bytes, size_t size, const char *expected)
{
    static const char letters[] = ".DdMmLl?*";
    struct yamlevents *events = yamlevents_new(bytes, size);
    struct yamlevent event = {0};
    struct buf told;
    buf_init(&told, 1 << 16);
    int status;
    do {
        status = yamlevents_next(events, &event, NULL);
        if (status) {
            assert_int_equal(status, CM_EMALFORMED);
            buf_append_char(&told, '!');
        } else if (event.kind == YAMLEVENT_SCALAR) {
            assert_true(event.start <= event.end && event.end <= size);
            buf_append_char(&told, '<');
            buf_append(&told, bytes + event.start, event.end - event.start);
            buf_append_char(&told, '|');
            buf_append(&told, event.text, event.size);
            buf_append_char(&told, '>');
        } else {
            buf_append_char(&told, letters[event.kind]);
        }
    } while (!status && event.kind != YAMLEVENT_END);
    assert_int_equal(yamlevents_next(events, &event, NULL), CM_EMALFORMED);
    if (expected)
        assert_string_equal(told.data, expected);
    yamlevents_free(events);
    buf_done(&told);
}

static void text(const char *bytes, const char *expected)
{
    expect(bytes, strlen(bytes), expected);
}

static void events_come_in_order(void **state)
{
    (void)state;
    text("", ".");
    text("# nothing\n", ".");
    text("a: 1\nb: [x, y]\n", "DM<a|a><1|1><b|b>L<x|x><y|y>lmd.");
    text("---\na\n---\nb\n", "D<a|a>dD<b|b>d.");
    text("a: &x {k: v}\nb: *x\n", "DM<a|a>M<k|k><v|v>m<b|b>*md.");
    text("a: [1\n", "DM<a|a>L<1|1>!");
    text("{a: b}\n{c: d}", "DM<a|a><b|b>md!");
}

static void places_are_those_of_bytes(void **state)
{
    (void)state;
    text("\xEF\xBB\xBF"
         "a: b\n",
         "DM<a|a><b|b>md.");
    text("\xC3\xA4: \xE2\x82\xAC\xF0\x9F\x98\x80\r\nk: v\r\n", "DM<\xC3\xA4|\xC3\xA4><\xE2\x82\xAC\xF0\x9F\x98\x80|"
                                                               "\xE2\x82\xAC\xF0\x9F\x98\x80><k|k><v|v>md.");
    text("k: |\n  one\n  \xC3\xA4\nl: w\n", "DM<k|k><|\n  one\n  \xC3\xA4\n|one\n\xC3\xA4\n><l|l><w|w>md.");
    text("{\"\xC3\xA4\\n\": \"\\u00e4\\/\", \"z\": \"y\"}",
         "DM<\"\xC3\xA4\\n\"|\xC3\xA4\n><\"\\u00e4\\/\"|\xC3\xA4/><\"z\"|z><\"y\"|y>md.");
    text("a:\nb: 'it''s'\n", "DM<a|a><|><b|b><'it''s'|it's>md.");
}

static void lines_of_errors(void **state)
{
    (void)state;
    struct cm_error error;
    struct yamlevent event;
    struct yamlevents *events = yamlevents_new("a: b\nc: \"d", 10);
    while (yamlevents_next(events, &event, &error) == 0)
        assert_int_not_equal(event.kind, YAMLEVENT_END);
    assert_true(error.offset >= 2);
    assert_non_null(error.reason);
    yamlevents_free(events);
    yamlevents_free(NULL);
}

/* Cut anywhere, and with any byte replaced: an end or an error, never another place than in the bytes. */
static void hostile_bytes(void **state)
{
    (void)state;
    static const char sample[] = "%YAML 1.1\n--- !!map\na: &x |+\n \xC3\xA4\n\n? [k]\n: *x\n\"q\\x41\": >-\n  f\n";
    char copy[sizeof sample];
    for (size_t size = 0; size < sizeof sample; size++)
        expect(sample, size, NULL);
    for (size_t i = 0; i < sizeof sample; i++)
        for (unsigned byte = 0; byte < 256; byte += 5) {
            memcpy(copy, sample, sizeof sample);
            copy[i] = (char)byte;
            expect(copy, sizeof sample - 1, NULL);
        }
}

/* A megabyte of either would take minutes or gigabytes. */
static void too_deep(void **state)
{
    static const char *const openings[] = {"[", "{a: ", "? ", "- "};
    (void)state;
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        struct buf deep;
        struct yamlevent event;
        size_t count = 0;
        int status;
        buf_init(&deep, 1 << 23);
        while (deep.size < 1 << 20)
            buf_append_str(&deep, openings[i]);
        struct yamlevents *events = yamlevents_new(deep.data, deep.size);
        while (!(status = yamlevents_next(events, &event, NULL)))
            count++;
        assert_int_equal(status, CM_ELIMIT);
        assert_in_range(count, YAMLEVENTS_DEPTH_MAX, 3 * YAMLEVENTS_DEPTH_MAX);
        yamlevents_free(events);
        buf_done(&deep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(places_are_those_of_bytes),
        cmocka_unit_test(lines_of_errors),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
