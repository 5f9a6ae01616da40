/* What follows a failure, row by row, and where the ladder ends. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/scan/ladder.h"

enum { NO_ALERT = -1 };

static struct ladder_failure alert(int number)
{
    return (struct ladder_failure){.at_hello = true, .error = RECORD_ERROR_ALERT, .alert = number};
}

static struct ladder_failure error(enum record_error error)
{
    return (struct ladder_failure){.at_hello = true, .error = error, .alert = NO_ALERT};
}

/* The hellos that follow a first one when every try fails like this: "wide tls12 plain", by their numbers. */
static void assert_rungs(struct ladder_failure failure, const enum hello_kind *rungs, size_t count)
{
    struct ladder ladder = {.named = true}, next;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ladder_next(&ladder, &failure, false, &next), LADDER_HELLO);
        assert_int_equal(next.hello, rungs[i]);
        assert_int_equal(next.further, ladder.further + 1);
        ladder = next;
    }
    assert_int_equal(ladder_next(&ladder, &failure, true, &next), LADDER_END);
}

static void test_refused_offers(void **state)
{
    static const enum hello_kind rungs[] = {HELLO_WIDE, HELLO_TLS12, HELLO_PLAIN};
    (void)state;
    assert_rungs(alert(40), rungs, 3);
    assert_rungs(alert(71), rungs, 3);
}

static void test_intolerance(void **state)
{
    static const enum hello_kind rungs[] = {HELLO_TLS12, HELLO_PLAIN, HELLO_SSLV2};
    static const int alerts[] = {0, 10, 20, 22, 47, 50, 70, 80, 109, 110};
    (void)state;
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        assert_rungs(alert(alerts[i]), rungs, 3);
    assert_rungs(error(RECORD_ERROR_CLOSED), rungs, 3);
    assert_rungs(error(RECORD_ERROR_RESET), rungs, 3);
    assert_rungs(error(RECORD_ERROR_PROTOCOL), rungs, 3);
}

/* A group of TLS 1.3 that only the server has: it was named, and below 1.3 the server may have a certificate without it. */
static void test_unknown_group(void **state)
{
    struct ladder_failure failure = error(RECORD_ERROR_UNSUPPORTED);
    struct ladder wide = {.hello = HELLO_WIDE, .further = 1}, next;
    (void)state;
    failure.at_hello = false;
    assert_int_equal(ladder_next(&wide, &failure, true, &next), LADDER_HELLO);
    assert_int_equal(next.hello, HELLO_TLS12);
}

static void test_no_reason_to_go_on(void **state)
{
    static const enum record_error errors[] = {RECORD_ERROR_TIMEOUT,   RECORD_ERROR_NOT_TLS,
                                               RECORD_ERROR_REFUSED,   RECORD_ERROR_TOO_LARGE,
                                               RECORD_ERROR_CANCELLED, RECORD_ERROR_NO_CERTIFICATE};
    static const int alerts[] = {42, 45, 48, 86, 90, 100, 113, 116, 255};
    struct ladder first = {0}, next;
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct ladder_failure failure = error(errors[i]);
        assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_END);
    }
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        struct ladder_failure failure = alert(alerts[i]);
        assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_END);
    }
    for (int number = 0; number < 256; number++) { /* after a ServerHello the offer was good enough */
        struct ladder_failure failure = alert(number);
        failure.at_hello = false;
        enum ladder_step step = ladder_next(&first, &failure, false, &next);
        assert_int_equal(step, number == 120 ? LADDER_NO_ALPN : LADDER_END);
    }
    struct ladder_failure late = error(RECORD_ERROR_CLOSED);
    late.at_hello = false;
    assert_int_equal(ladder_next(&first, &late, true, &next), LADDER_END);
}

static void test_names(void **state)
{
    static const int wants[] = {40, 49, 80, 109, 0};
    struct ladder bare = {0}, named = {.named = true}, next;
    struct ladder_failure unrecognized = alert(112), closed = error(RECORD_ERROR_CLOSED);
    (void)state;
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        struct ladder_failure failure = alert(wants[i]);
        assert_true(ladder_wants_name(&bare, &failure));
        assert_false(ladder_wants_name(&named, &failure));
        assert_int_equal(ladder_next(&bare, &failure, true, &next), LADDER_NAME);
        assert_int_equal(next.hello, HELLO_FULL);
        assert_true(next.named && next.names == 1);
    }
    assert_int_equal(ladder_next(&bare, &closed, true, &next), LADDER_NAME);
    assert_int_equal(ladder_next(&bare, &closed, false, &next), LADDER_HELLO);
    /* unrecognized_name: every name that is known, as far as tries go; without one nothing helps */
    assert_int_equal(ladder_next(&named, &unrecognized, false, &next), LADDER_END);
    struct ladder ladder = named;
    for (unsigned tries = 0; tries < LADDER_FURTHER_MAX; tries++) {
        assert_int_equal(ladder_next(&ladder, &unrecognized, true, &next), LADDER_NAME);
        assert_int_equal(next.names, tries + 1);
        ladder = next;
    }
    assert_int_equal(ladder_next(&ladder, &unrecognized, true, &next), LADDER_END);
    /* hellos without a server_name cannot carry one */
    struct ladder plain = {.hello = HELLO_PLAIN};
    assert_false(ladder_wants_name(&plain, &closed));
    /* a name first, then the offer: the name stays */
    struct ladder_failure refused = alert(40);
    assert_int_equal(ladder_next(&bare, &refused, true, &next), LADDER_NAME);
    ladder = next;
    assert_int_equal(ladder_next(&ladder, &refused, true, &next), LADDER_HELLO);
    assert_int_equal(next.hello, HELLO_WIDE);
    assert_true(next.named);
}

static void test_alpn(void **state)
{
    struct ladder first = {0}, next;
    struct ladder_failure failure = alert(120);
    (void)state;
    assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_NO_ALPN);
    assert_true(next.without_alpn);
    first = next;
    assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_END);
}

static void test_sslv2(void **state)
{
    struct ladder first = {0}, next;
    struct ladder_failure failure = error(RECORD_ERROR_NOT_TLS);
    (void)state;
    failure.sslv2 = true;
    assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_HELLO);
    assert_int_equal(next.hello, HELLO_SSLV2);
    first = next;
    assert_int_equal(ladder_next(&first, &failure, true, &next), LADDER_END);
}

/* Whatever fails in whatever order: never more than three further tries, and *next is untouched at the end. */
static void test_bounded(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int run = 0; run < 20000; run++) {
        struct ladder ladder = {.named = rand_r(&seed) & 1}, next;
        unsigned further = 0;
        for (;;) {
            struct ladder_failure failure = {.at_hello = rand_r(&seed) % 8 != 0,
                                             .error = (enum record_error)(rand_r(&seed) % RECORD_ERROR_COUNT_),
                                             .alert = rand_r(&seed) % 257 - 1,
                                             .sslv2 = rand_r(&seed) % 16 == 0};
            if (rand_r(&seed) & 1)
                failure.error = RECORD_ERROR_ALERT;
            memset(&next, 0xa5, sizeof next);
            if (ladder_next(&ladder, &failure, rand_r(&seed) & 1, &next) == LADDER_END) {
                assert_int_equal(next.hello, 0xa5);
                break;
            }
            assert_true(next.hello < HELLO_KIND_COUNT);
            ladder = next;
            assert_true(++further <= LADDER_FURTHER_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_offers), cmocka_unit_test(test_intolerance),
        cmocka_unit_test(test_unknown_group),  cmocka_unit_test(test_no_reason_to_go_on),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_sslv2),          cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
