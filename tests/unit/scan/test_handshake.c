/* The handshake against OpenSSL's server in memory: every version and suite, what the flight says, and the proof of the key. Its
 * neighbours test HelloRetryRequests, flights cut anywhere, and servers that no library would play. */
#include "tests/unit/scan/memory_server.h"

#include <openssl/core_names.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>

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
            assert_int_equal(result->scts, 0);
            assert_null(result->staple.status);
            assert_int_equal(strlen(result->ja3s), 32);
            assert_int_equal(result->proof, PROOF_NONE);
            assert_int_equal(result->alert, -1);
            assert_string_equal(result->stage, "certificate");
            check_chain(result);
            handshake_free(handshake);
            SSL_CTX_free(server);
        }
    }
}

/* The hellos of the ladder's lower rungs get what they ask for. */
static void test_kinds(void **state)
{
    static const struct {
        enum hello_kind kind;
        int version;
        enum handshake_state state;
    } rows[] = {{HELLO_WIDE, TLS1_3_VERSION, HANDSHAKE_CHAIN},   {HELLO_WIDE, TLS1_2_VERSION, HANDSHAKE_CHAIN},
                {HELLO_TLS12, TLS1_2_VERSION, HANDSHAKE_CHAIN},  {HELLO_TLS12, TLS1_VERSION, HANDSHAKE_CHAIN},
                {HELLO_TLS12, TLS1_3_VERSION, HANDSHAKE_FAILED}, {HELLO_PLAIN, TLS1_VERSION, HANDSHAKE_CHAIN},
                {HELLO_PLAIN, TLS1_2_VERSION, HANDSHAKE_FAILED}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SSL_CTX *server = make_server(rows[i].version);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.hello = rows[i].kind});
        if (run(handshake, server, 65536) != rows[i].state)
            fail_msg("%s, row %zu: %s", hello_kind_name(rows[i].kind), i, handshake_get_result(handshake)->detail);
        if (rows[i].state == HANDSHAKE_FAILED) {
            assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_ALERT);
            assert_string_equal(handshake_get_result(handshake)->detail, "protocol_version");
            assert_int_equal(handshake_get_result(handshake)->alert, 70);
        }
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

struct suite_row {
    const char *openssl, *iana, *group; /* group: NULL where the flight shows none */
    bool ec;                            /* the server shows its EC certificate */
};

static void check_suite(int version, const struct suite_row *row)
{
    SSL_CTX *server = make_server(version);
    int set = version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(server, row->openssl)
                                        : SSL_CTX_set_cipher_list(server, row->openssl);
    assert_int_equal(set, 1);
    if (row->ec) {
        assert_int_equal(SSL_CTX_use_certificate(server, ec_leaf), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(server, ec_key), 1);
    }
    for (int prove = 0; prove < 2; prove++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = prove});
        enum handshake_state now = run(handshake, server, 65536);
        const struct handshake_result *result = handshake_get_result(handshake);
        if (now != HANDSHAKE_CHAIN || !result->cipher || strcmp(result->cipher, row->iana) != 0)
            fail_msg("%s: state %d, %s, %s", row->openssl, now, result->cipher, result->detail);
        if (row->group)
            assert_string_equal(result->group, row->group);
        else
            assert_null(result->group);
        if (!row->ec)
            check_chain(result);
        bool nothing_signed = strncmp(row->iana, "TLS_RSA_", 8) == 0;
        assert_int_equal(result->proof, !prove ? PROOF_NONE : nothing_signed ? PROOF_UNAVAILABLE : PROOF_GOOD);
        assert_true((result->proof_detail != NULL) == (result->proof == PROOF_UNAVAILABLE));
        handshake_free(handshake);
    }
    SSL_CTX_free(server);
}

static void test_suites(void **state)
{
    static const struct suite_row rows12[] = {
        {"AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", NULL, false},
        {"AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", NULL, false},
        {"AES128-CCM8", "TLS_RSA_WITH_AES_128_CCM_8", NULL, false},
        {"NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256", NULL, false},
        {"CAMELLIA256-SHA", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", NULL, false},
        {"DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", NULL, false},
        {"DHE-RSA-CAMELLIA128-SHA", "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", NULL, false},
        {"ECDHE-RSA-NULL-SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA", "x25519", false},
        {"ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "x25519", false},
        {"ECDHE-ARIA256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", "x25519", false},
        {"ECDHE-ECDSA-AES128-CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "x25519", true},
        {"ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "x25519", true},
    };
    static const struct suite_row rows10[] = {
        {"AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", NULL, false},
        {"DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", NULL, false},
        {"ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "x25519", false},
        {"ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "x25519", true},
    };
    static const struct suite_row rows13[] = {
        {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "x25519", false},
        {"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", "x25519", false},
        {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "x25519", true},
        {"TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256", "x25519", false},
        {"TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256", "x25519", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows12 / sizeof *rows12; i++)
        check_suite(TLS1_2_VERSION, &rows12[i]);
    for (size_t i = 0; i < sizeof rows10 / sizeof *rows10; i++)
        check_suite(TLS1_VERSION, &rows10[i]);
    for (size_t i = 0; i < sizeof rows13 / sizeof *rows13; i++)
        check_suite(TLS1_3_VERSION, &rows13[i]);
}

static void test_client_certificate_demanded(void **state)
{
    static const int versions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        SSL_CTX *server = make_server(versions[i / 2]);
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_add_client_CA(server, other);
        SSL_CTX_add_client_CA(server, leaf);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = i % 2});
        assert_int_equal(run(handshake, server, i < 3 ? 65536 : 1), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_chain(result);
        assert_int_equal(result->client_auth, 1);
        assert_int_equal(result->client_ca_count, 2);
        assert_non_null(strstr(result->client_ca[0], "CN=Other CA"));
        assert_non_null(strstr(result->client_ca[1], "CN=leaf.example"));
        assert_int_equal(result->proof, i % 2 ? PROOF_GOOD : PROOF_NONE);
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

/* --- ALPN, staple, SCTs ------------------------------------------------------------------------------------------------- */

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

static int choose_our_own(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in,
                          unsigned in_size, void *context)
{
    (void)ssl, (void)in, (void)in_size, (void)context;
    *out = (const unsigned char *)"muster/1";
    *size = 8;
    return SSL_TLSEXT_ERR_OK;
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
        SSL_CTX_set_alpn_select_cb(server, choose_our_own, NULL);
        handshake = handshake_new(engine, &(struct handshake_ask){.alpn = true});
        assert_int_equal(run(handshake, server, 1), HANDSHAKE_CHAIN);
        assert_string_equal(handshake_get_result(handshake)->alpn, "muster/1");
        handshake_free(handshake);
        SSL_CTX_set_alpn_select_cb(server, choose_nothing, NULL);
        handshake = handshake_new(engine, &(struct handshake_ask){.alpn = true});
        assert_int_equal(run(handshake, server, 65536), HANDSHAKE_FAILED);
        assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_ALERT);
        assert_string_equal(handshake_get_result(handshake)->detail, "no_application_protocol");
        assert_string_equal(handshake_get_result(handshake)->stage, "hello");
        assert_int_equal(handshake_get_result(handshake)->alert, 120);
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

/* An OCSPResponse that calls the leaf revoked, from 2026-01-01 to 2026-01-08. */
static int make_staple(uint8_t **out)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, other);
    ASN1_TIME *revoked = ASN1_TIME_new(), *from = ASN1_TIME_new(), *to = ASN1_TIME_new();
    ASN1_TIME_set(revoked, 1760000000);
    ASN1_TIME_set(from, 1767225600);
    ASN1_TIME_set(to, 1767830400);
    assert_non_null(
        OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED_STATUS_NOSTATUS, revoked, from, to));
    assert_int_equal(OCSP_basic_sign(basic, leaf, leaf_key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int size = i2d_OCSP_RESPONSE(response, out);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return size;
}

static int staple_it(SSL *ssl, void *context)
{
    uint8_t *response = NULL;
    (void)context;
    int size = make_staple(&response);
    SSL_set_tlsext_status_ocsp_resp(ssl, response, size);
    return SSL_TLSEXT_ERR_OK;
}

static int add_scts(SSL *ssl, unsigned type, unsigned when, const unsigned char **out, size_t *size, X509 *cert,
                    size_t index, int *alert, void *context)
{
    static const unsigned char list[] = {0, 8, 0, 3, 'o', 'n', 'e', 0, 1, '2'};
    (void)ssl, (void)type, (void)cert, (void)alert, (void)context;
    *out = list;
    *size = sizeof list;
    return when == SSL_EXT_TLS1_2_SERVER_HELLO || index == 0;
}

static void test_staple_and_scts(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        SSL_CTX *server = make_server(i & 1 ? TLS1_3_VERSION : TLS1_2_VERSION);
        SSL_CTX_set_tlsext_status_cb(server, staple_it);
        assert_int_equal(
            SSL_CTX_add_custom_ext(server, 18,
                                   SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
                                   add_scts, NULL, NULL, NULL, NULL),
            1);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = i & 2});
        assert_int_equal(run(handshake, server, i & 4 ? 1 : 65536), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_chain(result);
        assert_string_equal(result->staple.status, "revoked");
        assert_int_equal(result->staple.this_update, 1767225600);
        assert_int_equal(result->staple.next_update, 1767830400);
        assert_int_equal(result->scts, 2);
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
}

/* --- the proof ------------------------------------------------------------------------------------------------------------ */

/* The public key of the certificate with the private exponent of another: OpenSSL takes it, and signs nonsense. */
static EVP_PKEY *make_false_key(void)
{
    EVP_PKEY *stranger = make_key("RSA", "2048"), *made = NULL;
    BIGNUM *n = NULL, *e = NULL, *d = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(EVP_PKEY_get_bn_param(leaf_key, OSSL_PKEY_PARAM_RSA_N, &n) &&
                EVP_PKEY_get_bn_param(leaf_key, OSSL_PKEY_PARAM_RSA_E, &e) &&
                EVP_PKEY_get_bn_param(stranger, OSSL_PKEY_PARAM_RSA_D, &d));
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(stranger);
    BN_free(n);
    BN_free(e);
    BN_clear_free(d);
    return made;
}

static void test_proof_bad(void **state)
{
    static const int versions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    EVP_PKEY *false_key = make_false_key();
    for (size_t i = 0; i < 6; i++) {
        SSL_CTX *server = make_server(versions[i / 2]);
        assert_int_equal(SSL_CTX_use_PrivateKey(server, false_key), 1);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = true});
        assert_int_equal(run(handshake, server, i % 2 ? 1 : 65536), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_chain(result);
        assert_int_equal(result->proof, PROOF_BAD);
        assert_non_null(result->proof_detail);
        handshake_free(handshake);
        SSL_CTX_free(server);
    }
    EVP_PKEY_free(false_key);
}

/* The chain is worth telling although the server goes away before it signs. */
static void test_proof_that_never_comes(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX *context = make_server(version);
        SSL *server = make_session(context);
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.prove = true});
        struct buf flight;
        buf_init(&flight, 1 << 20);
        answer(handshake, server, &flight);
        /* All but the end, which is CertificateVerify and Finished, or ServerKeyExchange and ServerHelloDone. */
        struct slice cut = {(uint8_t *)flight.data, flight.size - 300};
        assert_int_equal(feed(handshake, cut, 65536), HANDSHAKE_GOING);
        assert_int_equal(handshake_finish(handshake, HANDSHAKE_END_DEADLINE), HANDSHAKE_CHAIN);
        check_chain(handshake_get_result(handshake));
        assert_int_equal(handshake_get_result(handshake)->proof, PROOF_UNAVAILABLE);
        assert_non_null(handshake_get_result(handshake)->proof_detail);
        handshake_free(handshake);
        buf_done(&flight);
        SSL_free(server);
        SSL_CTX_free(context);
    }
}

/* --- no certificate --------------------------------------------------------------------------------------------------------- */

static void test_anonymous(void **state)
{
    (void)state;
    SSL_CTX *server = make_server(TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(server, "aNULL:@SECLEVEL=0"), 1);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(run(handshake, server, 65536), HANDSHAKE_FAILED); /* anonymous suites are not in the first hello */
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_ALERT);
    assert_string_equal(handshake_get_result(handshake)->detail, "handshake_failure");
    handshake_free(handshake);
    handshake = handshake_new(engine, &(struct handshake_ask){.hello = HELLO_WIDE});
    assert_int_equal(run(handshake, server, 65536), HANDSHAKE_FAILED);
    const struct handshake_result *result = handshake_get_result(handshake);
    assert_int_equal(result->error, RECORD_ERROR_NO_CERTIFICATE);
    assert_string_equal(result->stage, "certificate");
    assert_non_null(strstr(result->detail, "anon"));
    assert_string_equal(result->version, "TLSv1.2");
    assert_int_equal(strlen(result->ja3s), 32);
    handshake_free(handshake);
    SSL_CTX_free(server);
}

/* A server that has both prefers ours in its own order: a certificate wins although anonymous suites are offered. */
static void test_anonymous_is_the_last_choice(void **state)
{
    (void)state;
    SSL_CTX *server = make_server(TLS1_2_VERSION);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.hello = HELLO_WIDE});
    assert_int_equal(run(handshake, server, 65536), HANDSHAKE_CHAIN);
    handshake_free(handshake);
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),  cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_suites),    cmocka_unit_test(test_client_certificate_demanded),
        cmocka_unit_test(test_alpn),      cmocka_unit_test(test_staple_and_scts),
        cmocka_unit_test(test_proof_bad), cmocka_unit_test(test_proof_that_never_comes),
        cmocka_unit_test(test_anonymous), cmocka_unit_test(test_anonymous_is_the_last_choice),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
