/* Hex and base64: the vectors of RFC 4648, against OpenSSL, and what strict decoding refuses. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "certmuster/encode.h"

static void test_hex(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
    struct buf out;
    char text[9];
    uint8_t back[4] = {9, 9, 9, 9};
    buf_init(&out, 8);
    hex_append(&out, bytes, 4);
    assert_string_equal(out.data, "007f80ff");
    hex_append(&out, bytes, 1);
    assert_true(out.failed);
    hex_write(text, bytes, 4);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(hex_read("007F80fF", 8, back, 4), 0);
    assert_memory_equal(back, bytes, 4);
    memset(back, 9, 4);
    assert_int_equal(hex_read("007F80f", 7, back, 4), CM_EMALFORMED);
    assert_int_equal(hex_read("007F80ff00", 10, back, 4), CM_EMALFORMED);
    assert_int_equal(hex_read("007F80fg", 8, back, 4), CM_EMALFORMED);
    assert_int_equal(hex_read("007F 0ff", 8, back, 4), CM_EMALFORMED);
    assert_int_equal(back[0], 9);
    assert_int_equal(hex_read("", 0, back, 0), 0);
    buf_done(&out);
}

static void test_base64_vectors(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 100);
        base64_append(&out, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(out.data, rows[i][1]);
        buf_reset(&out);
        assert_int_equal(base64_read(rows[i][1], strlen(rows[i][1]), &out), 0);
        assert_string_equal(out.data, rows[i][0]);
        buf_done(&out);
    }
}

static void test_base64_against_openssl(void **state)
{
    (void)state;
    uint8_t bytes[257];
    char expected[400];
    for (size_t size = 0; size < sizeof bytes; size++) {
        struct buf text, back;
        bytes[size] = (uint8_t)(size * 89 + 7);
        buf_init(&text, 1000);
        buf_init(&back, 1000);
        base64_append(&text, bytes, size);
        EVP_EncodeBlock((unsigned char *)expected, bytes, (int)size);
        assert_string_equal(text.data, expected);
        assert_int_equal(base64_read(text.data, text.size, &back), 0);
        assert_int_equal(back.size, size);
        assert_memory_equal(back.data, bytes, size);
        buf_done(&text);
        buf_done(&back);
    }
}

static void test_base64_refuses(void **state)
{
    static const char *const never[] = {
        "A", "AAAAA", "AA=A", "====", "=AAA", "AA==AA==", "A===", "AA*=", "AAA=====", "AAAA=", "-_AA"};
    static const char *const only_strict[] = {"Zh==", "Zm9=", "Zg", "Zm8", " Zg==", "Zm9v\n", "Zg=", "Z g = ="};
    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        struct buf out;
        buf_init(&out, 100);
        buf_append_str(&out, "before");
        assert_int_equal(base64_read(never[i], strlen(never[i]), &out), CM_EMALFORMED);
        assert_int_equal(base64_read_loose(never[i], strlen(never[i]), &out), CM_EMALFORMED);
        assert_string_equal(out.data, "before");
        assert_false(out.failed);
        buf_done(&out);
    }
    for (size_t i = 0; i < sizeof only_strict / sizeof *only_strict; i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(base64_read(only_strict[i], strlen(only_strict[i]), &out), CM_EMALFORMED);
        assert_int_equal(base64_read_loose(only_strict[i], strlen(only_strict[i]), &out), 0);
        assert_true(out.size > 0);
        buf_done(&out);
    }
}

static void test_base64_limit(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 2);
    assert_int_equal(base64_read("Zm9vYmFy", 8, &out), CM_ELIMIT);
    assert_true(out.failed);
    assert_int_equal(out.size, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_against_openssl),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_base64_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
