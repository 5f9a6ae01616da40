/* The PEM finder: blocks in any surroundings, in windows of any size, cut at every byte; and what it costs on hostile input. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"
#include "scanner/crawl/formats/pem.h"

/* "The quick brown fox jumps over the lazy dog, twice and again." in base64 */
#define BODY_A "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZywgdHdp"
#define BODY_B "Y2UgYW5kIGFnYWluLg=="
#define PLAIN  "The quick brown fox jumps over the lazy dog, twice and again."

/* Everything a scan of the whole text tells: "LABEL:plain text;" or "LABEL!bad;" or "LABEL?" for a cut block. */
static void tell(const char *text, size_t size, size_t window, struct buf *out)
{
    struct buf bytes, scratch, decoded;
    size_t fed = 0;
    enum pem_result result;
    buf_init(&bytes, size + 1);
    buf_init(&scratch, PEM_BLOCK_MAX);
    buf_init(&decoded, PEM_BLOCK_MAX);
    do {
        size_t more = size - fed < window ? size - fed : window;
        buf_append(&bytes, text + fed, more);
        fed += more;
        struct pem_scan scan;
        struct pem_block block;
        char *copy = malloc(bytes.size ? bytes.size : 1);
        memcpy(copy, bytes.data, bytes.size);
        pem_scan_init(&scan, copy, bytes.size, fed == size);
        while ((result = pem_next(&scan, &block)) == PEM_BLOCK || result == PEM_CUT) {
            buf_append(out, block.label.data, block.label.size);
            if (result == PEM_CUT)
                buf_append_str(out, "?;");
            else if (pem_decode(&block, &scratch, &decoded))
                buf_append_str(out, "!;");
            else
                buf_appendf(out, ":%s;", decoded.data);
        }
        buf_consume(&bytes, scan.at);
        free(copy);
    } while (fed < size || result == PEM_MORE);
    buf_done(&bytes);
    buf_done(&scratch);
    buf_done(&decoded);
}

static void expect(const char *text, size_t size, const char *expected)
{
    static const size_t windows[] = {1, 7, 64, 1 << 20};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        tell(text, size, windows[i], &out);
        assert_string_equal(out.data, expected);
        buf_done(&out);
    }
}
#define EXPECT(text, expected) expect(text, sizeof(text) - 1, expected)

static void test_surroundings(void **state)
{
    (void)state;
    EXPECT("-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----\n", "X:" PLAIN ";");
    EXPECT("\xEF\xBB\xBF-----BEGIN X-----\r\n" BODY_A "\r\n" BODY_B "\r\n-----END X-----", "X:" PLAIN ";");
    EXPECT("-----BEGIN X-----\r" BODY_A "\r" BODY_B "\r-----END X-----\r", "X:" PLAIN ";");
    EXPECT("junk -----BEGIN X-----" BODY_A BODY_B "-----END X----- junk", "X:" PLAIN ";");
    EXPECT("key: |\n    -----BEGIN X-----\n    " BODY_A "\n    " BODY_B "\n    -----END X-----\n", "X:" PLAIN ";");
    EXPECT("{\"c\":\"-----BEGIN X-----\\n" BODY_A "\\n" BODY_B "\\n-----END X-----\\n\"}", "X:" PLAIN ";");
    EXPECT("{\"c\":\"-----BEGIN X-----\\\\n" BODY_A "\\\\n" BODY_B "\\\\n-----END X-----\"}", "X:" PLAIN ";");
    EXPECT("\"-----BEGIN X-----\\n\"\n\"" BODY_A "\\n\"\n\"" BODY_B "\\n\"\n\"-----END X-----\\n\";", "X:" PLAIN ";");
    EXPECT("-----BEGIN RSA X-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" BODY_A "\n" BODY_B
           "\n-----END RSA X-----\n",
           "RSA X:" PLAIN ";");
    EXPECT("-----BEGIN X-----\n" BODY_A "\n\n" BODY_B "\n\n-----END X-----\n", "X:" PLAIN ";");
    EXPECT("\0\0\0-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----\0\0", "X:" PLAIN ";");
    EXPECT("no block at all", "");
    EXPECT("", "");
}

/* What stands before the BEGIN on its line stands before the others, too, or something as long. */
static void test_margins(void **state)
{
    static const char *const texts[] = {
        "x\n+-----BEGIN X-----\n+" BODY_A "\n+" BODY_B "\n+-----END X-----\n",
        "------BEGIN X-----\n-" BODY_A "\n-" BODY_B "\n------END X-----\n",
        "//-----BEGIN X-----\r//" BODY_A "\r//" BODY_B "\r//-----END X-----\r",
        "-- -----BEGIN X-----\n-- " BODY_A "\n-- " BODY_B "\n-- -----END X-----\n",
        "REM -----BEGIN X-----\r\nREM " BODY_A "\r\nREM " BODY_B "\r\nREM -----END X-----\r\n",
        "12:09:59 INFO: -----BEGIN X-----\n12:09:59 INFO: " BODY_A "\n12:10:00 INFO: " BODY_B
        "\n12:10:00 INFO: -----END X-----\n",
        "/-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----\n",               /* is none of theirs */
        "-----BEGIN X-----\n" BODY_A "\nY2UgYW5kIGFnYWluLg=3D=3D\n-----END X-----\n"}; /* quoted-printable */
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        tell(texts[i], strlen(texts[i]), 1 << 20, &out);
        assert_string_equal(out.data, "X:" PLAIN ";");
        buf_done(&out);
    }
}

static void test_a_bad_block_never_loses_the_next(void **state)
{
    (void)state;
#define GOOD "-----BEGIN Y-----\n" BODY_A "\n" BODY_B "\n-----END Y-----\n"
    EXPECT("-----BEGIN X-----\n" BODY_A "\n" GOOD, "X?;Y:" PLAIN ";");
    EXPECT("-----BEGIN X-----\n*** garbage ***\n-----END X-----\n" GOOD, "X!;Y:" PLAIN ";");
    EXPECT("-----BEGIN X-----\n" GOOD, "X?;Y:" PLAIN ";");
    EXPECT("-----BEGIN -----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----\n" GOOD, "X:" PLAIN ";Y:" PLAIN ";");
    EXPECT("-----BEGIN X\n-----BEGIN-----BEGIN \x01-----" GOOD, "Y:" PLAIN ";");
    EXPECT("-----END X-----\n" GOOD, "Y:" PLAIN ";");
    EXPECT("-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END OTHER-----\n" GOOD, "X:" PLAIN ";Y:" PLAIN ";");
    EXPECT(GOOD "-----BEGIN X-----\n" BODY_A, "Y:" PLAIN ";X?;");
    EXPECT(GOOD "-----BEGIN X", "Y:" PLAIN ";");
    EXPECT("-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----BEGIN Y-----\n" BODY_A BODY_B "-----END Y-----",
           "X:" PLAIN ";Y:" PLAIN ";"); /* run together, the dashes shared */
    EXPECT(GOOD GOOD GOOD, "Y:" PLAIN ";Y:" PLAIN ";Y:" PLAIN ";");
    EXPECT("-----BEGIN THIS LABEL IS LONGER THAN ANY LABEL THAT HAS EVER BEEN SEEN IN THE WILD, BY FAR-----\n" GOOD,
           "Y:" PLAIN ";");
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    static const char text[] =
        "x\n-----BEGIN X-----\n" BODY_A "\n" BODY_B "\n-----END X-----\n-----BEGIN Y-----\nAAAA\n"
        "-----END Y-----\n";
    for (size_t size = 0; size < sizeof text; size++) {
        struct buf once, pieces;
        buf_init(&once, 1 << 16);
        buf_init(&pieces, 1 << 16);
        tell(text, size, sizeof text, &once);
        tell(text, size, 5, &pieces);
        assert_string_equal(once.data, pieces.data);
        buf_done(&once);
        buf_done(&pieces);
    }
}

static struct pem_block block_of(const char *text)
{
    return (struct pem_block){.text = {(const uint8_t *)text, strlen(text)}};
}

static void test_placeholders(void **state)
{
    static const char *const examples[] = {"\n...\n",
                                           "\nMIIB...\n",
                                           "\n<your certificate here>\n",
                                           "\n",
                                           "",
                                           "\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n...\n",
                                           " and ends with a line that says\n",
                                           "\n    open(/usr/share/certificates/path/to/them) or die;\n"};
    static const char *const real[] = {"\n" BODY_A "\n", BODY_A, "\n" BODY_A "\n####\n", "\\n" BODY_A "\\n" BODY_A};
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct pem_block block = block_of(examples[i]);
        assert_true(pem_is_placeholder(&block));
    }
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        struct pem_block block = block_of(real[i]);
        assert_false(pem_is_placeholder(&block));
    }
    struct pem_block encrypted = block_of("\nProc-Type: 4,ENCRYPTED\n");
    assert_true(pem_says_encrypted(&encrypted));
    encrypted = block_of("\nProc-Type: 4,MIC-ONLY\n");
    assert_false(pem_says_encrypted(&encrypted));
}

/* A file of nothing but BEGIN lines, and one BEGIN without an end before 16 MiB: linear. (The sanitizer looks at all of memmem's haystack at
 * each call, so the first is kept small.) */
static void test_hostile_size(void **state)
{
    (void)state;
    enum { SIZE = 16 * 1024 * 1024, LINES = 1024 * 1024 };
    static const char line[] = "-----BEGIN X-----\n";
    char *text = malloc(SIZE);
    struct pem_scan scan;
    struct pem_block block;
    size_t blocks = 0;
    int64_t began = clock_monotonic_ms();
    for (size_t i = 0; i < SIZE; i++)
        text[i] = line[i % (sizeof line - 1)];
    pem_scan_init(&scan, text, LINES, true);
    while (pem_next(&scan, &block) != PEM_END)
        blocks++;
    assert_int_equal(blocks, LINES / (sizeof line - 1));
    memset(text + 100, 'A', SIZE - 100);
    pem_scan_init(&scan, text, SIZE, true);
    blocks = 0;
    while (pem_next(&scan, &block) == PEM_CUT) {
        assert_true(block.text.size <= PEM_BLOCK_MAX);
        blocks++;
    }
    assert_true(blocks <= 6);
    assert_true(clock_monotonic_ms() - began < 20000);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_margins),
        cmocka_unit_test(test_a_bad_block_never_loses_the_next),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_hostile_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
