/* Depth and number of values of JSON texts, whole and broken: what is in strings does not count, whatever is escaped there. */
#include "certmuster/json_bounds.h"

#include <string.h>

#include "tests/unit/lib/cmocka_first.h"

static int of(const char *text, unsigned depth, size_t values)
{
    struct cm_error error;
    return json_bounds(text, strlen(text), depth, values, &error);
}

static void test_depth(void **state)
{
    (void)state;
    assert_int_equal(of("[[[]]]", 3, 10), CM_OK);
    assert_int_equal(of("[[[]]]", 2, 10), CM_ELIMIT);
    assert_int_equal(of("{\"a\":[{}]}", 3, 10), CM_OK);
    assert_int_equal(of("{\"a\":[{}]}", 2, 10), CM_ELIMIT);
    assert_int_equal(of("[][][]{}{}", 1, 10), CM_OK);
    assert_int_equal(of("]]]][[", 2, 10), CM_OK); /* brackets that close nothing buy no depth */
    assert_int_equal(of("]]]][[[", 2, 10), CM_ELIMIT);
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(of("[1,2,3]", 1, 4), CM_OK);
    assert_int_equal(of("[1,2,3,4]", 1, 4), CM_ELIMIT);
    assert_int_equal(of("[{},{}]", 2, 5), CM_OK);
    assert_int_equal(of("[{},{}]", 2, 4), CM_ELIMIT);
    assert_int_equal(of("", 0, 1), CM_OK);
}

static void test_strings(void **state)
{
    (void)state;
    assert_int_equal(of("\"[[[[,,,,\"", 0, 1), CM_OK);
    assert_int_equal(of("\"\\\"[[[[\"", 0, 1), CM_OK);
    assert_int_equal(of("\"\\\\\"[[", 1, 9), CM_ELIMIT); /* the second backslash is itself escaped: the string ends */
    assert_int_equal(of("\"\\\\\\\"[[", 1, 9), CM_OK);
    assert_int_equal(of("\"[[[[,,,,", 0, 1), CM_OK); /* never ends */
    assert_int_equal(of("\"\"[", 0, 9), CM_ELIMIT);
    assert_int_equal(of("\"", 0, 1), CM_OK);
    assert_int_equal(of("\\\"[\"", 0, 9), CM_OK); /* a backslash outside of strings escapes nothing */
}

static void test_where(void **state)
{
    struct cm_error error = {0};
    (void)state;
    assert_int_equal(json_bounds("[[\0[", 4, 2, 9, &error), CM_ELIMIT);
    assert_int_equal(error.offset, 3);
    assert_string_equal(error.reason, "nested too deeply");
    assert_int_equal(json_bounds("[,,,,,", 6, 2, 3, &error), CM_ELIMIT);
    assert_string_equal(error.reason, "too many members and elements");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_depth), cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_strings), cmocka_unit_test(test_where)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
