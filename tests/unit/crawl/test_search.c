/* The one pass for many strings, against a search for each; the samples of every text and DER format cut at every byte and damaged at each;
 * certificates in BER; keys whose public half OpenSSL would compute. */
#include "tests/unit/lib/cmocka_first.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certmuster/der.h"
#include "certmuster/timefmt.h"
#include "scanner/crawl/formats/ber.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/key_public.h"
#include "scanner/crawl/formats/needles.h"
#include "scanner/crawl/job.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static char *words[] = {NULL, (char *)""};
static struct passwords passwords = {words, 2};
static struct job_options options = {.passwords = &passwords,
                                     .limits = {.depth = 8, .memory_bytes = 1 << 24, .max_iterations = 10}};

static void read_all(const void *bytes, size_t size, struct collected *all)
{
    struct found_ops ops = collect_ops(all);
    struct job job;
    uint8_t *copy = malloc(size ? size : 1); /* of its very size: what is read beyond is seen */
    memcpy(copy, bytes, size);
    job_init(&job, &options, &ops);
    job_memory(&job, copy, size);
    job_done(&job);
    free(copy);
}

static const struct {
    const char *text;
    enum needle needle;
} strings[] = {
    {"-----BEGIN", NEEDLE_PEM},
    {"-\0-\0B\0E\0G\0", NEEDLE_UTF16},
    {"LS1CRUdJTi", NEEDLE_BASE64},
    {"0tQkVHSU4g", NEEDLE_BASE64_SHIFTED},
    {"tLUJFR0lOI", NEEDLE_BASE64_SHIFTED2},
    {"TFMwdExTMU", NEEDLE_BASE64_TWICE},
    {"-cert-v01@", NEEDLE_SSH_CERTIFICATE},
    {"---- BEGIN", NEEDLE_SSH2},
    {"PuTTY-User", NEEDLE_PUTTY},
    {"pkcs7-mime", NEEDLE_MAIL},
    {"pkcs7-sign", NEEDLE_MAIL},
    {"\"kty\":\"RSA", NEEDLE_JWK},
    {"\"kty\": \"RS", NEEDLE_JWK},
    {"\"kty\":\"EC\"", NEEDLE_JWK},
    {"\"kty\": \"EC", NEEDLE_JWK},
    {"\"kty\":\"OKP", NEEDLE_JWK},
    {"\"kty\": \"OK", NEEDLE_JWK},
    {"\\\"kty\\\":\\\"", NEEDLE_JWK},
    {"X509Certif", NEEDLE_BARE},
    {"\"x5c\":[\"MI", NEEDLE_BARE},
    {"\"x5c\": [\"M", NEEDLE_BARE},
    {"U\0d\0J\0T\0i\0", NEEDLE_UTF16},
};
enum { STRINGS = sizeof strings / sizeof *strings };

/* What a search for each string by itself says. */
static size_t slowly(const uint8_t *bytes, size_t size, size_t from, enum needle *which)
{
    size_t first = size;
    *which = NEEDLE_NONE;
    for (size_t i = 0; i < STRINGS; i++) {
        const uint8_t *found = from < size ? memmem(bytes + from, size - from, strings[i].text, NEEDLE_BYTES) : NULL;
        if (found && (size_t)(found - bytes) < first) {
            first = (size_t)(found - bytes);
            *which = strings[i].needle;
        }
    }
    return first;
}

/* Pieces of the strings in any order, so that beginnings of one stand in another. */
static void test_needles(void **state)
{
    (void)state;
    enum { SIZE = 4096, ROUNDS = 200 };
    uint8_t *bytes = malloc(SIZE);
    unsigned seen = 0;
    srandom(7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t size = 0;
        while (size < SIZE) {
            const char *text = strings[(size_t)random() % STRINGS].text;
            size_t start = (size_t)random() % NEEDLE_BYTES, length = 1 + (size_t)random() % (NEEDLE_BYTES - start);
            if (random() % 4 == 0) {
                start = 0;
                length = NEEDLE_BYTES;
            }
            for (size_t i = 0; i < length && size < SIZE; i++)
                bytes[size++] = (uint8_t)text[start + i];
        }
        for (size_t at = 0; at < size;) {
            enum needle got, want;
            size_t found = needles_find(bytes, size, at, &got), expected = slowly(bytes, size, at, &want);
            assert_int_equal(found, expected);
            assert_int_equal(got, want);
            seen += got != NEEDLE_NONE;
            at = found + 1;
        }
        for (size_t cut = 0; cut <= 2 * NEEDLE_BYTES; cut++) { /* short ones */
            enum needle got, want;
            assert_int_equal(needles_find(bytes, cut, 0, &got), slowly(bytes, cut, 0, &want));
            assert_int_equal(got, want);
        }
    }
    assert_true(seen > 1000);
    free(bytes);
}

static size_t load(const char *path, uint8_t *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(out, 1, size, file);
    fclose(file);
    return got;
}

/* Cut: nothing that is told was not there before. Damaged: whatever comes, the sanitizers watch. */
static void torture(const char *path)
{
    enum { SAMPLE_MAX = 8192 };
    static uint8_t bytes[SAMPLE_MAX];
    struct collected whole, part;
    size_t size = load(path, bytes, sizeof bytes);
    read_all(bytes, size, &whole);
    if (!whole.text.size)
        fail_msg("nothing is told of %s", path);
    for (size_t cut = 0; cut < size; cut++) {
        read_all(bytes, cut, &part);
        if (part.certificates > whole.certificates || part.keys > whole.keys)
            fail_msg("%s cut at %zu: %s", path, cut, part.text.data);
        buf_done(&part.text);
    }
    for (size_t at = 0; at < size; at += 1 + size / 1500) {
        uint8_t kept = bytes[at];
        bytes[at] ^= (uint8_t)(0x80 >> at % 8);
        read_all(bytes, size, &part);
        buf_done(&part.text);
        bytes[at] = kept;
    }
    buf_done(&whole.text);
}

static void test_samples(void **state)
{
    static const char *const folders[] = {"fuzz_search", "fuzz_cms", "fuzz_csr", "fuzz_crl", "fuzz_key"};
    const char *top = getenv("CM_TOP");
    unsigned count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/tests/data/fuzz/%s", top ? top : ".", folders[i]);
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (const struct dirent *found; (found = readdir(dir));) {
            if (found->d_name[0] == '.' || strcmp(found->d_name, "openssh") == 0) /* in PEM only */
                continue;
            snprintf(path, sizeof path, "%s/tests/data/fuzz/%s/%s", top ? top : ".", folders[i], found->d_name);
            torture(path);
            count++;
        }
        closedir(dir);
    }
    assert_true(count >= 20);
}

/* Megabytes of nothing but beginnings, each of which asks to be looked at closely: linear, and said when it is too much. */
static void test_hostile_size(void **state)
{
    static const char *const texts[] = {"\"kty\":\"RSA\"",
                                        "{\"kty\":\"EC\"",
                                        "pkcs7-mime",
                                        "pkcs7-mime\n\n",
                                        "X509CertifMI",
                                        "X509Certif>MIIA",
                                        "---- BEGIN SSH2 PUBLIC KEY ----\n",
                                        "PuTTY-User-Key-File-3: x\n",
                                        "LS1CRUdJTi",
                                        "-\0-\0B\0E\0G\0",
                                        "ssh-rsa-cert-v01@openssh.com AAAA"};
    enum { SIZE = 4 * 1024 * 1024 };
    (void)state;
    char *bytes = malloc(SIZE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t length = i == 9 ? 10 : strlen(texts[i]);
        struct collected all;
        for (size_t at = 0; at < SIZE; at++)
            bytes[at] = texts[i][at % length];
        int64_t began = clock_monotonic_ms();
        read_all(bytes, SIZE, &all);
        int64_t took = clock_monotonic_ms() - began;
        if (took > 15000) /* with sanitizers, on a busy machine: quadratic would take minutes */
            fail_msg("%s: %d ms", texts[i], (int)took);
        buf_done(&all.text);
    }
    free(bytes);
}

/* A certificate whose outer length, or all of whose lengths, are indefinite is told as DER has it. */
static void test_ber(void **state)
{
    (void)state;
    struct recipe recipe = {.key = make_key("EC", "P-256"),
                            .subject = make_name("ber.example"),
                            .version = 2,
                            .not_before = "20260101000000Z",
                            .not_after = "20270101000000Z"};
    X509 *x = make_cert(&recipe);
    unsigned char *der = NULL;
    int size = i2d_X509(x, &der);
    struct cursor cursor, contents;
    struct collected all;
    struct buf ber, back;
    char print[9], expected[64];
    collect_print(der, (size_t)size, print);
    snprintf(expected, sizeof expected, "chain der 1 %s\n", print);
    cursor_init(&cursor, der, (size_t)size);
    assert_int_equal(der_expect(&cursor, DER_SEQUENCE, &contents), 0);
    buf_init(&ber, 1 << 16);
    buf_init(&back, 1 << 16);
    buf_append(&ber, "\0\0\n\x30\x80", 5); /* some padding in front */
    buf_append(&ber, contents.at, cursor_left(&contents));
    buf_append(&ber, "\0\0", 2);
    read_all(ber.data, ber.size, &all);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
    assert_int_equal(ber_to_der((struct slice){(uint8_t *)ber.data + 3, ber.size - 3}, &back), 0);
    assert_int_equal(back.size, size);
    assert_memory_equal(back.data, der, size);

    /* A string in pieces, a length longer than needed, one behind the end. */
    static const uint8_t pieces[] = {0x30, 0x80, 0x24, 0x80, 4, 1, 'a', 4, 0x81, 2, 'b', 'c', 0, 0, 0, 0};
    assert_int_equal(ber_to_der((struct slice){pieces, sizeof pieces}, &back), 0);
    assert_int_equal(back.size, 7);
    assert_memory_equal(back.data, "\x30\5\4\3abc", 7);
    for (size_t cut = 0; cut < sizeof pieces; cut++)
        assert_int_not_equal(ber_to_der((struct slice){pieces, cut}, &back), 0);
    static const uint8_t huge[] = {0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0};
    assert_int_not_equal(ber_to_der((struct slice){huge, sizeof huge}, &back), 0);
    buf_reset(&ber);
    for (unsigned i = 0; i < 10000; i++)
        buf_append(&ber, "\x30\x80", 2);
    assert_int_equal(ber_to_der(buf_slice(&ber), &back), CM_ELIMIT);
    read_all(ber.data, ber.size, &all);
    assert_string_equal(all.text.data, "");
    buf_done(&all.text);
    buf_done(&ber);
    buf_done(&back);
    OPENSSL_free(der);
    X509_free(x);
    X509_NAME_free(recipe.subject);
    EVP_PKEY_free(recipe.key);
}

/* The public half that stands in a key is the one that OpenSSL derives. */
static void test_public_halves(void **state)
{
    static const struct {
        const char *algorithm, *detail, *traditional;
    } rows[] = {
        {"RSA", "1024", "pkcs1"}, {"EC", "P-256", "sec1"}, {"EC", "P-521", "sec1"}, {"EC", "secp256k1", "sec1"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EVP_PKEY *key = make_key(rows[i].algorithm, rows[i].detail);
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        unsigned char *want = NULL, *traditional = NULL, *pkcs8 = NULL;
        int size = i2d_PUBKEY(key, &want), traditional_size = i2d_PrivateKey(key, &traditional),
            pkcs8_size = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8);
        struct buf spki;
        buf_init(&spki, 1 << 16);
        assert_true(key_public(rows[i].traditional, (struct slice){traditional, (size_t)traditional_size}, &spki));
        assert_int_equal(spki.size, size);
        assert_memory_equal(spki.data, want, size);
        assert_true(key_public("pkcs8", (struct slice){pkcs8, (size_t)pkcs8_size}, &spki));
        assert_int_equal(spki.size, size);
        assert_memory_equal(spki.data, want, size);
        for (int cut = 0; cut < traditional_size; cut++)
            assert_false(key_public(rows[i].traditional, (struct slice){traditional, (size_t)cut}, &spki));
        buf_done(&spki);
        OPENSSL_free(want);
        OPENSSL_free(traditional);
        OPENSSL_free(pkcs8);
        PKCS8_PRIV_KEY_INFO_free(info);
        EVP_PKEY_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needles), cmocka_unit_test(test_samples),       cmocka_unit_test(test_hostile_size),
        cmocka_unit_test(test_ber),     cmocka_unit_test(test_public_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
