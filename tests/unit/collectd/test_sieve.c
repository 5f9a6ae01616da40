/* The search for lines that the inventory refuses, with an inventory that is a function: little is tried, the right lines are rejected, everything
 * else is stored. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/db.h"
#include "collector/ingest/batch.h"
#include "collector/ingest/sieve.h"

enum { LINES = 1000, FULL = 20001, FULL_CERTIFICATES = 10000 };

static struct inventory {
    struct sieve sieve;
    const struct batch *batch;
    bool bad[FULL + 1];
    uint32_t together[2]; /* refused when it is to take both */
    bool
        of_chains; /* line i of the first half is the certificate that line i + half needs: without it nothing is stored, 409 */
    int other;   /* every try fails so */
    bool broken; /* also no line at all is refused */
    unsigned tries, tried, stored;
} inventory;

static int refuse(struct cm_error *error, const char *detail)
{
    error_set(error, CM_EMALFORMED, 0, "the database refused the statement");
    snprintf(error->detail, sizeof error->detail, "%s", detail);
    return CM_EMALFORMED;
}

static bool is_taken(uint32_t line)
{
    const struct sieve_refusal *why;
    return line > 0 && sieve_fate(&inventory.sieve, line, &why) == SIEVE_TAKEN;
}

static int try(void *context, bool for_good, struct cm_error *error)
{
    struct inventory *in = context;
    size_t lines = in->batch->lines;
    unsigned taken = 0;
    bool lacks = false, is_bad = is_taken(in->together[0]) && is_taken(in->together[1]);
    uint32_t bad = in->together[1];
    in->tries++;
    if (in->other)
        return error_set(error, in->other, 0, "away");
    if (in->broken)
        return refuse(error, "23514: always");
    for (uint32_t line = 1; line <= lines; line++) {
        if (!is_taken(line))
            continue;
        taken++;
        lacks = lacks || (in->of_chains && line > FULL_CERTIFICATES && line <= 2 * FULL_CERTIFICATES &&
                          !is_taken(line - FULL_CERTIFICATES));
        if (in->bad[line] && !is_bad) {
            is_bad = true;
            bad = line;
        }
    }
    in->tried += for_good ? 0 : taken;
    if (is_bad && !lacks)
        return refuse(error, bad % 2 ? "22008: odd" : "23514: even");
    assert_false(for_good && lacks);
    in->stored = for_good ? taken : in->stored;
    return for_good ? 0 : SIEVE_PASSED;
}

static int search(struct cm_error *error, const struct batch *batch, int64_t search_ms)
{
    inventory.batch = batch;
    sieve_init(&inventory.sieve, batch);
    if (search_ms >= 0)
        inventory.sieve.search_ms = search_ms;
    *error = (struct cm_error){.code = 0};
    return sieve_store(&inventory.sieve, try, &inventory, error);
}

/* All that is refused is told; everything else is stored. */
static unsigned count_refused(void)
{
    unsigned refused = 0;
    for (uint32_t line = 1; line <= inventory.batch->lines; line++) {
        const struct sieve_refusal *why = NULL;
        enum sieve_fate fate = sieve_fate(&inventory.sieve, line, &why);
        assert_int_equal(fate, why ? SIEVE_REFUSED : SIEVE_TAKEN);
        assert_true(!why || (why->lines > 0 && why->line <= line && why->why[0]));
        refused += why != NULL;
    }
    assert_int_equal(inventory.stored, inventory.batch->lines - refused);
    return refused;
}

static void assert_alone(uint32_t line)
{
    const struct sieve_refusal *why = NULL;
    assert_int_equal(sieve_fate(&inventory.sieve, line, &why), SIEVE_REFUSED);
    assert_int_equal(why->line, line);
    assert_int_equal(why->lines, 1);
    assert_string_equal(why->why, line % 2 ? "22008: odd" : "23514: even");
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
        assert_int_equal(search(&error, &batch, -1), 0);
        assert_int_equal(count_refused(), count);
        assert_true(inventory.tries <= 22 * count + 1);
        for (size_t j = 0; j < count; j++)
            assert_alone(sets[i][j]);
        sieve_done(&inventory.sieve);
    }
}

/* Each line refused but one, more than one search by one would find. */
static void test_nearly_all(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.tries = 0};
    for (uint32_t line = 1; line <= LINES; line++)
        inventory.bad[line] = line != 700;
    assert_int_equal(search(&error, &batch, -1), 0);
    assert_int_equal(count_refused(), LINES - 1);
    assert_int_equal(inventory.stored, 1);
    sieve_done(&inventory.sieve);
}

/* --- A batch of certificates, places with these, and a record that is refused ----------------------------------------------------------- */

static struct batch full;

static int make_full(void **state)
{
    (void)state;
    full = (struct batch){.lines = FULL, .certificate_count = FULL_CERTIFICATES, .look_count = FULL_CERTIFICATES};
    full.certificates = cm_calloc(FULL_CERTIFICATES, sizeof *full.certificates);
    full.looks = cm_calloc(FULL_CERTIFICATES, sizeof *full.looks);
    buf_init(&full.fingerprints, (size_t)FULL_CERTIFICATES * CM_SHA256_SIZE);
    for (uint32_t i = 0; i < FULL_CERTIFICATES; i++) {
        struct batch_certificate *certificate = &full.certificates[i];
        certificate->line = i + 1;
        certificate->sha256[0] = (uint8_t)(i >> 8);
        certificate->sha256[1] = (uint8_t)i;
        buf_append(&full.fingerprints, (const char *)certificate->sha256, CM_SHA256_SIZE);
        full.looks[i] = (struct look){.line = FULL_CERTIFICATES + i + 1, .chain_start = i, .chain_count = 1};
    }
    return 0;
}

static int free_full(void **state)
{
    (void)state;
    batch_done(&full);
    return 0;
}

/* One costs two or three times the batch, wherever it is, and is found however slow the tries are. */
static void test_cost(void **state)
{
    (void)state;
    static const uint32_t places[] = {1,   77, FULL_CERTIFICATES, FULL_CERTIFICATES + 1, 13000, 2 * FULL_CERTIFICATES,
                                      FULL};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (int64_t search_ms = -1; search_ms <= 0; search_ms++) {
            struct cm_error error;
            inventory = (struct inventory){.of_chains = true};
            inventory.bad[places[i]] = true;
            if (places[i] <= FULL_CERTIFICATES) /* its place is not rejected here, but by whoever reads the batch */
                inventory.of_chains = false;
            assert_int_equal(search(&error, &full, search_ms), 0);
            assert_int_equal(count_refused(), 1);
            assert_alone(places[i]);
            assert_in_range(inventory.tried, FULL / 2, 3 * FULL);
            sieve_done(&inventory.sieve);
        }
}

/* Tries that take longer than there is time for: after the work that is granted, pieces that are refused are rejected as they are, nothing else. */
static void test_out_of_time(void **state)
{
    (void)state;
    enum { EVERY = 2500 };
    struct cm_error error;
    inventory = (struct inventory){.of_chains = true};
    for (uint32_t line = FULL_CERTIFICATES + 1; line <= FULL; line += EVERY)
        inventory.bad[line] = true;
    assert_int_equal(search(&error, &full, 0), 0);
    unsigned refused = count_refused();
    assert_in_range(refused, (FULL - FULL_CERTIFICATES) / EVERY + 2, FULL * 3 / 8);
    assert_true(inventory.tried <= (SIEVE_GRANTED + 1) * FULL);
    for (uint32_t line = 1; line <= FULL; line++) {
        const struct sieve_refusal *why = NULL;
        bool has_bad = false;
        if (inventory.bad[line])
            assert_false(is_taken(line));
        if (sieve_fate(&inventory.sieve, line, &why) != SIEVE_REFUSED)
            continue;
        for (size_t i = why->from; i < why->to; i++)
            has_bad = has_bad || inventory.bad[inventory.sieve.order[i]];
        assert_true(has_bad);
    }
    sieve_done(&inventory.sieve);
}

/* Neither is refused by itself. */
static void test_together(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.together = {200, 900}};
    assert_int_equal(search(&error, &batch, -1), 0);
    assert_int_equal(count_refused(), 1);
    assert_alone(900);
    sieve_done(&inventory.sieve);
    inventory = (struct inventory){.together = {12000, 20000}};
    inventory.bad[1] = true; /* of which the search takes part of the work that is granted */
    assert_int_equal(search(&error, &full, 0), 0);
    assert_in_range(count_refused(), 3, FULL / 8);
    assert_alone(1);
    assert_false(is_taken(20000));
    sieve_done(&inventory.sieve);
}

static void test_given_up(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.other = CM_EIO};
    assert_int_equal(search(&error, &batch, -1), CM_EIO);
    assert_int_equal(inventory.tries, 1);
    sieve_done(&inventory.sieve);
    inventory = (struct inventory){.broken = true};
    assert_int_equal(search(&error, &batch, -1), CM_EMALFORMED);
    assert_int_equal(inventory.sieve.refusal_count, 0);
    assert_int_equal(inventory.tries, 1);
    sieve_done(&inventory.sieve);
}

/* Refused when all was stored and then no more: another transaction was in the way. */
static void test_passed_by_then(void **state)
{
    (void)state;
    struct cm_error error;
    const struct batch batch = {.lines = LINES};
    inventory = (struct inventory){.tries = 0};
    assert_int_equal(search(&error, &batch, -1), 0);
    assert_int_equal(inventory.tries, 4);
    assert_int_equal(count_refused(), 0);
    assert_int_equal(inventory.tried, LINES);
    sieve_done(&inventory.sieve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found),         cmocka_unit_test(test_nearly_all),
                                       cmocka_unit_test(test_cost),          cmocka_unit_test(test_out_of_time),
                                       cmocka_unit_test(test_together),      cmocka_unit_test(test_given_up),
                                       cmocka_unit_test(test_passed_by_then)};
    return cmocka_run_group_tests(tests, make_full, free_full);
}
