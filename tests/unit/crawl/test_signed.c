/* Signatures within programs, made here: PE files, cabinets, kernel modules, UEFI's lists. */
#include "tests/unit/crawl/signed.h"

#include <stdio.h>
#include <unistd.h>

enum { TYPE_PKCS7 = 2, TYPE_X509 = 1, DIRECTORY_32 = 96, DIRECTORY_64 = 112 };

static struct buf cms;

static void add_entry(struct buf *table, unsigned type, const void *bytes, size_t size)
{
    add_le(table, size + 8, 4);
    add_le(table, 0x200, 2);
    add_le(table, type, 2);
    buf_append(table, bytes, size);
    add_zeros(table, (8 - size % 8) % 8);
}

/* A PE file of headers, `body` bytes and the table. directory: where the data directories begin in the optional header. */
static void make_pe(struct buf *out, unsigned directory, size_t body, const struct buf *table)
{
    size_t optional = directory + 16 * 8, at = 64 + 24 + optional + body;
    buf_init(out, 1 << 26);
    add_zeros(out, at);
    memcpy(out->data, "MZ", 2);
    put_le(out->data + 0x3C, 64, 4);
    memcpy(out->data + 64, "PE\0\0", 4);
    put_le(out->data + 64 + 20, optional, 2);
    put_le(out->data + 88, directory == DIRECTORY_32 ? 0x10B : 0x20B, 2);
    put_le(out->data + 88 + directory - 4, 16, 4);
    put_le(out->data + 88 + directory + 32, at, 4);
    put_le(out->data + 88 + directory + 36, table->size, 4);
    buf_append(out, table->data, table->size);
}

static void expect_chains(const struct buf *file, const char *format, unsigned chains)
{
    struct buf expected;
    buf_init(&expected, 4096);
    for (unsigned i = 0; i < chains; i++)
        buf_appendf(&expected, "chain %s %u signer: %s %s\n", format, 2 * i + 1, signed_leaf.print, signed_ca.print);
    stores_expect(file->data, file->size, NULL, expected.data);
    buf_done(&expected);
}

static void test_pe(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct buf table, file;
        buf_init(&table, 1 << 20);
        for (unsigned j = 0; j <= i / 2; j++)
            add_entry(&table, TYPE_PKCS7, cms.data, cms.size);
        make_pe(&file, i % 2 ? DIRECTORY_32 : DIRECTORY_64, 100, &table);
        expect_chains(&file, "authenticode", i / 2 + 1);
        buf_done(&file);
        buf_done(&table);
    }
}

static void test_pe_x509(void **state)
{
    struct buf table, file;
    char expected[256];
    (void)state;
    buf_init(&table, 1 << 20);
    add_entry(&table, 0xEF0, "PKCS#1 v1.5", 11);
    add_entry(&table, TYPE_X509, signed_leaf.der, signed_leaf.size);
    make_pe(&file, DIRECTORY_64, 8, &table);
    snprintf(expected, sizeof expected, "chain authenticode 1 signer: %s\n", signed_leaf.print);
    stores_expect(file.data, file.size, NULL, expected);
    buf_done(&file);
    buf_done(&table);
}

/* Of a file on the disk that is larger than what is held, the headers and the table are read; the text in it is searched as ever. */
static void test_pe_on_disk(void **state)
{
    char path[] = "/tmp/test_signed.XXXXXX", expected[256];
    struct buf table, file;
    struct collected all;
    struct job job;
    int fd = mkstemp(path);
    enum { BODY = 40 << 20 };
    (void)state;
    buf_init(&table, 1 << 20);
    add_entry(&table, TYPE_PKCS7, cms.data, cms.size);
    make_pe(&file, DIRECTORY_64, BODY, &table);
    assert_int_equal(pwrite(fd, file.data, 4096, 0), 4096);
    assert_int_equal(pwrite(fd, file.data + file.size - table.size, table.size, (off_t)(file.size - table.size)),
                     (ssize_t)table.size);
    struct found_ops ops = collect_ops(&all);
    job_init(&job, &stores_options, &ops);
    job_file(&job, fd, path, file.size);
    job_done(&job);
    snprintf(expected, sizeof expected, "chain authenticode 1 signer: %s %s\n", signed_leaf.print, signed_ca.print);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
    buf_done(&file);
    buf_done(&table);
    close(fd);
    unlink(path);
}

static void test_pe_damage(void **state)
{
    struct buf table, file;
    struct collected all;
    (void)state;
    buf_init(&table, 1 << 20);
    add_entry(&table, TYPE_PKCS7, cms.data, cms.size);
    add_entry(&table, TYPE_PKCS7, cms.data, cms.size);
    make_pe(&file, DIRECTORY_32, 0, &table);
    size_t at = 88 + DIRECTORY_32 + 32, begins = file.size - table.size;
    for (size_t cut = 0; cut < file.size; cut++) {
        stores_read(file.data, cut, NULL, -1, &all);
        assert_true(all.certificates <= 4);
        if (cut > begins)
            assert_true(all.problems > 0);
        buf_done(&all.text);
    }
    put_le(file.data + at + 4, UINT32_MAX, 4); /* a table of 4 GiB: what is there is told */
    stores_read(file.data, file.size, NULL, -1, &all);
    assert_int_equal(all.certificates, 4);
    assert_non_null(strstr(all.text.data, "problem authenticode - malformed\n"));
    buf_done(&all.text);
    put_le(file.data + at, UINT32_MAX, 4); /* beyond the file */
    stores_expect(file.data, file.size, NULL, "problem authenticode - malformed\n");
    put_le(file.data + at, begins, 4);
    put_le(file.data + at + 4, table.size, 4);
    put_le(file.data + begins, 4, 4); /* an entry smaller than its header */
    stores_expect(file.data, file.size, NULL, "");
    put_le(file.data + begins, table.size, 4); /* one over the other: it is the first one's */
    stores_read(file.data, file.size, NULL, -1, &all);
    assert_int_equal(all.certificates, 2);
    buf_done(&all.text);
    put_le(file.data + 0x3C, UINT32_MAX, 4); /* headers beyond the file */
    stores_expect(file.data, file.size, NULL, "");
    buf_done(&file);
    buf_done(&table);
}

static void make_cab(struct buf *out, size_t offset, size_t size)
{
    buf_init(out, 1 << 20);
    buf_append(out, "MSCF\0\0\0\0", 8);
    add_le(out, 68, 4);
    add_zeros(out, 12);
    add_le(out, 0x103, 2);
    add_zeros(out, 4);
    add_le(out, 4, 2);
    add_zeros(out, 4);
    add_le(out, 20, 4);
    add_le(out, 0x100000, 4);
    add_le(out, offset, 4);
    add_le(out, size, 4);
    add_zeros(out, 16);
    buf_append(out, cms.data, cms.size);
}

static void test_cab(void **state)
{
    struct buf file;
    struct collected all;
    char expected[256];
    (void)state;
    make_cab(&file, 68, cms.size);
    snprintf(expected, sizeof expected, "chain authenticode 1 signer: %s %s\n", signed_leaf.print, signed_ca.print);
    stores_read(file.data, file.size, NULL, -1, &all);
    assert_int_equal(strncmp(all.text.data, expected, strlen(expected)), 0); /* what is in the cabinet comes after */
    buf_done(&all.text);
    for (size_t cut = 0; cut < file.size; cut++) {
        stores_read(file.data, cut, NULL, -1, &all);
        assert_true(all.certificates <= 2 && (cut < 68 || all.problems > 0));
        buf_done(&all.text);
    }
    buf_done(&file);
    make_cab(&file, UINT32_MAX, UINT32_MAX);
    stores_read(file.data, file.size, NULL, -1, &all);
    assert_int_equal(all.certificates, 0);
    assert_int_equal(strncmp(all.text.data, "problem authenticode - malformed\n", 33), 0);
    buf_done(&all.text);
    buf_done(&file);
}

static void make_module(struct buf *out, const struct buf *signature, unsigned kind, uint32_t size)
{
    buf_init(out, 1 << 20);
    buf_append(out, "\177ELF, a module", 14);
    add_zeros(out, 50);
    buf_append(out, signature->data, signature->size);
    add_be(out, kind, 3); /* algorithm and hash are 0 */
    add_zeros(out, 5);
    add_be(out, size, 4);
    buf_append(out, "~Module signature appended~\n", 28);
}

static void test_module(void **state)
{
    struct buf file, bare;
    struct collected all;
    (void)state;
    make_module(&file, &cms, 2, (uint32_t)cms.size);
    expect_chains(&file, "module", 1);
    for (size_t cut = 0; cut < file.size; cut++) { /* the trailer is the end: cut is unsigned */
        stores_read(file.data, cut, NULL, -1, &all);
        assert_string_equal(all.text.data, "");
        buf_done(&all.text);
    }
    buf_done(&file);
    make_module(&file, &cms, 1, (uint32_t)cms.size); /* as before Linux 4.3 */
    stores_expect(file.data, file.size, NULL, "");
    buf_done(&file);
    make_module(&file, &cms, 2, UINT32_MAX);
    stores_expect(file.data, file.size, NULL, "problem module - malformed\n");
    buf_done(&file);
    make_module(&file, &cms, 2, 10);
    stores_expect(file.data, file.size, NULL, "problem module - malformed\n");
    buf_done(&file);
    signed_make(&bare, CMS_NOCERTS);
    make_module(&file, &bare, 2, (uint32_t)bare.size);
    stores_expect(file.data, file.size, NULL, "");
    buf_done(&file);
    buf_done(&bare);
}

static const uint8_t guid_x509[] = {0xA1, 0x59, 0xC0, 0xA5, 0xE4, 0x94, 0xA7, 0x4A,
                                    0x87, 0xB5, 0xAB, 0x15, 0x5C, 0x2B, 0xF0, 0x72};
static const uint8_t guid_sha256[] = {0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40,
                                      0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28};
static const uint8_t guid_pkcs7[] = {0x9D, 0xD2, 0xAF, 0x4A, 0xDF, 0x68, 0xEE, 0x49,
                                     0x8A, 0xA9, 0x34, 0x7D, 0x37, 0x56, 0x65, 0xA7};

static void add_list(struct buf *out, const uint8_t *type, const void *bytes, size_t size)
{
    buf_append(out, type, 16);
    add_le(out, 28 + 16 + size, 4);
    add_le(out, 0, 4);
    add_le(out, 16 + size, 4);
    buf_append(out, "the owner's GUID", 16);
    buf_append(out, bytes, size);
}

static void test_uefi(void **state)
{
    struct buf lists, file;
    char expected[512];
    (void)state;
    buf_init(&lists, 1 << 20);
    add_list(&lists, guid_sha256, "thirty-two bytes of a digest....", 32);
    add_list(&lists, guid_x509, signed_ca.der, signed_ca.size);
    add_list(&lists, guid_x509, signed_leaf.der, signed_leaf.size);
    snprintf(expected, sizeof expected, "chain uefi 1 stored: %s\nchain uefi 2 stored: %s\n", signed_ca.print,
             signed_leaf.print);
    stores_expect(lists.data, lists.size, NULL, expected);
    stores_cut(lists.data, lists.size, 1);

    buf_init(&file, 1 << 20);
    add_le(&file, 0x27, 4); /* efivarfs */
    buf_append(&file, lists.data, lists.size);
    stores_expect(file.data, file.size, NULL, expected);
    buf_reset(&file);

    size_t bare = 4 + 11 + 4; /* ContentInfo's header, its type, [0]: an update has SignedData alone */
    add_zeros(&file, 16);
    add_le(&file, 24 + cms.size - bare, 4);
    add_le(&file, 0x0EF10200, 4);
    buf_append(&file, guid_pkcs7, 16);
    buf_append(&file, cms.data + bare, cms.size - bare);
    buf_append(&file, lists.data, lists.size);
    snprintf(expected, sizeof expected,
             "chain uefi 1 signer: %s %s\nchain uefi 3 stored: %s\nchain uefi 4 stored: %s\n", signed_leaf.print,
             signed_ca.print, signed_ca.print, signed_leaf.print);
    stores_expect(file.data, file.size, NULL, expected);
    stores_cut(file.data, file.size, 1);
    put_le(file.data + 16, UINT32_MAX, 4);
    stores_expect(file.data, file.size, NULL, "problem uefi - malformed\n");
    put_le(lists.data + 16, 28, 4); /* a list of nothing, with a signature size that it does not reach */
    stores_expect(lists.data, lists.size, NULL, "problem uefi - malformed\n");
    buf_done(&file);
    buf_done(&lists);
}

/* A file within a container: 40 MiB, of which the test has the beginning. */
struct stream {
    const struct buf *begin;
    uint64_t at;
};

static ssize_t next_bytes(void *context, struct content *content, void *out, size_t size)
{
    struct stream *stream = context;
    enum { WHOLE = 40 << 20 };
    (void)content;
    if (size > WHOLE - stream->at)
        size = WHOLE - stream->at;
    memset(out, 0, size);
    if (stream->at < stream->begin->size) {
        size_t left = stream->begin->size - stream->at;
        memcpy(out, stream->begin->data + stream->at, left < size ? left : size);
    }
    stream->at += size;
    return (ssize_t)size;
}

static void expect_streamed(const struct buf *begin, const char *expected)
{
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct stream stream = {begin, 0};
    struct content content;
    struct job job;
    job_init(&job, &stores_options, &ops);
    job.memory_left = stores_options.limits.memory_bytes;
    job.file_bytes = 40 << 20;
    content_from_stream(&content, next_bytes, &stream, CONTENT_SIZE_UNKNOWN, &job.memory_left);
    job_inside(&job, "large", NULL, &content);
    job_done(&job);
    assert_non_null(strstr(all.text.data, expected));
    assert_int_equal(all.certificates, 0);
    buf_done(&all.text);
}

/* What may be signed at an end that is out of reach is told to be so. */
static void test_large_streams(void **state)
{
    static const uint8_t ole[] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};
    struct buf begin, table;
    (void)state;
    buf_init(&table, 1 << 20);
    add_entry(&table, TYPE_PKCS7, cms.data, cms.size);
    make_pe(&begin, DIRECTORY_64, 39 << 20, &table);
    begin.size = 4096;
    expect_streamed(&begin, "problem authenticode - limit\n");
    buf_done(&begin);
    buf_init(&begin, 4096);
    buf_append(&begin, ole, sizeof ole);
    expect_streamed(&begin, "problem authenticode - limit\n");
    buf_reset(&begin);
    buf_append(&begin, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0", 18);
    expect_streamed(&begin, "problem module - limit\n");
    buf_reset(&begin);
    buf_append(&begin, "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0AndroidManifest.xml", 49);
    expect_streamed(&begin, "problem apk - limit\n");
    buf_done(&begin);
    buf_done(&table);
}

static void test_appx(void **state)
{
    struct buf file;
    (void)state;
    buf_init(&file, 1 << 16);
    buf_append(&file, "PKCX", 4);
    buf_append(&file, cms.data, cms.size);
    expect_chains(&file, "authenticode", 1);
    for (size_t cut = 0; cut < file.size; cut++) {
        struct collected all;
        stores_read(file.data, cut, NULL, -1, &all);
        assert_true(all.certificates <= 2);
        buf_done(&all.text);
    }
    buf_done(&file);
}

static int make_cms(void **state)
{
    (void)state;
    signed_make(&cms, 0);
    return 0;
}

static int drop_cms(void **state)
{
    (void)state;
    buf_done(&cms);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pe, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_pe_x509, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_pe_on_disk, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_pe_damage, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_cab, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_module, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_uefi, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_large_streams, make_cms, drop_cms),
        cmocka_unit_test_setup_teardown(test_appx, make_cms, drop_cms),
    };
    return signed_run(tests, sizeof tests / sizeof *tests);
}
