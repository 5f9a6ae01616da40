/* Times as text: both directions, the ends of the calendar, and durations as people type them. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/timefmt.h"

static void test_write(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00Z"},
                {-1, "1969-12-31T23:59:59Z"},
                {951782400, "2000-02-29T00:00:00Z"},
                {253402300799, "9999-12-31T23:59:59Z"},
                {253402300800, "9999-12-31T23:59:59Z"},
                {INT64_MAX, "9999-12-31T23:59:59Z"},
                {-62167219200, "0000-01-01T00:00:00Z"},
                {INT64_MIN, "0000-01-01T00:00:00Z"}};
    (void)state;
    char out[TIMEFMT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        timefmt_seconds(out, rows[i].seconds);
        assert_string_equal(out, rows[i].text);
    }
    timefmt_ms(out, 1700000000123);
    assert_string_equal(out, "2023-11-14T22:13:20.123Z");
    timefmt_ms(out, -1);
    assert_string_equal(out, "1969-12-31T23:59:59.999Z");
    timefmt_ms(out, INT64_MAX);
    assert_string_equal(out, "9999-12-31T23:59:59.000Z");
    timefmt_date(out, 951782400);
    assert_string_equal(out, "2000-02-29");
}

/* Through the calendar in odd steps: text by us, read by us, and equal to the C library's. */
static void test_round_trip(void **state)
{
    (void)state;
    for (int64_t seconds = -62167219200; seconds <= 253402300799; seconds += 86400 * 37 + 12345) {
        char ours[TIMEFMT_SIZE], theirs[64];
        struct tm tm;
        time_t when = (time_t)seconds;
        int64_t ms;
        gmtime_r(&when, &tm);
        timefmt_seconds(ours, seconds);
        size_t pad = tm.tm_year + 1900 < 1000 ? 0 : strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (pad)
            assert_string_equal(ours, theirs);
        assert_int_equal(timefmt_read_ms(ours, &ms), 0);
        assert_true(ms == seconds * 1000);
    }
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"1970-01-01T00:00:00Z", 0},
                {"1970-01-01t01:00:00.5+01:00", 500},
                {"1969-12-31 20:30:00-0330", 0},
                {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second is the next second */
                {"2000-02-29T00:00:00.123456789Z", 951782400123}};
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-11-21",
                                        "2026-11-21T00:00:00",
                                        "2026-13-01T00:00:00Z",
                                        "2026-02-29T00:00:00Z",
                                        "2026-00-10T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:61Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T00:00:00+25:00",
                                        " 2026-01-01T00:00:00Z",
                                        "-026-01-01T00:00:00Z"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        assert_int_equal(timefmt_read_ms(rows[i].text, &ms), 0);
        assert_true(ms == rows[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t ms = 77;
        assert_int_equal(timefmt_read_ms(wrong[i], &ms), CM_EINVAL);
        assert_true(ms == 77);
    }
    for (size_t cut = 0; cut < strlen(rows[0].text); cut++) {
        char *copy = strndup(rows[0].text, cut);
        int64_t ms;
        assert_int_equal(timefmt_read_ms(copy, &ms), CM_EINVAL);
        free(copy);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"30d", 2592000000}, {"12h", 43200000},          {"90m", 5400000}, {"45s", 45000}, {"250ms", 250},
                {"2w", 1209600000},  {"1.5d", 129600000},        {"7", 7000},      {"0", 0},       {"0.25s", 250},
                {"5min", 300000},    {"366000d", 31622400000000}};
    static const char *const wrong[] = {
        "",        "d",           "-1d", "1x",   "1 d", "1.d", ".5d", "99999999999999999999",
        "366001d", "9999999999w", "1e3", "0x10", "1dd", "1d "};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        assert_int_equal(duration_read_ms(rows[i].text, 1000, &ms), 0);
        assert_true(ms == rows[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t ms = 77;
        assert_int_equal(duration_read_ms(wrong[i], 1000, &ms), CM_EINVAL);
        assert_true(ms == 77);
    }
}

static void test_distance(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{5 * 86400, "in 5 days"},
                {5 * 86400 + 86399, "in 5 days"},
                {47 * 60, "in 47 minutes"},
                {-3 * 3600, "expired 3 hours ago"},
                {1, "in 1 second"},
                {0, "in 0 seconds"},
                {-90, "expired 90 seconds ago"},
                {36 * 3600, "in 36 hours"},
                {800 * 86400, "in 2 years"},
                {364 * 86400, "in 364 days"}};
    (void)state;
    char out[TIMEFMT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        timefmt_distance(out, rows[i].seconds);
        assert_string_equal(out, rows[i].text);
    }
    timefmt_distance(out, INT64_MIN);
    assert_true(strlen(out) < TIMEFMT_SIZE);
    timefmt_distance(out, INT64_MAX);
    assert_true(strlen(out) < TIMEFMT_SIZE);
}

static void test_clocks(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ms();
    assert_true(clock_wall_ms() > 1700000000000);
    assert_true(clock_monotonic_ms() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),     cmocka_unit_test(test_round_trip), cmocka_unit_test(test_read),
        cmocka_unit_test(test_durations), cmocka_unit_test(test_distance),   cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
