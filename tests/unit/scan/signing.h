/* Servers with a key of every kind that signs, made with OpenSSL, and leaves that hold them: for tests of what they sign. */
#ifndef TESTS_UNIT_SCAN_SIGNING_H
#define TESTS_UNIT_SCAN_SIGNING_H

#include "tests/unit/lib/cmocka_first.h"

#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "certmuster/cursor.h"

enum key_kind { RSA_KEY, RSA_SMALL, PSS_KEY, DSA_KEY, P256, P384, P521, BRAINPOOL, ED25519, ED448, KEYS };

struct server { /* a key and a leaf that holds it */
    EVP_PKEY *key;
    uint8_t *leaf;
    size_t leaf_size;
};

static struct server servers[KEYS];

static EVP_PKEY *make_dsa(void)
{
    EVP_PKEY *parameters = NULL, *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    assert_int_equal(EVP_PKEY_paramgen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024), 1);
    assert_int_equal(EVP_PKEY_generate(context, &parameters), 1);
    EVP_PKEY_CTX_free(context);
    context = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(parameters);
    return key;
}

static EVP_PKEY *make_pss(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *make_key(enum key_kind kind)
{
    static const char *const curves[] = {
        [P256] = "P-256", [P384] = "P-384", [P521] = "P-521", [BRAINPOOL] = "brainpoolP256r1"};
    switch (kind) {
    case RSA_KEY:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    case RSA_SMALL:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    case PSS_KEY:
        return make_pss();
    case DSA_KEY:
        return make_dsa();
    case ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case ED448:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[kind]);
    }
}

static void make_server(enum key_kind kind)
{
    struct server *server = &servers[kind];
    server->key = make_key(kind);
    assert_non_null(server->key);
    X509 *leaf = X509_new();
    X509_NAME *name = X509_get_subject_name(leaf);
    assert_int_equal(X509_set_version(leaf, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(leaf), 7), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"leaf", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(leaf, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(leaf), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(leaf), 86400));
    assert_int_equal(X509_set_pubkey(leaf, server->key), 1);
    assert_true(X509_sign(leaf, server->key, kind == ED25519 || kind == ED448 ? NULL : EVP_sha256()) > 0);
    int size = i2d_X509(leaf, &server->leaf);
    assert_true(size > 0);
    server->leaf_size = (size_t)size;
    X509_free(leaf);
}

static void make_servers(void)
{
    for (int kind = 0; kind < KEYS; kind++)
        make_server((enum key_kind)kind);
}

static void free_servers(void)
{
    for (int kind = 0; kind < KEYS; kind++) {
        EVP_PKEY_free(servers[kind].key);
        OPENSSL_free(servers[kind].leaf);
    }
}

static struct slice leaf_of(enum key_kind kind)
{
    return (struct slice){servers[kind].leaf, servers[kind].leaf_size};
}

#endif
