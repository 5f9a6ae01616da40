/* Proofs of possession: signatures that OpenSSL makes as a server of each version and key would, and everything that is no such signature. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/prove.h"
#include "tests/unit/scan/rfc8448.h"
#include "tests/unit/scan/signing.h"

enum {
    ECDHE_RSA = 0xc02f,
    ECDHE_ECDSA = 0xc02b,
    DHE_RSA = 0x0033,
    DHE_DSS = 0x0032,
    STATIC_RSA = 0x002f,
    RSA_EXPORT = 0x0003,
    DH_ANON = 0x0034,
    PSK = 0x008c,
    TRANSCRIPT = 48,
    BODY_MAX = 4096,
};

static const uint8_t client_random[32] = "the random of the client, 32 oct",
                     server_random[32] = "and this one is of the server...";
static uint8_t transcript[TRANSCRIPT];

static int set_up(void **state)
{
    (void)state;
    make_servers();
    memset(transcript, 0xc3, sizeof transcript);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free_servers();
    return 0;
}

/* --- messages --------------------------------------------------------------------------------------------------------------- */

struct signing {
    enum key_kind key;
    uint16_t scheme; /* 0: before TLS 1.2 */
    const char *hash;
    bool pss;
};

/* Appends the signature with its two octets of length, and before them the scheme when there is one. */
static void put_signature(struct buf *out, const struct signing *how, struct slice content)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    uint8_t signature[512];
    size_t size = sizeof signature;
    assert_int_equal(EVP_DigestSignInit_ex(context, &parameters, how->hash, NULL, NULL, servers[how->key].key, NULL),
                     1);
    if (how->pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_DigestSign(context, signature, &size, content.data, content.size), 1);
    EVP_MD_CTX_free(context);
    if (how->scheme != 0) {
        buf_append_char(out, (char)(how->scheme >> 8));
        buf_append_char(out, (char)how->scheme);
    }
    buf_append_char(out, (char)(size >> 8));
    buf_append_char(out, (char)size);
    buf_append(out, signature, size);
}

static void put_certificate_verify(struct buf *out, const struct signing *how)
{
    struct buf content;
    buf_init(&content, BODY_MAX);
    for (int i = 0; i < 64; i++)
        buf_append_char(&content, ' ');
    buf_append_str(&content, "TLS 1.3, server CertificateVerify");
    buf_append_char(&content, '\0');
    buf_append(&content, transcript, sizeof transcript);
    put_signature(out, how, buf_slice(&content));
    buf_done(&content);
}

static void put_key_exchange(struct buf *out, const struct signing *how, struct slice parameters)
{
    struct buf content;
    buf_init(&content, BODY_MAX);
    buf_append(&content, client_random, 32);
    buf_append(&content, server_random, 32);
    buf_append(&content, parameters.data, parameters.size);
    buf_append(out, parameters.data, parameters.size);
    put_signature(out, how, buf_slice(&content));
    buf_done(&content);
}

/* Lends a copy whose end is its allocation's, for AddressSanitizer; the one before is freed. */
static struct slice exact(struct slice bytes)
{
    static uint8_t *copy;
    free(copy);
    copy = NULL;
    if (bytes.data == NULL)
        return bytes;
    copy = malloc(bytes.size ? bytes.size : 1);
    memcpy(copy, bytes.data, bytes.size);
    return (struct slice){copy, bytes.size};
}

static enum proof prove_cv(enum key_kind leaf, struct slice body, const char **detail)
{
    return prove_certificate_verify(leaf_of(leaf), exact(body), transcript, sizeof transcript, detail);
}

static enum proof prove_ske(enum key_kind leaf, struct slice body, uint16_t version, uint16_t suite,
                            const char **detail)
{
    return prove_server_key_exchange(leaf_of(leaf), exact(body), version, suite, client_random, server_random, detail);
}

static const struct slice ecdh = {(const uint8_t *)"\x03\x00\x1d\x08"
                                                   "a point!",
                                  12};
static const struct slice dh = {(const uint8_t *)"\x00\x05prime\x00\x01g\x00\x02Ys", 14};
static const struct slice export = {(const uint8_t *)"\x00\x07modulus\x00\x03\x01\x00\x01", 14};

/* --- good ------------------------------------------------------------------------------------------------------------------- */

static const struct signing schemes13[] = {
    {RSA_KEY, 0x0804, "SHA256", true},   {RSA_KEY, 0x0805, "SHA384", true},    {RSA_KEY, 0x0806, "SHA512", true},
    {RSA_SMALL, 0x0804, "SHA256", true}, {PSS_KEY, 0x0809, "SHA256", true},    {PSS_KEY, 0x080a, "SHA384", true},
    {PSS_KEY, 0x080b, "SHA512", true},   {P256, 0x0403, "SHA256", false},      {P384, 0x0503, "SHA384", false},
    {P521, 0x0603, "SHA512", false},     {BRAINPOOL, 0x081a, "SHA256", false}, {ED25519, 0x0807, NULL, false},
    {ED448, 0x0808, NULL, false},        {RSA_KEY, 0x0401, "SHA256", false}, /* forbidden in 1.3, yet a proof */
};

static const struct signing schemes12[] = {
    {RSA_KEY, 0x0101, "MD5", false},    {RSA_KEY, 0x0201, "SHA1", false},   {RSA_KEY, 0x0301, "SHA224", false},
    {RSA_KEY, 0x0401, "SHA256", false}, {RSA_KEY, 0x0501, "SHA384", false}, {RSA_KEY, 0x0601, "SHA512", false},
    {RSA_KEY, 0x0804, "SHA256", true},  {PSS_KEY, 0x0809, "SHA256", true},  {DSA_KEY, 0x0202, "SHA1", false},
    {DSA_KEY, 0x0302, "SHA224", false}, {DSA_KEY, 0x0402, "SHA256", false}, {P256, 0x0203, "SHA1", false},
    {P256, 0x0303, "SHA224", false},    {P384, 0x0403, "SHA256", false}, /* any curve with any hash */
    {P521, 0x0503, "SHA384", false},    {P256, 0x0603, "SHA512", false},    {ED25519, 0x0807, NULL, false},
    {ED448, 0x0808, NULL, false},
};
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static void test_certificate_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(schemes13); i++) {
        struct buf body;
        const char *detail = "untouched";
        buf_init(&body, BODY_MAX);
        put_certificate_verify(&body, &schemes13[i]);
        assert_int_equal(prove_cv(schemes13[i].key, buf_slice(&body), &detail), PROOF_GOOD);
        assert_null(detail);
        body.data[body.size - 1] ^= 1;
        assert_int_equal(prove_cv(schemes13[i].key, buf_slice(&body), &detail), PROOF_BAD);
        assert_non_null(detail);
        body.data[body.size - 1] ^= 1;
        transcript[0] ^= 1;
        assert_int_equal(prove_cv(schemes13[i].key, buf_slice(&body), &detail), PROOF_BAD);
        transcript[0] ^= 1;
        buf_done(&body);
    }
}

static void test_server_key_exchange(void **state)
{
    (void)state;
    static const uint16_t versions[] = {TLS_VERSION_SSL3, TLS_VERSION_1_0, TLS_VERSION_1_1};
    static const struct signing old[] = {{RSA_KEY, 0, "MD5-SHA1", false},
                                         {RSA_SMALL, 0, "MD5-SHA1", false},
                                         {DSA_KEY, 0, "SHA1", false},
                                         {P256, 0, "SHA1", false}};
    struct buf body;
    const char *detail = "untouched";
    buf_init(&body, BODY_MAX);
    for (size_t i = 0; i < COUNT(schemes12); i++) {
        bool finite = schemes12[i].key == DSA_KEY || i % 2 == 0;
        uint16_t suite = finite ? (schemes12[i].key == DSA_KEY ? DHE_DSS : DHE_RSA) : ECDHE_ECDSA;
        buf_reset(&body);
        put_key_exchange(&body, &schemes12[i], finite ? dh : ecdh);
        assert_int_equal(prove_ske(schemes12[i].key, buf_slice(&body), TLS_VERSION_1_2, suite, &detail), PROOF_GOOD);
        assert_null(detail);
    }
    for (size_t i = 0; i < COUNT(versions) * COUNT(old); i++) {
        const struct signing *how = &old[i % COUNT(old)];
        buf_reset(&body);
        put_key_exchange(&body, how, ecdh);
        assert_int_equal(prove_ske(how->key, buf_slice(&body), versions[i / COUNT(old)], ECDHE_RSA, &detail),
                         PROOF_GOOD);
        body.data[5] ^= 1; /* another point than the signed one */
        assert_int_equal(prove_ske(how->key, buf_slice(&body), versions[i / COUNT(old)], ECDHE_RSA, &detail),
                         PROOF_BAD);
    }
    const struct signing rsa = {RSA_KEY, 0, "MD5-SHA1", false};
    buf_reset(&body);
    put_key_exchange(&body, &rsa, export);
    assert_int_equal(prove_ske(RSA_KEY, buf_slice(&body), TLS_VERSION_1_0, RSA_EXPORT, &detail), PROOF_GOOD);
    buf_done(&body);
}

/* A server that nobody here wrote: both CertificateVerify messages of RFC 8448 and the certificate of its server. */
static void test_rfc8448(void **state)
{
    (void)state;
    uint8_t hash[32], message_hash[4 + 32] = {254, 0, 0, 32};
    const char *detail;
    struct buf sent;
    buf_init(&sent, BODY_MAX);
    struct slice first =
        rfc8448_bytes(RFC8448_CLIENT_HELLO RFC8448_SERVER_HELLO RFC8448_EXTENSIONS RFC8448_CERTIFICATE);
    struct slice hello = rfc8448_bytes(RFC8448_RETRY_CLIENT_HELLO);
    struct slice retry = rfc8448_bytes(RFC8448_RETRY_REQUEST RFC8448_RETRY_CLIENT_HELLO_2 RFC8448_RETRY_SERVER_HELLO
                                           RFC8448_RETRY_EXTENSIONS RFC8448_CERTIFICATE);
    struct slice certificate = rfc8448_bytes(RFC8448_CERTIFICATE),
                 leaf = {certificate.data + 11, certificate.size - 13};
    struct slice verify = rfc8448_bytes(RFC8448_CERTIFICATE_VERIFY),
                 again = rfc8448_bytes(RFC8448_RETRY_CERTIFICATE_VERIFY);
    struct slice body = {verify.data + 4, verify.size - 4}, retry_body = {again.data + 4, again.size - 4};
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, first.data, first.size, hash, NULL), 1);
    assert_int_equal(prove_certificate_verify(leaf, body, hash, sizeof hash, &detail), PROOF_GOOD);
    assert_int_equal(prove_certificate_verify(leaf, retry_body, hash, sizeof hash, &detail), PROOF_BAD);
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, hello.data, hello.size, message_hash + 4, NULL), 1);
    buf_append(&sent, message_hash, sizeof message_hash);
    buf_append(&sent, retry.data, retry.size);
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, sent.data, sent.size, hash, NULL), 1);
    assert_int_equal(prove_certificate_verify(leaf, retry_body, hash, sizeof hash, &detail), PROOF_GOOD);
    const struct slice all[] = {first, hello, retry, certificate, verify, again};
    for (size_t i = 0; i < COUNT(all); i++)
        OPENSSL_free((void *)(uintptr_t)all[i].data);
    buf_done(&sent);
}

/* --- no proof --------------------------------------------------------------------------------------------------------------- */

/* Another key of the same kind, another kind of key, another connection. */
static void test_wrong_key(void **state)
{
    (void)state;
    static const struct signing by[] = {{RSA_SMALL, 0x0804, "SHA256", true},
                                        {P256, 0x0403, "SHA256", false},
                                        {ED25519, 0x0807, NULL, false},
                                        {DSA_KEY, 0x0402, "SHA256", false}};
    for (size_t i = 0; i < COUNT(by); i++) {
        struct buf body;
        buf_init(&body, BODY_MAX);
        put_certificate_verify(&body, &by[i]);
        for (int leaf = 0; leaf < KEYS; leaf++) {
            const char *detail = NULL;
            enum proof expected = leaf == (int)by[i].key ? PROOF_GOOD : PROOF_BAD;
            assert_int_equal(prove_cv((enum key_kind)leaf, buf_slice(&body), &detail), expected);
            assert_true(expected == PROOF_GOOD ? detail == NULL : detail != NULL);
        }
        buf_done(&body);
    }
}

static void test_wrong_randoms(void **state)
{
    (void)state;
    const struct signing how = {P256, 0x0403, "SHA256", false};
    const char *detail;
    struct buf body;
    buf_init(&body, BODY_MAX);
    put_key_exchange(&body, &how, ecdh);
    for (int i = 0; i < 32; i++) {
        uint8_t other[32];
        memcpy(other, client_random, 32);
        other[i] ^= 0x80;
        assert_int_equal(prove_server_key_exchange(leaf_of(P256), buf_slice(&body), TLS_VERSION_1_2, ECDHE_ECDSA, other,
                                                   server_random, &detail),
                         PROOF_BAD);
        memcpy(other, server_random, 32);
        other[i] ^= 1;
        assert_int_equal(prove_server_key_exchange(leaf_of(P256), buf_slice(&body), TLS_VERSION_1_2, ECDHE_ECDSA,
                                                   client_random, other, &detail),
                         PROOF_BAD);
    }
    assert_int_equal(prove_ske(P256, buf_slice(&body), TLS_VERSION_1_2, ECDHE_ECDSA, &detail), PROOF_GOOD);
    buf_done(&body);
}

static void test_cut_messages(void **state)
{
    (void)state;
    const struct signing verify = {P256, 0x0403, "SHA256", false}, old = {P256, 0, "SHA1", false};
    const char *detail;
    struct buf body;
    buf_init(&body, BODY_MAX);
    put_certificate_verify(&body, &verify);
    for (size_t size = 0; size < body.size; size++)
        assert_int_equal(prove_cv(P256, (struct slice){(uint8_t *)body.data, size}, &detail), PROOF_BAD);
    buf_append_char(&body, 0);
    assert_int_equal(prove_cv(P256, buf_slice(&body), &detail), PROOF_BAD); /* one byte too many */
    for (int i = 0; i < 4; i++) {
        bool finite = i & 1, before = i & 2;
        uint16_t version = before ? TLS_VERSION_1_1 : TLS_VERSION_1_2, suite = finite ? DHE_RSA : ECDHE_ECDSA;
        buf_reset(&body);
        put_key_exchange(&body, before ? &old : &verify, finite ? dh : ecdh);
        assert_int_equal(prove_ske(P256, buf_slice(&body), version, suite, &detail), PROOF_GOOD);
        for (size_t size = 0; size < body.size; size++)
            assert_int_equal(prove_ske(P256, (struct slice){(uint8_t *)body.data, size}, version, suite, &detail),
                             PROOF_BAD);
        buf_append_char(&body, 0);
        assert_int_equal(prove_ske(P256, buf_slice(&body), version, suite, &detail), PROOF_BAD);
    }
    buf_done(&body);
}

/* The bench's fleet signs with zeros; a signature may be empty, or as long as its field allows. */
static void test_hostile_signatures(void **state)
{
    (void)state;
    uint8_t *body = calloc(1, 4 + 65535);
    for (int leaf = 0; leaf < KEYS; leaf++) {
        for (size_t i = 0; i < COUNT(schemes13); i++) {
            static const size_t sizes[] = {0, 1, 64, 72, 114, 256, 65535};
            for (size_t j = 0; j < COUNT(sizes); j++) {
                const char *detail = NULL;
                body[0] = (uint8_t)(schemes13[i].scheme >> 8);
                body[1] = (uint8_t)schemes13[i].scheme;
                body[2] = (uint8_t)(sizes[j] >> 8);
                body[3] = (uint8_t)sizes[j];
                assert_int_equal(prove_cv((enum key_kind)leaf, (struct slice){body, 4 + sizes[j]}, &detail), PROOF_BAD);
                assert_non_null(detail);
            }
        }
    }
    free(body);
}

static void test_unavailable(void **state)
{
    (void)state;
    const struct signing how = {P256, 0x0403, "SHA256", false};
    static const uint16_t unsigned_suites[] = {DH_ANON, PSK, 0x1301, 0x0a0a, 0x0030 /* static DH */};
    const char *detail = NULL;
    struct buf body;
    buf_init(&body, BODY_MAX);
    put_key_exchange(&body, &how, ecdh);
    for (size_t i = 0; i < COUNT(unsigned_suites); i++) {
        detail = NULL;
        assert_int_equal(prove_ske(P256, buf_slice(&body), TLS_VERSION_1_2, unsigned_suites[i], &detail),
                         PROOF_UNAVAILABLE);
        assert_non_null(detail);
    }
    body.data[0] = 1; /* explicit_prime */
    assert_int_equal(prove_ske(P256, buf_slice(&body), TLS_VERSION_1_2, ECDHE_ECDSA, &detail), PROOF_UNAVAILABLE);
    buf_reset(&body);
    put_certificate_verify(&body, &how);
    body.data[0] = 0x09; /* ML-DSA-65, which OpenSSL 3.0 has not */
    body.data[1] = 0x05;
    assert_int_equal(prove_cv(P256, buf_slice(&body), &detail), PROOF_UNAVAILABLE);
    const struct slice empty = {NULL, 0};
    assert_int_equal(prove_ske(RSA_KEY, empty, TLS_VERSION_1_2, STATIC_RSA, &detail),
                     PROOF_BAD); /* such a message is never empty */
    buf_reset(&body);
    put_key_exchange(&body, &(struct signing){ED25519, 0, NULL, false}, ecdh);
    assert_int_equal(prove_ske(ED25519, buf_slice(&body), TLS_VERSION_1_1, ECDHE_ECDSA, &detail), PROOF_UNAVAILABLE);
    buf_done(&body);
}

/* A leaf cut at every byte, empty, of zeros, or with a key that is none. */
static void test_undecodable_leaf(void **state)
{
    (void)state;
    const struct signing how = {P256, 0x0403, "SHA256", false};
    struct slice leaf = leaf_of(P256);
    const char *detail = NULL;
    struct buf body;
    buf_init(&body, BODY_MAX);
    put_certificate_verify(&body, &how);
    struct slice message = buf_slice(&body);
    for (size_t size = 0; size < leaf.size; size++) {
        detail = NULL;
        struct slice cut = exact((struct slice){leaf.data, size});
        assert_int_equal(prove_certificate_verify(cut, message, transcript, sizeof transcript, &detail),
                         PROOF_UNAVAILABLE);
        assert_non_null(detail);
    }
    uint8_t *copy = malloc(leaf.size);
    size_t point = 0;
    while (memcmp(leaf.data + point, "\x03\x42\x00\x04", 4) != 0) /* the BIT STRING of the key */
        point++;
    memcpy(copy, leaf.data, leaf.size);
    memset(copy + point + 4, 0xff, 64); /* no point of the curve */
    assert_int_equal(
        prove_certificate_verify((struct slice){copy, leaf.size}, message, transcript, sizeof transcript, &detail),
        PROOF_UNAVAILABLE);
    memset(copy, 0, leaf.size);
    assert_int_equal(
        prove_certificate_verify((struct slice){copy, leaf.size}, message, transcript, sizeof transcript, &detail),
        PROOF_UNAVAILABLE);
    free(copy);
    buf_done(&body);
}

static void test_names(void **state)
{
    (void)state;
    assert_null(proof_name(PROOF_NONE));
    assert_string_equal(proof_name(PROOF_GOOD), "good");
    assert_string_equal(proof_name(PROOF_BAD), "bad");
    assert_string_equal(proof_name(PROOF_UNAVAILABLE), "unavailable");
    (void)exact((struct slice){NULL, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_verify),
        cmocka_unit_test(test_server_key_exchange),
        cmocka_unit_test(test_rfc8448),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_wrong_randoms),
        cmocka_unit_test(test_cut_messages),
        cmocka_unit_test(test_hostile_signatures),
        cmocka_unit_test(test_unavailable),
        cmocka_unit_test(test_undecodable_leaf),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
