/* The handshake against OpenSSL's server in memory: every version, client certificates, ALPN, no certificate, and servers that are
 * played by hand because no library would serve that. No network. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "certmuster/limits.h"
#include "scanner/tls/handshake.h"
#include "tests/unit/lib/make_cert.h"

static struct handshake_engine *engine;
static X509 *leaf, *other;
static EVP_PKEY *leaf_key;
static uint8_t *leaf_der, *other_der;
static int leaf_size, other_size;

static int set_up(void **state)
{
    (void)state;
    leaf_key = make_key("RSA", "2048");
    struct recipe recipe = {.key = leaf_key,
                            .subject = make_name("leaf.example"),
                            .version = 2,
                            .not_before = "20200101000000Z",
                            .not_after = "20400101000000Z"};
    leaf = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    recipe.subject = make_name("Other CA");
    other = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    leaf_size = i2d_X509(leaf, &leaf_der);
    other_size = i2d_X509(other, &other_der);
    return handshake_engine_new(&engine, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    handshake_engine_free(engine);
    OPENSSL_free(leaf_der);
    OPENSSL_free(other_der);
    X509_free(leaf);
    X509_free(other);
    EVP_PKEY_free(leaf_key);
    return 0;
}

static SSL_CTX *make_server(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:eNULL:@SECLEVEL=0"), 1);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_use_certificate(context, leaf);
    SSL_CTX_use_PrivateKey(context, leaf_key);
    SSL_CTX_add_extra_chain_cert(context, X509_dup(other));
    SSL_CTX_add_extra_chain_cert(context, X509_dup(other)); /* twice: as sent means twice */
    return context;
}

/* Carries bytes between the handshake and a server until one of them is done; step: how many at once towards the handshake. */
static enum handshake_state run(struct handshake *handshake, SSL_CTX *context, size_t step)
{
    SSL *server = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    enum handshake_state state = HANDSHAKE_GOING;
    SSL_set_bio(server, in, out);
    SSL_set_accept_state(server);
    for (int turns = 0; turns < 20 && state == HANDSHAKE_GOING; turns++) {
        struct slice output = handshake_output(handshake);
        char *bytes;
        if (output.size)
            assert_int_equal(BIO_write(in, output.data, (int)output.size), output.size);
        handshake_sent(handshake, output.size);
        SSL_do_handshake(server);
        long size = BIO_get_mem_data(out, &bytes);
        for (size_t at = 0; at < (size_t)size && state == HANDSHAKE_GOING; at += step) {
            size_t left = (size_t)size - at;
            state = handshake_feed(handshake, bytes + at, left < step ? left : step);
        }
        (void)BIO_reset(out);
    }
    SSL_free(server);
    return state;
}

static void check_chain(const struct handshake_result *result)
{
    assert_int_equal(result->chain_count, 3);
    assert_int_equal(result->chain[0].size, leaf_size);
    assert_memory_equal(result->chain[0].data, leaf_der, leaf_size);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(result->chain[i].size, other_size);
        assert_memory_equal(result->chain[i].data, other_der, other_size);
    }
}

static void test_versions(void **state)
{
    static const struct {
        int version;
        const char *name;
    } rows[] = {{TLS1_VERSION, "TLSv1.0"},
                {TLS1_1_VERSION, "TLSv1.1"},
                {TLS1_2_VERSION, "TLSv1.2"},
                {TLS1_3_VERSION, "TLSv1.3"}};
    static const size_t steps[] = {65536, 1, 7};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) {
            SSL_CTX *server = make_server(rows[i].version);
            struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.name = "leaf.example"});
            assert_int_equal(run(handshake, server, steps[j]), HANDSHAKE_CHAIN);
            const struct handshake_result *result = handshake_get_result(handshake);
            assert_string_equal(result->version, rows[i].name);
            assert_memory_equal(result->cipher, "TLS_", 4);
            assert_string_equal(result->group, "x25519");
            assert_int_equal(result->client_auth, 0);
            check_chain(result);
            handshake_free(handshake);
            SSL_CTX_free(server);
        }
    }
}

static void test_client_certificate_demanded(void **state)
{
    static const int versions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SSL_CTX *server = make_server(versions[i]);
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_add_client_CA(server, other);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        assert_int_equal(run(handshake, server, 65536), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_chain(result);
        assert_int_equal(result->client_auth, 1);
        assert_int_equal(result->client_ca_count, 1);
        assert_non_null(strstr(result->client_ca[0], "CN=Other CA"));
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in,
                     unsigned in_size, void *context)
{
    (void)ssl;
    (void)context;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, size, (const unsigned char *)"\x02h2", 3, in,
                                 in_size) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int choose_nothing(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in,
                          unsigned in_size, void *context)
{
    (void)ssl, (void)out, (void)size, (void)in, (void)in_size, (void)context;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void test_alpn(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *server = make_server(version);
        SSL_CTX_set_alpn_select_cb(server, choose_h2, NULL);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.alpn = true});
        assert_int_equal(run(handshake, server, 65536), HANDSHAKE_CHAIN);
        assert_string_equal(handshake_get_result(handshake)->alpn, "h2");
        handshake_free(handshake);
        SSL_CTX_set_alpn_select_cb(server, choose_nothing, NULL);
        handshake = handshake_new(engine, &(struct handshake_ask){.alpn = true});
        assert_int_equal(run(handshake, server, 65536), HANDSHAKE_FAILED);
        assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_ALERT);
        assert_string_equal(handshake_get_result(handshake)->detail, "no_application_protocol");
        assert_string_equal(handshake_get_result(handshake)->stage, "hello");
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

static void test_anonymous(void **state)
{
    (void)state;
    SSL_CTX *server = make_server(TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(server, "aNULL:@SECLEVEL=0"), 1);
    SSL_CTX_set_dh_auto(server, 1);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(run(handshake, server, 65536), HANDSHAKE_FAILED);
    const struct handshake_result *result = handshake_get_result(handshake);
    assert_int_equal(result->error, RECORD_ERROR_NO_CERTIFICATE);
    assert_string_equal(result->stage, "certificate");
    assert_non_null(strstr(result->detail, "anon"));
    assert_string_equal(result->version, "TLSv1.2");
    handshake_free(handshake);
    SSL_CTX_free(server);
}

/* A server that has both prefers ours in its own order: a certificate wins although anonymous suites are offered. */
static void test_anonymous_is_the_last_choice(void **state)
{
    (void)state;
    SSL_CTX *server = make_server(TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(server, 1);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(run(handshake, server, 65536), HANDSHAKE_CHAIN);
    handshake_free(handshake);
    SSL_CTX_free(server);
}

/* --- servers played by hand ------------------------------------------------------------------------------------------ */

#define RANDOM "0123456789abcdef0123456789abcdef"

/* A TLS 1.2 flight of ServerHello and a Certificate message with these certificates. */
static size_t make_flight(uint8_t *out, const char *const *certs, size_t count)
{
    static const char hello[] = "\x02\x00\x00\x26\x03\x03" RANDOM "\x00\x00\x2f\x00";
    size_t list = 0, at = 0, hello_size = sizeof hello - 1;
    for (size_t i = 0; i < count; i++)
        list += 3 + strlen(certs[i]);
    memcpy(out, "\x16\x03\x03\x00", 4);
    out[4] = (uint8_t)hello_size;
    memcpy(out + 5, hello, hello_size);
    at = 5 + hello_size;
    const uint8_t head[] = {0x16, 3, 3, 0, (uint8_t)(list + 7), 11, 0, 0, (uint8_t)(list + 3), 0, 0, (uint8_t)list};
    memcpy(out + at, head, sizeof head);
    at += sizeof head;
    for (size_t i = 0; i < count; i++) {
        out[at + 0] = out[at + 1] = 0;
        out[at + 2] = (uint8_t)strlen(certs[i]);
        memcpy(out + at + 3, certs[i], strlen(certs[i]));
        at += 3 + strlen(certs[i]);
    }
    return at;
}

/* What OpenSSL cannot decode is told all the same, as sent. */
static void test_garbage_certificates(void **state)
{
    static const char *const certs[] = {"this is no certificate", "0", "this is no certificate"};
    (void)state;
    uint8_t flight[512];
    size_t size = make_flight(flight, certs, 3);
    for (size_t step = 1; step <= size; step += size - 1) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        enum handshake_state now = HANDSHAKE_GOING;
        for (size_t at = 0; at < size && now == HANDSHAKE_GOING; at += step)
            now = handshake_feed(handshake, flight + at, step);
        assert_int_equal(now, HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        assert_int_equal(result->chain_count, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(result->chain[i].size, strlen(certs[i]));
            assert_memory_equal(result->chain[i].data, certs[i], strlen(certs[i]));
        }
        assert_string_equal(result->cipher, "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_int_equal(result->client_auth, -1); /* it never came so far */
        handshake_free(handshake);
    }
}

static void test_empty_certificate_message(void **state)
{
    (void)state;
    uint8_t flight[512];
    size_t size = make_flight(flight, NULL, 0);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(handshake_feed(handshake, flight, size), HANDSHAKE_FAILED);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_NO_CERTIFICATE);
    handshake_free(handshake);
}

/* However the connection ends at whatever byte, the stage says how far it came. */
static void test_ends(void **state)
{
    static const struct {
        enum handshake_end end;
        enum record_error error;
    } ends[] = {{HANDSHAKE_END_CLOSED, RECORD_ERROR_CLOSED},
                {HANDSHAKE_END_RESET, RECORD_ERROR_RESET},
                {HANDSHAKE_END_DEADLINE, RECORD_ERROR_TIMEOUT},
                {HANDSHAKE_END_CANCELLED, RECORD_ERROR_CANCELLED}};
    static const char *const certs[] = {"x"};
    (void)state;
    uint8_t flight[512];
    size_t size = make_flight(flight, certs, 1), hellos = 0, certificates = 0;
    for (size_t cut = 0; cut < size; cut++) {
        for (size_t i = 0; i < 4; i++) {
            struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
            assert_int_equal(handshake_feed(handshake, flight, cut), HANDSHAKE_GOING);
            assert_int_equal(handshake_finish(handshake, ends[i].end), HANDSHAKE_FAILED);
            const struct handshake_result *result = handshake_get_result(handshake);
            assert_int_equal(result->error, ends[i].error);
            hellos += strcmp(result->stage, "hello") == 0;
            certificates += strcmp(result->stage, "certificate") == 0;
            handshake_free(handshake);
        }
    }
    assert_int_equal(hellos, 4 * (5 + 42)); /* until the ServerHello is whole */
    assert_int_equal(hellos + certificates, 4 * size);
}

static void test_not_tls(void **state)
{
    static const struct {
        const char *bytes;
        enum record_error error;
        const char *detail;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", RECORD_ERROR_NOT_TLS, "HTTP: HTTP/1.1 400 Bad Request%0d%0a"},
        {"S", RECORD_ERROR_NOT_TLS, "S"},
        {"\x16\x02\x01", RECORD_ERROR_NOT_TLS, "%16%02%01"},
        {"\x15\x03\x01\x01\x02\x02\x28", RECORD_ERROR_PROTOCOL, NULL},
        {"\x16\x03\x03\x01\x05\x02\xff\xff\xff\xff", RECORD_ERROR_TOO_LARGE, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        char padded[400] = {0};
        size_t size = strlen(rows[i].bytes);
        memcpy(padded, rows[i].bytes, size);
        enum handshake_state now =
            handshake_feed(handshake, padded, rows[i].error == RECORD_ERROR_TOO_LARGE ? 300 : size);
        if (now == HANDSHAKE_GOING) /* a record that is not whole is waited for */
            now = handshake_feed(handshake, padded + size, sizeof padded - size);
        const struct handshake_result *result = handshake_get_result(handshake);
        if (now != HANDSHAKE_FAILED || result->error != rows[i].error)
            fail_msg("row %zu: %d %s %s", i, now, record_error_name(result->error), result->detail);
        if (rows[i].detail)
            assert_string_equal(result->detail, rows[i].detail);
        handshake_free(handshake);
    }
}

static void test_alert(void **state)
{
    (void)state;
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x02\x28", 7), HANDSHAKE_FAILED);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_ALERT);
    assert_string_equal(handshake_get_result(handshake)->detail, "handshake_failure");
    assert_string_equal(handshake_get_result(handshake)->stage, "hello");
    handshake_free(handshake);
    handshake = handshake_new(engine, &(struct handshake_ask){0}); /* a warning is no end */
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x01\x70", 7), HANDSHAKE_GOING);
    handshake_free(handshake);
}

/* Records without end, none of which says anything: the ceiling on a flight holds. */
static void test_flight_ceiling(void **state)
{
    (void)state;
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    uint8_t record[5 + 16000] = {0x16, 3, 3, 16000 >> 8, 16000 & 0xff};
    enum handshake_state now;
    size_t fed = sizeof record;
    const uint8_t head[] = {11, 0x0f, 0xff,
                            0xf0}; /* a Certificate of almost 1 MiB, before any ServerHello would be odd: */
    static const char hello[] = "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" RANDOM "\x00\x00\x2f\x00";
    now = handshake_feed(handshake, hello, sizeof hello - 1);
    assert_int_equal(now, HANDSHAKE_GOING);
    memcpy(record + 5, head, sizeof head);
    now = handshake_feed(handshake, record, sizeof record);
    memset(record + 5, 0, sizeof head);
    for (; now == HANDSHAKE_GOING && fed < 4 * CM_LIMIT_FLIGHT_BYTES; fed += sizeof record)
        now = handshake_feed(handshake, record, sizeof record);
    assert_int_equal(now, HANDSHAKE_FAILED);
    assert_true(fed <= CM_LIMIT_FLIGHT_BYTES + 2 * sizeof record);
    assert_true(handshake_get_result(handshake)->error == RECORD_ERROR_TOO_LARGE ||
                handshake_get_result(handshake)->error == RECORD_ERROR_PROTOCOL);
    handshake_free(handshake);
}

/* What is asked for stands in the ClientHello, and nothing is sent for an address. */
static void test_client_hello(void **state)
{
    (void)state;
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.name = "sni.example", .alpn = true});
    struct slice hello = handshake_output(handshake);
    assert_true(hello.size > 100 && hello.size < 2048);
    assert_non_null(memmem(hello.data, hello.size, "sni.example", 11));
    assert_non_null(memmem(hello.data, hello.size, "http/1.1", 8));
    handshake_sent(handshake, 100);
    assert_int_equal(handshake_output(handshake).size, hello.size - 100);
    handshake_free(handshake);
    handshake = handshake_new(engine, &(struct handshake_ask){.name = ""});
    hello = handshake_output(handshake);
    assert_null(memmem(hello.data, hello.size, "example", 7));
    assert_null(memmem(hello.data, hello.size, "http/1.1", 8));
    handshake_free(handshake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_client_certificate_demanded),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_anonymous),
        cmocka_unit_test(test_anonymous_is_the_last_choice),
        cmocka_unit_test(test_garbage_certificates),
        cmocka_unit_test(test_empty_certificate_message),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_alert),
        cmocka_unit_test(test_flight_ceiling),
        cmocka_unit_test(test_client_hello),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
