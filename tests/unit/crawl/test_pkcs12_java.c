/* PKCS#12 as Java programs fill it: ids that two keys share, certificates that are trusted and part of a chain as well. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/pkcs12.h>

#include "scanner/crawl/formats/pkcs12.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *key;
static X509 *leaf, *ca;
static char leaf_print[9], ca_print[9];
static char *words[] = {NULL, (char *)"changeit"};
static struct passwords passwords = {words, 2};
static struct job_options options = {.passwords = &passwords, .limits.max_iterations = 100000};

static void name_bag(PKCS12_SAFEBAG *bag, const char *alias, const char *id)
{
    assert_non_null(bag);
    assert_int_equal(PKCS12_add_friendlyname_utf8(bag, alias, -1), 1);
    if (id)
        assert_int_equal(PKCS12_add_localkeyid(bag, (unsigned char *)id, (int)strlen(id)), 1);
}

static void add_certificate(STACK_OF(PKCS12_SAFEBAG) * bags, X509 *certificate, const char *alias, const char *id)
{
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(certificate);
    name_bag(bag, alias, id);
    sk_PKCS12_SAFEBAG_push(bags, bag);
}

/* "Trusted for any purpose", as keytool marks it; the bag that comes back from DER is the one that has it. */
static void add_trusted(STACK_OF(PKCS12_SAFEBAG) * bags, X509 *certificate, const char *alias)
{
    static const unsigned char any[] = {0x55, 0x1D, 0x25, 0x00};
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(certificate);
    name_bag(bag, alias, NULL);
    assert_int_equal(OBJ_create("2.16.840.1.113894.746875.1.1", "trustedKeyUsage", "trusted key usage") != NID_undef,
                     1);
    STACK_OF(X509_ATTRIBUTE) *attributes = (STACK_OF(X509_ATTRIBUTE) *)PKCS12_SAFEBAG_get0_attrs(bag);
    assert_non_null(
        X509at_add1_attr_by_NID(&attributes, OBJ_txt2nid("trustedKeyUsage"), V_ASN1_OCTET_STRING, any, sizeof any));
    sk_PKCS12_SAFEBAG_push(bags, bag);
}

/* Reads a file of these bags, which it frees. */
static void read_bags(STACK_OF(PKCS12_SAFEBAG) * bags, struct collected *all)
{
    struct found_ops ops = collect_ops(all);
    STACK_OF(PKCS7) *safes = NULL;
    unsigned char *der = NULL;
    struct job job;
    assert_int_equal(PKCS12_add_safe(&safes, bags, -1, 1, NULL), 1);
    PKCS12 *pfx = PKCS12_add_safes(safes, 0);
    int size = i2d_PKCS12(pfx, &der);
    job_init(&job, &options, &ops);
    assert_int_equal(pkcs12_read(&job, (struct slice){der, (size_t)size}), 0);
    job_done(&job);
    OPENSSL_free(der);
    PKCS12_free(pfx);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* BouncyCastle makes the id from the public key: the name says which certificate is whose. */
static void test_two_keys_of_one_id(void **state)
{
    struct collected all;
    char expected[512];
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    (void)state;
    name_bag(PKCS12_add_key(&bags, key, 0, 2048, NID_aes_256_cbc, "changeit"), "first", "id");
    name_bag(PKCS12_add_key(&bags, key, 0, 2048, NID_aes_256_cbc, "changeit"), "second", "id");
    add_certificate(bags, leaf, "second", "id");
    add_certificate(bags, leaf, "first", "id");
    add_certificate(bags, ca, "anchor", NULL);
    read_bags(bags, &all);
    snprintf(expected, sizeof expected,
             "key pkcs12 first pkcs8 encrypted - 0 \nchain pkcs12 first %s %s\n"
             "key pkcs12 second pkcs8 encrypted - 0 \nchain pkcs12 second %s %s\n"
             "store pkcs12 unchecked 5 no-mac\n",
             leaf_print, ca_print, leaf_print, ca_print);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
}

/* keytool -list shows a trusted certificate under its alias, whether or not it issued that of a key. */
static void test_trusted_and_in_a_chain(void **state)
{
    struct collected all;
    char expected[512];
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    (void)state;
    add_trusted(bags, ca, "anchor");
    name_bag(PKCS12_add_key(&bags, key, 0, 2048, NID_aes_256_cbc, "changeit"), "web", "id");
    add_certificate(bags, leaf, "web", "id");
    add_certificate(bags, ca, "CN=ca", NULL);
    read_bags(bags, &all);
    snprintf(expected, sizeof expected,
             "key pkcs12 web pkcs8 encrypted - 0 \nchain pkcs12 web %s %s\nchain pkcs12 anchor %s\n"
             "store pkcs12 unchecked 4 no-mac\n",
             leaf_print, ca_print, ca_print);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
}

static X509 *make(const char *name, const char *issuer, char print[static 9])
{
    struct recipe recipe = {.key = key, .version = 2, .not_before = "20260101000000Z", .not_after = "20270101000000Z"};
    unsigned char *der = NULL;
    recipe.subject = make_name(name);
    recipe.issuer = make_name(issuer);
    X509 *x = make_cert(&recipe);
    int size = i2d_X509(x, &der);
    collect_print(der, (size_t)size, print);
    OPENSSL_free(der);
    X509_NAME_free(recipe.subject);
    X509_NAME_free(recipe.issuer);
    return x;
}

static int setup(void **state)
{
    (void)state;
    key = make_key("EC", "P-256");
    ca = make("CA", "CA", ca_print);
    leaf = make("leaf", "CA", leaf_print);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(key);
    pkcs12_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_keys_of_one_id),
        cmocka_unit_test(test_trusted_and_in_a_chain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
