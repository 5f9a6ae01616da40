/* Lines that repeat: skimmed where they may be, and never taken for something that record_read would not have read. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/collectd/batch_compare.h"

#define A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define RUN                                                                                                            \
    "\"scanner\":\"probe-1\",\"run\":\"01a1fe46-88b0-7bce-8c22-b6a5ba324746\",\"endpoint\":{\"realm\":\"default\",\""  \
    "transport\":\"tcp\","
#define TLS "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\",\"scts\":0}"
#define SEEN(at, where, chain, rest)                                                                                   \
    "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"" at "\"," RUN where                                  \
    "},\"role\":\"server\",\"chain\":[" chain "]," TLS rest "}\n"
#define FAILED(at, where, rest)                                                                                        \
    "{\"v\":1,\"type\":\"failure\",\"source\":\"scan\",\"at\":\"" at "\"," RUN where                                   \
    "},\"stage\":\"connect\",\"error\":" rest "}\n"
#define FIRST "2026-11-21T03:00:00.000Z"
#define LATER "2026-11-21T03:00:01.999Z"
#define WHERE "\"ip\":\"192.0.2.7\",\"port\":443,\"name\":\"www.example.org\""
#define MS    ",\"ms\":{\"connect\":1,\"handshake\":20}"

/* How many lines were skimmed: those that brought no saying of their own. */
static size_t skimmed(const char *body)
{
    struct batch batch;
    assert_int_equal(compare_read(body, strlen(body), false, &batch), 0);
    assert_int_equal(batch.rejection_count, 0);
    size_t count = batch.look_count - batch.saying_count;
    batch_done(&batch);
    return count;
}

static void agree(const char *body, size_t size)
{
    struct batch one, two;
    int codes[] = {compare_read(body, size, false, &one), compare_read(body, size, true, &two)};
    if (codes[0] != codes[1] || !same_batch(&one, &two)) {
        print_error("%.*s", (int)size, body);
        fail();
    }
    for (size_t i = 0; codes[0] == 0 && i < one.look_count; i++)
        assert_int_equal(batch_unfold(&one, &one.looks[i], NULL), 0);
    batch_done(&one);
    batch_done(&two);
}

static void test_what_is_skimmed(void **state)
{
    static const struct {
        const char *body;
        size_t count;
    } cases[] = {
        {SEEN(FIRST, WHERE, "\"" A "\"", MS)
             SEEN(LATER, WHERE, "\"" B "\",\"" A "\"", ",\"ms\":{\"connect\":9,\"handshake\":0}"),
         1},
        {SEEN(FIRST, WHERE, "\"" A "\"", MS)
             SEEN(LATER, "\"ip\":\"2001:db8::1\",\"port\":8443,\"name\":\"\"", "\"" B "\"", MS),
         1},
        {SEEN(FIRST, WHERE, "\"" A "\"", "") SEEN(FIRST, WHERE, "\"" A "\"", "") SEEN(FIRST, WHERE, "\"" A "\"", MS),
         1},
        {SEEN(FIRST, WHERE ",\"starttls\":\"smtp\"", "\"" A "\"", MS) SEEN(FIRST, WHERE, "\"" A "\"", MS)
             SEEN(LATER, WHERE ",\"starttls\":\"smtp\"", "\"" A "\"", MS) SEEN(LATER, WHERE, "\"" A "\"", MS),
         2},
        {FAILED(FIRST, WHERE, "\"refused\"") FAILED(LATER, "\"ip\":\"192.0.2.8\",\"port\":1,\"name\":\"\"",
                                                    "\"refused\"") FAILED(LATER, WHERE, "\"timeout\"")
             SEEN(FIRST, WHERE, "\"" A "\"", MS) FAILED(LATER, WHERE, "\"timeout\""),
         2},
        {SEEN(FIRST, WHERE, "\"" A "\"", MS ",\"attempts\":[{\"what\":\"plain\"}]")
             SEEN(LATER, WHERE, "\"" B "\"", MS ",\"attempts\":[{\"what\":\"plain\"}]"),
         1},
        /* Nothing of these: another address family is another hole, since has a time of its own, ms lies deeper, an escape says
         * something else than it shows. */
        {FAILED(FIRST, "\"port\":443,\"name\":\"a.example\"", "\"nxdomain\"") FAILED(FIRST, WHERE, "\"refused\""), 0},
        {SEEN(FIRST, WHERE, "\"" A "\"", ",\"since\":\"" FIRST "\"")
             SEEN(LATER, WHERE, "\"" A "\"", ",\"since\":\"" FIRST "\""),
         0},
        {SEEN(FIRST, WHERE, "\"" A "\"", ",\"\\u0073ince\":\"" FIRST "\"")
             SEEN(LATER, WHERE, "\"" A "\"", ",\"\\u0073ince\":\"" FIRST "\""),
         0},
        {SEEN(FIRST, WHERE, "\"" A "\"", ",\"x\":{\"y\":1" MS "}")
             SEEN(LATER, WHERE, "\"" A "\"", ",\"x\":{\"y\":1,\"ms\":{\"connect\":2,\"handshake\":3}}"),
         0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (skimmed(cases[i].body) != cases[i].count)
            print_error("case %zu: %zu skimmed\n", i, skimmed(cases[i].body));
        assert_int_equal(skimmed(cases[i].body), cases[i].count);
        agree(cases[i].body, strlen(cases[i].body));
    }
}

/* After a line that is read whole comes one that differs in one byte: changed, left out, or doubled, at every place. */
static void test_every_byte(void **state)
{
    static const char *const lines[] = {
        SEEN(LATER, WHERE, "\"" A "\",\"" B "\"", MS),
        SEEN(LATER, "\"ip\":\"2001:db8::1\",\"port\":0,\"name\":\"\"", "\"" A "\"", MS),
        FAILED(LATER, WHERE, "\"refused\",\"detail\":\"x\""),
    };
    static const char others[] = "\0\"\\{}],: 09aAg-\x80\n";
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t size = strlen(lines[i]);
        char body[4096];
        for (size_t at = 0; at < size; at++) {
            for (size_t k = 0; k < sizeof others - 1; k++) {
                memcpy(body, lines[i], size);
                memcpy(body + size, lines[i], size);
                body[size + at] = others[k];
                agree(body, 2 * size);
            }
            memcpy(body + size, lines[i], at); /* left out */
            memcpy(body + size + at, lines[i] + at + 1, size - at - 1);
            agree(body, 2 * size - 1);
            memcpy(body + size, lines[i], at + 1); /* doubled */
            memcpy(body + size + at + 1, lines[i] + at, size - at);
            agree(body, 2 * size + 1);
            memcpy(body + size, lines[i], at); /* cut */
            body[size + at] = '\n';
            agree(body, size + at + 1);
        }
    }
}

/* What fills holes and is not what record_read takes there. */
static void test_holes(void **state)
{
    static const char *const times[] = {FIRST,
                                        "2026-11-21T03:00:00.00Z",
                                        "2026-11-21 03:00:00.000z",
                                        "1969-12-31T23:59:59.999Z",
                                        "2026-02-30T03:00:00.000Z",
                                        "2026-11-21T03:00:00.0000",
                                        "2026-11-21T03:00:00+01:0",
                                        "2099-01-01T00:00:00.000Z"};
    static const char *const ips[] = {"192.0.2.255",      "192.0.2.256", "192.0.02.1",    "192.0.2", "192.0.2.1.",
                                      "::ffff:192.0.2.1", "2001:DB8::1", "2001:db8:0::1", "::1",     "",
                                      "1.2.3.4 "};
    static const char *const ports[] = {"0",    "65535", "65536", "01", "-1", "1.0", "1e2", "", "99999999999999999999",
                                        "\"1\""};
    static const char *const names[] = {"", "a", "A", "a.", ".a", "a..b", "a_b-1", "a b", "\\u0061", "\xc3\xa4"};
    static const char *const ms[] = {
        "0", "00", "007", "-1", "1.5", "999999999999999", "9999999999999999", "99999999999999999999", "null", ""};
    char body[4096];
    (void)state;
#define TRY(list, format, ...)                                                                                         \
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {                                                          \
        snprintf(body, sizeof body, SEEN(FIRST, WHERE, "\"" A "\"", MS) format, __VA_ARGS__);                          \
        agree(body, strlen(body));                                                                                     \
    }
    TRY(times, SEEN("%s", WHERE, "\"" A "\"", MS), times[i])
    TRY(ips, SEEN(LATER, "\"ip\":\"%s\",\"port\":1,\"name\":\"\"", "\"" A "\"", MS), ips[i])
    TRY(ports, SEEN(LATER, "\"ip\":\"192.0.2.1\",\"port\":%s,\"name\":\"\"", "\"" A "\"", MS), ports[i])
    TRY(names, SEEN(LATER, "\"ip\":\"192.0.2.1\",\"port\":1,\"name\":\"%s\"", "\"" A "\"", MS), names[i])
    TRY(ms, SEEN(LATER, WHERE, "\"" A "\"", ",\"ms\":{\"connect\":%s,\"handshake\":1}"), ms[i])
    TRY(ms, SEEN(LATER, WHERE, "\"" A "\"", ",\"ms\":{\"connect\":1,\"handshake\":%s}"), ms[i])
}

/* A chain of 100 is one, of 101 none; and a name of 253 bytes, of 254. */
static void test_limits(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct buf body;
        buf_init(&body, 1 << 20);
        buf_append_str(&body, SEEN(FIRST, WHERE, "\"" A "\"", MS));
        buf_append_str(&body, "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"" LATER "\"," RUN
                              "\"ip\":\"192.0.2.1\",\"port\":1,\"name\":\"");
        for (unsigned i = 0; i < 253 + more; i++)
            buf_append_char(&body, 'a');
        buf_append_str(&body, "\"},\"role\":\"server\",\"chain\":[\"" A "\"]," TLS MS "}\n");
        buf_append_str(&body, "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"" LATER "\"," RUN WHERE
                              "},\"role\":\"server\",\"chain\":[\"" A);
        for (unsigned i = 1; i < 100 + more; i++)
            buf_append_str(&body, "\",\"" B);
        buf_append_str(&body, "\"]," TLS MS "}\n");
        agree(body.data, body.size);
        if (!more)
            assert_int_equal(skimmed(body.data), 2);
        buf_done(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_skimmed),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
