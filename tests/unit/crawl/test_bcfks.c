/* BCFKS as BouncyCastle made it (tests/data/fuzz/fuzz_bcfks: the password is "changeit"): every scheme, other passwords, ceilings, damage, cuts. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdarg.h>
#include <stdio.h>

#include "scanner/crawl/formats/bcfks.h"
#include "tests/unit/crawl/java_stores.h"

static char leaf[9];

/* The sample of this name; to be done with. */
static void load(const char *name, struct buf *out)
{
    char path[4096];
    const char *top = getenv("CM_TOP");
    snprintf(path, sizeof path, "%s/tests/data/fuzz/fuzz_bcfks/%s", top ? top : ".", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buf_init(out, 1 << 20);
    char *at = buf_extend(out, 65536);
    out->size = fread(at, 1, 65536, file);
    fclose(file);
    assert_true(out->size > 500);
}

static void test_schemes(void **state)
{
    (void)state;
    static const char *const names[] = {"pbkdf2-ccm", "pbkdf2-kwp", "scrypt-ccm", "scrypt-kwp"};
    for (size_t i = 0; i < 4; i++) {
        struct buf store;
        char file[64];
        snprintf(file, sizeof file, "%s.bcfks", names[i]);
        load(file, &store);
        expect(&store,
               "chain bcfks trusted %s\nkey bcfks leaf pkcs8 encrypted - 0 \nchain bcfks leaf %s\nstore bcfks ok 3%s "
               "default-password\n",
               leaf, leaf, names[i][0] == 'p' ? " low-iterations" : "");
        buf_done(&store);
    }
}

/* A signature may stand for the MAC; BouncyCastle encrypts under the empty password then. */
static void test_signed(void **state)
{
    (void)state;
    struct buf store;
    load("signed.bcfks", &store);
    expect(&store,
           "chain bcfks trusted %s\nkey bcfks leaf pkcs8 encrypted - 0 \nchain bcfks leaf %s\n"
           "store bcfks unchecked 2 default-password\n",
           leaf, leaf);
    buf_done(&store);
}

/* The form that is not encrypted at all, signed; and cut at every byte. */
static void test_plain(void **state)
{
    (void)state;
    struct buf opened, store;
    load("opened", &opened);
    size_t size = opened.size + 4;
    buf_init(&store, 1 << 20);
    buf_append(&store, (const char[]){0x30, (char)0x82, (char)(size >> 8), (char)size}, 4);
    buf_append(&store, opened.data, opened.size);
    buf_append(&store, "\xA0\x02\x30\x00", 4);
    expect(
        &store,
        "chain bcfks trusted %s\nkey bcfks leaf pkcs8 encrypted - 0 \nchain bcfks leaf %s\nstore bcfks unchecked 3\n",
        leaf, leaf);
    for (size_t cut = 64; cut < store.size; cut++) {
        char *text = told(store.data, cut);
        assert_non_null(strstr(text, "store bcfks bad "));
        free(text);
    }
    buf_done(&opened);
    buf_done(&store);
}

static void test_closed(void **state)
{
    (void)state;
    char *list[] = {NULL, (char *)"", (char *)"other"};
    struct passwords others = {list, 3};
    struct buf store;
    options.passwords = &others;
    load("scrypt-kwp.bcfks", &store);
    expect(&store, "problem bcfks - password\nstore bcfks unchecked 0\n");
    options.passwords = &passwords;
    options.limits.max_iterations = 1024 * 8 * 8 - 1; /* N × r × r: p is not asked */
    expect(&store, "problem bcfks - too_large\nstore bcfks unchecked 0\n");
    options.limits.max_iterations++;
    char *text = told(store.data, store.size);
    assert_non_null(strstr(text, "store bcfks ok 3 default-password\n"));
    free(text);
    options.limits.max_iterations = 100000;
    buf_done(&store);
}

/* What is known of one that stays closed. */
static void test_description(void **state)
{
    (void)state;
    char text[160];
    struct bcfks_seal seal = {.key_bits = 256,
                              .kdf = {.iterations = 51200, .md = EVP_sha512, .md_name = "HMAC-SHA512"}};
    bcfks_describe(&seal, text, sizeof text);
    assert_string_equal(text,
                        "no password of the list opens it: AES-256-CCM, PBKDF2 with HMAC-SHA512, 51200 iterations");
    seal.wrapped = true;
    seal.kdf = (struct bcfks_kdf){.scrypt = true, .iterations = 16384, .block = 8};
    bcfks_describe(&seal, text, sizeof text);
    assert_string_equal(text, "no password of the list opens it: AES-256-KWP, scrypt with N 16384 and r 8");
    bcfks_describe(&seal, text, 10);
    assert_string_equal(text, "no passwo");
    seal.kdf.iterations = UINT64_C(1) << 40;
    assert_true(bcfks_cost(&seal.kdf) == UINT64_MAX);
}

/* The MAC is the last octet string: another byte of it, and the entries are told and the integrity is bad. */
static void test_bad_mac(void **state)
{
    (void)state;
    struct buf store;
    load("pbkdf2-ccm.bcfks", &store);
    store.data[store.size - 1] ^= 1;
    char *text = told(store.data, store.size);
    assert_int_equal(occurrences(text, leaf), 2);
    assert_non_null(strstr(text, "store bcfks bad 3 low-iterations default-password\n"));
    free(text);
    buf_done(&store);
}

/* Wherever it is cut: the entries, as long as their encryption is whole, and always that something is missing. */
static void test_cuts(void **state)
{
    (void)state;
    struct buf store;
    load("pbkdf2-ccm.bcfks", &store);
    size_t entries_seen = 0;
    for (size_t cut = 40; cut < store.size; cut++) {
        char *text = told(store.data, cut);
        assert_true(occurrences(text, "malformed\n") >= 1);
        assert_non_null(strstr(text, "store bcfks bad "));
        entries_seen += occurrences(text, leaf) == 2;
        free(text);
    }
    assert_true(entries_seen > 50 && entries_seen < 300); /* while the end of the integrity check is missing */
    buf_done(&store);
}

/* Every byte of a store, made another one, is told or makes no difference; nothing is read beyond. */
static void test_flips(void **state)
{
    (void)state;
    struct buf store;
    size_t whole = 0;
    load("scrypt-ccm.bcfks", &store);
    for (size_t i = 0; i < store.size; i++) {
        store.data[i] ^= 0x81;
        char *text = told(store.data, store.size);
        whole += strstr(text, "store bcfks ok 3 ") != NULL;
        free(text);
        store.data[i] ^= 0x81;
    }
    assert_int_equal(whole, 4); /* tag and length of a NULL, the tag of a usual key length, the length of it all */
    buf_done(&store);
}

static void test_trailing(void **state)
{
    (void)state;
    struct buf store;
    struct sample other = make_sample("other");
    load("scrypt-ccm.bcfks", &store);
    buf_append_str(&store, "-----BEGIN CERTIFICATE-----\n");
    base64_append(&store, other.der, other.size);
    buf_append_str(&store, "\n-----END CERTIFICATE-----\n");
    char *text = told(store.data, store.size), expected[64];
    snprintf(expected, sizeof expected, "store bcfks ok 3 default-password\nchain pem 1 %s\n", other.print);
    assert_non_null(strstr(text, expected));
    free(text);
    buf_done(&store);
    OPENSSL_free(other.der);
}

/* The samples hold one certificate; its fingerprint is what the first of them tells. */
static void find_leaf(void)
{
    static const char chain[] = "chain bcfks trusted ";
    struct buf store;
    load("scrypt-ccm.bcfks", &store);
    char *text = told(store.data, store.size);
    assert_ptr_equal(strstr(text, chain), text);
    snprintf(leaf, sizeof leaf, "%.8s", text + sizeof chain - 1);
    free(text);
    buf_done(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemes), cmocka_unit_test(test_signed),      cmocka_unit_test(test_plain),
        cmocka_unit_test(test_closed),  cmocka_unit_test(test_description), cmocka_unit_test(test_bad_mac),
        cmocka_unit_test(test_cuts),    cmocka_unit_test(test_flips),       cmocka_unit_test(test_trailing),
    };
    find_leaf();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
