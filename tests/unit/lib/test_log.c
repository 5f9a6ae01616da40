/* Log lines: one line per event whatever comes in, escaped, levelled, with a priority under systemd. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/log.h"

static int saved_stderr, capture;

static void begin(void)
{
    char path[] = "/tmp/test_log.XXXXXX";
    saved_stderr = dup(STDERR_FILENO);
    capture = mkstemp(path);
    assert_true(capture >= 0);
    unlink(path);
    dup2(capture, STDERR_FILENO);
}

static void expect(const char *expected)
{
    static char text[20000];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t size = pread(capture, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    close(capture);
    assert_string_equal(text, expected);
}

static void test_event_lines(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    log_init("certmuster-test", LOG_LEVEL_INFO);
    assert_string_equal(log_program(), "certmuster-test");
    begin();
    log_event(LOG_LEVEL_INFO, "started", "count=%d name=%s", 3, log_quote("a \"b\" \x1b[31m\n\\"));
    log_event(LOG_LEVEL_DEBUG, "hidden", NULL);
    log_event(LOG_LEVEL_ERROR, "bare", NULL);
    log_event(LOG_LEVEL_WARN, "forged", "value=%s", "raw\ncertmuster-test: admin logged in");
    say_error("cannot read %s: %s", "x\r\ny", "No such file");
    expect("certmuster-test: started count=3 name=\"a \\\"b\\\" \\x1B[31m\\x0A\\\\\"\n"
           "certmuster-test: bare\n"
           "certmuster-test: forged value=raw certmuster-test: admin logged in\n"
           "certmuster-test: cannot read x  y: No such file\n");
}

static void test_levels_and_journal(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init("p", LOG_LEVEL_ERROR);
    begin();
    log_init("p", LOG_LEVEL_ERROR);
    log_event(LOG_LEVEL_WARN, "no", NULL);
    log_set_level(LOG_LEVEL_DEBUG);
    log_event(LOG_LEVEL_ERROR, "a", NULL);
    log_event(LOG_LEVEL_DEBUG, "b", NULL);
    expect("<3>p: a\n<7>p: b\n");
    unsetenv("JOURNAL_STREAM");
    log_init("p", LOG_LEVEL_INFO);
}

static void test_quote(void **state)
{
    (void)state;
    char big[2000];
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    const char *cut = log_quote(big);
    assert_true(strlen(cut) <= 500);
    assert_non_null(strstr(cut, "\xE2\x80\xA6\""));
    memset(big, '\n', sizeof big - 1);
    cut = log_quote(big);
    assert_true(strlen(cut) <= 500);
    assert_null(strchr(cut, '\n'));
    assert_int_equal(cut[strlen(cut) - 1], '"');
    const char *a = log_quote("a"), *b = log_quote("b"), *c = log_quote("c"), *d = log_quote(NULL);
    assert_string_equal(a, "\"a\"");
    assert_string_equal(b, "\"b\"");
    assert_string_equal(c, "\"c\"");
    assert_string_equal(d, "\"\"");
}

static void test_error_text(void **state)
{
    (void)state;
    struct cm_error error;
    error_setf(&error, CM_EIO, 12, "cannot open", "/tmp/\x1b: %s", "No such file");
    assert_string_equal(log_error(&error),
                        "error=io reason=\"cannot open\" offset=12 detail=\"/tmp/\\x1B: No such file\"");
    error_set(&error, CM_EINVAL, 0, NULL);
    assert_string_equal(log_error(&error), "error=invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_lines),
        cmocka_unit_test(test_levels_and_journal),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_error_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
