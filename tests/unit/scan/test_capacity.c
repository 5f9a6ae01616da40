/* How many may start: the rate over time, backing off after a shortage, and what errors of the system mean. */
#include "tests/unit/lib/cmocka_first.h"

#include <errno.h>
#include <sys/resource.h>

#include "scanner/scan/capacity.h"
#include "scanner/scan/connect.h"
#include "scanner/scan/resolve.h"

#include <ares.h>

/* Starts whatever may start for ten seconds of a made-up clock. */
static unsigned starts_in_ten_seconds(double rate, int64_t step_ms)
{
    struct capacity capacity;
    unsigned started = 0;
    capacity_init(&capacity, 1000000, rate, 0);
    capacity.allowed = capacity.ceiling = 1000000;
    for (int64_t now = 0; now < 10000; now += step_ms) {
        while (capacity_room(&capacity, 0, now) > 0) {
            capacity_started(&capacity);
            started++;
        }
        int64_t wait = capacity_wait_ms(&capacity, now);
        assert_true(wait > 0 && wait <= (int64_t)(1000 / rate) + 1);
    }
    return started;
}

static void test_rate(void **state)
{
    (void)state;
    assert_in_range(starts_in_ten_seconds(10, 1), 98, 102);
    assert_in_range(starts_in_ten_seconds(1000, 1), 9900, 10100);
    assert_in_range(starts_in_ten_seconds(1000, 20), 9700, 10100);
    assert_in_range(starts_in_ten_seconds(0.5, 1), 5, 6);
}

static void test_no_rate(void **state)
{
    (void)state;
    struct capacity capacity;
    capacity_init(&capacity, 100, 0, 0);
    assert_int_equal(capacity_room(&capacity, 0, 0), 100);
    assert_int_equal(capacity_room(&capacity, 60, 0), 40);
    assert_int_equal(capacity_room(&capacity, 100, 0), 0);
    assert_int_equal(capacity_wait_ms(&capacity, 0), -1);
}

static void test_shortage(void **state)
{
    (void)state;
    struct capacity capacity;
    capacity_init(&capacity, 100, 0, 0);
    capacity_shortage(&capacity, EMFILE, 40, 0);
    assert_int_equal(capacity_room(&capacity, 10, 0), 0); /* a pause first */
    assert_true(capacity_is_short(&capacity, 0));
    int64_t wait = capacity_wait_ms(&capacity, 0);
    assert_in_range(wait, 1, 1000);
    assert_int_equal(capacity_room(&capacity, 10, wait), 30);
    unsigned last = 30;
    for (int64_t now = wait; now < 60000; now += 100) { /* then it grows back, and never shrinks on its way */
        unsigned room = capacity_room(&capacity, 10, now);
        assert_true(room >= last);
        last = room;
    }
    assert_int_equal(last, 90);
    assert_false(capacity_is_short(&capacity, 60000));
    capacity_shortage(&capacity, EMFILE, 0, 60000); /* nothing under way: one at a time still goes */
    assert_int_equal(capacity_room(&capacity, 0, 60200), 1);
    capacity.allowed = 100;
    capacity_shortage(&capacity, EADDRNOTAVAIL, 40, 70000); /* of one destination: others need not wait */
    assert_int_equal(capacity_room(&capacity, 40, 70000), 60);
    assert_int_equal(capacity_room(&capacity, 40, 70200), 60);
}

static void test_descriptors(void **state)
{
    (void)state;
    struct rlimit before, low;
    struct capacity capacity;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    capacity_init(&capacity, 200, 0, 0); /* the soft limit is raised towards the hard one, no further than needed */
    assert_int_equal(capacity.ceiling, 200);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_in_range(low.rlim_cur, 224, 300);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void test_meanings(void **state)
{
    static const struct {
        int trouble;
        enum record_error error;
        bool shortage;
    } rows[] = {
        {ECONNREFUSED, RECORD_ERROR_REFUSED, false},
        {ETIMEDOUT, RECORD_ERROR_TIMEOUT, false},
        {EHOSTUNREACH, RECORD_ERROR_UNREACHABLE, false},
        {ENETUNREACH, RECORD_ERROR_UNREACHABLE, false},
        {EACCES, RECORD_ERROR_UNREACHABLE, false},
        {ECONNRESET, RECORD_ERROR_RESET, false},
        {EMFILE, RECORD_ERROR_LOCAL, true},
        {ENFILE, RECORD_ERROR_LOCAL, true},
        {ENOBUFS, RECORD_ERROR_LOCAL, true},
        {ENOMEM, RECORD_ERROR_LOCAL, true},
        {EADDRNOTAVAIL, RECORD_ERROR_LOCAL, true},
        {EPERM, RECORD_ERROR_LOCAL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(connect_error_of(rows[i].trouble), rows[i].error);
        assert_int_equal(connect_is_shortage(rows[i].trouble), rows[i].shortage);
    }
    assert_null(connect_detail_of(ECONNREFUSED)); /* the error's name says it */
    assert_string_equal(connect_detail_of(EHOSTUNREACH), "No route to host");
}

static void test_dns_meanings(void **state)
{
    static const struct {
        int status;
        enum record_error error;
    } rows[] = {
        {ARES_SUCCESS, RECORD_ERROR_NONE},
        {ARES_ENOTFOUND, RECORD_ERROR_NXDOMAIN},
        {ARES_ENODATA, RECORD_ERROR_NO_ADDRESS},
        {ARES_ESERVFAIL, RECORD_ERROR_DNS_FAILURE},
        {ARES_EREFUSED, RECORD_ERROR_DNS_FAILURE},
        {ARES_EBADRESP, RECORD_ERROR_DNS_FAILURE},
        {ARES_ECONNREFUSED, RECORD_ERROR_DNS_FAILURE},
        {ARES_ETIMEOUT, RECORD_ERROR_TIMEOUT},
        {ARES_ECANCELLED, RECORD_ERROR_CANCELLED},
        {ARES_ENOMEM, RECORD_ERROR_LOCAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(resolve_error_of(rows[i].status), rows[i].error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),        cmocka_unit_test(test_no_rate),  cmocka_unit_test(test_shortage),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_meanings), cmocka_unit_test(test_dns_meanings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
