/* cert_parse against OpenSSL over the certificate corpora: every certificate that OpenSSL decodes, every field that both read.
 *
 * $CM_SHARED/corpora/certs/EXPECTED.tsv lists file, index, form and SHA-256. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/pem.h>

#include "tests/unit/lib/openssl_view.h"

enum { PATH_SIZE = 4096, LINE_SIZE = 1024 };

static char corpus[PATH_SIZE];

struct tally {
    unsigned rows, equal, undecodable, excused, differing, names, fields, unprinted;
};

/* The one thing that may differ: OpenSSL decodes a certificate whose validity nobody can read (gnutls/invalid-date-*), since it does not
 * look at the times; to us it is undecodable, since an inventory of expiries has no use for it. */
static bool has_no_times(const X509 *x)
{
    struct tm tm;
    return !ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm) || !ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm);
}

/* OpenSSL's PEM reader refuses what its d2i would take: an empty line stands before its END line. */
static const char *const unreadable_pem = "zlint/subCertLocalityNameDoesNotNeedToAppear.pem";

static void compare_one(const char *file, const unsigned char *der, long size, const char *expected,
                        struct tally *tally)
{
    const unsigned char *at = der;
    struct cert cert;
    struct cm_error error = {0};
    struct view view = {0};
    X509 *x = d2i_X509(NULL, &at, size);
    ERR_clear_error();
    if (!x) {
        tally->undecodable++;
        return;
    }
    buf_init(&view.differences, 1 << 20);
    if (cert_parse(der, (size_t)size, &cert, &error)) {
        buf_appendf(&view.differences, "  not parsed: %s at %zu\n", error.reason, error.offset);
    } else {
        uint8_t digest[CM_SHA256_SIZE];
        char hex[CM_SHA256_HEX_SIZE];
        view_compare(&view, &cert, x);
        cert_sha256(&cert, digest);
        hex_write(hex, digest, sizeof digest);
        view_text(&view, "expected sha256", hex, expected);
    }
    tally->fields += view.compared;
    tally->names += view.names;
    tally->unprinted += view.unprinted;
    if (!view.differences.size) {
        tally->equal++;
    } else if (error.reason && has_no_times(x)) {
        tally->excused++;
    } else {
        tally->differing++;
        print_message("%s\n%s", file, view.differences.data);
    }
    buf_done(&view.differences);
    X509_free(x);
}

/* The index-th certificate of a file, through OpenSSL's own readers; false when it is not there. */
static bool load(const char *path, const char *form, unsigned index, unsigned char **der, long *size)
{
    BIO *in = BIO_new_file(path, "rb");
    bool found = false;
    if (!in)
        return false;
    if (strcmp(form, "DER") == 0) {
        *der = OPENSSL_malloc(1 << 20);
        *size = BIO_read(in, *der, 1 << 20);
        found = *size > 0;
    } else {
        char *name = NULL, *header = NULL;
        while (!found && PEM_read_bio(in, &name, &header, der, size)) {
            bool certificate = strstr(name, "CERTIFICATE") && !strstr(name, "REQUEST");
            found = certificate && index-- == 0;
            OPENSSL_free(name);
            OPENSSL_free(header);
            if (!found)
                OPENSSL_free(*der);
        }
    }
    ERR_clear_error();
    BIO_free(in);
    return found;
}

static void test_corpus(void **state)
{
    (void)state;
    char path[PATH_SIZE + 32], line[LINE_SIZE];
    struct tally tally = {0};
    snprintf(path, sizeof path, "%s/EXPECTED.tsv", corpus);
    FILE *expected = fopen(path, "r");
    assert_non_null(expected);
    unsigned missing = 0;
    while (fgets(line, sizeof line, expected)) {
        char file[512], form[16], sha256[80], decodes[16];
        unsigned index;
        if (line[0] == '#' ||
            sscanf(line, "%511[^\t]\t%u\t%15[^\t]\t%79[^\t]\t%15[^\t]", file, &index, form, sha256, decodes) != 5)
            continue;
        tally.rows++;
        char full[PATH_SIZE + 600];
        snprintf(full, sizeof full, "%s/%s", corpus, file);
        unsigned char *der = NULL;
        long size = 0;
        if (!load(full, form, index, &der, &size)) {
            missing += strcmp(file, unreadable_pem) != 0;
            print_message("not loaded: %s %u (OpenSSL: %s)\n", file, index, decodes);
        } else {
            compare_one(file, der, size, sha256, &tally);
            OPENSSL_free(der);
        }
    }
    fclose(expected);
    print_message("%u rows: %u equal, %u excused, %u undecodable for OpenSSL, %u differ, %u not loaded; %u fields, %u "
                  "SANs compared, "
                  "%u names that OpenSSL cannot print\n",
                  tally.rows, tally.equal, tally.excused, tally.undecodable, tally.differing, missing, tally.fields,
                  tally.names, tally.unprinted);
    assert_true(tally.rows > 1000);
    assert_int_equal(tally.differing, 0);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const char *shared = getenv("CM_SHARED"), *top = getenv("CM_TOP");
    if (shared)
        snprintf(corpus, sizeof corpus, "%s/corpora/certs", shared);
    else
        snprintf(corpus, sizeof corpus, "%s/../shared/corpora/certs", top ? top : ".");
    char probe[PATH_SIZE + 32];
    snprintf(probe, sizeof probe, "%s/EXPECTED.tsv", corpus);
    FILE *file = fopen(probe, "r");
    if (!file) {
        printf("no certificate corpora at %s; set CM_SHARED\n", corpus);
        return 77;
    }
    fclose(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
