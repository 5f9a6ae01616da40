/* What the reader of records refuses, and with what reason: every cut, wrong type, non-canonical form, and what is too much. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/record_read.h"

#define RUN "01900000-0000-7000-8000-000000000001"
#define PLACE                                                                                                          \
    "\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"a."        \
    "example\"}"
#define SEEN "\"source\":\"scan\",\"at\":\"2026-11-21T03:00:00.000Z\","
#define HASH "\"00000000000000000000000000000000000000000000000000000000000000aa\""
#define HEAD "{\"v\":1,\"type\":\"sighting\"," SEEN
#define TAIL "\"role\":\"server\",\"chain\":[" HASH "]}"

static void test_cut(void **state)
{
    (void)state;
    static const char line[] = HEAD PLACE "," TAIL;
    struct record record;
    assert_int_equal(record_read(line, sizeof line - 1, &record, NULL), 0);
    record_done(&record);
    for (size_t size = 0; size < sizeof line - 1; size++) {
        char *copy = malloc(size ? size : 1); /* of exactly that size, so that a read past it is seen */
        memcpy(copy, line, size);
        assert_int_equal(record_read(copy, size, &record, NULL), CM_EMALFORMED);
        assert_null(record.json);
        free(copy);
    }
}

static const struct {
    const char *line;
    int code;
    const char *reason; /* part of it */
} bad[] = {
#define COVERED(covered, reason)                                                                                       \
    {                                                                                                                  \
        "{\"v\":1,\"type\":\"run\",\"run\":\"" RUN                                                                     \
        "\",\"source\":\"crawl\",\"state\":\"finished\",\"at\":\"2026-11-21T03:00:00Z\",\"covered\":" covered "}",     \
            CM_EMALFORMED, reason                                                                                      \
    }
    {"", CM_EMALFORMED, "JSON"},
    {"[]", CM_EMALFORMED, "object"},
    {"7", CM_EMALFORMED, "JSON"},
    {"null", CM_EMALFORMED, ""},
    {"{}", CM_EMALFORMED, "missing"},
    {"{\"v\":1}", CM_EMALFORMED, "missing"},
    {"{\"v\":2,\"type\":\"sighting\"}", CM_EUNSUPPORTED, "version"},
    {"{\"v\":\"1\",\"type\":\"sighting\"}", CM_EMALFORMED, "whole number"},
    {"{\"v\":1,\"type\":5}", CM_EMALFORMED, "text"},
    {"{\"v\":1,\"v\":1,\"type\":\"x\"}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\"} {}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\\u0000y\"}", CM_EMALFORMED, "NUL"},
    {HEAD PLACE ",\"tls\":{\"version\":\"TLSv1.3\",\"x\":\"\\\\\\u0000\"}," TAIL, CM_EMALFORMED, "NUL"},
    {"{\"v\":1,\"type\":\"x\",\"s\":\"\\ud800\"}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\",\"s\":\"\xC0\x80\"}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\",\"s\":1e999}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\",\"s\":99999999999999999999}", CM_EMALFORMED, "JSON"},
    {"{\"v\":1,\"type\":\"x\",\"a\":[[[[[[[[]]]]]]]]}", CM_ELIMIT, "deep"},
    {HEAD TAIL, CM_EMALFORMED, "exactly one"},
    {HEAD PLACE ",\"file\":{\"realm\":\"r\",\"host\":\"h\",\"path\":\"/x\"}," TAIL, CM_EMALFORMED, "exactly one"},
    {HEAD "\"endpoint\":[]," TAIL, CM_EMALFORMED, "object"},
    {HEAD "\"endpoint\":{}," TAIL, CM_EMALFORMED, "missing"},
    {HEAD "\"endpoint\":{\"realm\":\"\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "empty"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"sctp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "word"},
    {HEAD
     "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":65536,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "range"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":-1,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "range"},
    {HEAD
     "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443.0,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "whole"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.01\",\"port\":443,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "canonical"},
    {HEAD
     "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"2001:DB8::1\",\"port\":443,\"name\":\"\"}," TAIL,
     CM_EMALFORMED, "canonical"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"::ffff:192.0.2.1\",\"port\":443,\"name\":\"\"}"
          "," TAIL,
     CM_EMALFORMED, "canonical"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"\",\"port\":443,\"name\":\"x\"}," TAIL,
     CM_EMALFORMED, "canonical"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"port\":443,\"name\":\"\"}," TAIL, CM_EMALFORMED,
     "without address"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"A."
          "example\"}," TAIL,
     CM_EMALFORMED, "lower-case"},
    {HEAD "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"a.example."
          "\"}," TAIL,
     CM_EMALFORMED, "final dot"},
    {HEAD
     "\"endpoint\":{\"realm\":\"r\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"a b\"}," TAIL,
     CM_EMALFORMED, "A-labels"},
    {HEAD "\"file\":{\"realm\":\"r\",\"host\":\"h\",\"path\":\"relative\"}," TAIL, CM_EMALFORMED, "absolute"},
    {HEAD "\"file\":{\"realm\":\"r\",\"host\":\"h\",\"path\":\"/x\",\"uid\":4294967296}," TAIL, CM_EMALFORMED, "range"},
    {HEAD "\"file\":{\"realm\":\"r\",\"host\":\"h\",\"path\":\"/x\",\"mtime\":\"yesterday\"}," TAIL, CM_EMALFORMED,
     "time"},
    {HEAD PLACE ",\"role\":\"king\",\"chain\":[" HASH "]}", CM_EMALFORMED, "word"},
    {HEAD PLACE ",\"role\":\"client\",\"chain\":[" HASH "]}", CM_EMALFORMED, "missing"},
    {HEAD PLACE ",\"role\":\"server\",\"chain\":[]}", CM_EMALFORMED, "1 to 100"},
    {HEAD PLACE ",\"role\":\"server\",\"chain\":[\"00\"]}", CM_EMALFORMED, "SHA-256"},
    {HEAD PLACE ",\"role\":\"server\",\"chain\":[null]}", CM_EMALFORMED, "SHA-256"},
    {HEAD PLACE
     ",\"role\":\"server\",\"chain\":[\"00000000000000000000000000000000000000000000000000000000000000AA\"]}",
     CM_EMALFORMED, "lower-case"},
    {HEAD PLACE ",\"run\":\"01900000-0000-7000-8000-00000000000G\"," TAIL, CM_EMALFORMED, "UUID"},
    {HEAD PLACE ",\"run\":\"01900000-0000-7000-8000-00000000000A\"," TAIL, CM_EMALFORMED, "UUID"},
    {HEAD PLACE ",\"since\":\"2026-11-21T03:00:00.001Z\"," TAIL, CM_EMALFORMED, "since"},
    {HEAD PLACE ",\"count\":0," TAIL, CM_EMALFORMED, "range"},
    {HEAD PLACE ",\"tls\":\"1.3\"," TAIL, CM_EMALFORMED, "object"},
    {HEAD PLACE ",\"tls\":{\"version\":\"TLSv1.4\"}," TAIL, CM_EMALFORMED, "word"},
    {HEAD PLACE ",\"tls\":{\"cipher\":\"\"}," TAIL, CM_EMALFORMED, "empty"},
    {HEAD PLACE ",\"tls\":{\"client_auth\":1}," TAIL, CM_EMALFORMED, "neither"},
    {HEAD PLACE ",\"tls\":{\"client_ca\":\"CN=a\"}," TAIL, CM_EMALFORMED, "list"},
    {HEAD PLACE ",\"tls\":{\"client_ca\":[\"CN=a\",1]}," TAIL, CM_EMALFORMED, "text"},
    {HEAD PLACE ",\"tls\":{\"staple\":\"good\"}," TAIL, CM_EMALFORMED, "object"},
    {HEAD PLACE ",\"tls\":{\"staple\":{}}," TAIL, CM_EMALFORMED, "missing"},
    {HEAD PLACE ",\"tls\":{\"staple\":{\"status\":\"good\",\"next_update\":\"soon\"}}," TAIL, CM_EMALFORMED, "time"},
    {HEAD PLACE ",\"tls\":{\"scts\":[]}," TAIL, CM_EMALFORMED, "whole"},
    {HEAD PLACE ",\"tls\":{\"scts\":-1}," TAIL, CM_EMALFORMED, "range"},
    {HEAD PLACE ",\"tls\":{\"ja3s\":\"0123456789ABCDEF0123456789ABCDEF\"}," TAIL, CM_EMALFORMED, "hex"},
    {HEAD PLACE ",\"tls\":{\"ja3s\":\"01\"}," TAIL, CM_EMALFORMED, "hex"},
    {HEAD PLACE ",\"tls\":{\"proof\":\"perhaps\"}," TAIL, CM_EMALFORMED, "word"},
    {HEAD PLACE ",\"attempts\":{}," TAIL, CM_EMALFORMED, "list"},
    {"{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"1969-12-31T23:59:59Z\"," PLACE "," TAIL,
     CM_EMALFORMED, "1970"},
    {"{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":5," PLACE "," TAIL, CM_EMALFORMED, "text"},
    {"{\"v\":1,\"type\":\"failure\"," SEEN PLACE ",\"stage\":\"hello\",\"error\":\"none\"}", CM_EMALFORMED, "schema"},
    {"{\"v\":1,\"type\":\"failure\"," SEEN PLACE ",\"stage\":\"hello\",\"error\":\"sadness\"}", CM_EMALFORMED,
     "schema"},
    {"{\"v\":1,\"type\":\"failure\"," SEEN PLACE ",\"stage\":\"party\",\"error\":\"reset\"}", CM_EMALFORMED, "schema"},
    {"{\"v\":1,\"type\":\"key\"," SEEN PLACE ",\"kind\":\"pkcs8\",\"encrypted\":true}", CM_EMALFORMED, "exactly one"},
    {"{\"v\":1,\"type\":\"endpoint\"," SEEN "\"file\":{\"realm\":\"r\",\"host\":\"h\",\"path\":\"/x\"}}", CM_EMALFORMED,
     "exactly one"},
    {"{\"v\":1,\"type\":\"run\",\"run\":\"" RUN
     "\",\"source\":\"scan\",\"state\":\"dead\",\"at\":\"2026-11-21T03:00:00Z\"}",
     CM_EMALFORMED, "schema"},
    {"{\"v\":1,\"type\":\"run\",\"run\":\"" RUN
     "\",\"source\":\"scan\",\"state\":\"finished\",\"at\":\"2026-11-21T03:00:00Z\",\"ok\":-1}",
     CM_EMALFORMED, "range"},
    {"{\"v\":1,\"type\":\"stats\",\"run\":\"" RUN "\",\"at\":\"2026-11-21T03:00:00Z\"}", CM_EMALFORMED, "missing"},
    COVERED("7", "not an object"),
    COVERED("{}", "missing"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0}", "not a list"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0,\"roots\":[\"etc\"]}", "not an absolute path"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0,\"roots\":[7]}", "not an absolute path"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0,\"roots\":[\"/\\u0000\"]}", "not an absolute path"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0,\"roots\":[],\"except\":\"/\"}", "not a list"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":0,\"roots\":[],\"mounts\":[\"mnt\"]}", "not an absolute path"),
    COVERED("{\"realm\":\"r\",\"host\":\"h\",\"assets\":-1,\"roots\":[]}", "range"),
    {"{\"v\":1,\"type\":\"certificate\",\"sha256\":" HASH "}", CM_EMALFORMED, "missing"},
    {"{\"v\":1,\"type\":\"certificate\",\"sha256\":" HASH ",\"der\":\"\"}", CM_EMALFORMED, "base64"},
    {"{\"v\":1,\"type\":\"certificate\",\"sha256\":" HASH ",\"der\":\"AA=\"}", CM_EMALFORMED, "base64"},
    {"{\"v\":1,\"type\":\"certificate\",\"sha256\":" HASH ",\"der\":\"AAAA\"}", CM_EMALFORMED, "fingerprint"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct record record;
        struct cm_error error = {.reason = ""};
        int code = record_read(bad[i].line, strlen(bad[i].line), &record, &error);
        if (code != bad[i].code || !strstr(error.reason, bad[i].reason))
            fail_msg("%s: got %d, '%s' (%s)", bad[i].line, code, error.reason, error.detail);
        assert_null(record.json);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct record record;
    struct cm_error error;
    struct buf line;
    buf_init(&line, 2 * CM_LIMIT_RECORD_BYTES);
    buf_append_str(&line, HEAD PLACE ",\"role\":\"server\",\"chain\":[");
    for (unsigned i = 0; i < 101; i++)
        buf_append_str(&line, i ? "," HASH : HASH);
    buf_append_str(&line, "]}");
    assert_int_equal(record_read(line.data, line.size, &record, &error), CM_EMALFORMED);
    buf_reset(&line);
    buf_append_str(&line, "{\"v\":1,\"type\":\"certificate\",\"sha256\":" HASH ",\"der\":\"");
    while (line.size < 500000)
        buf_append_str(&line, "AAAA");
    buf_append_str(&line, "\"}");
    assert_int_equal(record_read(line.data, line.size, &record, &error), CM_ELIMIT);
    while (line.size <= CM_LIMIT_RECORD_BYTES)
        buf_append_char(&line, ' ');
    assert_int_equal(record_read(line.data, line.size, &record, &error), CM_ELIMIT);
    /* Brackets inside of strings are no nesting; unknown types and members are no error. */
    static const char fine[] = "{\"v\":1,\"type\":\"unheard_of\",\"x\":\"[[[[[[[[[[[[\\\"{{{{\",\"y\":[[[[[[[]]]]]]]}";
    assert_int_equal(record_read(fine, sizeof fine - 1, &record, &error), 0);
    assert_int_equal(record.type, RECORD_UNKNOWN);
    record_done(&record);
    record_done(&record);
    buf_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut), cmocka_unit_test(test_bad),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
