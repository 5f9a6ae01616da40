/* Batches read from their lines: what counts, what is rejected with its line, times, framing, and every cut. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ingest/batch.h"
#include "collector/ingest/sieve.h"

#define RUN "01a1fc69-0734-7ba5-aa87-4cfcc9272cca"
#define PLACE                                                                                                          \
    "\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"\"}"
#define HEX "00000000000000000000000000000000000000000000000000000000000000aa"
#define SEEN(type, at)                                                                                                 \
    "{\"v\":1,\"type\":\"" type "\",\"source\":\"scan\",\"at\":\"" at "\",\"scanner\":\"s\",\"run\":\"" RUN "\""       \
    "," PLACE
#define SIGHTING(at) SEEN("sighting", at) ",\"role\":\"server\",\"chain\":[\"" HEX "\"]}\n"
#define FAILURE(at)  SEEN("failure", at) ",\"stage\":\"connect\",\"error\":\"refused\"}\n"
#define AT           "2026-11-21T03:00:00.000Z"

static uint8_t run_id[CM_UUID_SIZE];
static const struct batch_options options = {.scanner = "s", .run = run_id, .now_ms = 1800000000000};

static int read_sifted(const char *body, size_t size, const struct sieve *sieve, struct batch *batch)
{
    struct cm_error error;
    struct batch_options sifted = options;
    sifted.sieve = sieve;
    int code = batch_read(body, size, &sifted, batch, &error);
    if (!code)
        batch_settle(batch);
    return code;
}

static int read_settled(const char *body, size_t size, struct batch *batch)
{
    return read_sifted(body, size, NULL, batch);
}

static void test_counts(void **state)
{
    (void)state;
    static const char body[] =
        SIGHTING(AT) "{\"v\":1,\"type\":\"novelty\"}\n" FAILURE(AT) "{\"v\":1,\"type\":\"sighting\"}\nnot json\n";
    struct batch batch;
    assert_int_equal(read_settled(body, sizeof body - 1, &batch), 0);
    assert_int_equal(batch.lines, 5);
    assert_int_equal(batch.look_count, 2);
    assert_int_equal(batch.skipped, 1);
    assert_int_equal(batch.rejection_count, 2);
    assert_int_equal(batch.rejections[0].line, 4);
    assert_int_equal(batch.rejections[1].line, 5);
    assert_int_equal(batch.run_count, 1);
    struct places places;
    batch_group(&batch, &places);
    assert_int_equal(batch.stored, 2);
    assert_int_equal(batch.runs[0].stored_ok, 1);
    assert_int_equal(batch.runs[0].stored_failed, 1);
    assert_int_equal(places.count, 1); /* seen and failed at one place */
    size_t count;
    uint8_t(*references)[CM_SHA256_SIZE] = batch_references(&batch, &places, &count);
    assert_int_equal(count, 1);
    assert_int_equal(references[0][31], 0xaa);
    free(references);
    places_done(&places);
    batch_done(&batch);
}

/* What the sieve refuses is told with its reason; a chain that needs such a certificate is rejected, and not asked for. */
static void test_refused(void **state)
{
    (void)state;
    static const char body[] = "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"" HEX
                               "\",\"der\":\"MAA=\"}\n" SIGHTING(AT) FAILURE(AT) FAILURE(AT) FAILURE(AT);
    static const char *const reasons[] = {
        "the inventory refuses one or more of 2 records, which were not searched further: 23514: no",
        "a certificate of the chain was rejected",
        "the inventory refuses one or more of 2 records, which were not searched further: 23514: no",
        "the inventory refuses the record: 22008: odd",
    };
    struct sieve_refusal refusals[] = {{.line = 1, .lines = 2, .why = "23514: no"},
                                       {.line = 4, .lines = 1, .why = "22008: odd"}};
    uint8_t fate[] = {SIEVE_REFUSED, SIEVE_TAKEN, SIEVE_REFUSED, SIEVE_REFUSED, SIEVE_TAKEN};
    uint32_t blame[] = {0, 0, 0, 1, 0};
    const struct sieve sieve = {.lines = 5, .fate = fate, .blame = blame, .refusals = refusals, .refusal_count = 2};
    struct batch batch;
    struct places places;
    assert_int_equal(read_sifted(body, sizeof body - 1, &sieve, &batch), 0);
    batch_group(&batch, &places);
    assert_int_equal(batch.stored, 1);
    assert_int_equal(batch.rejection_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(batch.rejections[i].line, i + 1);
        assert_string_equal(batch_text(&batch, batch.rejections[i].reason), reasons[i]);
    }
    places_done(&places);
    batch_done(&batch);
}

/* Nothing is ever in the future: what a clock that runs ahead says is now. */
static void test_times(void **state)
{
    (void)state;
    static const char body[] = SIGHTING("2099-01-01T00:00:00.000Z") SIGHTING(AT);
    struct batch batch;
    assert_int_equal(read_settled(body, sizeof body - 1, &batch), 0);
    assert_int_equal(batch.look_count, 2);
    assert_true(batch.looks[0].last_ms <= options.now_ms);
    assert_true(batch.looks[1].last_ms == 1795230000000);
    batch_done(&batch);
}

static void test_every_cut(void **state)
{
    (void)state;
    static const char body[] = SIGHTING(AT) FAILURE(AT);
    size_t whole_lines = strlen(SIGHTING(AT));
    for (size_t cut = 0; cut < sizeof body - 1; cut++) {
        char *copy = malloc(cut ? cut : 1); /* ends where the bytes end, for AddressSanitizer */
        memcpy(copy, body, cut);
        struct batch batch;
        int code = read_settled(copy, cut, &batch);
        if (!code)
            assert_true(batch.look_count <= (cut >= whole_lines ? 1 : 0));
        batch_done(&batch);
        free(copy);
    }
}

static void test_framing(void **state)
{
    (void)state;
    static const char binary[] = "\x28\xb5\x2f\xfd\0\0\0";
    struct batch batch;
    assert_int_equal(read_settled(binary, sizeof binary - 1, &batch), CM_EMALFORMED);
    batch_done(&batch);
    size_t size = (size_t)(BATCH_LINES_MAX + 1) * 3;
    char *many = malloc(size);
    for (size_t i = 0; i < size; i += 3)
        memcpy(many + i, "{}\n", 3);
    assert_int_equal(read_settled(many, size, &batch), CM_ELIMIT);
    batch_done(&batch);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_refused), cmocka_unit_test(test_times),
        cmocka_unit_test(test_every_cut), cmocka_unit_test(test_framing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
