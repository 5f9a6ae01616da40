/* Archives and compressed files as the real tools write them: every form, in one another, cut at every byte, damaged, locked. */
#include "tests/unit/crawl/stores.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "scanner/crawl/formats/image.h"

static EVP_PKEY *key;
static struct stores_certificate one, two;
static char folder[64];
static char both[256]; /* what an archive of one.pem and sub/two.der tells */

struct sample {
    uint8_t *bytes;
    size_t size;
};

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Runs a command in the folder and reads the file "out" that it made. */
static struct sample make(const char *command)
{
    char line[1024], path[160];
    struct sample sample = {0};
    snprintf(line, sizeof line, "cd %s && rm -rf out && { %s; } >log 2>&1 || { cat log; false; }", folder, command);
    if (system(line) != 0)
        fail_msg("cannot make a sample: %s", command);
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    sample.size = (size_t)ftell(file);
    rewind(file);
    sample.bytes = malloc(sample.size + 1);
    assert_int_equal(fread(sample.bytes, 1, sample.size, file), sample.size);
    fclose(file);
    return sample;
}

static void expect_made(const char *command, const char *expected)
{
    struct sample sample = make(command);
    struct collected all;
    stores_read(sample.bytes, sample.size, NULL, -1, &all);
    if (strcmp(all.text.data, expected) != 0)
        fail_msg("%s\nexpected:\n%sgot:\n%s", command, expected, all.text.data);
    buf_done(&all.text);
    free(sample.bytes);
}

/* Some formats have no end: cut between two entries they are shorter, and nobody can tell. */
enum cut { CUT_SEEN, CUT_TAR, CUT_AR, CUT_UNSEEN };

static bool looks_whole(const struct sample *sample, size_t cut, enum cut cut_as)
{
    enum { AR_HEADER = 60 };
    bool header = cut + AR_HEADER < sample->size && memcmp(sample->bytes + cut + AR_HEADER - 2, "`\n", 2) == 0;
    return cut_as == CUT_UNSEEN || (cut_as == CUT_TAR && cut % 512 == 0) || (cut_as == CUT_AR && header);
}

/* The same, and cut everywhere: what is lost is told, and nothing else comes out. Fewer bytes than the magic tell nothing. */
static void expect_cut(const char *command, const char *expected, size_t magic, enum cut cut_as)
{
    enum { EVERY_BYTE = 24 * 1024 };
    struct sample sample = make(command);
    struct collected all;
    size_t step = 1 + sample.size / EVERY_BYTE;
    stores_read(sample.bytes, sample.size, NULL, -1, &all);
    if (strcmp(all.text.data, expected) != 0)
        fail_msg("%s\nexpected:\n%sgot:\n%s", command, expected, all.text.data);
    unsigned whole = all.certificates;
    buf_done(&all.text);
    stores_cut(sample.bytes, sample.size, step);
    for (size_t cut = magic; cut < sample.size; cut += step) {
        stores_read(sample.bytes, cut, NULL, -1, &all);
        if (all.certificates < whole && !all.problems && !looks_whole(&sample, cut, cut_as))
            fail_msg("%s: cut at %zu of %zu and nothing told:\n%s", command, cut, sample.size, all.text.data);
        buf_done(&all.text);
    }
    free(sample.bytes);
}

static void test_zip(void **state)
{
    (void)state;
    expect_cut("zip -q out.zip one.pem sub/two.der && mv out.zip out", both, 4, CUT_SEEN);
    expect_made("zip -q0 out.zip one.pem sub/two.der && mv out.zip out", both);
    expect_made("printf '#!/bin/sh\\nexit 0\\n' >out; zip -q x.zip one.pem sub/two.der; cat x.zip >>out", both);
    expect_made("cat /bin/true >out; zip -q x.zip one.pem sub/two.der; cat x.zip >>out; zip -qA out || true", both);
    expect_made("bsdtar --format zip -cf - one.pem sub/two.der | cat >out", both);
    static const char *const methods[] = {"Deflate64", "BZip2", "LZMA", "PPMd"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char command[160];
        snprintf(command, sizeof command, "7z a -bd -tzip -mm=%s out.zip one.pem sub/two.der && mv out.zip out",
                 methods[i]);
        expect_made(command, i ? both
                               : "enter one.pem\nproblem - - unsupported\nleave\n"
                                 "enter sub/two.der\nproblem - - unsupported\nleave\n");
    }
}

static void test_7z(void **state)
{
    (void)state;
    expect_cut("7z a -bd out.7z one.pem sub/two.der && mv out.7z out", both, 6, CUT_SEEN);
    static const char *const methods[] = {"LZMA", "PPMd", "BZip2", "Deflate", "Copy"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char command[160];
        snprintf(command, sizeof command, "7z a -bd -m0=%s out.7z one.pem sub/two.der && mv out.7z out", methods[i]);
        expect_made(command, both);
    }
}

static void test_tar(void **state)
{
    (void)state;
    expect_cut("tar --format=ustar -b1 -cf out one.pem sub/two.der", both, 512, CUT_TAR);
    static const char *const formats[] = {"v7", "oldgnu", "gnu", "posix"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char command[160];
        snprintf(command, sizeof command, "tar --format=%s -cf out one.pem sub/two.der", formats[i]);
        expect_made(command, both);
    }
    /* Links and directories have no content; a second tar behind the first is read as well. */
    char expected[600];
    expect_made("ln -sf one.pem link && ln -f one.pem hard && tar -cf out one.pem hard link sub; rm hard link", both);
    snprintf(expected, sizeof expected, "%s%s", both, both);
    expect_made("tar -cf x one.pem sub/two.der; cat x x >out", expected);
    /* A hole of 1 GiB in a sparse file. */
    snprintf(expected, sizeof expected, "enter hole\nchain pem 1 %s\nchain pem 2 %s\nleave\n", one.print, one.print);
    expect_made("cp one.pem hole; truncate -s 1G hole; cat one.pem >>hole; tar -S -cf out hole; rm hole", expected);
}

static void test_compressed(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        size_t magic;
    } rows[] = {{"gzip", 10},  {"xz -T1", 12}, {"bzip2", 10}, {"zstd -q", 5},
                {"lz4 -q", 7}, {"lzma", 40},   {"lzip", 6},   {"compress -f", 40}};
    char command[200], tar[600], pem[64];
    snprintf(tar, sizeof tar, "enter -\n%sleave\n", both);
    snprintf(pem, sizeof pem, "enter -\nchain pem 1 %s\nleave\n", one.print);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(command, sizeof command, "tar -cf x one.pem sub/two.der; %s <x >out", rows[i].program);
        expect_cut(command, tar, rows[i].magic, strncmp(rows[i].program, "compress", 8) ? CUT_SEEN : CUT_UNSEEN);
        snprintf(command, sizeof command, "%s <one.pem >out", rows[i].program);
        expect_made(command, pem);
    }
    snprintf(pem, sizeof pem, "enter -\nchain der 1 %s\nleave\n", two.print);
    expect_made("gzip <sub/two.der >out", pem);
    snprintf(pem, sizeof pem, "enter -\nchain pem 1 %s\nchain pem 2 %s\nleave\n", one.print, one.print);
    expect_made("gzip <one.pem >out; gzip <one.pem >>out", pem);
}

static void test_cpio(void **state)
{
    (void)state;
    char expected[900];
    static const char *const formats[] = {"newc", "crc", "odc", "bin", "hpbin", "hpodc", "ustar"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char command[160];
        snprintf(command, sizeof command, "printf 'one.pem\\nsub/two.der\\n' | cpio -o -H %s >out", formats[i]);
        if (i == 0)
            expect_cut(command, both, 110, CUT_SEEN);
        else
            expect_made(command, both);
    }
    /* As a kernel gets it: microcode that is not compressed, padding, and the rest that is. */
    snprintf(expected, sizeof expected, "enter sub/two.der\nchain der 1 %s\nleave\nenter -\nenter -\n%sleave\nleave\n",
             two.print, both);
    expect_made(
        "echo sub/two.der | cpio -o -H newc >out; printf 'one.pem\\nsub/two.der\\n' | cpio -o -H newc | zstd -q >>out",
        expected);
    /* The same in something that cannot be read at offsets. */
    char inside[1000];
    snprintf(inside, sizeof inside, "enter -\n%sleave\n", expected);
    expect_made("echo sub/two.der | cpio -o -H newc >x; printf 'one.pem\\nsub/two.der\\n' | cpio -o -H newc | zstd -q "
                ">>x; gzip <x >out",
                inside);
    snprintf(expected, sizeof expected, "%s%s", both, both);
    expect_made("printf 'one.pem\\nsub/two.der\\n' | cpio -o -H newc >x; cat x x >out", expected);
}

static void test_packages(void **state)
{
    (void)state;
    char expected[900];
    snprintf(expected, sizeof expected, "enter one.pem\nchain pem 1 %s\nleave\nenter two.der\nchain der 1 %s\nleave\n",
             one.print, two.print);
    expect_cut("bsdtar --format ar -cf out one.pem sub/two.der", expected, 68, CUT_AR);
    snprintf(expected, sizeof expected,
             "enter debian-binary\nleave\nenter control.tar.xz\nenter -\nenter ./control\nleave\nleave\nleave\n"
             "enter data.tar.xz\nenter -\nenter ./etc/one.pem\nchain pem 1 %s\nleave\nleave\nleave\n",
             one.print);
    expect_cut(
        "mkdir -p deb/DEBIAN deb/etc && cp one.pem deb/etc && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\n"
        "Maintainer: x <x@example.org>\\nDescription: x\\n' >deb/DEBIAN/control && "
        "dpkg-deb --root-owner-group -Zxz -b deb out.deb && mv out.deb out",
        expected, 100, CUT_AR);
    static const char spec[] =
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n"
        "%install\nmkdir -p %{buildroot}/etc\ncp %{_sourcedir}/one.pem %{buildroot}/etc\n%files\n/etc/one.pem\n";
    write_file("x.spec", spec, sizeof spec - 1);
    snprintf(expected, sizeof expected, "enter -\nenter -\nenter ./etc/one.pem\nchain pem 1 %s\nleave\nleave\nleave\n",
             one.print);
    expect_made("rpmbuild -bb --define \"_topdir $PWD/rpm\" --define \"_sourcedir $PWD\" x.spec && mv "
                "rpm/RPMS/noarch/*.rpm out",
                expected);
}

static void test_other_archives(void **state)
{
    (void)state;
    expect_cut("gcab -c out.cab one.pem sub/two.der && mv out.cab out", both, 60, CUT_SEEN);
    expect_cut("bsdtar --format xar -cf out one.pem sub/two.der", both, 300, CUT_SEEN);
    struct sample iso = make("mkdir -p iso && cp -r one.pem sub iso && genisoimage -quiet -R -J -o out iso");
    stores_expect(iso.bytes, iso.size, NULL, both);
    stores_cut(iso.bytes, iso.size, 1499);
    free(iso.bytes);
}

/* What hangs in what: war > jar > pem, tar > gz > zip > der. */
static void test_nested(void **state)
{
    (void)state;
    char expected[400];
    snprintf(expected, sizeof expected, "enter lib/x.jar\nenter one.pem\nchain pem 1 %s\nleave\nleave\n", one.print);
    expect_made("mkdir -p lib; rm -f lib/x.jar; zip -q lib/x.jar one.pem; zip -q out.war lib/x.jar; mv out.war out",
                expected);
    snprintf(expected, sizeof expected, "enter x.gz\nenter -\nenter sub/two.der\nchain der 1 %s\nleave\nleave\nleave\n",
             two.print);
    expect_made("rm -f x x.zip x.gz; zip -q x.zip sub/two.der; mv x.zip x; gzip -n x; tar -cf out x.gz", expected);
}

/* Names are bytes, in any length; the locale does not matter, and a name that is none gets a number. */
static void test_names(void **state)
{
    (void)state;
    char expected[700];
    snprintf(expected, sizeof expected,
             "enter \xC3\xA9\xE4\xB8\xAD.pem\nchain pem 1 %s\nleave\nenter \xFF\xFE\n.pem\nchain pem 1 %s\nleave\n",
             one.print, one.print);
    expect_made("cp one.pem \xC3\xA9\xE4\xB8\xAD.pem; cp one.pem \"$(printf '\\377\\376\\n.pem')\"; "
                "LC_ALL=C.UTF-8 tar --format=gnu -cf out \xC3\xA9\xE4\xB8\xAD.pem \"$(printf '\\377\\376\\n.pem')\"",
                expected);
    snprintf(expected, sizeof expected, "enter \xC3\xA9\xE4\xB8\xAD.pem\nchain pem 1 %s\nleave\n", one.print);
    expect_made("LC_ALL=C.UTF-8 tar --format=posix -cf out \xC3\xA9\xE4\xB8\xAD.pem", expected);
    expect_made("LC_ALL=C.UTF-8 zip -q out.zip \xC3\xA9\xE4\xB8\xAD.pem; mv out.zip out", expected);
    expect_made("LC_ALL=C.UTF-8 7z a -bd out.7z \xC3\xA9\xE4\xB8\xAD.pem; mv out.7z out", expected);
}

/* A zip whose name is no UTF-8, while errno still is what an allocation left that was refused long ago: libarchive would end the process. */
static void test_stale_errno(void **state)
{
    (void)state;
    uint8_t bytes[] = {0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x00, 0x00, 0xf8, 0x00, 0xc9, 0x5a, 0x75, 0x5d, 0xa8,
                       0xa1, 0xb1, 0xc4, 0x26, 0x00, 0x00, 0x00, 0x3b, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00,
                       0x4f, 0x3f, 0x05, 0x67, 0xd7, 0xa0, 0x10, 0x4f, 0x37, 0x4f, 0x67, 0xc7, 0x10, 0x57, 0x90,
                       0xa0, 0x2e, 0x97, 0xaf, 0xa7, 0xa7, 0x2e, 0x17, 0xe9, 0xe7, 0xea, 0x98, 0x82, 0x29, 0x0d,
                       0x00, 0x50, 0x4b, 0x01, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct collected all;
    errno = ENOMEM;
    stores_read(bytes, sizeof bytes, NULL, -1, &all);
    assert_true(all.problems > 0);
    buf_done(&all.text);
}

static void test_passwords(void **state)
{
    (void)state;
    char *words[] = {NULL, (char *)"", (char *)"changeit"};
    static const char locked[] =
        "enter one.pem\nproblem - - password\nleave\nenter sub/two.der\nproblem - - password\nleave\n";
    stores_passwords = (struct passwords){words, 3};
    expect_made("zip -q -P changeit out.zip one.pem sub/two.der; mv out.zip out", both);
    expect_made("7z a -bd -tzip -mem=AES256 -pchangeit out.zip one.pem sub/two.der; mv out.zip out", both);
    expect_made("7z a -bd -tzip -mem=AES256 -punknown out.zip one.pem sub/two.der; mv out.zip out", locked);
    expect_made("7z a -bd -pchangeit out.7z one.pem sub/two.der; mv out.7z out", locked);
    expect_made("7z a -bd -mhe=on -pchangeit out.7z one.pem; mv out.7z out", "problem 7z - password\n");
    stores_passwords = (struct passwords){0};
}

/* One bad entry: the others come out. */
static void test_damage(void **state)
{
    (void)state;
    char expected[400];
    struct sample sample = make("seq 9000 >big; rm -f big.zip; zip -q big.zip one.pem big sub/two.der; mv big.zip out");
    uint8_t *name = memmem(sample.bytes, sample.size, "big", 3);
    assert_non_null(name);
    memset(name + 3000, 0xFF, 500);
    snprintf(expected, sizeof expected,
             "enter one.pem\nchain pem 1 %s\nleave\nenter big\nproblem - - malformed\nleave\nenter sub/two.der\nchain "
             "der 1 %s\nleave\n",
             one.print, two.print);
    stores_expect(sample.bytes, sample.size, NULL, expected);
    free(sample.bytes);

    sample = make("tar --format=ustar -b1 -cf out one.pem big sub/two.der");
    name = memmem(sample.bytes, sample.size, "big", 3);
    memset(name, 'x', 100); /* its sum is wrong now: its header and its bytes are rubbish */
    snprintf(
        expected, sizeof expected,
        "enter one.pem\nchain pem 1 %s\nleave\nproblem tar - malformed\nenter sub/two.der\nchain der 1 %s\nleave\n",
        one.print, two.print);
    stores_expect(sample.bytes, sample.size, NULL, expected);
    memset(sample.bytes, 'x', 100); /* and the very first header */
    snprintf(expected, sizeof expected,
             "problem tar - malformed\nproblem tar - malformed\nenter sub/two.der\nchain der 1 %s\nleave\n", two.print);
    stores_expect(sample.bytes, sample.size, NULL, expected);
    free(sample.bytes);
}

static void test_images(void **state)
{
    (void)state;
    char digest[IMAGE_DIGEST_SIZE], expected[700];
    assert_true(
        image_blob_digest("/x/blobs/sha256/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", digest));
    assert_string_equal(digest, "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    assert_true(
        image_blob_digest("blobs/sha256/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", digest));
    assert_false(
        image_blob_digest("xblobs/sha256/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", digest));
    assert_false(
        image_blob_digest("/blobs/sha256/00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff", digest));
    assert_false(image_blob_digest("/blobs/sha256/00", digest));

    struct sample layer = make("tar --format=ustar -cf out one.pem sub/two.der");
    image_hash_bytes(layer.bytes, layer.size, digest);
    free(layer.bytes);
    snprintf(expected, sizeof expected, "enter %s %s\n%sleave\n", digest, digest, both);
    expect_made("mkdir -p l1; tar --format=ustar -cf l1/layer.tar one.pem sub/two.der; tar -cf out l1/layer.tar",
                expected);
    snprintf(expected, sizeof expected, "enter -\nenter %s %s\n%sleave\nleave\n", digest, digest, both);
    expect_made("tar -cf x l1/layer.tar; gzip <x >out", expected);

    layer = make("tar --format=ustar -cf x one.pem sub/two.der; gzip -n <x >out");
    image_hash_bytes(layer.bytes, layer.size, digest);
    free(layer.bytes);
    snprintf(expected, sizeof expected, "enter %s %s\nenter -\n%sleave\nleave\n", digest, digest, both);
    expect_made("tar --format=ustar -cf x one.pem sub/two.der; gzip -n <x >y; mkdir -p blobs/sha256; "
                "cp y blobs/sha256/$(sha256sum <y | cut -c 1-64); tar -cf out blobs",
                expected);
}

static int setup(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/cm-archive-XXXXXX",
             temporary && strlen(temporary) < 40 ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    key = make_key("EC", "P-256");
    one = stores_make(key, "one", "ca");
    two = stores_make(key, "two", "ca");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, command[160];
    PEM_write_bio(bio, "CERTIFICATE", "", one.der, (long)one.size);
    if (BIO_get_mem_data(bio, &text) % 2) /* or ar would pad it */
        BIO_puts(bio, "\n");
    long size = BIO_get_mem_data(bio, &text);
    write_file("one.pem", text, (size_t)size);
    BIO_free(bio);
    snprintf(command, sizeof command, "mkdir %s/sub", folder);
    if (system(command) != 0)
        return -1;
    write_file("sub/two.der", two.der, two.size);
    snprintf(both, sizeof both, "enter one.pem\nchain pem 1 %s\nleave\nenter sub/two.der\nchain der 1 %s\nleave\n",
             one.print, two.print);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    OPENSSL_free(one.der);
    OPENSSL_free(two.der);
    EVP_PKEY_free(key);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip),        cmocka_unit_test(test_stale_errno),
        cmocka_unit_test(test_7z),         cmocka_unit_test(test_tar),
        cmocka_unit_test(test_cpio),       cmocka_unit_test(test_packages),
        cmocka_unit_test(test_compressed), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_other_archives),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_images),
        cmocka_unit_test(test_passwords),
    };
    if (getenv("ONLY"))
        cmocka_set_test_filter(getenv("ONLY"));
    return cmocka_run_group_tests(tests, setup, teardown);
}
