/* Files as wholes: which reader they get, how certificates become chains, keys of every kind, windows over large files, damage. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/formats/sniff.h"
#include "scanner/crawl/job.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *ec, *rsa;
static X509 *leaf, *intermediate, *root, *other;
static char leaf_print[9], intermediate_print[9], root_print[9], other_print[9], ec_print[9], rsa_print[9];
static struct passwords passwords;
static struct job_options options = {.passwords = &passwords,
                                     .limits = {.depth = 16, .memory_bytes = 64 << 20, .max_iterations = 100000}};

static X509 *make(const char *name, const char *issuer, char print[static 9])
{
    struct recipe recipe = {.key = ec, .version = 2, .not_before = "20260101000000Z", .not_after = "20270101000000Z"};
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

static void print_of_key(EVP_PKEY *key, char print[static 9])
{
    unsigned char *spki = NULL;
    int size = i2d_PUBKEY(key, &spki);
    collect_print(spki, (size_t)size, print);
    OPENSSL_free(spki);
}

static void expect(const void *bytes, size_t size, const char *expected)
{
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    job_init(&job, &options, &ops);
    job_memory(&job, copy, size);
    assert_string_equal(all.text.data, expected);
    job_done(&job);
    buf_done(&all.text);
    free(copy);
}

/* What a memory BIO holds, then freed. */
static void expect_bio(BIO *bio, const char *expected)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    expect(data, (size_t)size, expected);
    BIO_free(bio);
}

static BIO *pem_of(X509 *const *certificates, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());
    for (size_t i = 0; i < count; i++)
        assert_true(PEM_write_bio_X509(bio, certificates[i]));
    return bio;
}

static void test_chains(void **state)
{
    (void)state;
    char expected[512];
    snprintf(expected, sizeof expected, "chain pem 1 %s %s %s\n", leaf_print, intermediate_print, root_print);
    expect_bio(pem_of((X509 *[]){leaf, intermediate, root}, 3), expected);
    snprintf(expected, sizeof expected, "chain pem 1 %s\nchain pem 2 %s\nchain pem 3 %s\n", root_print,
             intermediate_print, leaf_print); /* backwards: each on its own */
    expect_bio(pem_of((X509 *[]){root, intermediate, leaf}, 3), expected);
    snprintf(expected, sizeof expected, "chain pem 1 %s\nchain pem 2 %s\nchain pem 3 %s %s\n", root_print, root_print,
             leaf_print, intermediate_print); /* a bundle: a root never goes on */
    expect_bio(pem_of((X509 *[]){root, root, leaf, intermediate}, 4), expected);
    snprintf(expected, sizeof expected, "chain pem 1 %s\nchain pem 2 %s\n", leaf_print, other_print);
    expect_bio(pem_of((X509 *[]){leaf, other}, 2), expected);
}

static void test_key_between_certificates(void **state)
{
    (void)state;
    char expected[512];
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, leaf);
    PEM_write_bio_PrivateKey(bio, ec, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(bio, intermediate);
    snprintf(expected, sizeof expected, "key pem key-1 pkcs8 plain EC 256 %s\nchain pem 1 %s %s\n", ec_print,
             leaf_print, intermediate_print);
    expect_bio(bio, expected);
}

static void test_key_kinds(void **state)
{
    (void)state;
    char expected[1024];
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey_traditional(bio, rsa, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_PrivateKey_traditional(bio, ec, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_PrivateKey(bio, rsa, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
    PEM_write_bio_PrivateKey_traditional(bio, rsa, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
    snprintf(expected, sizeof expected,
             "key pem key-1 pkcs1 plain RSA 2048 %s\nkey pem key-2 sec1 plain EC 256 %s\nkey pem key-3 pkcs8 encrypted "
             "- 0 \n"
             "key pem key-4 pkcs1 encrypted - 0 \n",
             rsa_print, ec_print);
    expect_bio(bio, expected);

    int size = i2d_PrivateKey(rsa, &der);
    snprintf(expected, sizeof expected, "key der key-1 pkcs1 plain RSA 2048 %s\n", rsa_print);
    expect(der, (size_t)size, expected);
    for (int cut = 1; cut < size; cut += 7)
        expect(der, (size_t)cut, ""); /* a cut DER key cannot be told from other DER */
    OPENSSL_free(der);

    bio = BIO_new(BIO_s_mem());
    i2d_PKCS8PrivateKey_bio(bio, ec, EVP_aes_256_cbc(), "secret", 6, NULL, NULL);
    expect_bio(bio, "key der key-1 pkcs8 encrypted - 0 \n");
    bio = BIO_new(BIO_s_mem());
    i2d_PKCS8PrivateKey_bio(bio, ec, NULL, NULL, 0, NULL, NULL);
    snprintf(expected, sizeof expected, "key der key-1 pkcs8 plain EC 256 %s\n", ec_print);
    expect_bio(bio, expected);
}

static void test_openssh_keys(void **state)
{
    (void)state;
    /* "openssh-key-v1\0", then the cipher's name: all that is looked at */
    static const char plain[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
                                "-----END OPENSSH PRIVATE KEY-----\n";
    static const char encrypted[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBWGGrEXm\n"
                                    "-----END OPENSSH PRIVATE KEY-----\n";
    expect(plain, sizeof plain - 1, "key pem key-1 openssh plain - 0 \n");
    expect(encrypted, sizeof encrypted - 1, "key pem key-1 openssh encrypted - 0 \n");
}

static void test_der(void **state)
{
    (void)state;
    unsigned char *bytes = NULL, *at;
    char expected[512];
    int one = i2d_X509(leaf, NULL), two = i2d_X509(intermediate, NULL), three = i2d_X509(other, NULL);
    size_t size = (size_t)(one + two + three);
    at = bytes = malloc(size + 3);
    i2d_X509(leaf, &at);
    i2d_X509(intermediate, &at);
    i2d_X509(other, &at);
    memcpy(at, "xyz", 3);
    snprintf(expected, sizeof expected, "chain der 1 %s %s\nchain der 3 %s\n", leaf_print, intermediate_print,
             other_print);
    expect(bytes, size, expected);
    expect(bytes, size + 3, expected); /* what trails is no certificate and no loss */
    for (int cut = 40; cut < one; cut += 5)
        expect(bytes, (size_t)cut, "problem der 1 malformed\n");
    snprintf(expected, sizeof expected, "chain der 1 %s\nproblem der 2 malformed\n", leaf_print);
    expect(bytes, (size_t)(one + two - 1), expected);
    free(bytes);
}

static void test_odd_wrappings(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    char *data, expected[128];
    X509_alias_set1(other, (const unsigned char *)"with trust", -1);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_AUX(bio, other); /* TRUSTED CERTIFICATE: the certificate, then trust settings */
    snprintf(expected, sizeof expected, "chain pem 1 %s\n", other_print);
    expect_bio(bio, expected);

    bio = BIO_new(BIO_s_mem());
    int size = i2d_X509(other, &der);
    PEM_write_bio(bio, "X509 CERTIFICATE", "", der, size);
    expect_bio(bio, expected);

    bio = pem_of(&other, 1); /* UTF-16, both byte orders */
    long length = BIO_get_mem_data(bio, &data);
    uint8_t *wide = malloc(2 * (size_t)length + 2);
    for (int big = 0; big < 2; big++) {
        wide[big] = 0xFF;
        wide[1 - big] = 0xFE;
        for (long i = 0; i < length; i++) {
            wide[2 + 2 * i + big] = (uint8_t)data[i];
            wide[3 + 2 * i - big] = 0;
        }
        expect(wide, 2 * (size_t)length + 2, expected);
    }
    free(wide);
    BIO_free(bio);
    OPENSSL_free(der);
}

static void test_damage_is_told_once_and_costs_one_block(void **state)
{
    (void)state;
    char expected[512], *data;
    BIO *bio = pem_of((X509 *[]){leaf, other, root}, 3);
    long size = BIO_get_mem_data(bio, &data);
    char *second = strstr(strstr(data, "-----BEGIN") + 10, "-----BEGIN");
    second[100] = '*';
    snprintf(expected, sizeof expected, "chain pem 1 %s\nproblem pem 2 malformed\nchain pem 3 %s\n", leaf_print,
             root_print);
    expect(data, (size_t)size, expected);
    BIO_free(bio);
    /* Right base64, but no certificate. */
    static const char text[] = "-----BEGIN CERTIFICATE-----\n"
                               "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZywgdHdp\n"
                               "-----END CERTIFICATE-----\n";
    expect(text, sizeof text - 1, "problem pem 1 malformed\n");
    /* Manuals and programs that speak of PEM hold none. */
    static const char manual[] = "looks like\n-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\nor\n"
                                 "-----BEGIN RSA PRIVATE KEY-----\nXXXX\n-----END RSA PRIVATE KEY-----\n"
                                 "grep -q '-----BEGIN CERTIFICATE-----' /usr/share/ca-certificates/mozilla/file\n";
    expect(manual, sizeof manual - 1, "");
}

/* The inside cannot be read, the shape is a certificate's: the inventory keeps it as undecodable. */
static void test_undecodable(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    char print[9], expected[64];
    int size = i2d_X509(leaf, &der);
    unsigned char *time = memmem(der, (size_t)size, "260101000000Z", 13);
    assert_non_null(time);
    memcpy(time, "269901", 6);
    collect_print(der, (size_t)size, print);
    snprintf(expected, sizeof expected, "chain der 1 %s\n", print);
    expect(der, (size_t)size, expected);
    OPENSSL_free(der);
}

static void test_sniffing(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    int size = i2d_X509(leaf, &der);
    assert_int_equal(sniff(der, (size_t)size), SNIFF_CERTIFICATE);
    assert_int_equal(sniff(der, 64), SNIFF_CERTIFICATE);
    OPENSSL_free(der);
    der = NULL;
    X509_REQ *request = X509_to_X509_REQ(leaf, ec, EVP_sha256());
    size = i2d_X509_REQ(request, &der);
    assert_int_equal(sniff(der, (size_t)size), SNIFF_DER);
    X509_REQ_free(request);
    OPENSSL_free(der);
    der = NULL;
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1800000000);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(root));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_sign(crl, ec, EVP_sha256());
    size = i2d_X509_CRL(crl, &der);
    assert_int_equal(sniff(der, (size_t)size), SNIFF_DER);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    OPENSSL_free(der);
    assert_int_equal(sniff((const uint8_t *)"0 text", 6), SNIFF_DER);
    assert_int_equal(sniff((const uint8_t *)"", 0), SNIFF_TEXT);
    assert_int_equal(sniff((const uint8_t *)"0", 1), SNIFF_TEXT);
    assert_int_equal(sniff((const uint8_t *)"\x30\xFF", 2), SNIFF_TEXT);
}

/* A file beyond what is read whole: certificates at its start, across a window's edge, behind a hole, at its end. */
static void test_large_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_job.XXXXXX", expected[512], *data;
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    BIO *bio = pem_of((X509 *[]){leaf}, 1), *second = pem_of((X509 *[]){other}, 1);
    long size = BIO_get_mem_data(bio, &data);
    assert_int_equal(pwrite(fd, data, (size_t)size, 0), size);
    assert_int_equal(pwrite(fd, data, (size_t)size, CM_LIMIT_FILE_BYTES + 1 - 100), size);
    size = BIO_get_mem_data(second, &data);
    assert_int_equal(pwrite(fd, data, (size_t)size, 700LL << 20), size);
    assert_int_equal(pwrite(fd, data, (size_t)size, 5LL << 30), size); /* sparse: no gigabytes are read */
    job_init(&job, &options, &ops);
    job_file(&job, fd, NULL, 0);
    snprintf(expected, sizeof expected, "chain pem 1 %s\nchain pem 2 %s\nchain pem 3 %s\nchain pem 4 %s\n", leaf_print,
             leaf_print, other_print, other_print);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
    job_done(&job);
    BIO_free(bio);
    BIO_free(second);
    close(fd);
}

/* No byte of a plain key stays in the buffers once a file is done. */
static void test_keys_are_cleared(void **state)
{
    (void)state;
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    char path[] = "/tmp/test_job.XXXXXX", *data;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL);
    long size = BIO_get_mem_data(bio, &data);
    int fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(fd, data, (size_t)size), size);
    lseek(fd, 0, SEEK_SET);
    job_init(&job, &options, &ops);
    job_file(&job, fd, NULL, (uint64_t)size);
    assert_int_equal(all.keys, 1);
    const struct buf *const buffers[] = {&job.scratch, &job.decoded};
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
        assert_null(memmem(buffers[b]->data, buffers[b]->capacity, data + 100, 40));
        for (size_t i = 0; buffers[b] == &job.decoded && i < buffers[b]->capacity; i++)
            assert_int_equal(buffers[b]->data[i], 0);
    }
    buf_done(&all.text);
    job_done(&job);
    BIO_free(bio);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    ec = make_key("EC", "P-256");
    rsa = make_key("RSA", "2048");
    print_of_key(ec, ec_print);
    print_of_key(rsa, rsa_print);
    root = make("root", "root", root_print);
    intermediate = make("intermediate", "root", intermediate_print);
    leaf = make("leaf", "intermediate", leaf_print);
    other = make("other", "elsewhere", other_print);
    passwords_init(&passwords);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    passwords_done(&passwords);
    X509_free(leaf);
    X509_free(intermediate);
    X509_free(root);
    X509_free(other);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    pkcs12_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_key_between_certificates),
        cmocka_unit_test(test_key_kinds),
        cmocka_unit_test(test_openssh_keys),
        cmocka_unit_test(test_der),
        cmocka_unit_test(test_odd_wrappings),
        cmocka_unit_test(test_damage_is_told_once_and_costs_one_block),
        cmocka_unit_test(test_undecodable),
        cmocka_unit_test(test_sniffing),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_keys_are_cleared),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
