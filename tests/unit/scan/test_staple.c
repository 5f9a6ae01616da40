/* Stapled OCSP responses as OpenSSL writes them, cut at every byte and broken at every byte; lists of SCTs. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "scanner/tls/staple.h"
#include "tests/unit/scan/wire.h"

enum { THIS_UPDATE = 1700000000, NEXT_UPDATE = 1700600000 };

static X509 *some_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"staple test", -1, -1, 0);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    ASN1_TIME_set(X509_getm_notBefore(cert), THIS_UPDATE);
    ASN1_TIME_set(X509_getm_notAfter(cert), NEXT_UPDATE);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

struct answer {
    int status; /* V_OCSP_CERTSTATUS_… */
    int more;   /* further SingleResponses, all of them "unknown" */
    bool next_update, key_id;
};

/* A successful response in DER; the caller frees it with OPENSSL_free. */
static struct slice make_response(const struct answer *answer)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = some_certificate(key);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    ASN1_TIME *this_update = ASN1_GENERALIZEDTIME_set(NULL, THIS_UPDATE);
    ASN1_TIME *next_update = ASN1_GENERALIZEDTIME_set(NULL, NEXT_UPDATE);
    for (int i = 0; i <= answer->more; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert, cert);
        assert_non_null(OCSP_basic_add1_status(basic, id, i ? V_OCSP_CERTSTATUS_UNKNOWN : answer->status,
                                               OCSP_REVOKED_STATUS_KEYCOMPROMISE, this_update, this_update,
                                               answer->next_update ? next_update : NULL));
        OCSP_CERTID_free(id);
    }
    assert_int_equal(
        OCSP_basic_sign(basic, cert, key, EVP_sha256(), NULL, answer->key_id ? OCSP_RESPID_KEY : OCSP_NOCERTS), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int size = i2d_OCSP_RESPONSE(response, &der);
    assert_true(size > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    X509_free(cert);
    EVP_PKEY_free(key);
    return (struct slice){der, (size_t)size};
}

static void expect_malformed(struct slice cut, void *context)
{
    struct staple staple;
    (void)context;
    staple_read(cut, &staple);
    if (cut.size == 0)
        assert_null(staple.status); /* nothing is no staple */
    else
        assert_string_equal(staple.status, "malformed");
    assert_true(staple.this_update == INT64_MIN && staple.next_update == INT64_MIN);
}

static void test_answers(void **state)
{
    static const struct {
        struct answer answer;
        const char *status;
    } rows[] = {
        {{V_OCSP_CERTSTATUS_GOOD, 0, true, false}, "good"},
        {{V_OCSP_CERTSTATUS_GOOD, 3, true, true}, "good"},
        {{V_OCSP_CERTSTATUS_REVOKED, 0, true, true}, "revoked"},
        {{V_OCSP_CERTSTATUS_UNKNOWN, 0, false, false}, "unknown"},
    };
    struct staple staple;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice der = make_response(&rows[i].answer);
        staple_read(der, &staple);
        assert_string_equal(staple.status, rows[i].status);
        assert_int_equal(staple.this_update, THIS_UPDATE);
        assert_int_equal(staple.next_update, rows[i].answer.next_update ? NEXT_UPDATE : INT64_MIN);
        wire_cuts(der, expect_malformed, NULL);
        uint8_t *longer = malloc(der.size + 1);
        memcpy(longer, der.data, der.size);
        longer[der.size] = 0;
        expect_malformed((struct slice){longer, der.size + 1}, NULL);
        free(longer);
        OPENSSL_free((void *)der.data);
    }
}

/* Whatever a byte is changed to, the answer is one that can be told, and nothing is read past the end. */
static void test_broken_at_every_byte(void **state)
{
    static const char *const words[] = {"good",      "revoked",           "unknown",
                                        "malformed", "malformed_request", "internal_error",
                                        "try_later", "sig_required",      "unauthorized"};
    struct answer answer = {V_OCSP_CERTSTATUS_REVOKED, 1, true, false};
    struct slice der = make_response(&answer);
    uint8_t *broken = malloc(der.size);
    struct staple staple;
    (void)state;
    for (size_t at = 0; at < der.size; at++) {
        for (unsigned change = 1; change < 256; change += 2) {
            memcpy(broken, der.data, der.size);
            broken[at] ^= (uint8_t)change;
            staple_read((struct slice){broken, der.size}, &staple);
            size_t word = 0;
            while (word < sizeof words / sizeof *words && strcmp(staple.status, words[word]) != 0)
                word++;
            assert_true(word < sizeof words / sizeof *words);
            if (strcmp(staple.status, "malformed") == 0)
                assert_true(staple.this_update == INT64_MIN);
        }
    }
    free(broken);
    OPENSSL_free((void *)der.data);
}

static void test_refusals(void **state)
{
    static const struct {
        int status;
        const char *name;
    } rows[] = {
        {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, "malformed_request"},
        {OCSP_RESPONSE_STATUS_INTERNALERROR, "internal_error"},
        {OCSP_RESPONSE_STATUS_TRYLATER, "try_later"},
        {4, "malformed"},
        {OCSP_RESPONSE_STATUS_SIGREQUIRED, "sig_required"},
        {OCSP_RESPONSE_STATUS_UNAUTHORIZED, "unauthorized"},
        {7, "malformed"},
        {127, "malformed"},
    };
    struct staple staple;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        OCSP_RESPONSE *response = OCSP_response_create(rows[i].status, NULL);
        unsigned char *der = NULL;
        int size = i2d_OCSP_RESPONSE(response, &der);
        staple_read((struct slice){der, (size_t)size}, &staple);
        assert_string_equal(staple.status, rows[i].name);
        assert_true(staple.this_update == INT64_MIN);
        OPENSSL_free(der);
        OCSP_RESPONSE_free(response);
    }
    expect_malformed(BYTES("\x30\x03\x0a\x01\x00"), NULL);         /* successful, and then nothing */
    expect_malformed(BYTES("\x30\x03\x02\x01\x03"), NULL);         /* an INTEGER */
    expect_malformed(BYTES("\x30\x04\x0a\x02\x00\x03"), NULL);     /* two bytes of status */
    expect_malformed(BYTES("\x30\x80\x0a\x01\x03\x00\x00"), NULL); /* BER */
    /* Another response type than basic. */
    expect_malformed(BYTES("\x30\x10\x0a\x01\x00\xa0\x0b\x30\x09\x06\x01\x2b\x04\x04\x30\x02\x30\x00"), NULL);
}

static void refuse_scts(struct slice cut, void *context)
{
    unsigned count = 77;
    (void)context;
    assert_int_equal(sct_count(cut, &count), CM_EMALFORMED);
    assert_int_equal(count, 77);
}

static void test_sct_count(void **state)
{
    struct slice two = BYTES("\x00\x09\x00\x03one\x00\x02xy");
    unsigned count;
    (void)state;
    assert_int_equal(sct_count(two, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(sct_count(BYTES("\x00\x00"), &count), 0);
    assert_int_equal(count, 0);
    wire_cuts(two, refuse_scts, NULL);
    refuse_scts(BYTES("\x00\x02\x00\x00"), NULL);   /* an empty one */
    refuse_scts(BYTES("\x00\x03\x00\x01x!"), NULL); /* something behind the list */
    refuse_scts(BYTES("\x00\x04\x00\x01x!"), NULL); /* something behind the last */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_broken_at_every_byte),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sct_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
