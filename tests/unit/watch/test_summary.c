/* What is kept of an observation, and what remembering a million of them costs: names as identities, protocols, versions, hostile texts; memory that stays bounded
 * whatever is told. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/watch/quic_crypt.h"
#include "scanner/watch/tell.h"
#include "tests/unit/watch/memory.h"
#include "tests/unit/watch/packets.h"

enum { MIB = 1024 * 1024 };
#define NAME(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})

static void test_names(void **state)
{
    static const struct {
        struct slice name;
        const char *expected;
    } names[] = {
        {NAME("www.example"), "www.example"},
        {NAME("WWW.Example."), "www.example"},
        {NAME("a_b-c.0"), "a_b-c.0"},
        {NAME("xn--bcher-kva.example"), "xn--bcher-kva.example"},
        {NAME(""), ""},
        {NAME("."), ""},
        {NAME(".a"), ""},
        {NAME("a..b"), ""},
        {NAME("a.b.."), ""},
        {NAME("a b"), ""},
        {NAME("a\0b"), ""},
        {NAME("a\nb"), ""},
        {NAME("\x1b[2J"), ""},
        {NAME("b\xc3\xbc"), ""},
        {NAME("<script>"), ""},
        {NAME("a/../b"), ""},
        {NAME("[::1]"), ""},
    };
    char out[SUMMARY_NAME_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        summary_name(names[i].name, out);
        assert_string_equal(out, names[i].expected);
    }
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    for (size_t size = 1; size < sizeof long_name; size++) {
        summary_name((struct slice){(const uint8_t *)long_name, size}, out);
        assert_int_equal(strlen(out), size < SUMMARY_NAME_SIZE ? size : 0);
    }
}

static struct observed plain(void)
{
    struct ends ends = ends4();
    return (struct observed){.kind = OBSERVED_HIDDEN,
                             .server = ends.to,
                             .client = ends.from,
                             .version = 0x0304,
                             .suite = 0x1301,
                             .client_auth = -1,
                             .scts = -1};
}

/* A hello has room for thousands of protocols: a few are kept, in memory that is known. */
static void test_protocols(void **state)
{
    struct tls_client_hello hello = {.name = NAME("www.example")};
    struct observed observed = plain();
    struct buf alpn;
    (void)state;
    buf_init(&alpn, MIB);
    buf_append(&alpn, "\2h2\0\3a\0b\1\x1b", 10);
    for (int i = 0; i < 250; i++) {
        char name[256];
        memset(name, 'x', sizeof name);
        name[0] = (char)255;
        buf_append(&alpn, name, sizeof name);
    }
    hello.alpn = buf_slice(&alpn);
    observed.client_hello = &hello;
    observed.alpn = NAME("h2");
    struct summary *summary = summary_new(&observed, NULL);
    assert_true(summary->size < 8192);
    assert_string_equal(summary->name, "www.example");
    assert_string_equal(summary->alpn_chosen, "h2");
    assert_int_equal(summary->alpn_count, SUMMARY_ALPN_MAX - 2); /* the empty one, and that with a NUL, are none */
    assert_string_equal(summary->alpn[0], "h2");
    assert_string_equal(summary->alpn[1], "\x1b"); /* escaped by who writes it */
    assert_int_equal(strlen(summary->alpn[SUMMARY_ALPN_MAX - 3]), 255);
    free(summary);
    hello.alpn.size = 5; /* cut inside a name */
    summary = summary_new(&observed, NULL);
    assert_int_equal(summary->alpn_count, 1);
    free(summary);
    buf_done(&alpn);
}

static void test_versions(void **state)
{
    static const struct {
        enum observed_transport transport;
        uint16_t version;
        uint32_t quic;
        const char *name;
    } versions[] = {
        {OBSERVED_TCP, 0x0300, 0, "SSLv3"},        {OBSERVED_TCP, 0x0303, 0, "TLSv1.2"},
        {OBSERVED_TCP, 0x0304, 0, "TLSv1.3"},      {OBSERVED_DTLS, 0xfeff, 0, "DTLSv1.0"},
        {OBSERVED_DTLS, 0xfefd, 0, "DTLSv1.2"},    {OBSERVED_QUIC, 0x0304, QUIC_VERSION_1, "QUICv1"},
        {OBSERVED_EAP, 0x0303, 0, "TLSv1.2"},      {OBSERVED_QUIC, 0x0304, QUIC_VERSION_2, "QUICv2"},
        {OBSERVED_QUIC, 0x0304, 0xff00001d, NULL}, {OBSERVED_TCP, 0, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct observed observed = plain();
        observed.transport = versions[i].transport;
        observed.version = versions[i].version;
        observed.quic_version = versions[i].quic;
        struct summary *summary = summary_new(&observed, NULL);
        const char *name = summary_version(summary);
        if (versions[i].name)
            assert_string_equal(name, versions[i].name);
        else
            assert_null(name);
        free(summary);
    }
}

/* --- remembering --------------------------------------------------------------------------------------------------------- */

/* A million places, each seen twice with all the protocols that fit: memory stays below what was given, and what is given up is counted. */
static void test_memory(void **state)
{
    struct tls_client_hello hello = {0};
    struct observed observed = plain();
    struct config *config = NULL;
    struct emit *emit;
    struct tell *tell;
    struct cm_error error;
    struct emit_outcome outcome;
    uint8_t alpn[4096];
    char name[64];
    (void)state;
    memset(alpn, 'x', sizeof alpn);
    for (size_t i = 0; i < sizeof alpn; i += 256)
        alpn[i] = 255;
    int null = open("/dev/null", O_WRONLY), standard_output = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(null, STDOUT_FILENO);
    assert_int_equal(config_load("/dev/null", &config, &error), 0);
    struct emit_options options = {.source = "watch", .config = config, .json = true, .no_submit = true};
    assert_int_equal(emit_open(&options, &emit, &error), 0);
    struct tell_options tell_options = {.emit = emit, .memory_max = 4 * MIB};
    assert_int_equal(tell_new(&tell_options, &tell, &error), 0);
    size_t before = bytes_in_use(), most = 0;
    hello.alpn = (struct slice){alpn, sizeof alpn};
    observed.client_hello = &hello;
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "host-%u.example", i);
        hello.name = (struct slice){(const uint8_t *)name, strlen(name)};
        observed.at_us = INT64_C(1700000000000000) + i;
        tell_observed(&observed, tell);
        if (i % 10 == 0) {
            tell_observed(&observed, tell);
            most = bytes_in_use() > most ? bytes_in_use() : most;
        }
    }
    struct tell_counts counts = tell_get_counts(tell);
    tell_finish(tell);
    tell_free(tell);
    int code = emit_close(emit, false, &outcome, &error);
    fflush(stdout);
    dup2(standard_output, STDOUT_FILENO);
    close(standard_output);
    close(null);
    config_free(config);
    assert_int_equal(code, 0);
    assert_int_equal(counts.observations, 110000);
    assert_true(counts.told >= 100000);
    assert_true(counts.forgotten > 0);
    assert_true(most - before < 6 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
