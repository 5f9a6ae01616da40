/* Signatures made through OpenSSL's own writer: whose chain is told first, time stamps and nested signatures in unsigned attributes, sets in any
 * order, streams in BER; and what is left of one that is cut. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/pem.h>

#include "scanner/crawl/formats/cms.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *key;
static X509 *root, *leaf, *stamper, *other;
static char root_print[9], leaf_print[9], stamper_print[9], other_print[9];
static struct passwords passwords;
static struct job_options options = {.passwords = &passwords, .limits = {.depth = 8, .memory_bytes = 1 << 20}};

/* How each is told: "leaf root" → fingerprints. */
static void tell(const unsigned char *der, size_t size, bool contents, struct collected *all)
{
    struct found_ops ops = collect_ops(all);
    struct cms_use use = {.format = "pkcs7", .contents = contents};
    struct job job;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, der, size);
    job_init(&job, &options, &ops);
    job.memory_left = 1 << 20;
    int status = cms_tell(&job, (struct slice){copy, size}, &use, NULL);
    assert_true(status == 0 || all->text.size == 0);
    job_done(&job);
    free(copy);
}

static CMS_ContentInfo *sign(X509 *signer, X509 *const *others, size_t count, const char *text)
{
    STACK_OF(X509) *more = sk_X509_new_null();
    BIO *data = BIO_new_mem_buf(text, -1);
    for (size_t i = 0; i < count; i++)
        sk_X509_push(more, others[i]);
    CMS_ContentInfo *cms = CMS_sign(signer, key, more, data, CMS_BINARY);
    assert_non_null(cms);
    BIO_free(data);
    sk_X509_free(more);
    return cms;
}

static unsigned char *der_of(CMS_ContentInfo *cms, int *size)
{
    unsigned char *der = NULL;
    *size = i2d_CMS_ContentInfo(cms, &der);
    assert_true(*size > 0);
    return der;
}

static void add_unsigned(CMS_ContentInfo *cms, const char *oid, CMS_ContentInfo *value)
{
    int size;
    unsigned char *der = der_of(value, &size);
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
    assert_int_equal(CMS_unsigned_add1_attr_by_OBJ(signer, type, V_ASN1_SEQUENCE, der, size), 1);
    ASN1_OBJECT_free(type);
    OPENSSL_free(der);
}

static void test_signer_first(void **state)
{
    (void)state;
    struct collected all;
    char expected[256];
    int size;
    CMS_ContentInfo *cms = sign(leaf, (X509 *[]){other, root}, 2, "text");
    CMS_ContentInfo *stamp = sign(stamper, (X509 *[]){root}, 1, "a time"), *nested = sign(other, NULL, 0, "more");
    add_unsigned(cms, "1.2.840.113549.1.9.16.2.14", stamp);
    add_unsigned(cms, "1.3.6.1.4.1.311.2.4.1", nested);
    unsigned char *der = der_of(cms, &size);
    tell(der, (size_t)size, false, &all);
    /* The set is sorted in DER, so positions depend on the keys: what is told, and in which order, does not. */
    char *text = all.text.data;
    snprintf(expected, sizeof expected, " signer: %s %s\n", leaf_print, root_print);
    if (!strstr(text, expected))
        fail_msg("%s is not in %s", expected, text);
    assert_ptr_equal(strstr(text, " signer"), strstr(text, expected)); /* first */
    snprintf(expected, sizeof expected, " signer: %s\n", other_print);
    assert_non_null(strstr(text, expected));
    snprintf(expected, sizeof expected, " signer: %s %s\n", stamper_print, root_print);
    assert_non_null(strstr(text, expected));
    assert_int_equal(all.chains, 4);
    assert_int_equal(all.problems, 0);
    /* Places differ. */
    for (int i = 1; i <= 6; i++) {
        snprintf(expected, sizeof expected, "chain pkcs7 %d ", i);
        const char *found = strstr(text, expected);
        assert_true(!found || !strstr(found + 1, expected));
    }
    buf_done(&all.text);

    /* Cut: what stands before the cut is still there. */
    for (int cut = 0; cut < size; cut++) {
        tell(der, (size_t)cut, false, &all);
        assert_true(all.chains <= 4);
        if (all.text.size)
            assert_non_null(strstr(all.text.data, "malformed"));
        buf_done(&all.text);
    }
    tell(der, (size_t)size - 1, false, &all);
    assert_true(all.certificates >= 3);
    buf_done(&all.text);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    CMS_ContentInfo_free(stamp);
    CMS_ContentInfo_free(nested);
}

/* What was signed is looked into: PEM within a signature, a signature within a signature, at most so deep. */
static void test_contents(void **state)
{
    (void)state;
    struct collected all;
    char expected[256];
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;
    int size;
    PEM_write_bio_X509(pem, other);
    BIO_write(pem, "", 1);
    BIO_get_mem_data(pem, &text);
    CMS_ContentInfo *cms = sign(leaf, NULL, 0, text);
    unsigned char *der = der_of(cms, &size);
    snprintf(expected, sizeof expected, "chain pkcs7 1 signer: %s\nenter content\nchain pem 1 %s\nleave\n", leaf_print,
             other_print);
    tell(der, (size_t)size, true, &all);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
    BIO_free(pem);
    CMS_ContentInfo_free(cms);
    for (unsigned depth = 0; depth < 12; depth++) {
        STACK_OF(X509) *none = sk_X509_new_null();
        BIO *data = BIO_new_mem_buf(der, size);
        cms = CMS_sign(leaf, key, none, data, CMS_BINARY);
        BIO_free(data);
        sk_X509_free(none);
        OPENSSL_free(der);
        der = der_of(cms, &size);
        CMS_ContentInfo_free(cms);
    }
    tell(der, (size_t)size, true, &all);
    assert_non_null(strstr(all.text.data, "limit\n"));
    assert_true(all.chains >= 6);
    buf_done(&all.text);
    OPENSSL_free(der);
}

static void test_not_cms(void **state)
{
    (void)state;
    struct collected all;
    static const uint8_t huge[] = {0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 6,    9,    0x2A, 0x86,
                                   0x48, 0x86, 0xF7, 0x0D, 1,    7,    2,    0xA0, 0x84, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 2};
    tell((const unsigned char *)"0\3\2\1\1", 5, true, &all);
    assert_string_equal(all.text.data, "");
    buf_done(&all.text);
    tell(huge, sizeof huge, true, &all);
    assert_string_equal(all.text.data, "problem pkcs7 - malformed\n");
    buf_done(&all.text);
}

static long serial;

static X509 *make(const char *name, const char *issuer, char print[static 9])
{
    struct recipe recipe = {.key = key, .version = 2, .not_before = "20260101000000Z", .not_after = "20270101000000Z"};
    unsigned char *der = NULL;
    recipe.subject = make_name(name);
    recipe.issuer = make_name(issuer);
    X509 *x = make_cert(&recipe);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial); /* signers are named by it */
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    int size = i2d_X509(x, &der);
    collect_print(der, (size_t)size, print);
    OPENSSL_free(der);
    X509_NAME_free(recipe.subject);
    X509_NAME_free(recipe.issuer);
    return x;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signer_first),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_not_cms),
    };
    passwords_init(&passwords);
    key = make_key("EC", "P-256");
    root = make("Root", "Root", root_print);
    leaf = make("Leaf", "Root", leaf_print);
    stamper = make("Stamper", "Root", stamper_print);
    other = make("Other", "Elsewhere", other_print);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    X509_free(root);
    X509_free(leaf);
    X509_free(stamper);
    X509_free(other);
    EVP_PKEY_free(key);
    passwords_done(&passwords);
    return failures;
}
