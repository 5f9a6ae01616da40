/* A shard as a collector orders it: good, truncated at every byte, over every limit, and from a collector that wants more than to be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certmuster/shard.h"
#include "scanner/submit/order.h"

#define LEASE "01930000-0000-7000-8000-00000000000a"

static int read_text(const char *text, const char *kind, struct order *out, struct cm_error *error)
{
    struct buf body;
    buf_init(&body, 32 << 20);
    buf_append_str(&body, text);
    int code = order_read(&body, kind, out, error);
    buf_done(&body);
    return code;
}

static const char good[] =
    "{\"lease\":\"" LEASE
    "\",\"sweep\":\"x\",\"plan\":\"nightly\",\"number\":7,\"kind\":\"scan\",\"realm\":\"default\","
    "\"targets\":[\"192.0.2.0/24:443\",\"www.example.org\"],\"arguments\":[\"--timeout=5\",\"--prove\"],\"rate\":250,"
    "\"seconds\":120.5,\"new\":{\"member\":[]}}";

static void test_good(void **state)
{
    struct order order;
    struct cm_error error;
    (void)state;
    assert_int_equal(0, read_text(good, "scan", &order, &error));
    assert_string_equal(LEASE, order.lease);
    assert_string_equal("nightly", order.plan);
    assert_int_equal(7, order.number);
    assert_int_equal(2, order.target_count);
    assert_string_equal("www.example.org", order.targets[1]);
    assert_int_equal(2, order.argument_count);
    assert_string_equal("--prove", order.arguments[1]);
    assert_int_equal(250, order.rate);
    assert_int_equal(120500, order.lease_ms);
    order_done(&order);
    assert_null(order.targets);
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t size = 0; size + 1 < sizeof good; size++) {
        char text[sizeof good];
        struct order order;
        struct cm_error error;
        memcpy(text, good, size);
        text[size] = 0;
        assert_int_equal(CM_EMALFORMED, read_text(text, "scan", &order, &error));
        order_done(&order);
    }
}

/* An order with one part exchanged. */
static void refused(const char *kind, const char *targets, const char *arguments, const char *seconds, bool has_lease)
{
    char text[2048];
    struct order order;
    struct cm_error error = {0};
    snprintf(
        text, sizeof text,
        "{\"lease\":\"%s\",\"plan\":\"p\",\"number\":0,\"kind\":\"%s\",\"targets\":%s,\"arguments\":%s,\"seconds\":%s}",
        has_lease ? LEASE : "../../etc", kind, targets, arguments, seconds);
    assert_int_equal(CM_EMALFORMED, read_text(text, kind, &order, &error));
    assert_string_equal(has_lease ? LEASE : "", order.lease); /* so that it can be given back */
    order_done(&order);
}

static void test_hostile(void **state)
{
    static const char *const arguments[] = {
        "[\"--to=unix:/tmp/x\"]",
        "[\"-f\"]",
        "[\"--file=/etc/shadow\"]",
        "[\"--config=/tmp/x\"]",
        "[\"--timeout\"]",
        "[\"--timeout=\"]",
        "[\"--timeout=5 6\"]",
        "[\"--timeout=5\\n\"]",
        "[\"--prove=1\"]",
        "[\"--prover\"]",
        "[\"--dns-server=127.1\"]",
        "[\"--run=x\"]",
        "[\"--names=/etc/passwd\"]",
        "[7]",
        "[\"\"]",
        "[\"--max-depth=3\"]",
        "[\"--local\"]",
        "[\"--timeout=$(id)\"]",
        "[\"--timeout=abc\"]",
        "[\"--starttls=foo\"]",
    };
    static const char *const targets[] = {"[]", "{}", "null", "[1]", "[\"\"]", "[\"a\\nb\"]", "[\"a\\rb\"]"};
    (void)state;
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
        refused("scan", "[\"192.0.2.1\"]", arguments[i], "5", true);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        refused("scan", targets[i], "[]", "5", true);
    refused("crawl", "[\"etc\"]", "[]", "5", true);
    refused("crawl", "[\"--passwords=x\"]", "[]", "5", true);
    refused("crawl", "[\"/etc\"]", "[\"--passwords=/x\"]", "5", true);
    refused("crawl", "[\"/etc\"]", "[\"--timeout=5\"]", "5", true);
    refused("scan", "[\"192.0.2.1\"]", "[]", "0", true);
    refused("scan", "[\"192.0.2.1\"]", "[]", "-5", true);
    refused("scan", "[\"192.0.2.1\"]", "[]", "1e300", true);
    refused("scan", "[\"192.0.2.1\"]", "[]", "\"5\"", true);
    refused("scan", "[\"192.0.2.1\"]", "[]", "5", false);
}

/* What was not asked for, and what is no order at all. */
static void test_other(void **state)
{
    static const char *const texts[] = {
        "", "[]", "7", "null", "{}", "{\"lease\":7}", "{\"lease\":\"" LEASE "\",\"lease\":\"" LEASE "\"}", "\xff\xfe"};
    struct order order;
    struct cm_error error;
    (void)state;
    assert_int_equal(CM_EMALFORMED, read_text(good, "crawl", &order, &error));
    order_done(&order);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(CM_EMALFORMED, read_text(texts[i], "scan", &order, &error));
        order_done(&order);
    }
}

static void test_too_many(void **state)
{
    struct order order;
    struct cm_error error;
    struct buf text;
    (void)state;
    for (int what = 0; what < 2; what++) {
        buf_init(&text, 32 << 20);
        buf_append_str(&text, "{\"lease\":\"" LEASE
                              "\",\"plan\":\"p\",\"number\":0,\"kind\":\"scan\",\"seconds\":5,\"targets\":[\"a\"");
        for (int i = 0; what == 0 && i < 100000; i++)
            buf_append_str(&text, ",\"a\"");
        buf_append_str(&text, "],\"arguments\":[\"--prove\"");
        for (int i = 0; what == 1 && i < SHARD_ARGUMENTS_MAX; i++)
            buf_append_str(&text, ",\"--prove\"");
        buf_append_str(&text, "]}");
        assert_int_equal(CM_EMALFORMED, order_read(&text, "scan", &order, &error));
        order_done(&order);
        buf_done(&text);
    }
}

/* Paths are a command line: what is more than that holds is refused, and not tried. */
static void test_too_many_paths(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct order order;
        struct cm_error error;
        struct buf text;
        char path[1024];
        size_t count = SHARD_PATHS_BYTES_MAX / (sizeof path + sizeof(char *));
        memset(path, 'p', sizeof path);
        path[0] = '/';
        path[sizeof path - 1] = 0;
        buf_init(&text, 32 << 20);
        buf_append_str(&text, "{\"lease\":\"" LEASE
                              "\",\"plan\":\"p\",\"number\":0,\"kind\":\"crawl\",\"seconds\":5,\"targets\":[");
        for (size_t i = 0; i < count + (size_t)more; i++)
            buf_appendf(&text, "%s\"%s\"", i ? "," : "", path);
        buf_append_str(&text, "]}");
        assert_int_equal(more ? CM_EMALFORMED : CM_OK, order_read(&text, "crawl", &order, &error));
        order_done(&order);
        buf_done(&text);
    }
}

static void test_requests(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 4096);
    order_write_question(&text, "scan", "probe \"1\"", "dmz\n");
    assert_string_equal("{\"kind\":\"scan\",\"scanner\":\"probe \\\"1\\\"\",\"realm\":\"dmz\\n\"}", text.data);
    buf_reset(&text);
    order_write_report(&text, "p", "done");
    assert_string_equal("{\"state\":\"done\",\"scanner\":\"p\"}", text.data);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_truncated), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_other),    cmocka_unit_test(test_too_many),  cmocka_unit_test(test_too_many_paths),
        cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
