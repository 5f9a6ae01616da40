/* JA3, JA3S and JA4: the vectors that their authors and others published, and the corners of the JA4 description. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "scanner/tls/fingerprint.h"
#include "tests/unit/scan/wire.h"

#define RANDOM "0123456789abcdef0123456789abcdef"

/* Lists of numbers, ended by -1. */
struct hello_parts {
    uint16_t version;
    const int *suites, *groups, *formats, *algorithms, *versions;
    const char *alpn; /* the first protocol; NULL: no extension */
    size_t alpn_size;
    const int *extensions; /* in order; those that the lists above fill are filled */
};

static void write_numbers(struct buf *out, unsigned length_bytes, unsigned bytes, const int *numbers)
{
    size_t list = wire_open(out, length_bytes);
    for (; numbers && *numbers >= 0; numbers++)
        wire_number(out, bytes, (uint32_t)*numbers);
    wire_close(out, length_bytes, list);
}

static void write_extension(struct buf *out, const struct hello_parts *parts, int type)
{
    wire_number(out, 2, (uint32_t)type);
    size_t data = wire_open(out, 2);
    if (type == 0)
        wire_slice(out, BYTES("\x00\x0c\x00\x00\x09some.name"));
    else if (type == 10)
        write_numbers(out, 2, 2, parts->groups);
    else if (type == 11)
        write_numbers(out, 1, 1, parts->formats);
    else if (type == 13)
        write_numbers(out, 2, 2, parts->algorithms);
    else if (type == 43)
        write_numbers(out, 1, 2, parts->versions);
    else if (type == 16) {
        size_t list = wire_open(out, 2);
        wire_vector(out, 1, (struct slice){(const uint8_t *)parts->alpn, parts->alpn_size});
        wire_vector(out, 1, BYTES("other"));
        wire_close(out, 2, list);
    }
    wire_close(out, 2, data);
}

/* Writes the hello into out and reads it again: fingerprints are made of what was read. */
static void make_hello(struct buf *out, const struct hello_parts *parts, struct tls_client_hello *hello)
{
    buf_reset(out);
    wire_number(out, 2, parts->version);
    wire_slice(out, BYTES(RANDOM "\0"));
    write_numbers(out, 2, 2, parts->suites);
    wire_vector(out, 1, BYTES("\0"));
    size_t list = wire_open(out, 2);
    for (const int *type = parts->extensions; type && *type >= 0; type++)
        write_extension(out, parts, *type);
    wire_close(out, 2, list);
    assert_int_equal(tls_read_client_hello(buf_slice(out), hello), 0);
}

static void expect_ja3(const struct hello_parts *parts, const char *expected)
{
    struct tls_client_hello hello;
    struct buf message;
    char ja3[JA3_SIZE];
    buf_init(&message, 256 * 1024);
    make_hello(&message, parts, &hello);
    ja3_write(&hello, ja3);
    assert_string_equal(ja3, expected);
    buf_done(&message);
}

static void expect_ja4(const struct hello_parts *parts, char transport, const char *expected)
{
    struct tls_client_hello hello;
    struct buf message;
    char ja4[JA4_SIZE];
    buf_init(&message, 256 * 1024);
    make_hello(&message, parts, &hello);
    ja4_write(&hello, transport, ja4);
    assert_string_equal(ja4, expected);
    buf_done(&message);
}

/* The two examples of JA3's own description, the first also with GREASE in every list. */
static void test_ja3(void **state)
{
    struct hello_parts plain = {
        .version = 769,
        .suites = (const int[]){47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4, -1},
        .extensions = (const int[]){0, 10, 11, -1},
        .groups = (const int[]){23, 24, 25, -1},
        .formats = (const int[]){0, -1},
    };
    struct hello_parts greased = plain;
    greased.suites = (const int[]){0x4a4a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4, -1};
    greased.extensions = (const int[]){0x0a0a, 0, 10, 11, 0xfafa, -1};
    greased.groups = (const int[]){0x1a1a, 23, 24, 25, -1};
    struct hello_parts bare = {.version = 769, .suites = (const int[]){4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99, -1}};
    (void)state;
    expect_ja3(&plain, "ada70206e40642a3e4461f35503241d5");
    expect_ja3(&greased, "ada70206e40642a3e4461f35503241d5");
    expect_ja3(&bare, "de350869b8c85de67a350c8d186f11e6");
}

static void test_ja3s(void **state)
{
    struct slice body = BYTES("\x03\x01" RANDOM "\x00\x00\x2f\x00\x00\x1e\xff\x01\x00\x01\x00\x00\x00\x00\x00\x00\x0b"
                              "\x00\x00\x00\x23\x00\x00\x00\x05\x00\x00\x00\x10\x00\x05\x00\x03\x02h2");
    struct tls_server_hello hello;
    char ja3s[JA3_SIZE];
    (void)state;
    assert_int_equal(tls_read_server_hello(body, &hello), 0);
    ja3s_write(&hello, ja3s);
    assert_string_equal(ja3s, "836ce314215654b5b1f85f97c73e506f"); /* 769,47,65281-0-11-35-5-16 */
}

/* A text that does not fit the buffer that it passes through, against one call over the whole. */
static void test_long_list(void **state)
{
    static int suites[20001];
    struct hello_parts parts = {.version = 771, .suites = suites};
    unsigned char hash[EVP_MAX_MD_SIZE];
    char hex[JA3_SIZE];
    struct buf text;
    (void)state;
    buf_init(&text, 256 * 1024);
    buf_append_str(&text, "771,");
    for (int i = 0; i < 20000; i++) {
        suites[i] = 0x0b0b + i;
        if (!tls_is_grease((uint16_t)suites[i]))
            buf_appendf(&text, "%s%d", i ? "-" : "", suites[i]);
    }
    suites[20000] = -1;
    buf_append_str(&text, ",,,");
    assert_int_equal(EVP_Digest(text.data, text.size, hash, NULL, EVP_md5(), NULL), 1);
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    expect_ja3(&parts, hex);
    buf_done(&text);
}

static const struct hello_parts chrome = {
    .version = 0x0303,
    .suites = (const int[]){0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                            0xc014, 0x009c, 0x009d, 0x002f, 0x0035, -1},
    .extensions = (const int[]){0x8a8a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x4a4a, 0x0015, -1},
    .groups = (const int[]){0x2a2a, 0x001d, 0x0017, 0x0018, -1},
    .formats = (const int[]){0, -1},
    .algorithms = (const int[]){0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, -1},
    .versions = (const int[]){0x6a6a, 0x0304, 0x0303, -1},
    .alpn = "h2",
    .alpn_size = 2,
};

/* The example of JA4's description. Chrome shuffles its extensions and mixes in GREASE: neither is to be seen. */
static void test_ja4(void **state)
{
    struct hello_parts greased = chrome;
    (void)state;
    expect_ja4(&chrome, 't', "t13d1516h2_8daaf6152771_e5627efa2ab1");
    greased.algorithms = (const int[]){0x5a5a, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, -1};
    expect_ja4(&greased, 'q', "q13d1516h2_8daaf6152771_e5627efa2ab1");
}

/* Other clients, with the values published for their hellos: [1] FoxIO-LLC/ja4, python/test/testdata (badcurveball, sigalg-grease, tls-sni), [2] gchq/CyberChef,
 * tests/operations/tests/JA4.mjs. GREASE is put where its places are not published. */
static void test_ja4_published(void **state)
{
    const int tls13[] = {0x0a0a, 0x0304, 0x0303, -1};
    const int chrome_algorithms[] = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201, -1};
    const int with_ml_dsa[] = {0x2a2a, 0x0904, 0x0905, 0x0906, 0x0403, 0x0804, 0x0401,
                               0x0503, 0x0805, 0x0501, 0x0806, 0x0601, -1};
    const int firefox_algorithms[] = {0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806,
                                      0x0401, 0x0501, 0x0601, 0x0203, 0x0201, -1};
    const int openssl_algorithms[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a,
                                      0x080b, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
                                      0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602, -1};
    const int curveball_suites[] = {0x9a9a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                                    0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0x000a, -1};
    const int firefox_suites[] = {0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030,
                                  0xc00a, 0xc009, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, -1};
    const int openssl_suites[] = {0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc024,
                                  0xc028, 0xc023, 0xc027, 0x009f, 0x009e, 0x006b, 0x0067, 0x00ff, -1};
    const int curveball[] = {0x1a1a, 0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005,
                             0x000d, 0x0012, 0x0033, 0x002d, 0x002b, 0x001b, 0x5a5a, 0x0015, -1};
    const int sigalg_grease[] = {0x3a3a, 0xfe0d, 0x0010, 0x0017, 0x0033, 0x44cd, 0xff01, 0x000a, 0x000d, 0x0023,
                                 0x002b, 0x000b, 0xca34, 0x002d, 0x0000, 0x0005, 0x001b, 0x0012, 0x7a7a, -1};
    const int no_alpn[] = {0x0033, 0x002b, 0x001b, 0x0000, 0x0012, 0x002d, 0x000d, 0x000a,
                           0x0005, 0x0023, 0x0017, 0xff01, 0x000b, 0x0015, -1};
    const int firefox[] = {0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005,
                           0x0022, 0x0033, 0x002b, 0x000d, 0x002d, 0x001c, 0x0015, -1};
    const int openssl[] = {0x0000, 0x000b, 0x000a, 0x0023, 0x0010, 0x0016, 0x0017,
                           0x000d, 0x002b, 0x002d, 0x0033, 0x0015, -1};
    const struct {
        const int *suites, *extensions, *algorithms;
        const char *alpn, *expected;
    } rows[] = {
        {curveball_suites, curveball, chrome_algorithms, "h2", "t13d1615h2_46e7e9700bed_45f260be83e2"}, /* [1] */
        {chrome.suites, sigalg_grease, with_ml_dsa, "h2", "t13d1517h2_8daaf6152771_cb7bf5808d99"},      /* [1] */
        {chrome.suites, no_alpn, chrome.algorithms, "", "t13d151400_8daaf6152771_de4a06bb82e3"},        /* [1] */
        {firefox_suites, firefox, firefox_algorithms, "h2", "t13d1715h2_5b57614c22b0_3d5424432f57"},    /* [2] */
        {openssl_suites, openssl, openssl_algorithms, " ", "t13d181220_85036bcba153_d41ae481755e"},     /* [2] */
        {openssl_suites, openssl, openssl_algorithms, "a ", "t13d181260_85036bcba153_d41ae481755e"},    /* [2] */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hello_parts parts = {.version = 0x0303,
                                    .suites = rows[i].suites,
                                    .groups = chrome.groups,
                                    .formats = chrome.formats,
                                    .algorithms = rows[i].algorithms,
                                    .versions = tls13,
                                    .alpn = rows[i].alpn,
                                    .alpn_size = strlen(rows[i].alpn),
                                    .extensions = rows[i].extensions};
        expect_ja4(&parts, 't', rows[i].expected);
    }
}

static void test_ja4_alpn(void **state)
{
    static const struct {
        const char *alpn;
        size_t size;
        const char *shown;
    } rows[] = {{"http/1.1", 8, "h1"}, {"h", 1, "hh"},        {"\xab", 1, "ab"}, {"\xab\xcd", 2, "ad"},
                {"0\xab", 2, "3b"},    {"\xabxyz0", 5, "a0"}, {"h2!", 3, "61"},  {"\0", 1, "00"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hello_parts parts = chrome;
        char expected[JA4_SIZE];
        parts.alpn = rows[i].alpn;
        parts.alpn_size = rows[i].size;
        snprintf(expected, sizeof expected, "t13d1516%s_8daaf6152771_e5627efa2ab1", rows[i].shown);
        expect_ja4(&parts, 't', expected);
    }
}

static void test_ja4_corners(void **state)
{
    static int many[121];
    struct hello_parts nothing = {.version = 0x0301};
    struct hello_parts counted = {.version = 0x0300, .suites = many};
    struct hello_parts datagram = {
        .version = 0xfefd, .versions = (const int[]){0xfefd, 0xfefc, 0xfeff, -1}, .extensions = (const int[]){43, -1}};
    (void)state;
    expect_ja4(&nothing, 't', "t10i000000_000000000000_000000000000");
    for (int i = 0; i < 120; i++)
        many[i] = 0x1301;
    many[120] = -1;
    struct tls_client_hello hello;
    struct buf message;
    char ja4[JA4_SIZE];
    buf_init(&message, 1024);
    make_hello(&message, &counted, &hello);
    ja4_write(&hello, 't', ja4);
    assert_memory_equal(ja4, "ts3i990000_", 11);
    make_hello(&message, &datagram, &hello);
    ja4_write(&hello, 'd', ja4);
    assert_memory_equal(ja4, "dd3i000100_000000000000_", 24); /* DTLS counts downwards */
    hello.legacy_version = 0x1234;
    hello.supported_versions = BYTES("");
    ja4_write(&hello, 't', ja4);
    assert_memory_equal(ja4, "t00i", 4);
    buf_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ja3),         cmocka_unit_test(test_ja3s),          cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_ja4),         cmocka_unit_test(test_ja4_published), cmocka_unit_test(test_ja4_alpn),
        cmocka_unit_test(test_ja4_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
