/* What a run's batch is summed up to: each kind of failure once, words that are none and kinds past the ceiling together, and never a failure lost. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/batch.h"

enum { ARENA = 1 << 20 };

struct fixture {
    struct batch batch;
    struct batch_run run;
    struct buf out;
};

static void begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    buf_init(&fixture->batch.text, ARENA);
    buf_append(&fixture->batch.text, "\\N", 3);
    buf_init(&fixture->out, ARENA);
}

static void end(struct fixture *fixture)
{
    free(fixture->run.results);
    buf_done(&fixture->batch.text);
    buf_done(&fixture->out);
}

static void failed(struct fixture *fixture, const char *result)
{
    text_ref ref = (text_ref)fixture->batch.text.size;
    buf_append(&fixture->batch.text, result, strlen(result) + 1);
    fixture->run.stored_failed++;
    results_count(&fixture->batch, &fixture->run, ref);
}

static const char *text(struct fixture *fixture)
{
    buf_reset(&fixture->out);
    results_write(&fixture->out, &fixture->batch, &fixture->run);
    return fixture->out.data;
}

static void test_sums(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    assert_string_equal("{}", text(&fixture));
    failed(&fixture, "connect:refused");
    failed(&fixture, "connect:timeout");
    failed(&fixture, "connect:refused");
    assert_string_equal("{\"connect:refused\":2,\"connect:timeout\":1}", text(&fixture));
    fixture.run.stored_ok = 7;
    assert_string_equal("{\"ok\":7,\"connect:refused\":2,\"connect:timeout\":1}", text(&fixture));
    end(&fixture);
}

static void test_words(void **state)
{
    static const char *const odd[] = {"connect:\"}",
                                      "connect:\\\\n",
                                      "Connect:refused",
                                      "",
                                      "hello:\xff",
                                      "other:other",
                                      "hello:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    failed(&fixture, "hello:alert");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        failed(&fixture, odd[i]);
    assert_string_equal("{\"hello:alert\":1,\"other:other\":7}", text(&fixture));
    end(&fixture);
}

static void test_ceiling(void **state)
{
    struct fixture fixture;
    (void)state;
    begin(&fixture);
    for (unsigned i = 0; i < BATCH_RESULTS_MAX + 36; i++) {
        char word[16];
        snprintf(word, sizeof word, "hello:e%u", i);
        failed(&fixture, word);
        failed(&fixture, "hello:e0");
    }
    assert_int_equal(BATCH_RESULTS_MAX, fixture.run.result_count);
    assert_non_null(strstr(text(&fixture), "\"hello:e0\":101,"));
    assert_non_null(strstr(text(&fixture), "\"hello:e63\":1,\"other:other\":36}"));
    assert_null(strstr(text(&fixture), "\"hello:e64\""));
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
