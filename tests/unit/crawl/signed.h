/* A signature as signing tools make it: CMS of a leaf, with its CA's certificate beside. */
#ifndef TESTS_UNIT_CRAWL_SIGNED_H
#define TESTS_UNIT_CRAWL_SIGNED_H

#include <openssl/cms.h>

#include "tests/unit/crawl/bytes.h"
#include "tests/unit/crawl/stores.h"

static EVP_PKEY *signed_key;
static struct stores_certificate signed_leaf, signed_ca;

/* flags: CMS_NOCERTS for one without certificates. */
static void signed_make(struct buf *out, unsigned flags)
{
    const unsigned char *at = signed_leaf.der;
    unsigned char *der = NULL;
    X509 *leaf = d2i_X509(NULL, &at, (long)signed_leaf.size);
    at = signed_ca.der;
    X509 *ca = d2i_X509(NULL, &at, (long)signed_ca.size);
    STACK_OF(X509) *others = sk_X509_new_null();
    BIO *data = BIO_new_mem_buf("data", 4);
    if (!(flags & CMS_NOCERTS))
        sk_X509_push(others, ca);
    CMS_ContentInfo *cms = CMS_sign(leaf, signed_key, others, data, flags | CMS_BINARY | CMS_NOSMIMECAP);
    assert_non_null(cms);
    int size = i2d_CMS_ContentInfo(cms, &der);
    assert_true(size > 0);
    buf_init(out, 1 << 20);
    buf_append(out, der, (size_t)size);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    sk_X509_free(others);
    X509_free(leaf);
    X509_free(ca);
}

static inline int signed_run(const struct CMUnitTest *tests, size_t count)
{
    signed_key = make_key("EC", "P-256");
    /* All have one serial number, and a signer is named by it and its issuer: that must be another one. The longer certificate stands behind
     * in a SET OF. */
    signed_ca = stores_make(signed_key, "ca", "a root, whose name is long enough for what it issues");
    signed_leaf = stores_make(signed_key, "leaf", "ca");
    int failed = _cmocka_run_group_tests("signed", tests, count, NULL, NULL);
    OPENSSL_free(signed_ca.der);
    OPENSSL_free(signed_leaf.der);
    EVP_PKEY_free(signed_key);
    return failed;
}

#endif
