/* HelloRetryRequest (RFC 8446 §4.1.4): every group that OpenSSL's server can insist on, cookies, the groups that nobody here computes, and
 * requests that make no sense. */
#include "tests/unit/scan/memory_server.h"
#include "tests/unit/scan/played_server.h"

static const struct slice nothing;
static struct played played;

static int set_up_played(void **state)
{
    played_init(&played);
    return set_up(state);
}

static int tear_down_played(void **state)
{
    played_done(&played);
    return tear_down(state);
}

static void test_groups(void **state)
{
    static const struct {
        const char *openssl, *name;
    } rows[] = {{"X25519", "x25519"},       {"P-256", "secp256r1"},     {"P-384", "secp384r1"},
                {"P-521", "secp521r1"},     {"X448", "x448"},           {"ffdhe2048", "ffdhe2048"},
                {"ffdhe3072", "ffdhe3072"}, {"ffdhe4096", "ffdhe4096"}, {"ffdhe6144", "ffdhe6144"},
                {"ffdhe8192", "ffdhe8192"}};
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < 4; j++) {
            SSL_CTX *server = make_server(TLS1_3_VERSION);
            assert_int_equal(SSL_CTX_set1_groups_list(server, rows[i].openssl), 1);
            assert_int_equal(SSL_CTX_set_ciphersuites(server, suites[j % 2]), 1);
            struct handshake *handshake =
                handshake_new(engine, &(struct handshake_ask){.name = "leaf.example", .prove = j > 1, .alpn = j > 1});
            if (run(handshake, server, j % 2 ? 65536 : 1) != HANDSHAKE_CHAIN)
                fail_msg("%s: %s", rows[i].openssl, handshake_get_result(handshake)->detail);
            const struct handshake_result *result = handshake_get_result(handshake);
            assert_string_equal(result->group, rows[i].name);
            assert_string_equal(result->cipher, suites[j % 2]);
            assert_int_equal(result->proof, j > 1 ? PROOF_GOOD : PROOF_NONE);
            check_chain(result);
            handshake_free(handshake);
            SSL_CTX_free(server);
        }
    }
}

static int make_cookie(SSL *ssl, unsigned char *cookie, size_t *size)
{
    (void)ssl;
    memcpy(cookie, "muster", 6);
    *size = 6;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, size_t size)
{
    (void)ssl;
    return size == 6 && memcmp(cookie, "muster", 6) == 0;
}

/* A cookie comes back as it was, with a group and without. */
static void test_cookies(void **state)
{
    static const char *const groups[] = {"X25519", "P-384"}, *const names[] = {"x25519", "secp384r1"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX *server = make_server(TLS1_3_VERSION);
        SSL_CTX_set_options(server, SSL_OP_COOKIE_EXCHANGE);
        SSL_CTX_set_stateless_cookie_generate_cb(server, make_cookie);
        SSL_CTX_set_stateless_cookie_verify_cb(server, check_cookie);
        assert_int_equal(SSL_CTX_set1_groups_list(server, groups[i]), 1);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = true});
        if (run(handshake, server, 65536) != HANDSHAKE_CHAIN)
            fail_msg("%s: %s", groups[i], handshake_get_result(handshake)->detail);
        assert_string_equal(handshake_get_result(handshake)->group, names[i]);
        assert_int_equal(handshake_get_result(handshake)->proof, PROOF_GOOD);
        check_chain(handshake_get_result(handshake));
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

/* With a long cookie neither the HelloRetryRequest nor the second ClientHello fits into one record; with one that leaves no room for the other extensions
 * there is no second ClientHello. */
static void test_long_cookie(void **state)
{
    (void)state;
    static uint8_t cookie[65500];
    static const size_t sizes[] = {16000, 16384, 40000, HELLO_COOKIE_MAX, HELLO_COOKIE_MAX + 1, sizeof cookie};
    memset(cookie, 'c', sizeof cookie);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bool fits = sizes[i] <= HELLO_COOKIE_MAX;
        played_reset(&played);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        play_listen(&played, handshake);
        play_retry(&played, TLS_AES_128_GCM_SHA256, 0, (struct slice){cookie, sizes[i]});
        assert_int_equal(feed(handshake, buf_slice(&played.out), 4096), fits ? HANDSHAKE_GOING : HANDSHAKE_FAILED);
        struct slice second = handshake_output(handshake);
        if (fits) {
            assert_true(second.size > sizes[i] && second.size > TLS_RECORD_MAX);
            assert_non_null(memmem(second.data, second.size, cookie, 15000));
        } else {
            assert_int_equal(second.size, 0);
            assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_TOO_LARGE);
            assert_string_equal(handshake_get_result(handshake)->detail, "a cookie of more than 60000 bytes");
        }
        handshake_free(handshake);
    }
}

struct retry_row {
    uint16_t suite, group;
    enum record_error error;
    const char *detail;
};

static void check_retry(enum hello_kind kind, const struct retry_row *row)
{
    played_reset(&played);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.hello = kind});
    play_listen(&played, handshake);
    play_retry(&played, row->suite, row->group, nothing);
    assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
    const struct handshake_result *result = handshake_get_result(handshake);
    if (result->error != row->error || strcmp(result->detail, row->detail) != 0)
        fail_msg("0x%04x: %s, not %s", row->group, result->detail, row->detail);
    assert_string_equal(result->stage, row->error == RECORD_ERROR_UNSUPPORTED ? "certificate" : "hello");
    assert_string_equal(result->version, "TLSv1.3");
    if (row->error == RECORD_ERROR_UNSUPPORTED)
        assert_non_null(strstr(row->detail, result->group));
    assert_null(result->ja3s);
    assert_int_equal(handshake_output(handshake).size, 0);
    handshake_free(handshake);
}

static void test_groups_that_cannot_be(void **state)
{
    static const struct retry_row rows[] = {
        {0x1301, 0x11EB, RECORD_ERROR_UNSUPPORTED, "the server insists on SecP256r1MLKEM768"},
        {0x1301, 0x11EC, RECORD_ERROR_UNSUPPORTED, "the server insists on X25519MLKEM768"},
        {0x1302, 0x11ED, RECORD_ERROR_UNSUPPORTED, "the server insists on SecP384r1MLKEM1024"},
        {0x1301, 29, RECORD_ERROR_PROTOCOL, "HelloRetryRequest for a group whose share was sent"},
        {0x1301, 0x7777, RECORD_ERROR_PROTOCOL, "HelloRetryRequest for group 0x7777, which was not offered"},
        {0x1301, 0, RECORD_ERROR_PROTOCOL, "HelloRetryRequest that asks for nothing"},
        {0x1399, 23, RECORD_ERROR_PROTOCOL, "suite 0x1399 was not offered"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_retry(HELLO_FULL, &rows[i]);
        check_retry(HELLO_WIDE, &rows[i]);
    }
}

static void test_two_requests(void **state)
{
    (void)state;
    played_reset(&played);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    play_listen(&played, handshake);
    play_retry(&played, 0x1301, 23, nothing);
    assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_GOING);
    play_listen(&played, handshake);
    buf_reset(&played.out);
    play_retry(&played, 0x1301, 24, nothing);
    assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_PROTOCOL);
    assert_string_equal(handshake_get_result(handshake)->detail, "a second HelloRetryRequest");
    handshake_free(handshake);
}

/* After the request the ServerHello must keep to it. */
static void test_hello_that_forgets_the_request(void **state)
{
    static const struct {
        uint16_t suite, group;
        const char *detail;
    } rows[] = {{0x1301, 29, "the server chose a group for which no share was sent"},
                {0x1302, 23, "ServerHello and HelloRetryRequest differ"},
                {0x1301, 23, NULL}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static const char *const certs[] = {"one"};
        played_reset(&played);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        play_listen(&played, handshake);
        play_retry(&played, 0x1301, 23, nothing);
        play_clear(&played, TLS_CHANGE_CIPHER_SPEC, "\x01", 1);
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_GOING);
        struct slice second = handshake_output(handshake);
        assert_memory_equal(second.data, "\x14\x03\x03\x00\x01\x01\x16\x03\x03", 9);
        play_listen(&played, handshake);
        buf_reset(&played.out);
        play_keys(&played, shares, rows[i].suite, rows[i].group);
        play_certificate(&played, certs, 1);
        enum handshake_state now = feed(handshake, buf_slice(&played.out), 65536);
        assert_int_equal(now, rows[i].detail ? HANDSHAKE_FAILED : HANDSHAKE_CHAIN);
        if (rows[i].detail)
            assert_string_equal(handshake_get_result(handshake)->detail, rows[i].detail);
        handshake_free(handshake);
    }
}

/* Below 1.3 there is no such thing, whatever the random says. */
static void test_request_below_13(void **state)
{
    (void)state;
    played_reset(&played);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    play_listen(&played, handshake);
    play_server_hello(&played, RETRY_RANDOM, TLS_VERSION_1_2, 0xc02f, NULL, 0);
    assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
    assert_string_equal(handshake_get_result(handshake)->detail, "HelloRetryRequest below TLS 1.3");
    handshake_free(handshake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),           cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_long_cookie),      cmocka_unit_test(test_groups_that_cannot_be),
        cmocka_unit_test(test_two_requests),     cmocka_unit_test(test_hello_that_forgets_the_request),
        cmocka_unit_test(test_request_below_13),
    };
    return cmocka_run_group_tests(tests, set_up_played, tear_down_played);
}
