/* Escaping: what a terminal, a spreadsheet, a page and a JSON reader must never be given, and that output is always UTF-8. */
#include "tests/unit/lib/cmocka_first.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/escape.h"

typedef void (*escaper)(struct buf *out, const char *text, size_t size);

static void terminal(struct buf *out, const char *text, size_t size)
{
    escape_terminal(out, text, size, false);
}

static void terminal_ascii(struct buf *out, const char *text, size_t size)
{
    escape_terminal(out, text, size, true);
}

static void expect(escaper escape, const char *text, size_t size, const char *expected)
{
    struct buf out;
    char *copy = malloc(size ? size : 1); /* no NUL behind it: reading on is caught */
    memcpy(copy, text, size);
    buf_init(&out, 10000);
    escape(&out, copy, size);
    assert_string_equal(out.data, expected);
    assert_int_equal(strlen(out.data), out.size);
    buf_done(&out);
    free(copy);
}
#define EXPECT(escape, text, expected) expect(escape, text, sizeof(text) - 1, expected)

static void test_terminal(void **state)
{
    (void)state;
    EXPECT(terminal, "plain M\xC3\xBCnchen \xF0\x9F\x98\x80", "plain M\xC3\xBCnchen \xF0\x9F\x98\x80");
    EXPECT(terminal, "\x1b]0;title\x07\n\t\x7f\0x", "\\x1B]0;title\\x07\\x0A\\x09\\x7F\\x00x");
    EXPECT(terminal, "a\\b", "a\\\\b");
    EXPECT(terminal,
           "\xC2\x9B"
           "31m",
           "\\u{009B}31m"); /* C1 CSI */
    EXPECT(terminal,
           "\x9B"
           "31m",
           "\xEF\xBF\xBD"
           "31m"); /* the same as a raw byte */
    EXPECT(terminal,
           "\xE2\x80\xAE"
           "gpj.exe",
           "\\u{202E}gpj.exe"); /* right-to-left override */
    EXPECT(terminal,
           "a\xE2\x80\x8B"
           "b\xEF\xBB\xBF"
           "c",
           "a\\u{200B}b\\u{FEFF}c");
    EXPECT(terminal, "\xE2\x80\xA8\xE2\x81\xA6\xC2\xAD", "\\u{2028}\\u{2066}\\u{00AD}");
    EXPECT(terminal, "\xF3\xA0\x81\x81", "\\u{E0041}"); /* a tag character */
    EXPECT(terminal_ascii, "M\xC3\xBCller", "M\\u{00FC}ller");
    EXPECT(terminal_ascii, "\xFF", "\\u{FFFD}");
}

static void test_invalid_utf8(void **state)
{
    (void)state;
    EXPECT(terminal, "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD");                 /* overlong */
    EXPECT(terminal, "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* a surrogate */
    EXPECT(terminal, "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT(terminal, "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"); /* cut */
    EXPECT(escape_json,
           "a\xFF"
           "b",
           "a\xEF\xBF\xBD"
           "b");
    EXPECT(escape_html, "\x80", "\xEF\xBF\xBD");
    EXPECT(escape_csv, "\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_json(void **state)
{
    (void)state;
    EXPECT(escape_json, "plain \xE2\x82\xAC", "plain \xE2\x82\xAC");
    EXPECT(escape_json, "\"\\/\b\f\n\r\t", "\\\"\\\\/\\b\\f\\n\\r\\t");
    EXPECT(escape_json, "\0\x1b\x7f", "\xEF\xBF\xBD\\u001b\\u007f");
    EXPECT(escape_json,
           "a\xE2\x80\xAE"
           "b\xC2\x9B\xF3\xA0\x80\x81",
           "a\\u202eb\\u009b\\udb40\\udc01");
    EXPECT(escape_json_text, "{\"a\\n\": \"\xE2\x80\xAE\xC3\xA9\x7f\"}\n", "{\"a\\n\": \"\\u202e\xC3\xA9\\u007f\"}\n");
    EXPECT(escape_json, "", "");
}

/* Every byte at every place of a text that is otherwise plain: what stands around it changes nothing, nor does it for them. */
static void test_json_anywhere(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char one = (char)byte;
        struct buf alone;
        buf_init(&alone, 16);
        escape_json(&alone, &one, 1);
        for (size_t size = 1; size <= 20; size++)
            for (size_t at = 0; at < size; at++) {
                char text[20], expected[64];
                memset(text, '!', size); /* next to the quote and to what is below 0x20 */
                text[at] = one;
                snprintf(expected, sizeof expected, "%.*s%s%.*s", (int)at, "!!!!!!!!!!!!!!!!!!!!", alone.data,
                         (int)(size - at - 1), "!!!!!!!!!!!!!!!!!!!!");
                expect(escape_json, text, size, expected);
            }
        buf_done(&alone);
    }
}

static void test_csv(void **state)
{
    (void)state;
    EXPECT(escape_csv, "plain.example", "plain.example");
    EXPECT(escape_csv, "a,b", "\"a,b\"");
    EXPECT(escape_csv, "say \"hi\"", "\"say \"\"hi\"\"\"");
    EXPECT(escape_csv, "=cmd()", "'=cmd()");
    EXPECT(escape_csv, "+1", "'+1");
    EXPECT(escape_csv, "-1", "'-1");
    EXPECT(escape_csv, "@SUM(A1)", "'@SUM(A1)");
    EXPECT(escape_csv, "\t=1", "\"' =1\"");
    EXPECT(escape_csv, "\r\n=1", "\"'  =1\"");
    EXPECT(escape_csv, "  =1", "\"'  =1\"");
    EXPECT(escape_csv, "\xE2\x80\x8B=1", "'\\u{200B}=1");
    EXPECT(escape_csv,
           "a\xE2\x80\xAE"
           "b",
           "a\\u{202E}b");
    EXPECT(escape_csv,
           "\xEF\xBC\x9D"
           "1",
           "'\xEF\xBC\x9D"
           "1");
    EXPECT(escape_csv, "a\nb\x1b[31m", "\"a b [31m\"");
    EXPECT(escape_csv, "a;=1", "\"a;=1\"");
    EXPECT(escape_csv, "\"=1", "\"\"\"=1\"");
    EXPECT(escape_csv, "", "");
}

static void test_html(void **state)
{
    (void)state;
    EXPECT(escape_html, "<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    EXPECT(escape_html, "\" onload=\"x & y", "&quot; onload=&quot;x &amp; y");
    EXPECT(escape_html, "a\0b\n\x1b", "a\\u{0000}b\\u{000A}\\u{001B}");
    EXPECT(escape_html,
           "\xE2\x80\xAE"
           "x",
           "\\u{202E}x");
}

static void test_columns(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    static const char wide[] = "a\xE4\xB8\xAD"
                               "b\xCC\x81"; /* a, a CJK ideograph (2), b with a combining accent */
    assert_int_equal(text_columns(wide, sizeof wide - 1), 4);
    assert_int_equal(text_fit(wide, sizeof wide - 1, 2), 1); /* the ideograph does not fit by half */
    assert_int_equal(text_fit(wide, sizeof wide - 1, 3), 4);
    assert_int_equal(text_fit(wide, sizeof wide - 1, 4), sizeof wide - 1);
    assert_int_equal(text_fit(wide, sizeof wide - 1, 0), 0);
    assert_int_equal(text_columns("\xFF", 1), 1);
    assert_int_equal(text_columns("", 0), 0);
}

static void test_output_is_bounded(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 5);
    escape_terminal(&out, "\x1b\x1b", 2, false);
    assert_true(out.failed);
    assert_int_equal(out.size, 4);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal), cmocka_unit_test(test_invalid_utf8),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_json_anywhere),
        cmocka_unit_test(test_csv),      cmocka_unit_test(test_html),
        cmocka_unit_test(test_columns),  cmocka_unit_test(test_output_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
