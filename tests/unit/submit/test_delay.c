/* The pause before the next try: it grows up to what is allowed, lies between half and all of it, and differs from scanner to scanner. */
#include "tests/unit/lib/cmocka_first.h"

#include "scanner/submit/deliver.h"

enum { FIRST_MS = 250, DRAWS = 400, PARTS = 8 };

/* The pause that all of `attempt` is. */
static int64_t whole_ms(unsigned attempt, int64_t most_ms)
{
    int64_t pause = FIRST_MS;
    while (attempt-- && pause < most_ms)
        pause *= 2;
    return pause < most_ms ? pause : most_ms;
}

/* Each part between half and all of the pause is met by a fleet: at least a quarter as often as it would be if all were met alike. */
static void spread(unsigned attempt, int64_t most_ms)
{
    unsigned met[PARTS] = {0};
    int64_t all = whole_ms(attempt, most_ms), half = all / 2;
    for (unsigned scanner = 0; scanner < DRAWS; scanner++) {
        struct delivery delivery = {.jitter = scanner * 2654435761u};
        int64_t pause = deliver_delay_ms(&delivery, attempt, most_ms);
        assert_in_range(pause, half, all);
        int64_t part = (pause - half) * PARTS / (all - half + 1);
        met[part]++;
    }
    for (unsigned part = 0; part < PARTS; part++)
        assert_true(met[part] >= DRAWS / PARTS / 4);
}

static void test_spread(void **state)
{
    (void)state;
    for (unsigned attempt = 0; attempt < 20; attempt++)
        spread(attempt, 15000);
    spread(16, 3600 * 1000); /* as long as a collector may ask for */
    spread(100, 1000);
}

static void test_growth(void **state)
{
    struct delivery delivery = {.jitter = 1};
    (void)state;
    for (unsigned attempt = 0; attempt + 2 < 6;
         attempt++) /* what is least of one is no less than what is most of two before it */
        for (unsigned draw = 0; draw < DRAWS; draw++)
            assert_true(deliver_delay_ms(&delivery, attempt + 2, 15000) >=
                        2 * deliver_delay_ms(&delivery, attempt, 15000));
    for (unsigned attempt = 6; attempt < 200; attempt++)
        assert_in_range(deliver_delay_ms(&delivery, attempt, 15000), 7500, 15000);
    assert_in_range(deliver_delay_ms(&delivery, UINT32_MAX, 15000), 7500, 15000);
}

/* One scanner's pauses differ as well. */
static void test_sequence(void **state)
{
    struct delivery delivery = {.jitter = 7};
    unsigned same = 0;
    int64_t before = 0;
    (void)state;
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        int64_t pause = deliver_delay_ms(&delivery, 20, 15000);
        same += pause == before;
        before = pause;
    }
    assert_true(same < DRAWS / 20);
}

static void test_small(void **state)
{
    struct delivery delivery = {.jitter = 7};
    (void)state;
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        assert_in_range(deliver_delay_ms(&delivery, 3, 1), 0, 1);
        assert_int_equal(0, deliver_delay_ms(&delivery, 3, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
