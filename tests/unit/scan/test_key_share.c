/* Key agreement with a peer that OpenSSL plays, for every group; and with values that are none: of wrong length, off the curve, of small
 * order, trivial. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/key_share.h"

struct known_group {
    uint16_t number;
    const char *algorithm, *group;
    size_t size, secret;
};

static const struct known_group groups[] = {
    {TLS_GROUP_X25519, "X25519", NULL, 32, 32},
    {TLS_GROUP_SECP256R1, "EC", "P-256", 65, 32},
    {TLS_GROUP_SECP384R1, "EC", "P-384", 97, 48},
    {TLS_GROUP_SECP521R1, "EC", "P-521", 133, 66},
    {TLS_GROUP_X448, "X448", NULL, 56, 56},
    {TLS_GROUP_FFDHE2048, "DH", "ffdhe2048", 256, 256},
    {TLS_GROUP_FFDHE3072, "DH", "ffdhe3072", 384, 384},
    {TLS_GROUP_FFDHE4096, "DH", "ffdhe4096", 512, 512},
    {TLS_GROUP_FFDHE6144, "DH", "ffdhe6144", 768, 768},
    {TLS_GROUP_FFDHE8192, "DH", "ffdhe8192", 1024, 1024},
};
enum { GROUPS = sizeof groups / sizeof groups[0], THREADS = 4, ROUNDS = 50 };

static int set_up(void **state)
{
    struct key_shares *shares;
    if (key_shares_new(&shares, NULL) != 0)
        return -1;
    *state = shares;
    return 0;
}

static int tear_down(void **state)
{
    key_shares_free(*state);
    return 0;
}

/* --- a peer ----------------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *peer_new(const struct known_group *group)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, group->algorithm, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    if (group->group != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_group_name(context, group->group), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static struct slice peer_public(EVP_PKEY *peer)
{
    unsigned char *encoded = NULL;
    size_t size = EVP_PKEY_get1_encoded_public_key(peer, &encoded);
    assert_true(size > 0);
    return (struct slice){encoded, size};
}

/* What the peer makes of our public value, by the longest way: a new key, a new context, all checks. */
static size_t peer_derive(EVP_PKEY *peer, struct slice ours, bool pad, uint8_t *secret)
{
    size_t size = SHARED_SECRET_MAX;
    EVP_PKEY *other = EVP_PKEY_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(peer, NULL);
    assert_int_equal(EVP_PKEY_copy_parameters(other, peer), 1);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(other, ours.data, ours.size), 1);
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    if (pad)
        assert_int_equal(EVP_PKEY_CTX_set_dh_pad(context, 1), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, other), 1);
    assert_int_equal(EVP_PKEY_derive(context, secret, &size), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(other);
    return size;
}

static void agree(struct key_shares *shares, const struct known_group *group)
{
    uint8_t ours[SHARED_SECRET_MAX], theirs[SHARED_SECRET_MAX];
    struct slice share;
    size_t size = 0;
    EVP_PKEY *peer = peer_new(group);
    struct slice value = peer_public(peer);
    assert_int_equal(value.size, group->size);
    assert_int_equal(key_shares_public(shares, group->number, &share), 0);
    assert_int_equal(share.size, group->size);
    assert_int_equal(key_shares_derive(shares, group->number, value, ours, &size), 0);
    assert_int_equal(size, group->secret);
    assert_int_equal(peer_derive(peer, share, strcmp(group->algorithm, "DH") == 0, theirs), size);
    assert_memory_equal(ours, theirs, size);
    OPENSSL_free((void *)(uintptr_t)value.data);
    EVP_PKEY_free(peer);
}

/* --- good ------------------------------------------------------------------------------------------------------------------- */

static void test_agreement(void **state)
{
    for (size_t i = 0; i < GROUPS; i++) {
        agree(*state, &groups[i]);
        agree(*state, &groups[i]); /* another peer with the tools of the first */
    }
}

/* One key pair per process, and never the same in two. */
static void test_one_share(void **state)
{
    struct slice first, again, other;
    struct key_shares *elsewhere;
    assert_int_equal(key_shares_public(*state, TLS_GROUP_X25519, &first), 0);
    assert_int_equal(key_shares_public(*state, TLS_GROUP_X25519, &again), 0);
    assert_ptr_equal(first.data, again.data);
    assert_int_equal(key_shares_new(&elsewhere, NULL), 0);
    assert_int_equal(key_shares_public(elsewhere, TLS_GROUP_X25519, &other), 0);
    assert_int_equal(first.size, other.size);
    assert_memory_not_equal(first.data, other.data, first.size);
    key_shares_free(elsewhere);
}

/* A secret of finite-field groups keeps its leading zeros (RFC 8446 §7.4.1): peers are tried until one has them. */
static void test_leading_zeros(void **state)
{
    uint8_t secret[SHARED_SECRET_MAX], theirs[SHARED_SECRET_MAX];
    struct slice share;
    size_t size;
    bool seen = false;
    assert_int_equal(key_shares_public(*state, TLS_GROUP_FFDHE2048, &share), 0);
    for (int i = 0; i < 5000 && !seen; i++) { /* one in 256: not to be seen in 5,000 has a chance of 3e-9 */
        EVP_PKEY *peer = peer_new(&groups[5]);
        struct slice value = peer_public(peer);
        assert_int_equal(key_shares_derive(*state, TLS_GROUP_FFDHE2048, value, secret, &size), 0);
        assert_int_equal(size, 256);
        seen = secret[0] == 0;
        if (seen) {
            assert_int_equal(peer_derive(peer, share, true, theirs), 256);
            assert_memory_equal(secret, theirs, 256);
        }
        OPENSSL_free((void *)(uintptr_t)value.data);
        EVP_PKEY_free(peer);
    }
    assert_true(seen);
}

static void *agree_often(void *shares)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (size_t j = 0; j < 5; j++)
            agree(shares, &groups[j]);
    }
    return NULL;
}

/* Threads share key pairs, and the first to ask for a group makes it for all. */
static void test_threads(void **state)
{
    (void)state;
    struct key_shares *shares;
    pthread_t threads[THREADS];
    assert_int_equal(key_shares_new(&shares, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, agree_often, shares), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    key_shares_free(shares);
}

/* --- what is no value ----------------------------------------------------------------------------------------------------------- */

/* Refused with CM_EMALFORMED, nothing is told, and the group goes on working. */
static void refuse(struct key_shares *shares, const struct known_group *group, const uint8_t *bytes, size_t size)
{
    uint8_t secret[SHARED_SECRET_MAX];
    size_t made = 4711;
    uint8_t *exact = malloc(size ? size : 1); /* its end is the allocation's, for AddressSanitizer */
    memcpy(exact, bytes, size);
    assert_int_equal(key_shares_derive(shares, group->number, (struct slice){exact, size}, secret, &made),
                     CM_EMALFORMED);
    assert_int_equal(made, 4711);
    free(exact);
}

static void test_wrong_lengths(void **state)
{
    for (size_t i = 0; i < GROUPS; i++) {
        uint8_t bytes[KEY_SHARE_MAX + 2] = {4};
        EVP_PKEY *peer = peer_new(&groups[i]);
        struct slice value = peer_public(peer);
        memcpy(bytes, value.data, value.size);
        for (size_t size = 0; size < value.size; size++)
            refuse(*state, &groups[i], bytes, size);
        refuse(*state, &groups[i], bytes, value.size + 1);
        refuse(*state, &groups[i], bytes, value.size + 2);
        OPENSSL_free((void *)(uintptr_t)value.data);
        EVP_PKEY_free(peer);
        agree(*state, &groups[i]);
    }
}

static void test_zeros(void **state)
{
    const uint8_t zeros[KEY_SHARE_MAX] = {0};
    for (size_t i = 0; i < GROUPS; i++) {
        refuse(*state, &groups[i], zeros, groups[i].size);
        agree(*state, &groups[i]);
    }
}

/* All points of small order of Curve25519 and its twist, and numbers above p that stand for them: the secret would be zero
 * (RFC 7748 §6.1). Numbers above p that stand for others are fine. */
static void test_small_order(void **state)
{
    static const uint8_t order8[2][32] = {
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
         0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
    uint8_t value[32] = {1}, secret[SHARED_SECRET_MAX], again[SHARED_SECRET_MAX];
    size_t size;
    refuse(*state, &groups[0], value, 32); /* 1 */
    refuse(*state, &groups[0], order8[0], 32);
    refuse(*state, &groups[0], order8[1], 32);
    memset(value, 0xff, 32);
    value[31] = 0x7f;
    for (unsigned low = 0xec; low <= 0xee; low++) { /* p-1, p, p+1 */
        value[0] = (uint8_t)low;
        value[31] = 0x7f;
        refuse(*state, &groups[0], value, 32);
        value[31] = 0xff; /* the top bit does not count */
        refuse(*state, &groups[0], value, 32);
    }
    value[0] = 0xf6; /* p + 9, with the top bit: the same as 9 */
    assert_int_equal(key_shares_derive(*state, TLS_GROUP_X25519, (struct slice){value, 32}, secret, &size), 0);
    memset(value, 0, 32);
    value[0] = 9;
    assert_int_equal(key_shares_derive(*state, TLS_GROUP_X25519, (struct slice){value, 32}, again, &size), 0);
    assert_memory_equal(secret, again, 32);
    uint8_t x448[56] = {1};
    refuse(*state, &groups[4], x448, 56);
    memset(x448, 0xff, 56);
    x448[28] = 0xfe; /* p = 2^448 - 2^224 - 1 */
    refuse(*state, &groups[4], x448, 56);
    x448[0] = 0xfe; /* p-1 */
    refuse(*state, &groups[4], x448, 56);
}

static void test_points_off_the_curve(void **state)
{
    for (size_t i = 1; i <= 3; i++) {
        EVP_PKEY *peer = peer_new(&groups[i]);
        struct slice value = peer_public(peer);
        uint8_t bytes[133];
        memcpy(bytes, value.data, value.size);
        bytes[value.size - 1] ^= 1;
        refuse(*state, &groups[i], bytes, value.size);
        memcpy(bytes, value.data, value.size);
        for (unsigned form = 0; form < 256; form++) { /* infinity, compressed, hybrid, unknown */
            bytes[0] = (uint8_t)form;
            if (form != 4)
                refuse(*state, &groups[i], bytes, value.size);
        }
        bytes[0] = 4;
        memset(bytes + 1, 0xff, value.size - 1); /* coordinates above p */
        refuse(*state, &groups[i], bytes, value.size);
        bytes[0] =
            2 + (value.data[value.size - 1] & 1); /* the same point, compressed: RFC 8446 §4.2.8.2 has no such form */
        memcpy(bytes + 1, value.data + 1, value.size / 2);
        refuse(*state, &groups[i], bytes, value.size / 2 + 1);
        OPENSSL_free((void *)(uintptr_t)value.data);
        EVP_PKEY_free(peer);
        agree(*state, &groups[i]);
    }
}

/* Y of 1, p-1, p and above (RFC 8446 §4.2.8.1). */
static void test_trivial_ffdhe(void **state)
{
    for (size_t i = 5; i < GROUPS; i++) {
        uint8_t value[KEY_SHARE_MAX] = {0};
        size_t size = groups[i].size;
        BIGNUM *p = NULL;
        EVP_PKEY *peer = peer_new(&groups[i]);
        assert_int_equal(EVP_PKEY_get_bn_param(peer, OSSL_PKEY_PARAM_FFC_P, &p), 1);
        value[size - 1] = 1;
        refuse(*state, &groups[i], value, size);
        assert_int_equal(BN_bn2binpad(p, value, (int)size), (int)size);
        refuse(*state, &groups[i], value, size);
        value[size - 1] -= 1; /* p is odd */
        refuse(*state, &groups[i], value, size);
        memset(value, 0xff, size);
        refuse(*state, &groups[i], value, size);
        BN_free(p);
        EVP_PKEY_free(peer);
    }
}

static void test_unknown_groups(void **state)
{
    uint8_t secret[SHARED_SECRET_MAX], value[32] = {9};
    size_t size = 4711;
    struct slice out = {value, 1};
    static const uint16_t unknown[] = {0, 1, 22, 26, 28, 31, 255, 261, 0x11eb, 0x11ec, 0x11ed, 0x6399, 0xffff};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_false(key_shares_knows(unknown[i]));
        assert_int_equal(key_shares_public(*state, unknown[i], &out), CM_EUNSUPPORTED);
        assert_int_equal(key_shares_derive(*state, unknown[i], (struct slice){value, 32}, secret, &size),
                         CM_EUNSUPPORTED);
    }
    assert_int_equal(out.size, 1);
    assert_int_equal(size, 4711);
    for (size_t i = 0; i < GROUPS; i++)
        assert_true(key_shares_knows(groups[i].number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement),     cmocka_unit_test(test_one_share),
        cmocka_unit_test(test_leading_zeros), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_wrong_lengths), cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_small_order),   cmocka_unit_test(test_points_off_the_curve),
        cmocka_unit_test(test_trivial_ffdhe), cmocka_unit_test(test_unknown_groups),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
