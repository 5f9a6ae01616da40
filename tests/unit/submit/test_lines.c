/* What submit makes of lines and of answers: bodies, fingerprints, suspicious collectors. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/submit/answer.h"
#include "scanner/submit/lines.h"

#define HEX(n)  "00000000000000000000000000000000000000000000000000000000000000" n
#define CERT(n) "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"" HEX(n) "\",\"der\":\"\"}"

static void test_digests(void **state)
{
    (void)state;
    struct digests digests = {.list = NULL};
    uint8_t sha256[CM_SHA256_SIZE] = {0};
    assert_false(digests_have(&digests, sha256));
    for (unsigned i = 1000; i-- > 0;) {
        sha256[0] = (uint8_t)(i % 7);
        sha256[1] = (uint8_t)(i % 50);
        digests_add(&digests, sha256);
    }
    digests_sort(&digests);
    assert_int_equal(digests.count, 350);
    assert_true(digests_have(&digests, sha256));
    sha256[31] = 1;
    assert_false(digests_have(&digests, sha256));
    digests_done(&digests);
}

static void test_body(void **state)
{
    (void)state;
    static const char *const records[] = {CERT("01"), "{\"v\":1,\"type\":\"run\"}", CERT("02"),
                                          "{\"v\":1,\"type\":\"x\"}"};
    struct lines lines;
    struct buf body;
    struct digests wanted = {.list = NULL};
    size_t *map;
    lines_init(&lines, 1000);
    buf_init(&body, 4000);
    for (size_t i = 0; i < 4; i++)
        assert_true(lines_add(&lines, records[i], strlen(records[i]), i + 10));
    assert_true(lines.list[0].certificate);
    assert_int_equal(lines.list[2].sha256[31], 2);
    assert_false(lines.list[1].certificate);
    assert_int_equal(lines_body(&lines, NULL, &body, &map), 4);
    assert_int_equal(map[0], 1);
    assert_int_equal(map[1], 3);
    assert_int_equal(map[2], 0);
    assert_memory_equal(body.data, "{\"v\":1,\"type\":\"run\"}\n{\"v\":1,\"type\":\"x\"}\n{\"v\":1,\"type\":\"cert",
                        59);
    free(map);
    buf_reset(&body);
    digests_add(&wanted, lines.list[2].sha256);
    digests_sort(&wanted);
    assert_int_equal(lines_body(&lines, &wanted, &body, &map), 3);
    assert_int_equal(map[2], 2);
    assert_null(strstr(body.data, HEX("01")));
    free(map);
    char big[1000];
    memset(big, 'x', sizeof big);
    assert_false(lines_add(&lines, big, sizeof big, 1));
    assert_int_equal(lines.count, 4);
    lines_reset(&lines);
    assert_int_equal(lines.count, 0);
    digests_done(&wanted);
    buf_done(&body);
    lines_done(&lines);
}

static void test_foreign_order(void **state)
{
    (void)state;
    uint8_t sha256[CM_SHA256_SIZE];
    /* Another writer's order and white space; the digest is computed, so that a lie is no certificate. */
    static const char good[] =
        "{ \"der\": \"AAAA\", \"sha256\": \"709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c\", "
        "\"type\": \"certificate\", \"v\": 1 }";
    static const char lie[] =
        "{ \"der\": \"AAAB\", \"sha256\": \"709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c\", "
        "\"type\": \"certificate\", \"v\": 1 }";
    assert_true(lines_certificate(good, sizeof good - 1, sha256));
    assert_int_equal(sha256[0], 0x70);
    assert_false(lines_certificate(lie, sizeof lie - 1, sha256));
    assert_false(lines_certificate("", 0, sha256));
    assert_false(lines_certificate(CERT("0"), 60, sha256)); /* cut inside the digest */
    static const char not_hex[] = "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"" HEX("zz") "\"}";
    assert_false(lines_certificate(not_hex, sizeof not_hex - 1, sha256));
}

static int batch(const char *text, struct answer *out)
{
    struct buf body;
    buf_init(&body, 100000);
    buf_append_str(&body, text);
    int code = answer_read_batch(&body, out, NULL);
    buf_done(&body);
    return code;
}

static void test_answers(void **state)
{
    (void)state;
    struct answer answer;
    assert_int_equal(
        batch(
            "{\"stored\":5,\"rejected\":[{\"line\":3,\"reason\":\"no\"},{\"line\":0},{\"line\":\"x\"},7,{\"line\":9}]}",
            &answer),
        0);
    assert_int_equal(answer.stored, 5);
    assert_int_equal(answer.rejected_count, 2);
    assert_int_equal(answer.rejected[0].line, 3);
    assert_string_equal(answer.rejected[0].reason, "no");
    assert_string_equal(answer.rejected[1].reason, "no reason given");
    answer_done(&answer);
    assert_int_equal(batch("{\"stored\":5}", &answer), 0);
    answer_done(&answer);
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "5",
                                      "{\"stored\":-1}",
                                      "{\"stored\":\"5\"}",
                                      "{\"stored\":5,\"rejected\":{}}",
                                      "<html>",
                                      "{\"stored\":5",
                                      "{\"stored\":5.5}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(batch(bad[i], &answer), CM_EMALFORMED);

    struct buf body;
    struct digests missing;
    char text[64];
    buf_init(&body, 10000);
    buf_append_str(&body, "{\"missing\":[\"" HEX("02") "\",\"" HEX("01") "\",\"" HEX("02") "\"]}");
    assert_int_equal(answer_read_missing(&body, &missing, NULL), 0);
    assert_int_equal(missing.count, 2);
    buf_reset(&body);
    answer_write_question(&missing, &body);
    assert_string_equal(body.data, "{\"sha256\":[\"" HEX("01") "\",\"" HEX("02") "\"]}");
    digests_done(&missing);
    static const char *const wrong[] = {"{\"missing\":[5]}", "{\"missing\":[\"00\"]}", "{\"missing\":7}", "{}", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buf_reset(&body);
        buf_append_str(&body, wrong[i]);
        assert_int_equal(answer_read_missing(&body, &missing, NULL), CM_EMALFORMED);
    }
    buf_reset(&body);
    buf_append_str(&body, "{\"error\":\"too much\"}");
    answer_read_error(&body, 413, text, sizeof text);
    assert_string_equal(text, "413: too much");
    buf_reset(&body);
    buf_append_str(&body, "<html>\r\nvery long");
    answer_read_error(&body, 502, text, sizeof text);
    assert_string_equal(text, "502: <html>");
    answer_read_error(&body, 502, text, 6);
    assert_string_equal(text, "502: ");
    buf_reset(&body);
    answer_read_error(&body, 400, text, sizeof text);
    assert_string_equal(text, "400");
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digests), cmocka_unit_test(test_body),
                                       cmocka_unit_test(test_foreign_order), cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
