/* Certificates made through OpenSSL, for tests of our own reader. */
#ifndef TESTS_UNIT_LIB_MAKE_CERT_H
#define TESTS_UNIT_LIB_MAKE_CERT_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/unit/lib/cmocka_first.h"

struct recipe {
    EVP_PKEY *key;      /* also signs */
    X509_NAME *subject; /* also the issuer, unless issuer says another */
    X509_NAME *issuer;
    long version; /* 0 for v1, 2 for v3 */
    const char
        *not_before; /* as ASN1_TIME_set_string_X509 wants them: "20260101000000Z" picks the form RFC 5280 asks for */
    const char *not_after;
    const char *extensions[8][2]; /* name and value as in openssl.cnf; ends with NULL */
    bool no_digest;               /* Ed25519, Ed448 */
};

static EVP_PKEY *make_key(const char *algorithm, const char *detail)
{
    EVP_PKEY *key = NULL;
    if (strcmp(algorithm, "RSA") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(detail));
    else if (strcmp(algorithm, "EC") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", (char *)(uintptr_t)detail);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, algorithm);
    assert_non_null(key);
    return key;
}

static void add_name(X509_NAME *name, const char *type, int form, const void *bytes, int size, int set)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, type, form, bytes, size, -1, set), 1);
}

static X509_NAME *make_name(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    add_name(name, "C", V_ASN1_PRINTABLESTRING, "DE", -1, 0);
    add_name(name, "O", V_ASN1_UTF8STRING, "Muster & S\xC3\xB6hne", -1, 0);
    add_name(name, "CN", V_ASN1_UTF8STRING, common_name, -1, 0);
    return name;
}

static X509 *make_cert(const struct recipe *recipe)
{
    X509 *x = X509_new();
    X509V3_CTX context;
    X509_set_version(x, recipe->version);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x8badf00d12345678);
    X509_set_subject_name(x, recipe->subject);
    X509_set_issuer_name(x, recipe->issuer ? recipe->issuer : recipe->subject);
    assert_true(ASN1_TIME_set_string_X509(X509_getm_notBefore(x), recipe->not_before));
    assert_true(ASN1_TIME_set_string_X509(X509_getm_notAfter(x), recipe->not_after));
    X509_set_pubkey(x, recipe->key);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    for (size_t i = 0; recipe->extensions[i][0]; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_nconf(NULL, &context, recipe->extensions[i][0], recipe->extensions[i][1]);
        assert_non_null(extension);
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(x, recipe->key, recipe->no_digest ? NULL : EVP_sha256()) > 0);
    return x;
}

#endif
