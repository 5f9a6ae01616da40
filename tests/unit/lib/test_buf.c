/* The growable buffer: its maximum holds, failure sticks, the NUL is always there. Error values beside it. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"

static void test_growth_and_text(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    assert_string_equal(buf.data, "");
    buf_append_str(&buf, "a");
    buf_append_char(&buf, '-');
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, INT64_MIN);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, 0);
    buf_appendf(&buf, " %s=%d", "x", 7);
    assert_string_equal(buf.data, "a-18446744073709551615 -9223372036854775808 0 x=7");
    for (unsigned i = 0; i < 1000; i++)
        buf_append(&buf, "0123456789", 10);
    assert_false(buf.failed);
    assert_int_equal(strlen(buf.data), buf.size);
    assert_int_equal(buf_slice(&buf).size, buf.size);
    buf_consume(&buf, buf.size - 3);
    assert_string_equal(buf.data, "789");
    buf_consume(&buf, 100);
    assert_string_equal(buf.data, "");
    buf_done(&buf);
    buf_done(&buf);
}

static void test_maximum(void **state)
{
    (void)state;
    volatile size_t impossible = SIZE_MAX; /* the compiler would see through it */
    struct buf buf;
    buf_init(&buf, 10);
    buf_append_str(&buf, "0123456789");
    assert_false(buf.failed);
    buf_append_char(&buf, 'x');
    assert_true(buf.failed);
    assert_string_equal(buf.data, "0123456789");
    buf_consume(&buf, 5);
    buf_append_str(&buf, "y"); /* there is room now, but a failure sticks */
    assert_string_equal(buf.data, "56789");
    assert_null(buf_extend(&buf, 0));
    buf_reset(&buf);
    buf_appendf(&buf, "%011d", 1);
    assert_true(buf.failed);
    assert_string_equal(buf.data, "");
    buf_reset(&buf);
    buf_append(&buf, "x", impossible);
    assert_true(buf.failed);
    buf_done(&buf);
    buf_init(&buf, 0);
    buf_append(&buf, NULL, 0);
    assert_false(buf.failed);
    buf_append_char(&buf, 'x');
    assert_true(buf.failed);
    buf_done(&buf);
}

static void test_take(void **state)
{
    (void)state;
    struct buf buf;
    size_t size = 99;
    buf_init(&buf, 10);
    char *nothing = buf_take(&buf, &size);
    assert_string_equal(nothing, "");
    assert_int_equal(size, 0);
    free(nothing);
    buf_append_str(&buf, "abc");
    char *text = buf_take(&buf, NULL);
    assert_string_equal(text, "abc");
    assert_string_equal(buf.data, "");
    buf_append_str(&buf, "0123456789");
    assert_false(buf.failed);
    free(text);
    buf_done(&buf);
}

static void test_errors(void **state)
{
    (void)state;
    struct cm_error error;
    char big[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(error_set(NULL, CM_EIO, 1, "reason"), CM_EIO);
    assert_int_equal(error_setf(&error, CM_EIO, 7, "reason", "%s", big), CM_EIO);
    assert_int_equal(error.offset, 7);
    assert_int_equal(strlen(error.detail), CM_ERROR_DETAIL_SIZE - 1);
    assert_int_equal(error_set(&error, CM_ELIMIT, 1, "other"), CM_ELIMIT);
    assert_string_equal(error.detail, "");
    for (int code = 0; code >= CM_EVERSION; code--)
        assert_string_not_equal(error_name(code), "unknown");
    assert_string_equal(error_name(CM_EVERSION - 1), "unknown");
    assert_string_equal(error_name(1), "unknown");
    assert_string_equal(error_name(INT32_MIN), "unknown");
    char *copy = cm_strndup("abcdef", 3);
    assert_string_equal(copy, "abc");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_and_text),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
