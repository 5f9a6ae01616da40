/* Compound files, made sector by sector: large and small signatures, both sector sizes, lists of sectors that go on, circles, damage. */
#include "tests/unit/crawl/signed.h"

#include <stdio.h>

enum { FREE = -1, LAST = -2, TABLE = -3, STREAM = 2, ROOT = 5, LARGE = 5000 };

struct file {
    struct buf bytes;
    size_t sector; /* bytes */
};

static void start(struct file *file, unsigned shift)
{
    file->sector = (size_t)1 << shift;
    buf_init(&file->bytes, 1 << 26);
    buf_append(&file->bytes, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8);
    add_zeros(&file->bytes, file->sector - 8);
    memset(file->bytes.data + 0x4C, 0xFF, 512 - 0x4C);
    put_le(file->bytes.data + 0x18, 0x3E, 2);
    put_le(file->bytes.data + 0x1A, shift == 9 ? 3 : 4, 2);
    put_le(file->bytes.data + 0x1C, 0xFFFE, 2);
    put_le(file->bytes.data + 0x1E, shift, 2);
    put_le(file->bytes.data + 0x20, 6, 2);
    put_le(file->bytes.data + 0x38, 4096, 4);
    put_le(file->bytes.data + 0x3C, (uint64_t)(uint32_t)LAST, 4);
    put_le(file->bytes.data + 0x44, (uint64_t)(uint32_t)LAST, 4);
}

/* Appends bytes as whole sectors; returns the first one's number. */
static uint32_t add_sectors(struct file *file, const void *bytes, size_t size)
{
    uint32_t first = (uint32_t)(file->bytes.size / file->sector - 1);
    buf_append(&file->bytes, bytes, size);
    add_zeros(&file->bytes, (file->sector - size % file->sector) % file->sector);
    return first;
}

static uint8_t *sector(struct file *file, uint32_t number)
{
    return (uint8_t *)file->bytes.data + (number + 1) * file->sector;
}

static void set_next(struct file *file, uint32_t table, uint32_t number, int64_t next)
{
    put_le(sector(file, table) + 4 * number, (uint64_t)(uint32_t)next, 4);
}

static void add_entry(struct file *file, uint32_t directory, unsigned index, const char *name, unsigned type,
                      uint32_t first, size_t size)
{
    uint8_t *at = sector(file, directory) + 128 * index;
    for (size_t i = 0; name[i]; i++)
        put_le(at + 2 * i, (uint8_t)name[i], 2);
    put_le(at + 64, 2 * (strlen(name) + 1), 2);
    at[66] = (uint8_t)type;
    put_le(at + 116, first, 4);
    put_le(at + 120, size, 4);
}

/* Sector 0 is the table, 1 the directory, 2 the table of small sectors; then the stream. */
static void make(struct file *file, unsigned shift, const struct buf *signature)
{
    uint8_t empty[4096];
    memset(empty, 0xFF, sizeof empty);
    start(file, shift);
    bool small = signature->size < 4096;
    add_sectors(file, empty, file->sector);
    memset(empty, 0, sizeof empty);
    add_sectors(file, empty, file->sector);
    add_sectors(file, empty, file->sector);
    uint32_t first = add_sectors(file, signature->data, signature->size);
    uint32_t after = (uint32_t)(file->bytes.size / file->sector - 1);
    put_le(file->bytes.data + 0x2C, 1, 4);
    put_le(file->bytes.data + 0x30, 1, 4);
    put_le(file->bytes.data + 0x3C, 2, 4);
    put_le(file->bytes.data + 0x40, 1, 4);
    put_le(file->bytes.data + 0x4C, 0, 4);
    set_next(file, 0, 0, TABLE);
    set_next(file, 0, 1, LAST);
    set_next(file, 0, 2, LAST);
    for (uint32_t i = first; i < after; i++)
        set_next(file, 0, i, i + 1 < after ? (int64_t)i + 1 : LAST);
    for (uint32_t i = 0; small && i * 64 < signature->size; i++)
        set_next(file, 2, i, (i + 1) * 64 < signature->size ? (int64_t)i + 1 : LAST);
    add_entry(file, 1, 0, "Root Entry", ROOT, small ? first : (uint32_t)LAST,
              small ? (after - first) * file->sector : 0);
    add_entry(file, 1, 1, "another stream", STREAM, 0, 0);
    add_entry(file, 1, 2, "\005DigitalSignature", STREAM, small ? 0 : first, signature->size);
}

static void expect_signer(const struct file *file)
{
    char expected[256];
    snprintf(expected, sizeof expected, "chain authenticode 1 signer: %s %s\n", signed_leaf.print, signed_ca.print);
    stores_expect(file->bytes.data, file->bytes.size, NULL, expected);
}

static void test_streams(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct file file;
        struct buf cms;
        signed_make(&cms, 0);
        if (i / 2)
            add_zeros(&cms, LARGE - cms.size); /* what trails a CMS is no part of it */
        make(&file, i % 2 ? 12 : 9, &cms);
        expect_signer(&file);
        buf_done(&file.bytes);
        buf_done(&cms);
    }
}

/* More sectors of the table than the header lists: the list goes on in a sector of its own. */
static void test_long_list(void **state)
{
    struct file file;
    struct buf cms;
    uint8_t zeros[512] = {0}, list[512];
    (void)state;
    signed_make(&cms, 0);
    add_zeros(&cms, LARGE - cms.size);
    start(&file, 9);
    uint32_t directory = add_sectors(&file, zeros, sizeof zeros);
    while (file.bytes.size / 512 < 109 * 128 + 10) /* so that the signature's sectors are in the 110th of the table */
        add_zeros(&file.bytes, 512);
    uint32_t first = add_sectors(&file, cms.data, cms.size), after = (uint32_t)(file.bytes.size / 512 - 1);
    memset(list, 0xFF, sizeof list);
    put_le(list + 508, (uint32_t)LAST, 4);
    put_le(list, after + 1, 4);
    uint32_t lists = add_sectors(&file, list, sizeof list);
    memset(list, 0xFF, sizeof list);
    uint32_t table = add_sectors(&file, list, sizeof list);
    assert_int_equal(table, after + 1);
    for (unsigned i = 0; i < 109; i++)
        put_le(file.bytes.data + 0x4C + 4 * i, 2, 4); /* all the same one, which ends every chain */
    memset(sector(&file, 2), 0xFE, 512);
    put_le(file.bytes.data + 0x2C, 110, 4);
    put_le(file.bytes.data + 0x30, directory, 4);
    put_le(file.bytes.data + 0x44, lists, 4);
    for (uint32_t i = first; i < after; i++)
        set_next(&file, table, i - 109 * 128, i + 1 < after ? (int64_t)i + 1 : LAST);
    add_entry(&file, directory, 0, "Root Entry", ROOT, (uint32_t)LAST, 0);
    add_entry(&file, directory, 1, "\005DigitalSignature", STREAM, first, cms.size);
    expect_signer(&file);
    put_le(sector(&file, lists) + 508, lists, 4); /* a list that goes on in itself */
    put_le(file.bytes.data + 0x2C, UINT32_MAX, 4);
    expect_signer(&file);
    buf_done(&file.bytes);
    buf_done(&cms);
}

static void test_circles(void **state)
{
    struct file file;
    struct buf cms;
    struct collected all;
    (void)state;
    signed_make(&cms, 0);
    make(&file, 9, &cms);
    set_next(&file, 2, 3, 3); /* small sectors: the same bytes again and again, up to the stream's size */
    stores_read(file.bytes.data, file.bytes.size, NULL, -1, &all);
    assert_true(all.certificates <= 2);
    buf_done(&all.text);
    set_next(&file, 0, 1, 1); /* the directory */
    sector(&file, 1)[66 + 256] = 0;
    stores_expect(file.bytes.data, file.bytes.size, NULL, "");
    buf_done(&file.bytes);
    add_zeros(&cms, LARGE - cms.size);
    make(&file, 9, &cms);
    set_next(&file, 0, 3, 3); /* the stream */
    stores_read(file.bytes.data, file.bytes.size, NULL, -1, &all);
    assert_true(all.certificates <= 2);
    buf_done(&all.text);
    set_next(&file, 0, 3,
             LAST); /* the stream ends early: what was in its first sector is told, and that it is damaged */
    stores_read(file.bytes.data, file.bytes.size, NULL, -1, &all);
    assert_non_null(strstr(all.text.data, "problem authenticode - malformed\n"));
    buf_done(&all.text);
    add_entry(&file, 1, 2, "\005DigitalSignature", STREAM, 3, UINT32_MAX); /* 4 GiB */
    stores_expect(file.bytes.data, file.bytes.size, NULL, "problem authenticode - too_large\n");
    buf_done(&file.bytes);
    buf_done(&cms);
}

static void test_damage(void **state)
{
    struct file file;
    struct buf cms;
    struct collected all;
    (void)state;
    signed_make(&cms, 0);
    make(&file, 9, &cms);
    for (size_t cut = 0; cut < file.bytes.size; cut++) {
        stores_read(file.bytes.data, cut, NULL, -1, &all);
        assert_true(all.certificates <= 2);
        if (cut >= 1536 && cut < file.bytes.size - 512) /* the directory is whole, the stream is not */
            assert_true(all.problems > 0);
        buf_done(&all.text);
    }
    for (size_t at = 0; at < 2048; at++)
        for (unsigned value = 0; value < 256; value += 51) {
            char saved = file.bytes.data[at];
            file.bytes.data[at] = (char)value;
            stores_read(file.bytes.data, file.bytes.size, NULL, -1, &all);
            assert_true(all.certificates <= 2);
            buf_done(&all.text);
            file.bytes.data[at] = saved;
        }
    buf_done(&file.bytes);
    buf_done(&cms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_streams), cmocka_unit_test(test_long_list),
                                       cmocka_unit_test(test_circles), cmocka_unit_test(test_damage)};
    return signed_run(tests, sizeof tests / sizeof *tests);
}
