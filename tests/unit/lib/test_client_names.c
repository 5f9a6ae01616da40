/* client_names_read: the names that count, those that are nobody's, and no more of either than there is room for. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "certmuster/client_names.h"

static EVP_PKEY *ec_key;

struct made { /* a certificate, and the DER that it is a view of */
    unsigned char *der;
    struct cert cert;
};

static void add_san(X509 *x, GENERAL_NAMES *names)
{
    assert_int_equal(1, X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0));
}

static void add_text(GENERAL_NAMES *names, int type, const char *text, int size)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    assert_int_equal(1, ASN1_STRING_set(value, text, size));
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names, name);
}

static struct made make(const char *common_name, GENERAL_NAMES *names)
{
    struct made made = {.der = NULL};
    struct cm_error error;
    X509 *x = X509_new();
    assert_int_equal(1, X509_set_version(x, X509_VERSION_3));
    assert_int_equal(1, ASN1_INTEGER_set(X509_get_serialNumber(x), 7));
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, ec_key);
    if (common_name)
        X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)common_name, -1, -1, 0);
    if (names)
        add_san(x, names);
    assert_true(X509_sign(x, ec_key, EVP_sha256()) > 0);
    int size = i2d_X509(x, &made.der);
    assert_true(size > 0);
    assert_int_equal(0, cert_parse(made.der, (size_t)size, &made.cert, &error));
    X509_free(x);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return made;
}

static void expect(struct made made, size_t count, const char *const *expected)
{
    char names[CLIENT_NAMES_MAX][CLIENT_NAME_SIZE];
    assert_int_equal(count, client_names_read(&made.cert, names));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(expected[i], names[i]);
    OPENSSL_free(made.der);
}

static void test_which_count(void **state)
{
    (void)state;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    add_text(names, GEN_EMAIL, "probe@example.org", 17);
    add_text(names, GEN_DNS, "probe-1", 7);
    add_text(names, GEN_URI, "spiffe://x/probe-2", 18);
    expect(make("probe-3", names), 3, (const char *const[]){"probe-1", "spiffe://x/probe-2", "probe-3"});
    expect(make("alone", NULL), 1, (const char *const[]){"alone"});
    expect(make("b\xC3\xBCro", NULL), 1, (const char *const[]){"b\xC3\xBCro"});
    expect(make(NULL, NULL), 0, NULL);
}

static void test_nobodys(void **state)
{
    (void)state;
    char longest[CLIENT_NAME_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    longest[CLIENT_NAME_SIZE] = 0;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    add_text(names, GEN_DNS, "probe-1\0.evil", 13);
    add_text(names, GEN_DNS, "two words", 9);
    add_text(names, GEN_DNS, "", 0);
    add_text(names, GEN_DNS, longest, CLIENT_NAME_SIZE);
    add_text(names, GEN_DNS, longest, CLIENT_NAME_SIZE - 1);
    longest[CLIENT_NAME_SIZE - 1] = 0;
    expect(make("pro\xE2\x80\x8B"
                "be",
                names),
           1, (const char *const[]){longest});
}

static void test_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    char text[32], names[CLIENT_NAMES_MAX][CLIENT_NAME_SIZE];
    GENERAL_NAMES *many = sk_GENERAL_NAME_new_null();
    for (int i = 0; i < 3 * CLIENT_NAMES_MAX; i++)
        add_text(many, GEN_DNS, text, snprintf(text, sizeof text, "probe-%d", i));
    struct made made = make("last", many);
    assert_int_equal(CLIENT_NAMES_MAX, client_names_read(&made.cert, names));
    assert_string_equal("probe-15", names[CLIENT_NAMES_MAX - 1]);
    OPENSSL_free(made.der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_count),
        cmocka_unit_test(test_nobodys),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
    };
    ec_key = EVP_EC_gen("P-256");
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(ec_key);
    return failures;
}
