/* The search for lines that the inventory refuses, with an inventory that is a function: few tries, the right lines, everything else stored. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/db.h"
#include "collector/ingest/batch.h"
#include "collector/ingest/sieve.h"

enum { LINES = 1000 };

static struct inventory {
    struct sieve sieve;
    bool bad[LINES + 1];
    uint32_t needs, needed; /* the one is stored with the other only, else nothing is: 409 */
    int other;              /* every try fails so */
    bool broken;            /* also no line at all is refused */
    unsigned tries, stored;
} inventory;

static int refuse(struct cm_error *error, const char *detail)
{
    error_set(error, CM_EMALFORMED, 0, "the database refused the statement");
    snprintf(error->detail, sizeof error->detail, "%s", detail);
    return CM_EMALFORMED;
}

static int try(void *context, bool for_good, struct cm_error *error)
{
    struct inventory *in = context;
    const char *why;
    unsigned taken = 0;
    in->tries++;
    if (in->other)
        return error_set(error, in->other, 0, "away");
    if (in->broken)
        return refuse(error, "23514: always");
    bool lacks = in->needs && sieve_fate(&in->sieve, in->needs, &why) == SIEVE_TAKEN &&
                 sieve_fate(&in->sieve, in->needed, &why) != SIEVE_TAKEN;
    for (uint32_t line = 1; line <= LINES && !lacks; line++) {
        if (sieve_fate(&in->sieve, line, &why) != SIEVE_TAKEN)
            continue;
        taken++;
        if (in->bad[line])
            return refuse(error, line % 2 ? "22008: odd" : "23514: even");
    }
    in->stored = for_good ? taken : in->stored;
    return for_good ? 0 : SIEVE_PASSED;
}

static int search(struct cm_error *error, const struct batch *batch)
{
    sieve_init(&inventory.sieve, batch);
    *error = (struct cm_error){.code = 0};
    return sieve_store(&inventory.sieve, try, &inventory, error);
}

static void test_found(void **state)
{
    (void)state;
    static const uint32_t sets[][4] = {{1}, {LINES}, {500, 501}, {1, 2, 999, LINES}, {77, 3, 900}};
    const struct batch batch = {.lines = LINES};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct cm_error error;
        size_t count = 0;
        inventory = (struct inventory){.tries = 0};
        for (; count < 4 && sets[i][count]; count++)
            inventory.bad[sets[i][count]] = true;
        assert_int_equal(search(&error, &batch), 0);
        assert_int_equal(inventory.sieve.refused_count, count);
        assert_int_equal(inventory.stored, LINES - count);
        assert_true(inventory.tries <= 12 * count + 1);
        for (size_t j = 0; j < count; j++) {
            const char *why = NULL;
            assert_int_equal(sieve_fate(&inventory.sieve, sets[i][j], &why), SIEVE_REFUSED);
            assert_string_equal(why, sets[i][j] % 2 ? "22008: odd" : "23514: even");
        }
        sieve_done(&inventory.sieve);
    }
}

/* What others need is in every beginning before them, wherever it stands. */
static void test_needed(void **state)
{
    (void)state;
    struct cm_error error;
    struct batch_certificate certificate = {.line = LINES};
    const struct batch batch = {.lines = LINES, .certificates = &certificate, .certificate_count = 1};
    inventory = (struct inventory){.needs = 1, .needed = LINES};
    inventory.bad[300] = true;
    assert_int_equal(search(&error, &batch), 0);
    const char *why;
    assert_int_equal(sieve_fate(&inventory.sieve, 300, &why), SIEVE_REFUSED);
    assert_int_equal(inventory.stored, LINES - 1);
    sieve_done(&inventory.sieve);
}

static void test_given_up(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.tries = 0};
    for (uint32_t line = 1; line <= SIEVE_REFUSED_MAX + 1; line++)
        inventory.bad[line] = true;
    assert_int_equal(search(&error, &batch), CM_ELIMIT);
    assert_int_equal(inventory.sieve.refused_count, SIEVE_REFUSED_MAX);
    assert_int_equal(inventory.stored, 0);
    sieve_done(&inventory.sieve);
    inventory = (struct inventory){.other = CM_EIO};
    assert_int_equal(search(&error, &batch), CM_EIO);
    assert_int_equal(inventory.tries, 1);
    sieve_done(&inventory.sieve);
    inventory = (struct inventory){.broken = true};
    assert_int_equal(search(&error, &batch), CM_EMALFORMED);
    assert_int_equal(inventory.sieve.refused_count, 0);
    assert_int_equal(inventory.tries, 2);
    sieve_done(&inventory.sieve);
}

/* Refused when all was stored and then no more: another transaction was in the way. */
static void test_passed_by_then(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.tries = 0};
    assert_int_equal(search(&error, &batch), 0);
    assert_int_equal(inventory.tries, 1);
    assert_int_equal(inventory.sieve.refused_count, 0);
    assert_int_equal(inventory.stored, LINES);
    sieve_done(&inventory.sieve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found), cmocka_unit_test(test_needed),
                                       cmocka_unit_test(test_given_up), cmocka_unit_test(test_passed_by_then)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
