/* APK signing blocks, made here: all schemes, several signers, a rotated key's lineage, lying lengths. */
#include "tests/unit/crawl/stores.h"

#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/crawl/bytes.h"

static struct stores_certificate leaf, ca;

enum { V2 = 0x7109871A, V3 = (int)0xF05368C0, V31 = 0x1B93AD61, PADDING = 0x42726577, LINEAGE = 0x3BA06F8C };

/* Puts a length in front of what was added since `from`. */
static void wrap(struct buf *out, size_t from)
{
    size_t size = out->size - from;
    buf_extend(out, 4);
    memmove(out->data + from + 4, out->data + from, size);
    put_le(out->data + from, size, 4);
}

static void add_wrapped(struct buf *out, const void *bytes, size_t size)
{
    add_le(out, size, 4);
    buf_append(out, bytes, size);
}

static void add_certificate(struct buf *out, const struct stores_certificate *certificate)
{
    add_wrapped(out, certificate->der, certificate->size);
}

/* older: the certificate of the signer before a rotation, or NULL. */
static void add_signer(struct buf *out, bool versions, const struct stores_certificate *first,
                       const struct stores_certificate *second, const struct stores_certificate *older)
{
    size_t signer = out->size, data = signer, part;
    add_wrapped(out, "digests", 7);
    part = out->size;
    add_certificate(out, first);
    if (second)
        add_certificate(out, second);
    wrap(out, part);
    if (versions)
        add_le(out, 99ull << 32 | 28, 8);
    part = out->size;
    if (older) {
        add_le(out, LINEAGE, 4);
        add_le(out, 1, 4);
        size_t node = out->size;
        add_certificate(out, older);
        add_le(out, 0x103, 4);
        wrap(out, node);
        add_zeros(out, 8);
        add_wrapped(out, "signature", 9);
        wrap(out, node);
        wrap(out, part);
    }
    wrap(out, part);
    wrap(out, data);
    add_wrapped(out, "signatures", 10);
    add_wrapped(out, "key", 3);
    wrap(out, signer);
}

struct block {
    struct buf pairs, value;
};

static void start(struct block *block)
{
    buf_init(&block->pairs, 1 << 20);
    buf_init(&block->value, 1 << 20);
}

static void add_pair(struct block *block, uint32_t id)
{
    wrap(&block->value, 0);
    add_le(&block->pairs, block->value.size + 4, 8);
    add_le(&block->pairs, id, 4);
    buf_append(&block->pairs, block->value.data, block->value.size);
    buf_reset(&block->value);
}

/* A zip of one stored entry, the block, the central directory, and a comment. Frees the block. */
static void finish(struct block *block, struct buf *zip, const char *comment)
{
    static const uint8_t local[] = {'P',  'K',  3, 4, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x83, 0x16,
                                    0xDC, 0x8C, 1, 0, 0,  0, 1, 0, 0, 0, 1, 0, 0, 0, 'e',  'x'};
    uint64_t size = block->pairs.size + 24;
    buf_init(zip, 1 << 20);
    buf_append(zip, local, sizeof local);
    add_le(zip, size, 8);
    buf_append(zip, block->pairs.data, block->pairs.size);
    add_le(zip, size, 8);
    buf_append(zip, "APK Sig Block 42", 16);
    size_t directory = zip->size;
    add_le(zip, 0x02014B50, 4);
    add_le(zip, 10, 2);
    buf_append(zip, zip->data + 4, 26);
    add_zeros(zip, 14);
    buf_append(zip, "e", 1);
    size_t directory_size = zip->size - directory;
    buf_append(zip, "PK\5\6\0\0\0\0\1\0\1\0", 12);
    add_le(zip, directory_size, 4);
    add_le(zip, directory, 4);
    add_le(zip, strlen(comment), 2);
    buf_append(zip, comment, strlen(comment));
    buf_done(&block->pairs);
    buf_done(&block->value);
}

static void expect(struct buf *zip, const char *format, ...) CM_PRINTF(2, 3);

/* What stands before what the archives' reader tells. */
static void expect(struct buf *zip, const char *format, ...)
{
    char expected[1024];
    struct collected all;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    stores_read(zip->data, zip->size, NULL, -1, &all);
    assert_memory_equal(all.text.data, expected, strlen(expected));
    assert_null(strstr(all.text.data + strlen(expected), "chain "));
    buf_done(&all.text);
}

static void test_schemes(void **state)
{
    struct block block;
    struct buf zip;
    (void)state;
    start(&block);
    add_signer(&block.value, false, &leaf, &ca, NULL);
    add_signer(&block.value, false, &ca, NULL, NULL);
    add_pair(&block, V2);
    add_zeros(&block.value, 64);
    add_pair(&block, PADDING);
    add_signer(&block.value, true, &leaf, NULL, &ca);
    add_pair(&block, (uint32_t)V3);
    add_signer(&block.value, true, &ca, NULL, NULL);
    add_pair(&block, V31);
    finish(&block, &zip, "a comment");
    expect(&zip,
           "chain apk v2-1 signer: %s %s\nchain apk v2-2 signer: %s\nchain apk v3-1 signer: %s\nchain apk "
           "v3-1-lineage-1 signer: "
           "%s\nchain apk v3.1-1 signer: %s\n",
           leaf.print, ca.print, ca.print, leaf.print, ca.print, ca.print);
    buf_done(&zip);
}

static void test_unsigned(void **state)
{
    struct block block;
    struct buf zip;
    (void)state;
    start(&block);
    finish(&block, &zip, "");
    expect(&zip, "%s", "");
    put_le(zip.data + zip.size - 6, 8, 4); /* a central directory that begins before a block could */
    expect(&zip, "%s", "");
    put_le(zip.data + zip.size - 6, UINT32_MAX, 4);
    expect(&zip, "%s", "");
    buf_done(&zip);
}

static void test_damage(void **state)
{
    struct block block;
    struct buf zip;
    struct collected all;
    (void)state;
    start(&block);
    add_signer(&block.value, true, &leaf, NULL, &ca);
    add_pair(&block, (uint32_t)V3);
    finish(&block, &zip, "");
    for (size_t cut = 0; cut < zip.size; cut++) { /* the end record is the last: cut is no package */
        stores_read(zip.data, cut, NULL, -1, &all);
        assert_int_equal(all.certificates, 0);
        buf_done(&all.text);
    }
    size_t begins = 32, ends = zip.size;
    while (memcmp(zip.data + ends, "APK Sig", 7) != 0)
        ends--;
    for (size_t at = begins; at < ends + 16; at++)
        for (unsigned value = 0; value < 256; value += 85) {
            char saved = zip.data[at];
            zip.data[at] = (char)value;
            stores_read(zip.data, zip.size, NULL, -1, &all);
            assert_true(all.certificates <= 4);
            buf_done(&all.text);
            zip.data[at] = saved;
        }
    put_le(zip.data + begins + 8, UINT64_MAX, 8); /* a pair of more than there is */
    expect(&zip, "problem apk - malformed\n");
    put_le(zip.data + ends - 8, UINT64_MAX - 7, 8); /* a block of more than there is */
    expect(&zip, "problem apk - malformed\n");
    buf_done(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schemes), cmocka_unit_test(test_unsigned),
                                       cmocka_unit_test(test_damage)};
    EVP_PKEY *key = make_key("EC", "P-256");
    ca = stores_make(key, "ca", "ca");
    leaf = stores_make(key, "leaf", "ca");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    OPENSSL_free(ca.der);
    OPENSSL_free(leaf.der);
    EVP_PKEY_free(key);
    return failed;
}
