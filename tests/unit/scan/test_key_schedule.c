/* The TLS 1.3 key schedule against the real handshakes of RFC 8448: every secret, key and record; and records that nobody sealed so. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/key_schedule.h"
#include "tests/unit/scan/rfc8448.h"

enum { HASH = 32, HEADER = 5, RECORD_MAX = 16384 + 1 + 16 };

static const uint16_t suites[] = {TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256,
                                  TLS_AES_128_CCM_SHA256, TLS_AES_128_CCM_8_SHA256};
enum { SUITES = sizeof suites / sizeof suites[0] };

static int set_up(void **state)
{
    struct key_schedule *schedule;
    if (key_schedule_new(&schedule, NULL) != 0)
        return -1;
    *state = schedule;
    return 0;
}

static int tear_down(void **state)
{
    key_schedule_free(*state);
    return 0;
}

static void release(struct slice bytes)
{
    OPENSSL_free((void *)(uintptr_t)bytes.data);
}

static void assert_bytes(const void *got, const char *expected)
{
    struct slice bytes = rfc8448_bytes(expected);
    assert_memory_equal(got, bytes.data, bytes.size);
    release(bytes);
}

/* The hash of messages given in hexadecimal. */
static void hash_messages(struct key_schedule *schedule, const char *const *messages, size_t count, uint8_t *out)
{
    struct slice parts[4];
    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++)
        parts[i] = rfc8448_bytes(messages[i]);
    assert_int_equal(tls13_transcript(schedule, TLS_AES_128_GCM_SHA256, parts, count, out), 0);
    for (size_t i = 0; i < count; i++)
        release(parts[i]);
}

static void server_keys(struct key_schedule *schedule, struct slice shared, const uint8_t *transcript,
                        struct record_keys *keys)
{
    struct traffic_secrets secrets;
    assert_int_equal(tls13_handshake_secrets(schedule, TLS_AES_128_GCM_SHA256, shared, transcript, false, &secrets), 0);
    assert_int_equal(tls13_record_keys(schedule, TLS_AES_128_GCM_SHA256, secrets.server, keys), 0);
}

/* Opens a record given whole in hexadecimal and compares it with the messages that stand in it. */
static void open_record(struct key_schedule *schedule, struct record_keys *keys, const char *record,
                        const char *const *messages, size_t count)
{
    struct slice whole = rfc8448_bytes(record);
    uint8_t plain[1024], type = 0;
    size_t size = 0, at = 0;
    assert_true(whole.size - HEADER <= sizeof plain);
    assert_int_equal(tls13_open(schedule, keys, (struct slice){whole.data, HEADER},
                                (struct slice){whole.data + HEADER, whole.size - HEADER}, plain, &size, &type),
                     0);
    assert_int_equal(type, 22);
    for (size_t i = 0; i < count; i++) {
        assert_bytes(plain + at, messages[i]);
        at += strlen(messages[i]) / 2;
    }
    assert_int_equal(size, at);
    assert_int_equal(keys->sequence, 1);
    release(whole);
}

/* --- RFC 8448 --------------------------------------------------------------------------------------------------------------- */

static void test_simple_handshake(void **state)
{
    static const char *const hellos[] = {RFC8448_CLIENT_HELLO, RFC8448_SERVER_HELLO};
    static const char *const flight[] = {RFC8448_EXTENSIONS, RFC8448_CERTIFICATE, RFC8448_CERTIFICATE_VERIFY,
                                         RFC8448_FINISHED};
    uint8_t transcript[TLS_HASH_MAX];
    struct traffic_secrets secrets;
    struct record_keys keys;
    hash_messages(*state, hellos, 2, transcript);
    assert_bytes(transcript, RFC8448_TRANSCRIPT);
    struct slice shared = rfc8448_bytes(RFC8448_SHARED);
    assert_int_equal(tls13_handshake_secrets(*state, TLS_AES_128_GCM_SHA256, shared, transcript, true, &secrets), 0);
    assert_bytes(secrets.server, RFC8448_SERVER_TRAFFIC);
    assert_bytes(secrets.client, RFC8448_CLIENT_TRAFFIC);
    assert_int_equal(tls13_record_keys(*state, TLS_AES_128_GCM_SHA256, secrets.server, &keys), 0);
    assert_bytes(keys.key, RFC8448_SERVER_KEY);
    assert_bytes(keys.iv, RFC8448_SERVER_IV);
    open_record(*state, &keys, RFC8448_SERVER_RECORD, flight, 4);
    release(shared);
}

/* The client's Finished of §3, made again: the same key seals and opens the same bytes. */
static void test_client_record(void **state)
{
    struct slice secret = rfc8448_bytes(RFC8448_CLIENT_TRAFFIC), record = rfc8448_bytes(RFC8448_CLIENT_RECORD);
    struct record_keys opening, sealing;
    uint8_t plain[64], again[HEADER + 64 + 1 + 16], type;
    size_t size, again_size;
    assert_int_equal(tls13_record_keys(*state, TLS_AES_128_GCM_SHA256, secret.data, &opening), 0);
    sealing = opening;
    assert_int_equal(tls13_open(*state, &opening, (struct slice){record.data, HEADER},
                                (struct slice){record.data + HEADER, record.size - HEADER}, plain, &size, &type),
                     0);
    assert_int_equal(size, 36);
    assert_int_equal(plain[0], 20); /* Finished */
    assert_int_equal(tls13_seal(*state, &sealing, type, (struct slice){plain, size}, again, &again_size), 0);
    assert_int_equal(again_size, record.size);
    assert_memory_equal(again, record.data, record.size);
    assert_int_equal(sealing.sequence, 1);
    release(secret);
    release(record);
}

/* §5's shared secret: the client's private key with the point of the ServerHello. */
static struct slice retry_shared(uint8_t *out, size_t size)
{
    struct slice hello = rfc8448_bytes(RFC8448_RETRY_SERVER_HELLO), key = rfc8448_bytes(RFC8448_RETRY_CLIENT_KEY);
    const uint8_t *point = hello.data + 4 + 2 + 32 + 1 + 2 + 1 + 2 + 8;
    BIGNUM *private = BN_bin2bn(key.data, (int)key.size, NULL);
    EC_GROUP *curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *peer = EC_POINT_new(curve), *product = EC_POINT_new(curve);
    BIGNUM *x = BN_new();
    assert_int_equal(EC_POINT_oct2point(curve, peer, point, 65, NULL), 1);
    assert_int_equal(EC_POINT_mul(curve, product, NULL, peer, private, NULL), 1);
    assert_int_equal(EC_POINT_get_affine_coordinates(curve, product, x, NULL, NULL), 1);
    assert_int_equal(BN_bn2binpad(x, out, (int)size), (int)size);
    BN_free(x);
    BN_free(private);
    EC_POINT_free(peer);
    EC_POINT_free(product);
    EC_GROUP_free(curve);
    release(hello);
    release(key);
    return (struct slice){out, size};
}

/* After a HelloRetryRequest a hash stands for the first ClientHello (RFC 8446 §4.4.1). */
static void test_retry_handshake(void **state)
{
    static const char *const first[] = {RFC8448_RETRY_CLIENT_HELLO};
    static const char *const flight[] = {RFC8448_RETRY_EXTENSIONS, RFC8448_CERTIFICATE,
                                         RFC8448_RETRY_CERTIFICATE_VERIFY, RFC8448_RETRY_FINISHED};
    uint8_t message_hash[4 + TLS_HASH_MAX] = {254, 0, 0, HASH}, transcript[TLS_HASH_MAX], shared[32];
    struct record_keys keys;
    hash_messages(*state, first, 1, message_hash + 4);
    struct slice parts[] = {{message_hash, 4 + HASH},
                            rfc8448_bytes(RFC8448_RETRY_REQUEST),
                            rfc8448_bytes(RFC8448_RETRY_CLIENT_HELLO_2),
                            rfc8448_bytes(RFC8448_RETRY_SERVER_HELLO)};
    assert_int_equal(tls13_transcript(*state, TLS_AES_128_GCM_SHA256, parts, 4, transcript), 0);
    server_keys(*state, retry_shared(shared, sizeof shared), transcript, &keys);
    open_record(*state, &keys, RFC8448_RETRY_SERVER_RECORD, flight, 4);
    for (size_t i = 1; i < 4; i++)
        release(parts[i]);
}

/* --- every suite, against HKDF of OpenSSL ------------------------------------------------------------------------------------- */

/* HKDF-Expand-Label by OpenSSL's own KDF. */
static void expand(const char *digest, struct slice secret, const char *label, struct slice context, uint8_t *out,
                   size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *made = EVP_KDF_CTX_new(kdf);
    uint8_t info[128] = {0, (uint8_t)size, (uint8_t)(6 + strlen(label))};
    size_t at = 3;
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, strlen(label));
    at += 6 + strlen(label);
    info[at++] = (uint8_t)context.size;
    if (context.size > 0)
        memcpy(info + at, context.data, context.size);
    at += context.size;
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.data, secret.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, at),
        OSSL_PARAM_END,
    };
    assert_int_equal(EVP_KDF_derive(made, out, size, params), 1);
    EVP_KDF_CTX_free(made);
    EVP_KDF_free(kdf);
}

/* Sizes of hash and key of each suite, and that keys are what OpenSSL's HKDF makes of the secret. */
static void test_keys_of_suites(void **state)
{
    static const struct {
        const char *digest;
        size_t hash, key;
    } expected[SUITES] = {
        {"SHA256", 32, 16}, {"SHA384", 48, 32}, {"SHA256", 32, 32}, {"SHA256", 32, 16}, {"SHA256", 32, 16}};
    uint8_t secret[TLS_SECRET_MAX], key[TLS_KEY_MAX], iv[TLS_IV_SIZE];
    const struct slice none = {NULL, 0};
    struct record_keys keys;
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)(i * 5 + 1);
    for (size_t i = 0; i < SUITES; i++) {
        struct slice whole = {secret, expected[i].hash};
        assert_int_equal(tls13_hash_size(suites[i]), expected[i].hash);
        assert_int_equal(tls13_record_keys(*state, suites[i], secret, &keys), 0);
        expand(expected[i].digest, whole, "key", none, key, expected[i].key);
        expand(expected[i].digest, whole, "iv", none, iv, sizeof iv);
        assert_memory_equal(keys.key, key, expected[i].key);
        assert_memory_equal(keys.iv, iv, sizeof iv);
        assert_int_equal(keys.suite, suites[i]);
        assert_int_equal(keys.sequence, 0);
    }
}

/* SHA-384, and secrets of every length that a group gives, step by step with OpenSSL's KDF. */
static void test_secrets_against_openssl(void **state)
{
    static const size_t sizes[] = {32, 48, 56, 66, 256, 1024};
    uint8_t zeros[TLS_HASH_MAX] = {0}, early[TLS_HASH_MAX], empty[TLS_HASH_MAX], salt[TLS_HASH_MAX];
    uint8_t handshake[TLS_HASH_MAX], server[TLS_HASH_MAX], shared[1024], transcript[TLS_HASH_MAX];
    memset(shared, 0xa7, sizeof shared);
    memset(transcript, 0x31, sizeof transcript);
    for (int wide = 0; wide < 2; wide++) {
        const char *digest = wide ? "SHA384" : "SHA256";
        size_t hash = wide ? 48 : 32;
        uint16_t suite = wide ? TLS_AES_256_GCM_SHA384 : TLS_CHACHA20_POLY1305_SHA256;
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, zeros, hash, zeros, hash, early, hash, NULL));
        assert_int_equal(EVP_Q_digest(NULL, digest, NULL, "", 0, empty, NULL), 1);
        expand(digest, (struct slice){early, hash}, "derived", (struct slice){empty, hash}, salt, hash);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct traffic_secrets secrets;
            assert_non_null(
                EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, salt, hash, shared, sizes[i], handshake, hash, NULL));
            expand(digest, (struct slice){handshake, hash}, "s hs traffic", (struct slice){transcript, hash}, server,
                   hash);
            assert_int_equal(
                tls13_handshake_secrets(*state, suite, (struct slice){shared, sizes[i]}, transcript, true, &secrets),
                0);
            assert_memory_equal(secrets.server, server, hash);
            expand(digest, (struct slice){handshake, hash}, "c hs traffic", (struct slice){transcript, hash}, server,
                   hash);
            assert_memory_equal(secrets.client, server, hash);
        }
    }
}

static void test_unknown_suite(void **state)
{
    uint8_t out[TLS_HASH_MAX] = {0};
    struct traffic_secrets secrets;
    struct record_keys keys = {.suite = 0xc02f};
    uint8_t bytes[HEADER + 32] = {23, 3, 3, 0, 32}, type;
    size_t size;
    struct slice all = {bytes, sizeof bytes};
    assert_int_equal(tls13_hash_size(0x1306), 0);
    assert_int_equal(tls13_transcript(*state, 0x1306, &all, 1, out), CM_EUNSUPPORTED);
    assert_int_equal(tls13_handshake_secrets(*state, 0x1300, all, out, false, &secrets), CM_EUNSUPPORTED);
    assert_int_equal(tls13_record_keys(*state, 0, out, &keys), CM_EUNSUPPORTED);
    assert_int_equal(
        tls13_open(*state, &keys, (struct slice){bytes, HEADER}, (struct slice){bytes + HEADER, 32}, out, &size, &type),
        CM_EUNSUPPORTED);
    assert_int_equal(tls13_seal(*state, &keys, 21, all, out, &size), CM_EUNSUPPORTED);
}

/* --- records ---------------------------------------------------------------------------------------------------------------- */

/* What a server would send: sealed by OpenSSL's one-shot use of each AEAD, not by the code under test. Returns the fragment's size. */
static size_t server_seal(const struct record_keys *keys, const uint8_t *inner, size_t size, uint8_t *record)
{
    static const char *const ciphers[SUITES] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-128-CCM",
                                                "AES-128-CCM"};
    size_t which = keys->suite - TLS_AES_128_GCM_SHA256;
    int tag = keys->suite == TLS_AES_128_CCM_8_SHA256 ? 8 : 16, done = 0;
    bool ccm = which >= 3;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, ciphers[which], NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t nonce[TLS_IV_SIZE];
    memcpy(nonce, keys->iv, sizeof nonce);
    for (unsigned i = 0; i < 8; i++)
        nonce[4 + i] ^= (uint8_t)(keys->sequence >> (56 - 8 * i));
    size_t fragment = size + (size_t)tag;
    const uint8_t header[HEADER] = {23, 3, 3, (uint8_t)(fragment >> 8), (uint8_t)fragment};
    memcpy(record, header, HEADER);
    assert_int_equal(EVP_EncryptInit_ex2(context, cipher, NULL, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, TLS_IV_SIZE, NULL), 1);
    if (ccm)
        assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag, NULL), 1);
    assert_int_equal(EVP_EncryptInit_ex2(context, NULL, keys->key, nonce, NULL), 1);
    if (ccm)
        assert_int_equal(EVP_EncryptUpdate(context, NULL, &done, NULL, (int)size), 1);
    assert_int_equal(EVP_EncryptUpdate(context, NULL, &done, header, HEADER), 1);
    assert_int_equal(EVP_EncryptUpdate(context, record + HEADER, &done, inner, (int)size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, record + HEADER + size, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag, record + HEADER + size), 1);
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return fragment;
}

static struct record_keys keys_of(struct key_schedule *schedule, uint16_t suite, uint8_t seed)
{
    uint8_t secret[TLS_SECRET_MAX];
    struct record_keys keys;
    memset(secret, seed, sizeof secret);
    assert_int_equal(tls13_record_keys(schedule, suite, secret, &keys), 0);
    return keys;
}

static int open_at(struct key_schedule *schedule, struct record_keys *keys, const uint8_t *record, size_t fragment,
                   uint8_t *plain, size_t *size, uint8_t *type)
{
    return tls13_open(schedule, keys, (struct slice){record, HEADER}, (struct slice){record + HEADER, fragment}, plain,
                      size, type);
}

/* Several records in a row, sizes from one byte to the largest, padded or not; contexts are shared with another connection's keys and with
 * sealing in between. */
static void test_records_of_suites(void **state)
{
    static const size_t sizes[] = {1, 2, 15, 16, 17, 1200, 16384};
    uint8_t *inner = malloc(RECORD_MAX), *record = malloc(HEADER + RECORD_MAX), *plain = malloc(RECORD_MAX);
    for (size_t i = 0; i < SUITES; i++) {
        struct record_keys keys = keys_of(*state, suites[i], 1), others = keys_of(*state, suites[i], 2);
        keys.sequence = 0xfffffffe; /* past 32 bits, so that all of the nonce's eight bytes count */
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            size_t padding = sizes[j] < 16000 ? 7 * j : 0, size, fragment;
            uint8_t type, alert[HEADER + 2 + 1 + 16];
            memset(inner, 0, RECORD_MAX);
            memset(inner, (int)(j + 1), sizes[j]);
            inner[sizes[j]] = 22;
            fragment = server_seal(&keys, inner, sizes[j] + 1 + padding, record);
            assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), 0);
            assert_int_equal(type, 22);
            assert_int_equal(size, sizes[j]);
            assert_memory_equal(plain, inner, sizes[j]);
            assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), CM_EAUTH); /* a replay */
            size_t sealed;
            struct record_keys peer = others;
            assert_int_equal(
                tls13_seal(*state, &others, 21, (struct slice){(const uint8_t *)"\1\132", 2}, alert, &sealed), 0);
            assert_int_equal(open_at(*state, &peer, alert, sealed - HEADER, plain, &size, &type), 0);
            assert_int_equal(type, 21);
            assert_int_equal(size, 2);
            assert_memory_equal(plain, "\1\132", 2);
        }
        assert_int_equal(keys.sequence, 0xfffffffe + sizeof sizes / sizeof sizes[0]);
    }
    free(inner);
    free(record);
    free(plain);
}

/* A record cut at every byte, and one with any byte changed, opens nothing and leaves the sequence where it was. */
static void test_damaged_records(void **state)
{
    uint8_t inner[40], record[HEADER + 64], plain[64], type = 77;
    size_t size = 77;
    memset(inner, 9, sizeof inner);
    for (size_t i = 0; i < SUITES; i++) {
        struct record_keys keys = keys_of(*state, suites[i], 3);
        size_t fragment = server_seal(&keys, inner, sizeof inner, record);
        size_t tag = fragment - sizeof inner;
        for (size_t cut = 0; cut < fragment; cut++) {
            uint8_t *exact = malloc(HEADER + cut);
            memcpy(exact, record, HEADER + cut);
            assert_int_equal(open_at(*state, &keys, exact, cut, plain, &size, &type),
                             cut <= tag ? CM_EMALFORMED : CM_EAUTH);
            free(exact);
        }
        for (size_t at = 0; at < HEADER + fragment; at++) {
            record[at] ^= 0x10;
            assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), CM_EAUTH);
            record[at] ^= 0x10;
        }
        assert_int_equal(keys.sequence, 0);
        assert_int_equal(size, 77);
        assert_int_equal(type, 77);
        assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), 0);
        assert_int_equal(keys.sequence, 1);
        size = type = 77;
    }
}

/* Correctly sealed, but nothing but padding; and above the largest TLSInnerPlaintext (RFC 8446 §5.2, §5.4). */
static void test_hostile_records(void **state)
{
    uint8_t *inner = calloc(1, RECORD_MAX + 1), *record = malloc(HEADER + RECORD_MAX + 17),
            *plain = malloc(RECORD_MAX + 17);
    struct record_keys keys = keys_of(*state, TLS_AES_128_GCM_SHA256, 4);
    size_t size = 77;
    uint8_t type = 77;
    size_t fragment = server_seal(&keys, inner, 30, record);
    assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), CM_EMALFORMED);
    fragment = server_seal(&keys, inner, 1, record);
    assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), CM_EMALFORMED);
    inner[0] = 22; /* an empty handshake record, padded to the largest */
    fragment = server_seal(&keys, inner, 16385, record);
    assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), 0);
    assert_int_equal(size, 0);
    assert_int_equal(type, 22);
    fragment = server_seal(&keys, inner, 16386, record);
    assert_int_equal(open_at(*state, &keys, record, fragment, plain, &size, &type), CM_EMALFORMED);
    free(inner);
    free(record);
    free(plain);
}

static void test_seal_limit(void **state)
{
    struct record_keys keys = keys_of(*state, TLS_AES_128_GCM_SHA256, 5);
    uint8_t text[SEAL_MAX + 1] = {1}, out[HEADER + SEAL_MAX + 1 + 16];
    size_t size = 77;
    assert_int_equal(tls13_seal(*state, &keys, 21, (struct slice){text, SEAL_MAX + 1}, out, &size), CM_ELIMIT);
    assert_int_equal(size, 77);
    assert_int_equal(tls13_seal(*state, &keys, 21, (struct slice){text, SEAL_MAX}, out, &size), 0);
    assert_int_equal(size, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_handshake),        cmocka_unit_test(test_client_record),
        cmocka_unit_test(test_retry_handshake),         cmocka_unit_test(test_keys_of_suites),
        cmocka_unit_test(test_secrets_against_openssl), cmocka_unit_test(test_unknown_suite),
        cmocka_unit_test(test_records_of_suites),       cmocka_unit_test(test_damaged_records),
        cmocka_unit_test(test_hostile_records),         cmocka_unit_test(test_seal_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
