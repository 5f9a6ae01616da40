/* The PKCS#12 reader over files that OpenSSL makes here: old and new encryption, no MAC, odd passwords, keys in the open, damage at every byte. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "certmuster/der.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/formats/pkcs12_kdf.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *key;
static X509 *leaf, *ca, *other;
static char leaf_print[9], ca_print[9], other_print[9];
static struct passwords passwords;
static struct job_options options = {.passwords = &passwords, .limits.max_iterations = 100000};

struct shape {
    const char *password;         /* NULL: none */
    int certificate_pbe, key_pbe; /* a NID; -1: in the open */
    int mac_iterations;           /* -1: no MAC */
    int iterations;
};

static unsigned char *make_pfx(const struct shape *shape, int *size)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    unsigned char *der = NULL;
    sk_X509_push(others, ca);
    sk_X509_push(others, other);
    PKCS12 *pfx = PKCS12_create(shape->password, "my alias", key, leaf, others, shape->key_pbe, shape->certificate_pbe,
                                shape->iterations, shape->mac_iterations, 0);
    assert_non_null(pfx);
    *size = i2d_PKCS12(pfx, &der);
    PKCS12_free(pfx);
    sk_X509_free(others);
    return der;
}

static void read_all(const unsigned char *der, int size, struct collected *all)
{
    struct found_ops ops = collect_ops(all);
    unsigned char *copy = malloc((size_t)size + 1);
    memcpy(copy, der, (size_t)size);
    struct job job;
    job_init(&job, &options, &ops);
    int status = pkcs12_read(&job, (struct slice){copy, (size_t)size});
    assert_true(status == 0 || all->problems > 0);
    job_done(&job);
    free(copy);
}

static void test_shapes(void **state)
{
    static const struct {
        struct shape shape;
        const char *integrity, *weak, *problem;
    } rows[] = {
        {{"changeit", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048}, "ok", " default-password", ""},
        {{"changeit", NID_pbe_WithSHA1And40BitRC2_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 1, 2048},
         "ok",
         " low-iterations rc2-40 default-password",
         ""},
        {{"from the list", NID_aes_256_cbc, NID_pbe_WithSHA1And40BitRC4, 2048, 2048}, "ok", " rc4-40", ""},
        {{"", NID_aes_128_cbc, NID_aes_128_cbc, 2048, 2048}, "ok", " default-password", ""},
        {{NULL, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 1, 1},
         "ok",
         " low-iterations default-password",
         ""},
        {{"from the list", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048}, "ok", "", ""},
        {{"P\xC3\xA4ssw\xC3\xB6rt", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_aes_256_cbc, 2048, 2048}, "ok", "", ""},
        /* the same, each byte of it taken for a character, as OpenSSL did before 1.1.0 */
        {{"P\xC3\x83\xC2\xA4ssw\xC3\x83\xC2\xB6rt", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_aes_256_cbc, 2048,
          2048},
         "ok",
         "",
         ""},
        {{"changeit", NID_aes_256_cbc, NID_aes_256_cbc, -1, 2048}, "unchecked", " no-mac default-password", ""},
        {{"changeit", -1, -1, -1, 1}, "unchecked", " no-mac plain-key", ""},
        {{"nobody knows", -1, NID_aes_256_cbc, 2048, 2048}, "unchecked", "", ""}, /* certificates in the open */
        {{"nobody knows", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048},
         "unchecked",
         "",
         "problem pkcs12 - password\n"},
        {{"changeit", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 100001},
         "ok",
         " default-password",
         "problem pkcs12 - too_large\n"},
        {{"changeit", -1, NID_aes_256_cbc, 100001, 2048}, "unchecked", "", "problem pkcs12 - too_large\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collected all;
        char expected[512];
        int size;
        unsigned char *der = make_pfx(&rows[i].shape, &size);
        read_all(der, size, &all);
        bool plain = rows[i].shape.key_pbe == -1;
        bool shut = rows[i].problem[0] && rows[i].shape.certificate_pbe != -1;
        int used = snprintf(expected, sizeof expected, "key pkcs12 my alias pkcs8 %s",
                            plain ? "plain EC 256 " : "encrypted - 0 ");
        if (plain) { /* the public key's hash, by OpenSSL */
            unsigned char *spki = NULL;
            int spki_size = i2d_PUBKEY(key, &spki);
            collect_print(spki, (size_t)spki_size, expected + used);
            OPENSSL_free(spki);
            used += 8;
        }
        used += snprintf(expected + used, sizeof expected - (size_t)used, "\n");
        if (!shut)
            used += snprintf(expected + used, sizeof expected - (size_t)used,
                             "chain pkcs12 my alias %s %s\nchain pkcs12 3 %s\n", leaf_print, ca_print, other_print);
        snprintf(expected + used, sizeof expected - (size_t)used, "store pkcs12 %s %d%s\n%s", rows[i].integrity,
                 shut ? 1 : 4, rows[i].weak, rows[i].problem);
        assert_string_equal(all.text.data, expected);
        buf_done(&all.text);
        OPENSSL_free(der);
    }
}

/* Names of any script, their ends included: some writers put a NUL behind UTF-16, some do not. */
static void test_names(void **state)
{
    static const struct {
        const char *utf16, *utf8;
        int size;
    } names[] = {{"\0c\0\xE9", "c\xC3\xA9", 4},
                 {"\0c\0\xE9\0\0", "c\xC3\xA9", 6},
                 {"\0-\x4E\x2D", "-\xE4\xB8\xAD", 4},
                 {"\xD8\x3D\xDD\x11", "\xF0\x9F\x94\x91", 4},
                 {"\0a\xD8\x3D", "a\xEF\xBF\xBD", 4}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct collected all;
        char expected[128];
        unsigned char *der = NULL;
        STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
        STACK_OF(PKCS7) *safes = NULL;
        PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(leaf);
        assert_int_equal(PKCS12_add_friendlyname_uni(bag, (const unsigned char *)names[i].utf16, names[i].size), 1);
        sk_PKCS12_SAFEBAG_push(bags, bag);
        assert_int_equal(PKCS12_add_safe(&safes, bags, -1, 1, NULL), 1);
        PKCS12 *pfx = PKCS12_add_safes(safes, 0);
        int size = i2d_PKCS12(pfx, &der);
        PKCS12_free(pfx);
        sk_PKCS7_pop_free(safes, PKCS7_free);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
        read_all(der, size, &all);
        snprintf(expected, sizeof expected, "chain pkcs12 %s %s\nstore pkcs12 unchecked 1 no-mac\n", names[i].utf8,
                 leaf_print);
        assert_string_equal(all.text.data, expected);
        buf_done(&all.text);
        OPENSSL_free(der);
    }
}

/* A PFX without a MAC, and the MAC of RFC 9579 put behind it. */
static struct buf make_pbmac1(const char *password, int64_t iterations, size_t key_size, bool wrong)
{
    static const struct shape shape = {"changeit", NID_aes_256_cbc, NID_aes_256_cbc, -1, 2048};
    static const uint8_t pbkdf2[] = {6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 12};
    static const uint8_t pbmac1[] = {6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 14};
    static const uint8_t hmac[] = {0x30, 12, 6, 8, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 9, 5, 0}; /* with SHA-256 */
    int size;
    unsigned char *der = make_pfx(&shape, &size);
    struct cursor cursor, pfx, info, explicit_tag;
    struct der_element version, oid, octets;
    cursor_init(&cursor, der, (size_t)size);
    assert_int_equal(der_expect(&cursor, DER_SEQUENCE, &pfx), 0);
    struct slice inside = {pfx.at, cursor_left(&pfx)};
    assert_int_equal(der_next(&pfx, &version) | der_expect(&pfx, DER_SEQUENCE, &info) | der_next(&info, &oid) |
                         der_expect(&info, 0xA0, &explicit_tag) | der_next(&explicit_tag, &octets),
                     0);
    uint8_t mac_key[64], mac[32], count[2] = {(uint8_t)(iterations >> 8), (uint8_t)iterations},
                                  length = (uint8_t)key_size;
    unsigned mac_size;
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (const unsigned char *)"saltsalt", 8, (int)iterations,
                      EVP_sha256(), (int)key_size, mac_key);
    HMAC(EVP_sha256(), mac_key, (int)key_size, octets.contents.data, octets.contents.size, mac, &mac_size);
    mac[0] ^= wrong;
    struct buf level[6];
    for (size_t i = 0; i < 6; i++)
        buf_init(&level[i], 1 << 16);
    der_append(&level[0], DER_OCTET_STRING, "saltsalt", 8); /* PBKDF2-params */
    der_append_unsigned(&level[0], count, 2);
    der_append_unsigned(&level[0], &length, 1);
    buf_append(&level[0], hmac, sizeof hmac);
    buf_append(&level[1], pbkdf2, sizeof pbkdf2);
    der_append(&level[1], DER_SEQUENCE, level[0].data, level[0].size);
    der_append(&level[2], DER_SEQUENCE, level[1].data, level[1].size); /* PBMAC1-params */
    buf_append(&level[2], hmac, sizeof hmac);
    buf_append(&level[3], pbmac1, sizeof pbmac1);
    der_append(&level[3], DER_SEQUENCE, level[2].data, level[2].size);
    der_append(&level[4], DER_SEQUENCE, level[3].data, level[3].size); /* DigestInfo */
    der_append(&level[4], DER_OCTET_STRING, mac, sizeof mac);
    for (size_t i = 0; i < 4; i++)
        buf_reset(&level[i]);
    der_append(&level[0], DER_SEQUENCE, level[4].data, level[4].size); /* MacData */
    der_append(&level[0], DER_OCTET_STRING, "unused", 6);
    buf_append(&level[1], inside.data, inside.size);
    der_append(&level[1], DER_SEQUENCE, level[0].data, level[0].size);
    der_append(&level[5], DER_SEQUENCE, level[1].data, level[1].size);
    for (size_t i = 0; i < 5; i++)
        buf_done(&level[i]);
    OPENSSL_free(der);
    return level[5];
}

static void test_pbmac1(void **state)
{
    static const struct {
        const char *password;
        int64_t iterations;
        size_t key_size;
        bool wrong;
        const char *store;
    } rows[] = {
        {"changeit", 2048, 32, false, "store pkcs12 ok 4 default-password\n"},
        {"changeit", 10, 64, false, "store pkcs12 ok 4 low-iterations default-password\n"},
        {"changeit", 2048, 32, true, "store pkcs12 bad 4 default-password\n"},
        {"another", 2048, 32, false, "store pkcs12 bad 4 default-password\n"},
        {"changeit", 2048, 4, false, "store pkcs12 bad 4 default-password\n"}, /* any password would do (RFC 9579 §9) */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collected all;
        struct buf pfx = make_pbmac1(rows[i].password, rows[i].iterations, rows[i].key_size, rows[i].wrong);
        read_all((unsigned char *)pfx.data, (int)pfx.size, &all);
        if (!strstr(all.text.data, rows[i].store))
            fail_msg("%s is not in %s", rows[i].store, all.text.data);
        buf_done(&all.text);
        buf_done(&pfx);
    }
}

/* Put together here: PKCS12_SAFEBAG_create_secret() of OpenSSL 3.0 writes three zeros. */
static PKCS12_SAFEBAG *secret_bag(const void *bytes, size_t size)
{
    static const uint8_t type[] = {6, 10, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 22, 1};
    static const uint8_t id[] = {6, 11, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 10, 1, 5};
    struct buf inner, outer;
    buf_init(&inner, 1 << 16);
    buf_init(&outer, 1 << 16);
    der_append(&inner, DER_OCTET_STRING, bytes, size);
    buf_append(&outer, type, sizeof type);
    der_append(&outer, 0xA0, inner.data, inner.size);
    buf_reset(&inner);
    der_append(&inner, DER_SEQUENCE, outer.data, outer.size);
    buf_reset(&outer);
    buf_append(&outer, id, sizeof id);
    der_append(&outer, 0xA0, inner.data, inner.size);
    buf_reset(&inner);
    der_append(&inner, DER_SEQUENCE, outer.data, outer.size);
    const unsigned char *at = (const unsigned char *)inner.data;
    PKCS12_SAFEBAG *bag = d2i_PKCS12_SAFEBAG(NULL, &at, (long)inner.size);
    assert_non_null(bag);
    buf_done(&inner);
    buf_done(&outer);
    return bag;
}

/* CRLs and certificates in bags made for other things. */
static void test_other_bags(void **state)
{
    (void)state;
    struct collected all;
    unsigned char *der = NULL, *certificate = NULL;
    char expected[128];
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1767225600);
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    int certificate_size = i2d_X509(leaf, &certificate);
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    STACK_OF(PKCS7) *safes = NULL;
    sk_PKCS12_SAFEBAG_push(bags, PKCS12_SAFEBAG_create_crl(crl));
    sk_PKCS12_SAFEBAG_push(bags, secret_bag(certificate, (size_t)certificate_size));
    sk_PKCS12_SAFEBAG_push(bags, secret_bag("a secret", 8));
    assert_int_equal(PKCS12_add_safe(&safes, bags, -1, 1, NULL), 1);
    PKCS12 *pfx = PKCS12_add_safes(safes, 0);
    int size = i2d_PKCS12(pfx, &der);
    read_all(der, size, &all);
    snprintf(expected, sizeof expected, "chain pkcs12 1 %s\nstore pkcs12 unchecked 1 no-mac\n", leaf_print);
    if (!strstr(all.text.data, expected))
        fail_msg("%s is not in %s", expected, all.text.data);
    assert_memory_equal(all.text.data, "crl pkcs12 crl-1 ", 17);
    buf_done(&all.text);
    PKCS12_free(pfx);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    OPENSSL_free(der);
    OPENSSL_free(certificate);
}

/* The contents open, the MAC does not fit: somebody was at it. */
static void test_tampered(void **state)
{
    (void)state;
    static const struct shape shape = {"changeit", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048};
    struct collected all;
    int size;
    unsigned char *der = make_pfx(&shape, &size);
    der[size - 20] ^= 1; /* within the digest: a salt of 8 and a count stand behind it */
    read_all(der, size, &all);
    assert_non_null(strstr(all.text.data, "store pkcs12 bad 4 default-password\n"));
    buf_done(&all.text);
    OPENSSL_free(der);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct shape shape = {"changeit", -1, NID_aes_256_cbc, 1, 1};
    struct collected all;
    int size;
    unsigned char *der = make_pfx(&shape, &size);
    for (int cut = 0; cut < size; cut++) {
        read_all(der, cut, &all);
        assert_int_equal(all.certificates, 0); /* a PFX is one element: cut is cut */
        assert_true(all.problems == 1);
        buf_done(&all.text);
    }
    for (int at = 0; at < size; at += 3) {
        der[at] ^= 0x55;
        read_all(der, size, &all);
        assert_true(all.certificates <= 3);
        buf_done(&all.text);
        der[at] ^= 0x55;
    }
    OPENSSL_free(der);
}

static void test_interruption(void **state)
{
    (void)state;
    static const struct shape shape = {"nobody knows", NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048};
    struct collected all;
    int size;
    unsigned char *der = make_pfx(&shape, &size);
    struct found_ops ops = collect_ops(&all);
    struct job job;
    all.pulses_left = 1;
    job_init(&job, &options, &ops);
    assert_int_equal(pkcs12_read(&job, (struct slice){der, (size_t)size}), 0);
    job_done(&job);
    assert_string_equal(all.text.data, "store pkcs12 unchecked 0\nproblem pkcs12 - timeout\n");
    buf_done(&all.text);
    OPENSSL_free(der);
}

static void test_not_a_pfx(void **state)
{
    static const char *const rows[] = {"", "0", "\x30\x03\x02\x01\x03", "-----BEGIN X-----",
                                       "\x30\x80\x02\x01\x03\x00\x00"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collected all;
        read_all((const unsigned char *)rows[i], (int)strlen(rows[i]), &all);
        assert_string_equal(all.text.data, "problem pkcs12 - malformed\n");
        buf_done(&all.text);
    }
}

static void test_kdf_cost(void **state)
{
    (void)state;
    /* pbeWithSHA1And40BitRC2-CBC with an 8-byte salt and 2048 iterations */
    static const uint8_t pbe[] = {0x30, 0x1C, 0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D,
                                  0x01, 0x0C, 0x01, 0x06, 0x30, 0x0E, 0x04, 0x08, 1,    2,
                                  3,    4,    5,    6,    7,    8,    0x02, 0x02, 0x08, 0x00};
    /* scrypt, N = 16384, r = 8, p = 1 */
    static const uint8_t scrypt[] = {0x30, 0x1A, 0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA,
                                     0x47, 0x04, 0x0B, 0x30, 0x0D, 0x04, 0x01, 0,    0x02, 0x02,
                                     0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x01};
    static const uint8_t huge[] = {0x30, 0x0B, 0x02, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t negative[] = {0x30, 0x03, 0x02, 0x01, 0x80};
    uint8_t deep[32];
    for (size_t i = 0; i < sizeof deep; i += 2) {
        deep[i] = 0x30;
        deep[i + 1] = (uint8_t)(sizeof deep - i - 2);
    }
    assert_int_equal(pkcs12_kdf_cost((struct slice){pbe, sizeof pbe}), 2048);
    assert_int_equal(pkcs12_kdf_cost((struct slice){scrypt, sizeof scrypt}), 131072);
    assert_true(pkcs12_kdf_cost((struct slice){huge, sizeof huge}) == UINT64_MAX);
    assert_true(pkcs12_kdf_cost((struct slice){negative, sizeof negative}) == UINT64_MAX);
    assert_true(pkcs12_kdf_cost((struct slice){deep, sizeof deep}) == UINT64_MAX);
    for (size_t cut = 1; cut < sizeof pbe; cut++)
        assert_true(pkcs12_kdf_cost((struct slice){pbe, cut}) == UINT64_MAX);
}

static void test_password_list(void **state)
{
    (void)state;
    char path[] = "/tmp/test_pkcs12.XXXXXX";
    struct passwords list;
    struct cm_error error;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("one\r\n\nchangeit\ntwo words \nlast", file);
    fclose(file);
    passwords_init(&list);
    assert_int_equal(passwords_load(&list, path, &error), 0);
    static const char *const expected[] = {"one", "two words ", "last"};
    assert_null(list.list[0]);
    assert_string_equal(list.list[1], "");
    assert_string_equal(list.list[2], "changeit");
    assert_int_equal(list.count, passwords_always() + 3); /* those that are always tried stand once */
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(list.list[passwords_always() + i], expected[i]);
    passwords_done(&list);

    file = fopen(path, "w");
    for (unsigned i = 0; i < 1001; i++)
        fprintf(file, "p%u\n", i);
    fclose(file);
    passwords_init(&list);
    assert_int_equal(passwords_load(&list, path, &error), CM_ELIMIT);
    passwords_done(&list);
    file = fopen(path, "w");
    for (unsigned i = 0; i < 1026; i++)
        fputc('x', file);
    fclose(file);
    passwords_init(&list);
    assert_int_equal(passwords_load(&list, path, &error), CM_ELIMIT);
    passwords_done(&list);
    remove(path);
    passwords_init(&list);
    assert_int_equal(passwords_load(&list, path, &error), CM_EIO);
    assert_non_null(strstr(error.detail, "No such file"));
    passwords_done(&list);
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
    OSSL_PROVIDER_load(NULL, "default"); /* to write RC2-40 here */
    OSSL_PROVIDER_load(NULL, "legacy");
    key = make_key("EC", "P-256");
    ca = make("CA", "CA", ca_print);
    leaf = make("leaf", "CA", leaf_print);
    other = make("other", "elsewhere", other_print);
    passwords_init(&passwords);
    passwords.list[passwords.count++] = cm_strdup("from the list");
    passwords.list[passwords.count++] = cm_strdup("P\xC3\xA4ssw\xC3\xB6rt");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    passwords_done(&passwords);
    X509_free(leaf);
    X509_free(ca);
    X509_free(other);
    EVP_PKEY_free(key);
    pkcs12_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_names),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_pbmac1),        cmocka_unit_test(test_other_bags), cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_interruption),  cmocka_unit_test(test_not_a_pfx),  cmocka_unit_test(test_kdf_cost),
        cmocka_unit_test(test_password_list),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
