/* JKS and JCEKS: every kind of entry, passwords, damage of every field, and cuts at every byte. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdarg.h>
#include <stdio.h>

#include "scanner/crawl/formats/java_stream.h"
#include "scanner/crawl/formats/keystore.h"
#include "tests/unit/crawl/java_stores.h"

enum { JKS = (int)0xFEEDFEED, JCEKS = (int)0xCECECECE };

static struct sample one, two, three;

/* EncryptedPrivateKeyInfo with Sun's own scheme; with PBES of so few rounds; a PrivateKeyInfo of nothing that we know. */
static const uint8_t sun_key[] = {0x30, 0x14, 0x30, 0x0E, 0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01,
                                  0x2A, 0x02, 0x11, 0x01, 0x01, 0x05, 0x00, 0x04, 0x02, 1,    2};
static const uint8_t jce_key[] = {0x30, 0x1C, 0x30, 0x16, 0x06, 0x09, 0x2B, 0x06, 0x01, 0x04,
                                  0x01, 0x2A, 0x02, 0x13, 0x01, 0x30, 0x09, 0x04, 0x04, 1,
                                  2,    3,    4,    0x02, 0x01, 0x14, 0x04, 0x02, 1,    2};

/* A SealedObject as JDK 17 writes it for a secret key: javax.crypto.SealedObject with four fields. */
static const uint8_t sealed[] =
    "\xAC\xED\x00\x05sr\x00\x19javax.crypto.SealedObject\x3E\x36\x3D\xA6\xC3\xB7\x54\x70\x02\x00\x04[\x00\x0D"
    "encodedParamst\x00\x02[B[\x00\x10"
    "encryptedContentq\x00\x7E\x00\x01L\x00\x09paramsAlgt\x00\x12Ljava/lang/String;L\x00\x07sealAlgq\x00\x7E\x00\x02"
    "xpur\x00\x02[B\xAC\xF3\x17\xF8\x06\x08\x54\xE0\x02\x00\x00xp\x00\x00\x00\x03\x01\x02\x03uq\x00\x7E\x00\x04\x00\x00"
    "\x00\x04\x01\x02\x03\x04t\x00\x03PBEt\x00\x03PBE";

static void begin(struct buf *out, uint32_t magic, uint32_t version, uint32_t count)
{
    buf_init(out, 1 << 22);
    put_u32(out, magic);
    put_u32(out, version);
    put_u32(out, count);
}

static void put_trusted(struct buf *out, const char *alias, const struct sample *sample)
{
    put_u32(out, 2);
    put_utf(out, alias);
    put_date(out);
    put_certificate(out, sample);
}

static void put_key(struct buf *out, const char *alias, const void *key, size_t size, uint32_t chain)
{
    put_u32(out, 1);
    put_utf(out, alias);
    put_date(out);
    put_data(out, key, size);
    put_u32(out, chain);
}

/* The digest, over a password in UTF-16. */
static void put_digest(struct buf *out, const char *utf16, size_t size)
{
    uint8_t digest[20];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_true(EVP_DigestInit_ex(context, EVP_sha1(), NULL) && EVP_DigestUpdate(context, utf16, size) &&
                EVP_DigestUpdate(context, "Mighty Aphrodite", 16) && EVP_DigestUpdate(context, out->data, out->size) &&
                EVP_DigestFinal_ex(context, digest, NULL));
    EVP_MD_CTX_free(context);
    buf_append(out, digest, sizeof digest);
}

static void end(struct buf *out)
{
    put_digest(out, "\0c\0h\0a\0n\0g\0e\0i\0t", 16);
}

static void test_entries(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 3);
    put_trusted(&store, "first", &one);
    put_key(&store, "second", sun_key, sizeof sun_key, 2);
    put_certificate(&store, &two);
    put_certificate(&store, &three);
    put_key(&store, "third", jce_key, sizeof jce_key, 0);
    end(&store);
    expect(&store,
           "chain jks first %s\nkey jks second pkcs8 encrypted - 0 \nchain jks second %s %s\n"
           "key jks third pkcs8 encrypted - 0 \nstore jks ok 3 jks-key low-iterations default-password\n",
           one.print, two.print, three.print);
    buf_done(&store);
    begin(&store, (uint32_t)JCEKS, 2, 3);
    put_trusted(&store, "a", &one);
    put_u32(&store, 3);
    put_utf(&store, "secret");
    put_date(&store);
    buf_append(&store, sealed, sizeof sealed - 1);
    put_trusted(&store, "a", &two);
    end(&store);
    expect(&store, "chain jceks a %s\nchain jceks a %s\nstore jceks ok 3\n", one.print, two.print);
    buf_done(&store);
}

/* Certificates of version 1 have no type. */
static void test_version_1(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 1, 1);
    put_u32(&store, 2);
    put_utf(&store, "old");
    put_date(&store);
    put_data(&store, one.der, one.size);
    end(&store);
    expect(&store, "chain jks old %s\nstore jks ok 1\n", one.print);
    buf_done(&store);
    begin(&store, (uint32_t)JKS, 7, 1);
    put_trusted(&store, "a", &one);
    end(&store);
    expect(&store, "problem jks - malformed\nchain jks a %s\nstore jks ok 1\n", one.print);
    buf_done(&store);
}

static void test_empty(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 0);
    put_digest(&store, "", 0);
    expect(&store, "store jks ok 0\n");
    store.size -= 1;
    expect(&store, "problem jks - malformed\nstore jks bad 0\n");
    store.size = 10;
    expect(&store, "problem jks - malformed\nstore jks bad 0\n");
    store.size = 7;
    expect(&store, "%s", "");
    buf_done(&store);
}

static void test_passwords(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 0);
    put_digest(&store, "\0x", 2);
    expect(&store, "store jks unchecked 0\n");
    buf_done(&store);
    char *list[] = {NULL, (char *)"", (char *)"\xC3\xA9\xF0\x9F\x94\x91"};
    struct passwords odd = {list, 3};
    options.passwords = &odd;
    begin(&store, (uint32_t)JKS, 2, 0);
    put_digest(&store, "\0\xE9\xD8\x3D\xDD\x11", 6);
    expect(&store, "store jks ok 0\n");
    buf_done(&store);
    begin(&store, (uint32_t)JKS, 2, 0);
    put_digest(&store, "\0\xC3\0\xA9\0\xF0\0\x9F\0\x94\0\x91", 12); /* typed under the C locale */
    expect(&store, "store jks ok 0\n");
    buf_done(&store);
    options.passwords = &passwords;
}

static void test_aliases(void **state)
{
    (void)state;
    static char long_alias[65535];
    char cut[KEYSTORE_ALIAS_MAX + 1];
    struct buf store;
    memset(long_alias, 'x', sizeof long_alias);
    memcpy(long_alias + 100, "\xC0\x80", 2);
    begin(&store, (uint32_t)JKS, 2, 4);
    put_trusted(&store, "", &one);
    put_u32(&store, 2);
    put_utf_bytes(&store, long_alias, sizeof long_alias);
    put_date(&store);
    put_certificate(&store, &two);
    put_trusted(&store, "\xED\xA0\xBD\xED\xB4\x91 \xED\xA0\xBD \xFF", &three);
    put_trusted(&store, "plain \xF0\x9F\x94\x91", &three);
    end(&store);
    memset(cut, 'x', sizeof cut - 1);
    cut[sizeof cut - 1] = '\0';
    memcpy(cut + 100, "\xEF\xBF\xBD", 3); /* one byte longer than what it stands for */
    expect(&store,
           "chain jks 1 %s\nchain jks %s#2 %s\nchain jks \xF0\x9F\x94\x91 \xEF\xBF\xBD \xEF\xBF\xBD %s\n"
           "chain jks plain \xF0\x9F\x94\x91 %s\nstore jks ok 4\n",
           one.print, cut, two.print, three.print, three.print);
    buf_done(&store);
}

/* More certificates than a chain may have are told as a second one. */
static void test_long_chain(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 1);
    put_key(&store, "k", sun_key, sizeof sun_key, 150);
    for (int i = 0; i < 150; i++)
        put_certificate(&store, &one);
    end(&store);
    char *text = told(store.data, store.size);
    assert_int_equal(occurrences(text, one.print), 150);
    assert_int_equal(occurrences(text, "chain jks k "), 2);
    assert_non_null(strstr(text, "store jks ok 1 jks-key default-password\n"));
    free(text);
    buf_done(&store);
}

/* A bad certificate is told, its neighbours in the chain and in the store are, too. */
static void test_bad_certificates(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 3);
    put_key(&store, "k", "no key", 6, 3);
    put_certificate(&store, &one);
    put_utf(&store, "X.509");
    put_data(&store, "\x30\x03\x02\x01\x05", 5);
    put_certificate(&store, &two);
    put_u32(&store, 2);
    put_utf(&store, "pgp");
    put_date(&store);
    put_utf(&store, "PGP");
    put_data(&store, "-----", 5);
    put_trusted(&store, "last", &three);
    end(&store);
    expect(&store,
           "problem jks k malformed\nproblem jks k malformed\nchain jks k %s %s\nproblem jks pgp unsupported\n"
           "chain jks last %s\nstore jks ok 3\n",
           one.print, two.print, three.print);
    buf_done(&store);
}

/* Every field of the middle entry that says how long something is, made 4 GiB: what stands before and behind it is told all the same. */
static void test_lengths(void **state)
{
    (void)state;
    for (int field = 0; field < 5; field++) {
        struct buf store;
        begin(&store, (uint32_t)JKS, 2, 3);
        put_trusted(&store, "before", &one);
        size_t at = store.size;
        put_key(&store, "middle", sun_key, sizeof sun_key, 1);
        size_t offsets[] = {0, 4, 4 + 2 + 6 + 8, 4 + 2 + 6 + 8 + 4 + sizeof sun_key,
                            4 + 2 + 6 + 8 + 4 + sizeof sun_key + 4 + 7};
        put_certificate(&store, &two);
        put_trusted(&store, "behind", &three);
        end(&store);
        memset(store.data + at + offsets[field], 0xFF, field == 1 ? 2 : 4);
        char *text = told(store.data, store.size), expected[64];
        snprintf(expected, sizeof expected, "chain jks before %s\n", one.print);
        assert_ptr_equal(strstr(text, expected), text);
        snprintf(expected, sizeof expected, "chain jks behind %s\n", three.print);
        assert_non_null(strstr(text, expected));
        assert_non_null(strstr(text, "malformed\n"));
        assert_non_null(strstr(text, "store jks bad 3"));
        if (field == 3) /* a count alone is wrong: the certificate is there */
            assert_non_null(strstr(text, two.print));
        free(text);
        buf_done(&store);
    }
}

static void test_count(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, UINT32_MAX);
    put_trusted(&store, "only", &one);
    end(&store);
    expect(&store, "chain jks only %s\nproblem jks - malformed\nstore jks bad 1\n", one.print);
    buf_done(&store);
}

/* Wherever it is cut: what is whole is told, in order, and that something is missing. */
static void test_cuts(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JCEKS, 2, 3);
    put_key(&store, "k", sun_key, sizeof sun_key, 1);
    put_certificate(&store, &one);
    size_t key_end = store.size;
    put_u32(&store, 3);
    put_utf(&store, "secret");
    put_date(&store);
    buf_append(&store, sealed, sizeof sealed - 1);
    put_trusted(&store, "t", &two);
    size_t trusted_end = store.size;
    end(&store);
    for (size_t cut = 8; cut < store.size; cut++) {
        char *text = told(store.data, cut);
        assert_int_equal(occurrences(text, one.print), cut >= key_end);
        assert_int_equal(occurrences(text, two.print), cut >= trusted_end);
        assert_true(occurrences(text, "malformed\n") >= 1);
        assert_non_null(strstr(text, "store jceks bad"));
        free(text);
    }
    buf_done(&store);
}

/* Something may follow: another file's text. */
static void test_trailing(void **state)
{
    (void)state;
    struct buf store;
    begin(&store, (uint32_t)JKS, 2, 1);
    put_trusted(&store, "a", &one);
    end(&store);
    buf_append_str(&store, "-----BEGIN CERTIFICATE-----\n");
    base64_append(&store, two.der, two.size);
    buf_append_str(&store, "\n-----END CERTIFICATE-----\n");
    expect(&store, "chain jks a %s\nstore jks ok 1\nchain pem 1 %s\n", one.print, two.print);
    buf_done(&store);
}

static void test_time(void **state)
{
    (void)state;
    struct buf store;
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    begin(&store, (uint32_t)JKS, 2, 2);
    put_trusted(&store, "a", &one);
    put_trusted(&store, "b", &two);
    end(&store);
    for (int pulses = 1; pulses < 3; pulses++) {
        buf_reset(&all.text);
        all.pulses_left = pulses;
        job_init(&job, &options, &ops);
        job_memory(&job, (uint8_t *)store.data, store.size);
        job_done(&job);
        assert_non_null(strstr(all.text.data, "problem jks - timeout\n"));
        assert_non_null(strstr(all.text.data, "store jks unchecked "));
    }
    buf_done(&all.text);
    buf_done(&store);
}

/* Streams that end elsewhere than they say, or nowhere. */
static void test_streams(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int status;
    } cases[] = {
        {"\xAC\xED\0\5p", 5, 0},                             /* null */
        {"\xAC\xED\0\6p", 5, CM_EMALFORMED},                 /* another version */
        {"\xAC\xED\0\5w\3abc", 9, 0},                        /* a block */
        {"\xAC\xED\0\5z\xFF\xFF\xFF\xFF", 9, CM_ETRUNCATED}, /* of 4 GiB */
        {"\xAC\xED\0\5|\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 13, CM_ETRUNCATED},
        {"\xAC\xED\0\5q\0\x7E\0\0", 9, CM_EMALFORMED}, /* nothing has been named */
        {"\xAC\xED\0\5ur\0\2[B\0\0\0\0\0\0\0\0\2\0\0xp\xFF\xFF\xFF\xFF", 27, CM_ETRUNCATED},
        {"\xAC\xED\0\5ur\0\2[?\0\0\0\0\0\0\0\0\2\0\0xp\0\0\0\1p", 28, CM_EMALFORMED}, /* elements of no type */
        {"\xAC\xED\0\5ur\0\2[[\0\0\0\0\0\0\0\0\2\0\0xp\0\0\0\2pp", 29, 0},            /* of arrays */
        {"\xAC\xED\0\5sr\0\1A\0\0\0\0\0\0\0\0\2\0\0xq\0\x7E\0\0", 26, CM_EMALFORMED}, /* its own ancestor */
        {"\xAC\xED\0\5sr\0\1A\0\0\0\0\0\0\0\0\4\0\0xp", 22, CM_EUNSUPPORTED},         /* known to itself alone */
        {"\xAC\xED\0\5sr\0\1A\0\0\0\0\0\0\0\0\14\0\0xpw\1xx", 26, 0},                 /* in blocks */
        {"\xAC\xED\0\5sr\0\1A\0\0\0\0\0\0\0\0\3\0\1I\0\1ixp\0\0\0\7px", 32, 0},       /* with what its class wrote */
        {"\xAC\xED\0\5sr\0\1A\0\0\0\0\0\0\0\0\2\xFF\xFF", 20, CM_ELIMIT},
        {"\xAC\xED\0\5~r\0\1E\0\0\0\0\0\0\0\0\x12\0\0xpt\0\1A", 26, 0},
        {"\xAC\xED\0\5vr\0\1E\0\0\0\0\0\0\0\0\x12\0\0xp", 22, 0},
        {"\xAC\xED\0\5s}\0\0\0\1\0\1Ixp", 15, 0}, /* a proxy */
        {"\xAC\xED\0\5x", 5, CM_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cursor cursor;
        cursor_init(&cursor, cases[i].bytes, cases[i].size);
        assert_int_equal(java_stream_skip(&cursor), cases[i].status);
        if (!cases[i].status)
            assert_true(cursor_at_end(&cursor));
    }
    struct buf deep;
    struct cursor cursor;
    buf_init(&deep, 1 << 20);
    buf_append(&deep, "\xAC\xED\0\5", 4);
    for (int i = 0; i < 1000; i++) /* arrays of arrays of arrays */
        buf_append(&deep, "ur\0\2[[\0\0\0\0\0\0\0\0\2\0\0xp\0\0\0\1", 23);
    cursor_init_slice(&cursor, buf_slice(&deep));
    assert_int_equal(java_stream_skip(&cursor), CM_ELIMIT);
    buf_done(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),   cmocka_unit_test(test_version_1),        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_passwords), cmocka_unit_test(test_aliases),          cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_lengths),   cmocka_unit_test(test_bad_certificates), cmocka_unit_test(test_count),
        cmocka_unit_test(test_cuts),      cmocka_unit_test(test_trailing),         cmocka_unit_test(test_time),
        cmocka_unit_test(test_streams),
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
