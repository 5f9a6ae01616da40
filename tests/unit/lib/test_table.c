/* Tables and progress: widths (wide characters included), escaping, cutting at a terminal's edge, streaming; the progress line's text. */
#include "tests/unit/lib/cmocka_first.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/escape.h"
#include "certmuster/progress.h"
#include "certmuster/table.h"

static const struct table_column columns[] = {
    {"NAME", false, 6, true},
    {"DAYS", true, 4, false},
    {"OWNER", false, 0, false},
};

static void row(struct table *table, const char *name, const char *days, const char *owner)
{
    table_cell(table, name, TABLE_BAD);
    table_cell(table, days, TABLE_PLAIN);
    table_cell(table, owner, TABLE_PLAIN);
}

static void test_file(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = tmpfile();
    struct table *table = table_new(out, columns, 3);
    row(table, "www.example.org", "5", "web");
    row(table, "日本語", "100", "");
    row(table, "a\033[31mb\nc", "-3", "x");
    table_free(table);
    rewind(out);
    size_t capacity = 0;
    ssize_t got;
    struct buf all;
    buf_init(&all, 65536);
    while ((got = getline(&text, &capacity, out)) > 0)
        buf_append(&all, text, (size_t)got);
    (void)size;
    assert_string_equal(all.data, "NAME             DAYS  OWNER\n"
                                  "www.example.org     5  web\n"
                                  "日本語            100  \n"
                                  "a\\x1B[31mb\\x0Ac    -3  x\n");
    buf_done(&all);
    free(text);
    fclose(out);
    table_free(NULL);
}

static void test_other_stream(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *laid_out_for = tmpfile(), *out = open_memstream(&text, &size);
    struct table *table = table_new(laid_out_for, columns, 3);
    table_write_to(table, out);
    row(table, "a", "5", "web");
    assert_int_equal(table_flush(table, NULL), CM_OK);
    row(table, "b", "6", "");
    table_free(table);
    fclose(out);
    assert_string_equal(text, "NAME    DAYS  OWNER\na          5  web\nb          6  \n");
    assert_int_equal(ftell(laid_out_for), 0);
    fclose(laid_out_for);
    free(text);
}

/* What a table prints on a terminal of so many columns. */
static void on_terminal(int width, const char *name, char *out, size_t size)
{
    int master, slave;
    struct winsize window = {.ws_row = 24, .ws_col = (unsigned short)width};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &window), 0);
    FILE *stream = fdopen(slave, "w");
    struct table *table = table_new(stream, columns, 3);
    row(table, name, "5", "web");
    table_free(table);
    fflush(stream);
    fclose(
        stream); /* the kernel passes the bytes on in its own time; with the other end closed, read() waits for all, then fails */
    ssize_t got;
    size_t used = 0;
    while (used < size - 1 && (got = read(master, out + used, size - 1 - used)) > 0)
        used += (size_t)got;
    out[used] = 0;
    close(master);
}

static void test_terminal(void **state)
{
    (void)state;
    char text[4096];
    setenv("TERM", "xterm", 1);
    unsetenv("COLUMNS");
    on_terminal(30, "a-very-long-name.that-does-not-fit.example.org", text, sizeof text);
    assert_non_null(strstr(text, "\033[31ma-very-long-name…\033[0m     5  web\r\n"));
    on_terminal(30, "日本語日本語日本語日本語", text, sizeof text); /* 24 columns: 17 fit, no half character */
    assert_non_null(strstr(text, "\033[31m日本語日本語日本…\033[0m     5  web\r\n"));
    on_terminal(200, "short", text, sizeof text);
    assert_non_null(strstr(text, "\033[31mshort\033[0m      5  web"));
    setenv("NO_COLOR", "1", 1);
    on_terminal(200, "short", text, sizeof text);
    assert_null(strstr(text, "\033["));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    on_terminal(5, "unfittable-name", text, sizeof text); /* narrower than any column: cut to the least, never a loop */
    assert_null(strstr(text, "\033["));
    assert_non_null(strstr(text, "unfitta…"));
}

static void test_streaming(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    struct table *table = table_new(out, columns, 3);
    for (unsigned i = 0; i < 2500; i++)
        row(table, i < 1000 ? "short" : "longer-than-any-of-the-sample", "1", "o");
    table_free(table);
    rewind(out);
    char line[256];
    unsigned lines = 0;
    while (fgets(line, sizeof line, out))
        if (lines++ > 1000) /* nothing is cut in a file, only the alignment is lost */
            assert_string_equal(line, "longer-than-any-of-the-sample     1  o\n");
    assert_int_equal(lines, 2501);
    fclose(out);
}

static void test_progress(void **state)
{
    (void)state;
    char text[256];
    struct progress progress = {.noun = "probes", .started_ms = 1000};
    progress.done = 1234;
    progress.total = 20000;
    progress.failed = 12;
    progress_text(&progress, 4000, text, sizeof text);
    assert_string_equal(text, "1,234 of 20,000 probes  6%  411/s  ETA 46s  12 failed");
    progress.done = 19999;
    progress_text(&progress, 1000 + 3600 * 1000, text, sizeof text);
    assert_non_null(strstr(text, " 99%  5.6/s  ETA 0s")); /* never 100% before the end */
    progress.total = 0;
    progress.note = "waiting for descriptors";
    progress_text(&progress, 4000, text, sizeof text);
    assert_string_equal(text, "19,999 probes  6,666/s  12 failed  waiting for descriptors");
    progress.done = 0;
    progress.total = 5;
    progress.note = NULL;
    progress_text(&progress, 1000, text, sizeof text);
    assert_string_equal(text, "0 of 5 probes  0%  0/s  12 failed");
    progress.done = 1;
    progress.total = UINT64_MAX;
    progress_text(&progress, 4000, text, 20);
    assert_int_equal(strlen(text), 19);
    progress_text(&progress, 4000, text, sizeof text);
    assert_non_null(strstr(text, "ETA 11574d01h"));
    progress_init(&progress, "probes", true);
    assert_false(progress.enabled);
    progress_update(&progress, 1, 2, 3);
    assert_false(progress.visible);
    progress_clear(&progress);
}

int main(void)
{
    struct term_style style;
    setenv("LC_ALL", "C.UTF-8", 1);
    term_style_of(stdout, &style);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), cmocka_unit_test(test_other_stream),
                                       cmocka_unit_test(test_terminal), cmocka_unit_test(test_streaming),
                                       cmocka_unit_test(test_progress)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
