/* Rows as COPY reads them, verdict names against OpenSSL's header, rates, and the metrics' text. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/http/rate.h"
#include "collector/ingest/rows.h"
#include "collector/judge/verify.h"
#include "collector/state.h"

static const uint8_t run_id[CM_UUID_SIZE] = {0xAA, 1, 2, 3};

static void read_batch(const char *body, struct batch *batch, struct places *places)
{
    const struct batch_options options = {.scanner = "s", .run = run_id, .now_ms = INT64_C(1800000000000)};
    assert_int_equal(batch_read(body, strlen(body), &options, batch, NULL), 0);
    batch_settle(batch);
    batch_group(batch, places);
}

#define SEEN(ip, chain, more)                                                                                          \
    "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"2026-01-02T03:04:05.678Z\",\"scanner\":\"s\\t\\\\\"," \
    "\"run\":\"00000000-0000-7000-8000-000000000001\",\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\","      \
    "\"ip\":\"" ip "\",\"port\":443,\"name\":\"\"},\"role\":\"server\",\"chain\":[" chain "]" more "}\n"
#define A "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define B "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""

static unsigned count_fields(const char *row)
{
    unsigned fields = 1;
    for (; *row; row++)
        fields += *row == '\t';
    return fields;
}

static void test_look_row(void **state)
{
    (void)state;
    struct batch batch;
    struct places places;
    struct buf row;
    read_batch(SEEN("192.0.2.1", A "," B, ",\"tls\":{\"z\":\"a\\tb\\\\\",\"cipher\":\"x\"}"), &batch, &places);
    assert_int_equal(batch.stored, 1);
    assert_int_equal(places.count, 1);
    buf_init(&row, 1 << 20);
    row_look(&row, &batch, &batch.looks[0]);
    assert_int_equal(count_fields(row.data), 15);
    /* JSON's own backslashes are doubled for COPY; a tab of the scanner's name cannot begin a field. */
    assert_non_null(strstr(row.data, "{\"cipher\":\"x\",\"z\":\"a\\\\tb\\\\\\\\\"}"));
    assert_non_null(strstr(row.data, "\ts\\t\\\\\tok\t\\N\tscan\t"));
    assert_non_null(strstr(row.data, "\to\t0\t00000000-0000-7000-8000-000000000001\t2026-01-02T03:04:05.678Z\t"));
    buf_reset(&row);
    row_chain(&row, &batch, &batch.looks[0]);
    assert_non_null(strstr(row.data, "\t{\"\\\\\\\\xaaaa"));
    assert_non_null(strstr(row.data, "\",\"\\\\\\\\xbbbb"));
    buf_reset(&row);
    assert_int_equal(batch_unfold(&batch, &batch.looks[0], NULL), 0);
    row_location(&row, &batch, batch.looks[0].location_id, batch.looks[0].location, 0);
    assert_int_equal(count_fields(row.data), 12);
    assert_non_null(
        strstr(row.data, "\tendpoint\tdefault\ttcp\t192.0.2.1\t443\t\t\\N\t\\N\t\\N\t\\N\t1970-01-01T00:00:00.000Z"));
    buf_done(&row);
    places_done(&places);
    batch_done(&batch);
}

/* RSA and EC at one place, told in either order: the same row. */
static void test_place_row(void **state)
{
    (void)state;
    const char *orders[] = {
        SEEN("192.0.2.1", A, ",\"tls\":{\"cipher\":\"a\"}") SEEN("192.0.2.1", B, ",\"tls\":{\"cipher\":\"b\"}"),
        SEEN("192.0.2.1", B, ",\"tls\":{\"cipher\":\"b\"}") SEEN("192.0.2.1", A, ",\"tls\":{\"cipher\":\"a\"}")};
    struct buf rows[2];
    for (int i = 0; i < 2; i++) {
        struct batch batch;
        struct places places;
        read_batch(orders[i], &batch, &places);
        assert_int_equal(places.count, 1);
        assert_int_equal(places.list[0].kind, LOOK_SEEN);
        buf_init(&rows[i], 4096);
        row_place(&rows[i], &batch, &places, &places.list[0]);
        assert_int_equal(count_fields(rows[i].data), 11);
        places_done(&places);
        batch_done(&batch);
    }
    assert_string_equal(rows[0].data, rows[1].data);
    buf_done(&rows[0]);
    buf_done(&rows[1]);
}

static void test_certificate_rows(void **state)
{
    (void)state;
    uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    struct batch batch = {.lines = 0};
    struct batch_certificate certificate = {.der_size = sizeof der, .first_ms = -1, .last_ms = -1};
    struct buf row;
    buf_init(&batch.ders, 1024);
    buf_append(&batch.ders, der, sizeof der);
    buf_init(&row, 1 << 20);
    row_certificate(&row, &batch, &certificate, 1000);
    assert_int_equal(count_fields(row.data), 20);
    assert_non_null(strstr(row.data, "\t\\\\x3003020100\t")); /* kept whole, with a reason, named by its fingerprint */
    assert_non_null(strstr(row.data, "\t0000000000000000000000000000000000000000000000000000000000000000\t"));
    assert_non_null(strstr(row.data, "1970-01-01T00:00:01.000Z\t1970-01-01T00:00:01.000Z"));
    buf_reset(&row);
    rows_names(&row, &batch, &certificate);
    assert_int_equal(row.size, 0);
    buf_done(&row);
    buf_done(&batch.ders);
}

static void test_verdict_names(void **state)
{
    (void)state;
    char name[VERIFY_NAME_SIZE];
    verdict_name(X509_V_ERR_CERT_HAS_EXPIRED, name);
    assert_string_equal(name, "cert_has_expired");
    verdict_name(X509_V_OK, name);
    assert_string_equal(name, "ok");
    verdict_name(12345, name);
    assert_string_equal(name, "unknown_12345");
    /* Every error that this OpenSSL can explain has a name here, and no two share one. */
    char all[200][VERIFY_NAME_SIZE];
    for (int code = 0; code < 200; code++) {
        verdict_name(code, all[code]);
        const char *text = X509_verify_cert_error_string(code);
        if (strncmp(text, "unknown", 7) != 0 && strncmp(all[code], "unknown", 7) == 0)
            fail_msg("error %d (%s) has no name", code, text);
        for (int other = 0; other < code; other++)
            assert_string_not_equal(all[code], all[other]);
    }
}

static void test_rate(void **state)
{
    (void)state;
    struct rate *rate = malloc(sizeof *rate);
    rate_init(rate, 10);
    unsigned taken = 0;
    for (int i = 0; i < 100; i++)
        taken += rate_take(rate, 7, 1000);
    assert_int_equal(taken, 20);
    assert_true(rate_take(rate, 8, 1000));
    assert_false(rate_take(rate, 7, 1050));
    assert_true(rate_take(rate, 7, 1150));
    assert_false(rate_take(rate, 7, 1150));
    for (uint64_t key = 100; key < 100 + 2 * RATE_CLIENTS_MAX; key++) /* more clients than slots: nobody is shut out */
        assert_true(rate_take(rate, key, 2000 + (int64_t)key));
    free(rate);
}

static void test_metrics(void **state)
{
    (void)state;
    struct state shown;
    struct figures figures = {.known = true, .at_ms = 1000, .certificates = 7, .source_count = 2, .verdict_count = 1};
    struct buf text;
    state_init(&shown);
    buf_init(&text, 1 << 20);
    state_metrics(&shown, 5000, &text);
    assert_null(strstr(text.data, "certmuster_certificates ")); /* not zero: unknown */
    assert_non_null(strstr(text.data, "\ncertmuster_database_up 0\n"));
    strcpy(figures.sources[0].name, "a\"\\\nb");
    figures.sources[0].finished_ms = 1500;
    strcpy(figures.sources[1].name, "unheard");
    figures.sources[1].finished_ms = -1;
    strcpy(figures.verdicts[0].store, "system");
    strcpy(figures.verdicts[0].name, "ok");
    figures.verdicts[0].chains = 3;
    state_set_figures(&shown, &figures);
    buf_reset(&text);
    state_metrics(&shown, 5000, &text);
    assert_non_null(strstr(text.data, "\ncertmuster_certificates 7\n"));
    assert_non_null(strstr(text.data, "\ncertmuster_last_sweep_age_seconds{source=\"a\\\"\\\\\\nb\"} 3.500\n"));
    assert_null(strstr(text.data, "\"unheard\"} ")); /* no age of what never was */
    assert_non_null(strstr(text.data, "\ncertmuster_chains{trust_store=\"system\",verdict=\"ok\"} 3\n"));
    assert_int_equal(text.data[text.size - 1], '\n');
    buf_reset(&text);
    assert_false(state_health(&shown, 5000, &text));
    state_database(&shown, true);
    buf_reset(&text);
    assert_true(state_health(&shown, shown.started_ms + 5000, &text));
    assert_non_null(strstr(text.data, "\"status\":\"ok\""));
    assert_null(strstr(text.data, "reason"));
    const struct state_store stores[] = {{"system", false}, {"good", true}, {"house", false}};
    state_set_stores(&shown, stores, 3);
    buf_reset(&text);
    assert_true(state_health(&shown, shown.started_ms + 5000, &text));
    assert_non_null(strstr(text.data, ",\"reason\":\"trust stores that cannot be used: system, house\","));
    buf_reset(&text);
    state_metrics(&shown, 5000, &text);
    assert_non_null(strstr(text.data, "\ncertmuster_trust_store_usable{trust_store=\"house\"} 0\n"));
    assert_non_null(strstr(text.data, "\ncertmuster_trust_store_usable{trust_store=\"good\"} 1\n"));
    state_set_stores(&shown, stores + 1, 1);
    buf_reset(&text);
    assert_true(state_health(&shown, shown.started_ms + 5000, &text));
    assert_null(strstr(text.data, "reason"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_row),      cmocka_unit_test(test_place_row), cmocka_unit_test(test_certificate_rows),
        cmocka_unit_test(test_verdict_names), cmocka_unit_test(test_rate),      cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
