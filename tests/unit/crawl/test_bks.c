/* BKS and UBER: every kind of entry in every version, passwords, damage of every field, and cuts at every byte. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdarg.h>
#include <stdio.h>

#include <nettle/cbc.h>
#include <nettle/twofish.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "tests/unit/crawl/java_stores.h"

enum { ITERATIONS = 1024, DIGEST_BYTES = 20, SALT_BYTES = 20 };
static const uint8_t salt[SALT_BYTES] = "twenty bytes of salt";
static const uint8_t changeit[] = "\0c\0h\0a\0n\0g\0e\0i\0t\0"; /* and the zero that C adds */

static struct sample one, two, three;

static void put_head(struct buf *out, uint32_t version)
{
    buf_init(out, 1 << 22);
    put_u32(out, version);
    put_data(out, salt, sizeof salt);
    put_u32(out, ITERATIONS);
}

static void put_entry(struct buf *out, char type, const char *alias, uint32_t chain)
{
    buf_append_char(out, type);
    put_utf(out, alias);
    put_date(out);
    put_u32(out, chain);
}

static void put_trusted(struct buf *out, const char *alias, const struct sample *sample)
{
    put_entry(out, 1, alias, 0);
    put_certificate(out, sample);
}

static void put_sealed(struct buf *out, uint32_t iterations)
{
    put_u32(out, 4 + 20 + 4 + 16);
    put_data(out, salt, sizeof salt);
    put_u32(out, iterations);
    buf_append(out, "sixteen bytes...", 16);
}

/* An EC key as PrivateKeyInfo, in the clear. */
static void put_plain_key(struct buf *out, const char *alias)
{
    EVP_PKEY *key = make_key("EC", "P-256");
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    put_entry(out, 2, alias, 1);
    put_certificate(out, &one);
    buf_append_char(out, 0);
    put_utf(out, "PKCS#8");
    put_utf(out, "EC");
    put_data(out, der, (size_t)size);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
}

static void derive(int id, uint8_t *out, int size)
{
    assert_int_equal(PKCS12_key_gen_uni((unsigned char *)changeit, sizeof changeit, (unsigned char *)salt, SALT_BYTES,
                                        id, ITERATIONS, size, out, EVP_sha1()),
                     1);
}

/* Ends the entries that begin at `from` and adds the MAC of a version. */
static void put_mac(struct buf *out, size_t from, uint32_t version)
{
    uint8_t key[DIGEST_BYTES], mac[EVP_MAX_MD_SIZE];
    int size = version == 2 ? DIGEST_BYTES : 2;
    unsigned mac_size;
    buf_append_char(out, 0);
    derive(3, key, size);
    HMAC(EVP_sha1(), key, size, (const uint8_t *)out->data + from, out->size - from, mac, &mac_size);
    buf_append(out, mac, mac_size);
}

/* Ends the entries that begin at `from`, adds their digest and encrypts. */
static void seal(struct buf *out, size_t from)
{
    uint8_t key[32], vector[16], digest[EVP_MAX_MD_SIZE];
    struct twofish_ctx cipher;
    buf_append_char(out, 0);
    assert_true(EVP_Digest(out->data + from, out->size - from, digest, NULL, EVP_sha1(), NULL));
    buf_append(out, digest, DIGEST_BYTES);
    for (size_t pad = 16 - (out->size - from) % 16, i = 0; i < pad; i++)
        buf_append_char(out, (char)pad);
    derive(1, key, sizeof key);
    derive(2, vector, sizeof vector);
    twofish256_set_key(&cipher, key);
    cbc_encrypt(&cipher, (nettle_cipher_func *)twofish_encrypt, 16, vector, out->size - from,
                (uint8_t *)out->data + from, (const uint8_t *)out->data + from);
}

static void put_all(struct buf *out)
{
    put_trusted(out, "first", &one);
    put_entry(out, 4, "second", 2);
    put_certificate(out, &two);
    put_certificate(out, &three);
    put_sealed(out, 999);
    put_plain_key(out, "third");
    put_entry(out, 3, "value", 0);
    put_data(out, "secret", 6);
    put_entry(out, 2, "public", 0);
    buf_append_char(out, 1);
    put_utf(out, "X.509");
    put_utf(out, "RSA");
    put_data(out, "public", 6);
}

static void assert_all(const struct buf *store, const char *format, const char *weak)
{
    char *text = told(store->data, store->size), expected[512];
    snprintf(expected, sizeof expected,
             "chain %s first %s\nkey %s second sealed encrypted - 0 \nchain %s second %s %s\n"
             "key %s third pkcs8 plain EC 256 ",
             format, one.print, format, format, two.print, three.print, format);
    assert_ptr_equal(strstr(text, expected), text);
    snprintf(expected, sizeof expected,
             "\nchain %s third %s\nstore %s ok 5 %slow-iterations plain-key default-password\n", format, one.print,
             format, weak);
    assert_string_equal(strchr(text + strlen(text) - strlen(expected), '\n'), expected);
    free(text);
}

static void test_entries(void **state)
{
    (void)state;
    for (uint32_t version = 0; version < 3; version++) {
        struct buf store;
        put_head(&store, version);
        size_t from = store.size;
        put_all(&store);
        put_mac(&store, from, version);
        assert_all(&store, "bks", version < 2 ? "bks-v1 " : "");
        store.data[from + 12] ^= 1; /* a date */
        char *text = told(store.data, store.size);
        assert_non_null(strstr(text, "store bks unchecked 5 "));
        free(text);
        buf_done(&store);
    }
}

static void test_uber(void **state)
{
    (void)state;
    struct buf store;
    put_head(&store, 1);
    size_t from = store.size;
    put_all(&store);
    seal(&store, from);
    assert_all(&store, "uber", "");
    buf_done(&store);
    put_head(&store, 1);
    seal(&store, store.size);
    expect(&store, "store uber ok 0\n");
    store.data[9] ^= 1; /* the salt: no password fits any more */
    expect(&store, "problem uber - password\nstore uber unchecked 0\n");
    store.data[9] ^= 1;
    options.limits.max_iterations = ITERATIONS - 1;
    expect(&store, "problem uber - too_large\nstore uber unchecked 0\n");
    options.limits.max_iterations = 100000;
    buf_done(&store);
}

/* A damaged block costs the entries that it hits. */
static void test_damaged_uber(void **state)
{
    (void)state;
    struct buf store;
    put_head(&store, 1);
    size_t from = store.size;
    put_trusted(&store, "first", &one);
    size_t middle = store.size;
    put_trusted(&store, "second", &two);
    put_trusted(&store, "third", &three);
    seal(&store, from);
    store.data[middle] ^= 0x55;
    char *text = told(store.data, store.size), expected[64];
    snprintf(expected, sizeof expected, "chain uber third %s\n", three.print);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "malformed\n"));
    assert_non_null(strstr(text, "store uber bad"));
    free(text);
    buf_done(&store);
}

static void test_empty(void **state)
{
    (void)state;
    for (uint32_t version = 0; version < 3; version++) {
        struct buf store;
        put_head(&store, version);
        put_mac(&store, store.size, version);
        expect(&store, "store bks ok 0%s\n", version < 2 ? " bks-v1" : "");
        options.limits.max_iterations = 10;
        expect(&store, "problem bks - too_large\nstore bks unchecked 0%s\n", version < 2 ? " bks-v1" : "");
        options.limits.max_iterations = 100000;
        store.size--;
        expect(&store, "problem bks - malformed\nstore bks bad 0%s\n", version < 2 ? " bks-v1" : "");
        buf_done(&store);
    }
}

/* Each length of the middle entry made 4 GiB, each count 2^32-1: the neighbours are told all the same. */
static void test_lengths(void **state)
{
    (void)state;
    size_t head = 1 + 2 + 6 + 8; /* type, alias, date */
    const struct {
        size_t offset, size;
    } fields[] = {{0, 1}, {1, 2}, {head, 4}, {head + 4, 2}, {head + 4 + 7, 4}, {0, 0}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct buf store;
        put_head(&store, 2);
        size_t from = store.size;
        put_trusted(&store, "before", &one);
        size_t at = store.size;
        put_entry(&store, 4, "middle", 1);
        put_certificate(&store, &two);
        size_t value = store.size;
        put_sealed(&store, ITERATIONS);
        put_trusted(&store, "behind", &three);
        put_mac(&store, from, 2);
        if (fields[i].size)
            memset(store.data + at + fields[i].offset, 0xFF, fields[i].size);
        else
            memset(store.data + value, 0xFF, 4);
        char *text = told(store.data, store.size), expected[64];
        snprintf(expected, sizeof expected, "chain bks before %s\n", one.print);
        assert_ptr_equal(strstr(text, expected), text);
        snprintf(expected, sizeof expected, "chain bks behind %s\n", three.print);
        assert_non_null(strstr(text, expected));
        assert_non_null(strstr(text, "malformed\n"));
        assert_non_null(strstr(text, "store bks bad 3"));
        assert_int_equal(occurrences(text, two.print), i == 2 || i == 5);
        free(text);
        buf_done(&store);
    }
}

/* Wherever it is cut: what is whole is told, and that something is missing. */
static void cut_everywhere(uint32_t version, bool uber)
{
    struct buf store;
    put_head(&store, version);
    size_t from = store.size;
    put_trusted(&store, "first", &one);
    size_t first = store.size;
    put_trusted(&store, "second", &two);
    size_t second = store.size;
    if (uber)
        seal(&store, from);
    else
        put_mac(&store, from, version);
    for (size_t cut = from + 1; cut < store.size; cut++) {
        size_t readable = uber ? cut - (cut - from) % 16 : cut;
        char *text = told(store.data, cut);
        if (uber && readable < from + 32) { /* too little to know the password by */
            assert_non_null(strstr(text, "problem uber - "));
        } else {
            assert_int_equal(occurrences(text, one.print), readable >= first);
            assert_int_equal(occurrences(text, two.print), readable >= second);
            assert_true(occurrences(text, "malformed\n") >= 1);
            assert_non_null(strstr(text, uber ? "store uber bad" : "store bks bad"));
        }
        free(text);
    }
    for (size_t cut = 0; cut < from; cut++) { /* no more than numbers */
        char *text = told(store.data, cut);
        assert_string_equal(text, "");
        free(text);
    }
    buf_done(&store);
}

static void test_cuts(void **state)
{
    (void)state;
    cut_everywhere(1, false);
    cut_everywhere(2, false);
    options.limits.max_iterations = ITERATIONS;
    cut_everywhere(1, true);
    options.limits.max_iterations = 100000;
}

static void test_trailing(void **state)
{
    (void)state;
    struct buf store;
    put_head(&store, 2);
    size_t from = store.size;
    put_trusted(&store, "a", &one);
    put_mac(&store, from, 2);
    buf_append_str(&store, "-----BEGIN CERTIFICATE-----\n");
    base64_append(&store, two.der, two.size);
    buf_append_str(&store, "\n-----END CERTIFICATE-----\n");
    expect(&store, "chain bks a %s\nstore bks ok 1\nchain pem 1 %s\n", one.print, two.print);
    buf_done(&store);
}

/* Bytes that begin with the same numbers and are something else. */
static void test_not_mine(void **state)
{
    (void)state;
    struct buf store;
    put_head(&store, 2);
    store.data[7] = 16; /* a salt of another size than BouncyCastle's */
    buf_append_str(&store, "text that goes on and on, and is no entry of any kind");
    expect(&store, "%s", "");
    buf_done(&store);
    put_head(&store, 3);
    expect(&store, "%s", "");
    buf_done(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),  cmocka_unit_test(test_uber),     cmocka_unit_test(test_damaged_uber),
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_lengths),  cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_trailing), cmocka_unit_test(test_not_mine),
    };
    one = make_sample("one");
    two = make_sample("two");
    three = make_sample("three");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    OPENSSL_free(one.der);
    OPENSSL_free(two.der);
    OPENSSL_free(three.der);
    return failed;
}
