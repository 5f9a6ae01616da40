/* The record stream out and in: what the writer writes the reader reads. What it refuses is told in test_record_refused.c. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/record_read.h"

#define RUN "01900000-0000-7000-8000-000000000001"

static const uint8_t chain[2][CM_SHA256_SIZE] = {{1, 2, 3}, {0xFF, 0xFE}};
static const char hostile[] = "a\"b\\c\n\t\x01\x7F\xC3\xA9\xFF\xED\xA0\x80</script>=cmd()";

static struct record_endpoint endpoint(void)
{
    return (struct record_endpoint){
        .realm = "default", .transport = "tcp", .ip = "2001:db8::1", .port = 443, .name = "www.example.org"};
}

static struct record_sighting sighting(const struct record_endpoint *at, const struct record_tls *tls,
                                       const struct record_attempt *attempts)
{
    return (struct record_sighting){
        .seen = {.source = "scan", .scanner = "s1", .run = RUN, .at_ms = 1795230000123, .endpoint = at},
        .role = "server",
        .chain = chain,
        .chain_count = 2,
        .tls = tls,
        .connect_ms = 3,
        .handshake_ms = -1,
        .attempts = attempts,
        .attempt_count = attempts ? 1 : 0,
    };
}

static void write_certificate(struct buf *out, const void *der, size_t size)
{
    uint8_t sha256[CM_SHA256_SIZE];
    sha256_bytes(der, size, sha256);
    record_write_certificate(out, der, size, sha256);
}

static void test_exact(void **state)
{
    (void)state;
    struct buf out;
    struct record_endpoint at = endpoint();
    struct record_tls tls = {
        .version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256", .group = "x25519", .client_auth = 0};
    struct record_attempt attempt = {.what = "sni-none", .error = RECORD_ERROR_ALERT, .detail = "unrecognized_name"};
    struct record_sighting one = sighting(&at, &tls, &attempt);
    buf_init(&out, 65536);
    record_write_sighting(&out, &one);
    assert_string_equal(
        out.data, "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"2026-11-21T03:00:00.123Z\",\"scanner\":"
                  "\"s1\",\"run\":\"" RUN "\","
                  "\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\",\"ip\":\"2001:db8::1\",\"port\":443,"
                  "\"name\":\"www.example.org\"},"
                  "\"role\":\"server\",\"chain\":[\"0102030000000000000000000000000000000000000000000000000000000000\","
                  "\"fffe000000000000000000000000000000000000000000000000000000000000\"],"
                  "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\","
                  "\"client_auth\":false},"
                  "\"ms\":{\"connect\":3},\"attempts\":[{\"what\":\"sni-none\",\"error\":\"alert\",\"detail\":"
                  "\"unrecognized_name\"}]}\n");
    buf_reset(&out);
    tls = (struct record_tls){.version = "TLSv1.2",
                              .client_auth = -1,
                              .staple_status = "good",
                              .staple_this_update = 1795230000,
                              .staple_next_update = 1795834800,
                              .scts_known = true,
                              .scts = 0,
                              .ja3s = "0123456789abcdef0123456789abcdef",
                              .proof = "unavailable"};
    record_write_sighting(&out, &one);
    assert_non_null(strstr(out.data,
                           "\"tls\":{\"version\":\"TLSv1.2\",\"staple\":{\"status\":\"good\",\"this_update\":"
                           "\"2026-11-21T03:00:00Z\",\"next_update\":\"2026-11-28T03:00:00Z\"},\"scts\":0,"
                           "\"ja3s\":\"0123456789abcdef0123456789abcdef\",\"proof\":\"unavailable\"},\"ms\""));
    buf_reset(&out);
    tls = (struct record_tls){.client_auth = -1,
                              .staple_status = "try_later",
                              .staple_this_update = INT64_MIN,
                              .staple_next_update = INT64_MIN,
                              .scts = 7};
    record_write_sighting(&out, &one);
    assert_non_null(strstr(out.data, "\"tls\":{\"staple\":{\"status\":\"try_later\"}},\"ms\""));
    buf_reset(&out);
    struct record_tls nothing = {.client_auth = -1};
    one.tls = &nothing;
    one.attempt_count = 0;
    one.connect_ms = -1;
    one.handshake_ms = 7;
    record_write_sighting(&out, &one);
    assert_null(strstr(out.data, "\"tls\""));
    assert_non_null(strstr(out.data, "],\"ms\":{\"handshake\":7}}\n"));
    /* Whatever second is cached, each record has its own time. */
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {{1795230000999, "03:00:00.999Z"},
                 {1795230001000, "03:00:01.000Z"},
                 {1795230000001, "03:00:00.001Z"},
                 {-1, "1969-12-31T23:59:59.999Z"},
                 {7, "1970-01-01T00:00:00.007Z"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        buf_reset(&out);
        one.seen.at_ms = times[i].ms;
        record_write_sighting(&out, &one);
        assert_non_null(strstr(out.data, times[i].text));
    }
    buf_done(&out);
}

static void read_good(const struct buf *line, struct record *record)
{
    struct cm_error error = {.reason = ""};
    assert_false(line->failed);
    assert_int_equal(line->data[line->size - 1], '\n');
    assert_null(memchr(line->data, '\n', line->size - 1));
    if (record_read(line->data, line->size - 1, record, &error) != 0)
        fail_msg("%s (%s): %s", error.reason, error.detail, line->data);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct buf out;
    struct record record;
    struct record_endpoint at = endpoint();
    const char *ca[] = {"CN=a", hostile};
    /* A responder may write down any time; a place must not be lost for it. */
    struct record_tls tls = {.client_auth = 1,
                             .client_ca = ca,
                             .client_ca_count = 2,
                             .alpn = hostile,
                             .staple_status = "malformed",
                             .staple_this_update = -62167219200,
                             .staple_next_update = INT64_MAX};
    struct record_sighting one = sighting(&at, &tls, NULL);
    buf_init(&out, 1 << 20);
    record_write_sighting(&out, &one);
    read_good(&out, &record);
    assert_int_equal(record.type, RECORD_SIGHTING);
    assert_true(record.has_endpoint);
    assert_false(record.has_file);
    assert_string_equal(record.endpoint.ip, "2001:db8::1");
    assert_int_equal(record.endpoint.port, 443);
    assert_int_equal(record.at_ms, 1795230000123);
    assert_int_equal(record.since_ms, record.at_ms);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.chain_count, 2);
    assert_memory_equal(record.chain, chain, sizeof chain);
    assert_string_equal(record.run, RUN);
    assert_memory_equal(record.tls_json, "{\"alpn\":\"", 9); /* keys are sorted */
    assert_non_null(strstr(record.tls_json,
                           "\"staple\":{\"next_update\":\"9999-12-31T23:59:59Z\",\"status\":\"malformed\","
                           "\"this_update\":\"0000-01-01T00:00:00Z\"}"));
    uint8_t id[CM_UUID_SIZE];
    location_id_endpoint("default", "tcp", "2001:db8::1", 443, "www.example.org", id);
    assert_memory_equal(record.location_id, id, sizeof id);
    record_done(&record);

    struct record_file file = {.realm = "default",
                               .host = hostile,
                               .path = "/etc/x\xFFy",
                               .inner = "a!b",
                               .entry = "0",
                               .format = "pem",
                               .has_stat = true,
                               .mode = 0100600,
                               .uid = UINT32_MAX,
                               .gid = 0,
                               .size_bytes = UINT64_MAX,
                               .inode = UINT64_MAX,
                               .mtime = 1};
    struct record_failure failure = {.seen = {.source = "crawl", .run = RUN, .at_ms = 1, .file = &file},
                                     .stage = "decode",
                                     .error = RECORD_ERROR_PASSWORD,
                                     .detail = hostile};
    buf_reset(&out);
    record_write_failure(&out, &failure);
    read_good(&out, &record);
    assert_int_equal(record.type, RECORD_FAILURE);
    assert_string_equal(record.error, "password");
    assert_string_equal(record.detail,
                        "a\"b\\c\n\t\x01\x7F\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD</script>=cmd()");
    assert_string_equal(record.file.path, "/etc/x\xEF\xBF\xBDy");
    assert_true(record.file.has_stat);
    assert_int_equal(record.file.mode, 0100600);
    assert_int_equal(record.file.inode, 0); /* 64 bits do not fit into JSON: left out */
    record_done(&record);

    struct record_key key = {
        .seen = failure.seen, .kind = "pkcs8", .spki_sha256 = chain[0], .key_alg = "RSA", .key_bits = 2048};
    buf_reset(&out);
    record_write_key(&out, &key);
    read_good(&out, &record);
    assert_true(record.has_spki);
    assert_int_equal(record.key_bits, 2048);
    assert_false(record.encrypted);
    record_done(&record);

    const char *const weak[] = {"rc2-40", "plain-key"};
    struct record_store store = {
        .seen = failure.seen, .format = "pkcs12", .integrity = "ok", .entries = 3, .weak = weak, .weak_count = 2};
    buf_reset(&out);
    record_write_store(&out, &store);
    assert_non_null(strstr(out.data, "\"weak\":[\"rc2-40\",\"plain-key\"],\"entries\":3"));
    read_good(&out, &record);
    assert_string_equal(record.format, "pkcs12");
    assert_int_equal(record.entries, 3);
    record_done(&record);

    const char *args[] = {"certmuster-scan", hostile};
    struct record_run run = {.run = RUN,
                             .source = "scan",
                             .state = "finished",
                             .scanner = "s",
                             .host = "h",
                             .at_ms = 5,
                             .args = args,
                             .arg_count = 2,
                             .has_counts = true,
                             .targets = 9,
                             .ok = 5,
                             .failed = 4,
                             .interrupted = true};
    buf_reset(&out);
    record_write_run(&out, &run);
    read_good(&out, &record);
    assert_int_equal(record.targets, record.ok + record.failed);
    assert_true(record.interrupted);
    assert_memory_equal(record.args_json, "[\"certmuster-scan\",", 19);
    assert_null(record.covered_json);
    record_done(&record);

    const char *roots[] = {"/etc/ssl", "/srv"}, *except[] = {"/srv/proc"}, *mounts[] = {"/", "/srv"};
    const struct record_covered covered = {.realm = "default",
                                           .host = "h",
                                           .roots = roots,
                                           .except = except,
                                           .mounts = mounts,
                                           .root_count = 2,
                                           .except_count = 1,
                                           .mount_count = 2,
                                           .assets = 7};
    run.interrupted = false;
    run.covered = &covered;
    buf_reset(&out);
    record_write_run(&out, &run);
    read_good(&out, &record);
    assert_string_equal(record.covered_realm, "default");
    assert_string_equal(record.covered_json,
                        "{\"assets\":7,\"except\":[\"/srv/proc\"],\"host\":\"h\",\"mounts\":[\"/\",\"/srv\"],"
                        "\"realm\":\"default\",\"roots\":[\"/etc/ssl\",\"/srv\"]}");
    record_done(&record);

    const char *names[] = {"drops", hostile};
    const uint64_t values[] = {0, UINT64_MAX};
    buf_reset(&out);
    record_write_stats(&out, RUN, 5, names, values, 2);
    read_good(&out, &record);
    assert_non_null(strstr(record.counters_json, "\"drops\":0"));
    record_done(&record);

    /* Not a certificate at all: told with its reason, fingerprint and bytes all the same. */
    buf_reset(&out);
    write_certificate(&out, "garbage", 7);
    assert_non_null(strstr(out.data, "\"undecodable\":\""));
    read_good(&out, &record);
    assert_int_equal(record.der_size, 7);
    assert_memory_equal(record.der, "garbage", 7);
    record_done(&record);
    buf_done(&out);
}

static void test_full_buffer(void **state)
{
    (void)state;
    struct record_endpoint at = endpoint();
    struct record_tls tls = {.version = "TLSv1.3", .client_auth = 1};
    struct record_attempt attempt = {.what = "x"};
    struct record_sighting one = sighting(&at, &tls, &attempt);
    for (size_t max = 0; max < 600; max++) { /* every place at which memory may end */
        struct buf out;
        buf_init(&out, max);
        record_write_sighting(&out, &one);
        assert_true(out.size <= max);
        buf_done(&out);
    }
}

/* Every type, plain and with hostile strings, for the end-to-end test that validates them against the schema. */
static void write_corpus(struct buf *out, const char *text)
{
    struct record_endpoint at = endpoint(),
                           unresolved = {
                               .realm = text, .transport = "udp", .name = "no.such.example", .starttls = "smtp"};
    const char *list[] = {"CN=a", text};
    const uint64_t values[] = {UINT64_MAX, 0};
    struct record_tls tls = {.version = "TLSv1.2",
                             .cipher = text,
                             .group = "x25519",
                             .alpn = text,
                             .client_auth = 1,
                             .client_ca = list,
                             .client_ca_count = 2,
                             .staple_status = "good",
                             .staple_this_update = -1,
                             .staple_next_update = INT64_MIN,
                             .scts_known = true,
                             .scts = UINT32_MAX,
                             .ja3s = "0123456789abcdef0123456789abcdef",
                             .proof = "bad"};
    struct record_attempt attempt = {.what = "sni-none", .error = RECORD_ERROR_RESET, .detail = text};
    struct record_file file = {.realm = text,
                               .host = text,
                               .path = "/x",
                               .inner = text,
                               .entry = text,
                               .format = "pem",
                               .has_stat = true,
                               .mode = 0100644,
                               .uid = UINT32_MAX,
                               .gid = UINT32_MAX,
                               .size_bytes = UINT64_MAX,
                               .inode = UINT64_MAX,
                               .mtime = 253402300799};
    struct record_sighting one = sighting(&at, &tls, &attempt);
    record_write_sighting(out, &one);
    one.handshake_ms = 9;
    one.connect_ms = -1;
    one.tls = NULL;
    one.seen.endpoint = NULL;
    one.seen.file = &file;
    one.seen.scanner = text;
    one.role = "stored";
    record_write_sighting(out, &one);
    struct record_failure failure = {
        .seen = one.seen, .stage = "decode", .detail = text, .attempts = &attempt, .attempt_count = 1};
    for (int i = RECORD_ERROR_NONE + 1; i < RECORD_ERROR_COUNT_; i++) {
        failure.error = (enum record_error)i;
        record_write_failure(out, &failure);
    }
    failure.seen.file = NULL;
    failure.seen.endpoint = &unresolved;
    failure.stage = "resolve";
    record_write_failure(out, &failure);
    struct record_key key = {.seen = one.seen, .kind = "pkcs8", .encrypted = true};
    record_write_key(out, &key);
    key.encrypted = false;
    key.spki_sha256 = chain[0];
    key.key_alg = "RSA";
    record_write_key(out, &key);
    struct record_store store = {.seen = one.seen, .format = "pkcs12", .integrity = "unchecked", .entries = 1000000};
    record_write_store(out, &store);
    store.weak = &store.format;
    store.weak_count = 1;
    record_write_store(out, &store);
    record_write_csr(out, &one.seen, "garbage", 7);
    record_write_crl(out, &one.seen, "garbage", 7);
    record_write_ssh_certificate(out, &one.seen, "garbage", 7);
    struct record_run run = {.run = RUN,
                             .source = "scan",
                             .state = "started",
                             .scanner = text,
                             .host = text,
                             .at_ms = 5,
                             .args = list,
                             .arg_count = 2,
                             .addresses = list,
                             .address_count = 1,
                             .machine_id = "0123456789abcdef0123456789abcdef"};
    record_write_run(out, &run);
    run.state = "finished";
    run.has_counts = run.interrupted = true;
    record_write_run(out, &run);
    record_write_stats(out, RUN, -1, list, values, 2);
    write_certificate(out, "garbage", 7);
}

static void test_corpus(void **state)
{
    (void)state;
    struct buf out;
    const char *path = getenv("CM_RECORDS_OUT");
    buf_init(&out, 1 << 20);
    write_corpus(&out, "plain");
    write_corpus(&out, hostile);
    assert_false(out.failed);
    if (path) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(out.data, 1, out.size, file), out.size);
        assert_int_equal(fclose(file), 0);
    }
    unsigned lines = 0;
    for (const char *at = out.data; *at; at = strchr(at, '\n') + 1, lines++) {
        struct record record;
        struct cm_error error;
        size_t size = (size_t)(strchr(at, '\n') - at);
        int code = record_read(at, size, &record, &error);
        /* The one with a time before 1970 is what no collector takes. */
        if (code && !strstr(error.reason, "since 1970"))
            fail_msg("%s: %.*s", error.reason, (int)size, at);
        record_done(&record);
    }
    assert_int_equal(lines, 2 * (2 + RECORD_ERROR_COUNT_ - 1 + 1 + 2 + 2 + 3 + 2 + 1 + 1));
    buf_done(&out);
}

static void test_error_names(void **state)
{
    (void)state;
    for (int i = 0; i < RECORD_ERROR_COUNT_; i++) {
        assert_non_null(record_error_name((enum record_error)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(record_error_name((enum record_error)i), record_error_name((enum record_error)j));
    }
    assert_string_equal(record_error_name(RECORD_ERROR_COUNT_), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact), cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_full_buffer), cmocka_unit_test(test_error_names),
                                       cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
