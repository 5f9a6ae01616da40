/* What the judge keeps decoded, and what it decodes of one chain, whatever scanners send: bounded in bytes, since names choose how much
 * memory a byte becomes. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"
#include "collector/judge/shelf.h"

enum { MANY = 400 };

struct stock {
    struct buf ders[MANY];
    uint8_t sha256[MANY][CM_SHA256_SIZE];
    size_t count, asked;
};

static int find_in_stock(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context)
{
    struct stock *stock = context;
    stock->asked++;
    for (size_t i = 0; i < stock->count; i++)
        if (memcmp(stock->sha256[i], sha256, CM_SHA256_SIZE) == 0) {
            buf_append(der, stock->ders[i].data, stock->ders[i].size);
            return 0;
        }
    return CM_ENOTFOUND;
}

/* As many certificates of about that size: what fills them is an extension that nobody knows. */
static struct stock *stock_of(size_t count, size_t size)
{
    struct stock *stock = cm_calloc(1, sizeof *stock);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASN1_OCTET_STRING *filling = ASN1_OCTET_STRING_new();
    char *bytes = cm_calloc(1, size);
    assert_int_equal(ASN1_OCTET_STRING_set(filling, (unsigned char *)bytes, (int)size), 1);
    stock->count = count;
    for (size_t i = 0; i < count; i++) {
        unsigned char *der = NULL;
        X509 *certificate = X509_new();
        X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, filling);
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)i + 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
        X509_set_pubkey(certificate, key);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
        int length = i2d_X509(certificate, &der);
        assert_true(length > 0);
        buf_init(&stock->ders[i], CM_LIMIT_CERT_BYTES);
        buf_append(&stock->ders[i], der, (size_t)length);
        sha256_bytes(der, (size_t)length, stock->sha256[i]);
        OPENSSL_free(der);
        X509_EXTENSION_free(extension);
        X509_free(certificate);
    }
    free(bytes);
    ASN1_OCTET_STRING_free(filling);
    EVP_PKEY_free(key);
    return stock;
}

static void stock_free(struct stock *stock)
{
    for (size_t i = 0; i < stock->count; i++)
        buf_done(&stock->ders[i]);
    free(stock);
}

static size_t decoded(struct served *served)
{
    size_t count = 0;
    for (size_t i = 0; i < served->count; i++)
        count += served->member[i] != NULL;
    return count;
}

/* A shelf takes no more than its bytes, keeps what is used again, and nothing large. */
static void test_shelf_is_bounded(void **state)
{
    (void)state;
    struct stock *stock = stock_of(MANY, 2000);
    struct shelf *shelf = shelf_new();
    X509 *certificate;
    size_t size;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(shelf_get(shelf, stock->sha256[i], find_in_stock, stock, &certificate, &size), 0);
        assert_non_null(certificate);
        assert_int_equal(size, stock->ders[i].size);
        assert_true(shelf_bytes(shelf) >= size && shelf_bytes(shelf) <= SHELF_BYTES_MAX);
        X509_free(certificate);
    }
    assert_int_equal(stock->asked, MANY);
    assert_int_equal(shelf_get(shelf, stock->sha256[MANY - 1], find_in_stock, stock, &certificate, &size), 0);
    assert_int_equal(stock->asked, MANY);
    assert_int_equal(size, stock->ders[MANY - 1].size);
    X509_free(certificate);
    shelf_free(shelf);
    stock_free(stock);
    stock = stock_of(1, SHELF_BYTES_MAX / 16);
    shelf = shelf_new();
    assert_int_equal(shelf_get(shelf, stock->sha256[0], find_in_stock, stock, &certificate, &size), 0);
    assert_non_null(certificate);
    assert_int_equal(shelf_bytes(shelf), 0);
    X509_free(certificate);
    shelf_free(shelf);
    stock_free(stock);
}

/* Of a chain of a hundred large certificates the first are looked at; of one of a hundred small ones all. */
static void test_chains_are_bounded(void **state)
{
    static const size_t sizes[] = {1000, 20000};
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        struct stock *stock = stock_of(CM_LIMIT_CHAIN_CERTS, sizes[n]);
        struct shelf *shelf = shelf_new();
        struct served served = {.count = CM_LIMIT_CHAIN_CERTS};
        memcpy(served.sha256, stock->sha256, sizeof served.sha256);
        assert_int_equal(served_get(&served, 0, shelf, find_in_stock, stock), 0);
        if (n == 0)
            assert_int_equal(decoded(&served), CM_LIMIT_CHAIN_CERTS);
        else
            assert_in_range(decoded(&served), 10, SERVED_BYTES_MAX / 20000 + 1);
        assert_int_equal(stock->asked, decoded(&served));
        served_done(&served);
        shelf_free(shelf);
        stock_free(stock);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shelf_is_bounded),
                                       cmocka_unit_test(test_chains_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
