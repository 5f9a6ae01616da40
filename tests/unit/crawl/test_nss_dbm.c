/* Berkeley DB 1.85 files made page by page, in both orders: pairs, overflow pages, pairs larger than a page, circles, damage. */
#include "tests/unit/crawl/stores.h"

#include <stdio.h>

#include "tests/unit/crawl/bytes.h"

static struct stores_certificate leaf, ca;

enum { PAGE = 1024, PAGES = 6, PARTIAL_KEY = 1, FULL_KEY = 2, FULL_KEY_DATA = 3 };

struct file {
    uint8_t bytes[PAGE * PAGES];
    bool big; /* byte order of the pages */
};

static void put(struct file *file, unsigned page, unsigned index, unsigned value)
{
    uint8_t *at = file->bytes + page * PAGE + 2 * index;
    if (file->big)
        put_be(at, value, 2);
    else
        put_le(at, value, 2);
}

static unsigned get(const struct file *file, unsigned page, unsigned index)
{
    const uint8_t *at = file->bytes + page * PAGE + 2 * index;
    return file->big ? (unsigned)(at[0] << 8 | at[1]) : (unsigned)(at[1] << 8 | at[0]);
}

/* One bucket, whose page is the first; overflow page n is the n-th behind it. */
static void start(struct file *file, bool big)
{
    static const uint32_t header[] = {0x61561, 2, 0, PAGE, 10, 256, 256, 8, 0, 0, 0, 1, 0, 1, 1, 1, 0};
    memset(file, 0, sizeof *file);
    file->big = big;
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        put_be(file->bytes + 4 * i, i == 2 ? (big ? 4321 : 1234) : header[i], 4);
}

/* Adds bytes in front of those that the page has, and their offset behind the others. */
static void add_bytes(struct file *file, unsigned page, const void *bytes, size_t size)
{
    unsigned count = get(file, page, 0), lowest = PAGE;
    for (unsigned i = 1; i <= count; i++)
        if (get(file, page, i) > FULL_KEY_DATA && get(file, page, i) < lowest)
            lowest = get(file, page, i);
    lowest -= (unsigned)size;
    assert_true(lowest > (count + 4) * 2);
    memcpy(file->bytes + page * PAGE + lowest, bytes, size);
    put(file, page, count + 1, lowest);
    put(file, page, 0, count + 1);
}

static void add_word(struct file *file, unsigned page, unsigned value)
{
    unsigned count = get(file, page, 0) + 1;
    put(file, page, count, value);
    put(file, page, 0, count);
}

static void add_link(struct file *file, unsigned page, unsigned overflow)
{
    add_word(file, page, overflow);
    add_word(file, page, 0);
}

static void add_pair(struct file *file, unsigned page, const void *key, size_t key_size, const void *data, size_t size)
{
    add_bytes(file, page, key, key_size);
    add_bytes(file, page, data, size);
}

static void add_version(struct file *file, unsigned page)
{
    add_pair(file, page, "\0Version", 9, "\x08\0\0", 3);
}

/* A certificate's record. flags: of trust for TLS. */
static void make_record(struct buf *out, unsigned version, unsigned flags, const struct stores_certificate *certificate,
                        const char *nickname)
{
    buf_init(out, 1 << 20);
    add_be(out, version, 1);
    add_be(out, 1, 1);
    add_be(out, 0, 1);
    add_be(out, flags, version >= 7 ? 2 : 1);
    add_zeros(out, version >= 7 ? 4 : 2);
    add_be(out, certificate->size, 2);
    add_be(out, strlen(nickname) + 1, 2);
    buf_append(out, certificate->der, certificate->size);
    buf_append(out, nickname, strlen(nickname) + 1);
}

static void add_record(struct file *file, unsigned page, unsigned version, const struct stores_certificate *certificate,
                       const char *nickname)
{
    struct buf record;
    make_record(&record, version, 0, certificate, nickname);
    add_pair(file, page, "\x01key", 4, record.data, record.size);
    buf_done(&record);
}

static void test_orders_and_versions(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct file file;
        char expected[256];
        start(&file, i % 2);
        add_version(&file, 1);
        add_record(&file, 1, i / 2 + 5, &leaf, "my server");
        snprintf(expected, sizeof expected, "chain nss-dbm my server stored: %s\nstore nss-dbm unchecked 1\n",
                 leaf.print);
        stores_expect(file.bytes, sizeof file.bytes, NULL, expected);
    }
}

static void test_overflow_page(void **state)
{
    struct file file;
    char expected[256];
    (void)state;
    start(&file, false);
    add_version(&file, 1);
    add_record(&file, 1, 8, &leaf, "");
    add_link(&file, 1, 2);
    add_record(&file, 3, 8, &ca, "ca");
    snprintf(expected, sizeof expected,
             "chain nss-dbm 1 stored: %s\nchain nss-dbm ca stored: %s\nstore nss-dbm unchecked 2\n", leaf.print,
             ca.print);
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);
    for (unsigned link = 0; link < 2; link++) { /* a circle, and a link out of the file: the rest is told */
        put(&file, 3, 0, 0);
        put(&file, 1, 5, link ? 0x7FF : 0);
        snprintf(expected, sizeof expected,
                 "chain nss-dbm 1 stored: %s\nstore nss-dbm unchecked 1\nproblem nss-dbm - malformed\n", leaf.print);
        stores_expect(file.bytes, sizeof file.bytes, NULL, expected);
    }
}

/* One page of a big pair: its part of the key or of the data, what it is, where it goes on. */
static void add_part(struct file *file, unsigned page, unsigned what, const void *bytes, size_t size, int link)
{
    add_bytes(file, page, bytes, size);
    add_word(file, page, what);
    if (link >= 0)
        add_link(file, page, (unsigned)link);
}

static void test_big_pairs(void **state)
{
    char key[1200], expected[256];
    struct buf record;
    struct file file;
    (void)state;
    memset(key, 'k', sizeof key);
    key[0] = 1;
    make_record(&record, 8, 0, &leaf, "big");
    snprintf(expected, sizeof expected, "chain nss-dbm big stored: %s\nstore nss-dbm unchecked 1\n", leaf.print);

    start(&file, true); /* a key of two pages, data of two */
    add_version(&file, 1);
    add_link(&file, 1, 1);
    add_part(&file, 2, PARTIAL_KEY, key, 900, 2);
    add_part(&file, 3, FULL_KEY, key + 900, 300, 3);
    add_part(&file, 4, FULL_KEY, record.data, 200, 4);
    add_part(&file, 5, FULL_KEY_DATA, record.data + 200, record.size - 200, -1);
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);

    start(&file, false); /* the key's page holds the data, and free space says that it is all */
    add_part(&file, 1, FULL_KEY_DATA, key, 300, 1);
    unsigned offset = PAGE - 300 - (unsigned)record.size;
    memcpy(file.bytes + PAGE + offset, record.data, record.size);
    put(&file, 1, 4, offset);
    put(&file, 1, 5, 1);
    add_version(&file, 2);
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);

    start(&file, false); /* no space is free: it goes on */
    add_part(&file, 1, FULL_KEY_DATA, key, 300, 1);
    memcpy(file.bytes + 2 * PAGE - 300 - 100, record.data, 100);
    put(&file, 1, 4, PAGE - 300 - 100);
    put(&file, 1, 5, 0);
    add_part(&file, 2, FULL_KEY_DATA, record.data + 100, record.size - 100, 2);
    add_version(&file, 3);
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);

    put(&file, 2, 2, FULL_KEY); /* and on, to a page that is none of it: the data has no end */
    stores_expect(file.bytes, sizeof file.bytes, NULL, "");
    buf_done(&record);
}

static void test_records(void **state)
{
    struct file file;
    struct buf record;
    char expected[256];
    (void)state;
    start(&file, false);
    make_record(&record, 8, 0, &leaf, "cut");
    add_pair(&file, 1, "\x01x", 2, record.data, record.size - 10);
    add_pair(&file, 1, "\x01y", 2, "\x08\x08\0where", 8);    /* in a file beside */
    add_pair(&file, 1, "\x02z", 2, "\x08\x02\0nick", 7);     /* a nickname's record */
    add_pair(&file, 1, "\x01w", 2, "\x08\x01\0\0\0\0\0", 7); /* a header that is cut */
    buf_done(&record);
    snprintf(expected, sizeof expected,
             "problem nss-dbm 1 malformed\nproblem nss-dbm 2 unsupported\nproblem nss-dbm 3 malformed\nstore nss-dbm "
             "unchecked 3\n");
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);
    start(&file, false); /* another program's file */
    add_pair(&file, 1, "user", 4, "passwd", 6);
    stores_expect(file.bytes, sizeof file.bytes, NULL, "");
}

static void test_keys(void **state)
{
    static const char expected[] = "key nss-dbm my key sealed encrypted - 0 \nstore nss-dbm unchecked 1\n";
    static const uint8_t scheme[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                     0xF7, 0x0D, 0x01, 0x05, 0x0D, 0x05, 0x00};
    struct file file;
    struct buf data, inner;
    (void)state;
    buf_init(&data, 1 << 12);
    buf_init(&inner, 1 << 12);
    buf_append(&inner, scheme, sizeof scheme);
    add_der(&inner, 0x04, "ciphertext", 10);
    buf_append(&data, "\3\4\7saltmy key", 14);
    add_der(&data, 0x30, inner.data, inner.size);
    start(&file, true);
    add_pair(&file, 1, "Version", 7, "\3", 1);
    add_pair(&file, 1, "global-salt", 11, "0123456789abcdef", 16);
    add_pair(&file, 1, "twenty bytes of a id", 20, data.data, data.size);
    stores_expect(file.bytes, sizeof file.bytes, NULL, expected);
    buf_done(&data);
    buf_done(&inner);
}

/* A certificate too large for a page lies in cert8.dir, under a name that the database tells. */
static void test_blobs(void **state)
{
    static const char record[] = "\x08\x08\0\0\x10\0\1\0b8hYe5x36Duh-=";
    struct file file;
    struct buf blob;
    char expected[256];
    (void)state;
    start(&file, false);
    add_pair(&file, 1, "\x01key", 4, record, sizeof record);
    stores_expect(file.bytes, sizeof file.bytes, ".dir/b8hYe5x36Duh-=", "store nss-dbm unchecked 1\n");
    stores_expect(file.bytes, sizeof file.bytes, NULL, "problem nss-dbm 1 unsupported\nstore nss-dbm unchecked 1\n");
    make_record(&blob, 8, 0x80, &leaf, "large");
    snprintf(expected, sizeof expected, "chain nss-dbm large trust: %s\n", leaf.print);
    stores_expect(blob.data, blob.size, NULL, expected);
    for (size_t cut = 0; cut < blob.size; cut++) {
        struct collected all;
        stores_read(blob.data, cut, NULL, -1, &all);
        assert_int_equal(all.certificates, 0);
        buf_done(&all.text);
    }
    buf_done(&blob);
}

static void test_damage(void **state)
{
    struct file file;
    struct collected all;
    (void)state;
    start(&file, false);
    add_version(&file, 1);
    add_record(&file, 1, 8, &leaf, "one");
    add_link(&file, 1, 1);
    add_record(&file, 2, 8, &ca, "two");
    stores_cut(file.bytes, sizeof file.bytes, 1);
    for (size_t at = 0; at < sizeof file.bytes; at++)
        for (unsigned value = 0; value < 256; value += 51) {
            uint8_t saved = file.bytes[at];
            if (at > 260 && at < PAGE)
                continue;
            file.bytes[at] = (uint8_t)value;
            stores_read(file.bytes, sizeof file.bytes, NULL, -1, &all);
            assert_true(all.certificates <= 4);
            buf_done(&all.text);
            file.bytes[at] = saved;
        }
    put_be(file.bytes + 56, 4, 4); /* it says that it has one record more than can be found */
    stores_read(file.bytes, sizeof file.bytes, NULL, -1, &all);
    assert_int_equal(all.certificates, 2);
    assert_non_null(strstr(all.text.data, "problem nss-dbm - malformed\n"));
    buf_done(&all.text);
    put_be(file.bytes + 56, 3, 4);
    put(&file, 1, 1, 0); /* an offset into the page's head: that pair is lost, its neighbour is not */
    stores_read(file.bytes, sizeof file.bytes, NULL, -1, &all);
    assert_int_equal(all.certificates, 2);
    assert_non_null(strstr(all.text.data, "problem nss-dbm - malformed\n"));
    buf_done(&all.text);
    put_be(file.bytes + 40, UINT32_MAX, 4); /* four billion buckets */
    stores_read(file.bytes, sizeof file.bytes, NULL, -1, &all);
    assert_non_null(strstr(all.text.data, "problem nss-dbm - malformed\n"));
    buf_done(&all.text);
    stores_read(file.bytes, sizeof file.bytes, NULL, 0, &all);
    assert_string_equal(all.text.data, "store nss-dbm unchecked 0\nproblem nss-dbm - timeout\n");
    buf_done(&all.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_and_versions),
        cmocka_unit_test(test_overflow_page),
        cmocka_unit_test(test_big_pairs),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_damage),
    };
    EVP_PKEY *key = make_key("EC", "P-256");
    ca = stores_make(key, "ca", "ca");
    leaf = stores_make(key, "leaf", "ca");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    OPENSSL_free(ca.der);
    OPENSSL_free(leaf.der);
    EVP_PKEY_free(key);
    return failed;
}
