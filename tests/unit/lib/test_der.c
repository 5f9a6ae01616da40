/* DER elements and times: what is refused, and that times agree with OpenSSL and the calendar. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>

#include "certmuster/der.h"

static int next_of(const void *bytes, size_t size, struct der_element *element)
{
    struct cursor cursor;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    cursor_init(&cursor, copy, size);
    int status = der_next(&cursor, element);
    assert_int_equal(cursor_offset(&cursor), status ? 0 : element->whole.size);
    free(copy);
    return status;
}

static void test_elements(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        int status;
    } rows[] = {
        {"\x02\x01\x05", 3, 0},
        {"\x05\x00", 2, 0},
        {"\x04\x81\x80", 3, CM_ETRUNCATED},                 /* 128 bytes are missing */
        {"\x04\x81\x7F", 3, CM_EMALFORMED},                 /* fits the short form */
        {"\x04\x82\x00\x80", 4, CM_EMALFORMED},             /* leading zero */
        {"\x30\x80\x00\x00", 4, CM_EUNSUPPORTED},           /* indefinite */
        {"\x1F\x81\x01\x00", 4, CM_EMALFORMED},             /* high tag number */
        {"\x30\x85\x01\x00\x00\x00\x00", 7, CM_EMALFORMED}, /* five length bytes */
        {"\x30\x84\xFF\xFF\xFF\xFF", 6, CM_ETRUNCATED},     /* 4 GiB are missing */
        {"\x30\xFF", 2, CM_EMALFORMED},
        {"\x30", 1, CM_ETRUNCATED},
        {"", 0, CM_ETRUNCATED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct der_element element;
        assert_int_equal(next_of(rows[i].bytes, rows[i].size, &element), rows[i].status);
    }
}

static void test_long_forms_cut_at_every_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *whole = NULL;
        ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
        unsigned char *contents = calloc(sizes[i] + 1, 1);
        ASN1_OCTET_STRING_set(string, contents, (int)sizes[i]);
        int size = i2d_ASN1_OCTET_STRING(string, &whole);
        struct der_element element;
        assert_int_equal(next_of(whole, (size_t)size, &element), 0);
        assert_int_equal(element.tag, DER_OCTET_STRING);
        assert_int_equal(element.contents.size, sizes[i]);
        for (int cut = 0; cut < size; cut += size / 300 + 1)
            assert_int_equal(next_of(whole, (size_t)cut, &element), CM_ETRUNCATED);
        OPENSSL_free(whole);
        ASN1_OCTET_STRING_free(string);
        free(contents);
    }
}

static void test_expect(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x30, 0x03, 0x02, 0x01, 0x2A, 0x05, 0x00};
    struct cursor cursor, sequence, integer;
    uint8_t value;
    cursor_init(&cursor, bytes, sizeof bytes);
    assert_int_equal(der_expect(&cursor, DER_SET, &sequence), CM_EMALFORMED);
    assert_int_equal(cursor_offset(&cursor), 0);
    assert_int_equal(der_expect(&cursor, DER_SEQUENCE, &sequence), 0);
    assert_int_equal(cursor_left(&cursor), 2);
    assert_int_equal(der_expect(&sequence, DER_INTEGER, &integer), 0);
    assert_int_equal(cursor_u8(&integer, &value), 0);
    assert_int_equal(value, 42);
    assert_int_equal(der_expect(&sequence, DER_INTEGER, &integer), CM_ETRUNCATED);
}

static int time_of(uint8_t tag, const char *text, int64_t *seconds)
{
    struct der_element element = {.tag = tag, .contents = {(const uint8_t *)text, strlen(text)}};
    return der_time(&element, seconds);
}

static void test_times(void **state)
{
    static const struct {
        uint8_t tag;
        const char *text;
        int64_t seconds;
    } rows[] = {
        {DER_UTC_TIME, "700101000000Z", 0},
        {DER_UTC_TIME, "491231235959Z", 2524607999},
        {DER_UTC_TIME, "500101000000Z", -631152000},
        {DER_UTC_TIME, "0001010000Z", 946684800},       /* no seconds, as old certificates have it */
        {DER_UTC_TIME, "000101010000+0100", 946684800}, /* an offset */
        {DER_UTC_TIME, "991231190000-0500", 946684800},
        {DER_GENERALIZED_TIME, "00000101000000Z", -62167219200},
        {DER_GENERALIZED_TIME, "00010101000000Z", -62135596800},
        {DER_GENERALIZED_TIME, "99991231235959Z", 253402300799},
        {DER_GENERALIZED_TIME, "20000229000000Z", 951782400},
        {DER_GENERALIZED_TIME, "20000101000000.123Z", 946684800},
        {DER_GENERALIZED_TIME, "2000010100Z", 946684800},
        {DER_GENERALIZED_TIME, "200001010000Z", 946684800},
        {DER_GENERALIZED_TIME, "20000101000000", 946684800}, /* no zone: taken as UTC */
        {DER_GENERALIZED_TIME, "20000101003000+0030", 946684800},
    };
    static const struct {
        uint8_t tag;
        const char *text;
    } wrong[] = {
        {DER_UTC_TIME, ""},
        {DER_UTC_TIME, "000230000000Z"},
        {DER_UTC_TIME, "001301000000Z"},
        {DER_UTC_TIME, "000100000000Z"},
        {DER_UTC_TIME, "000101240000Z"},
        {DER_UTC_TIME, "000101006000Z"},
        {DER_UTC_TIME, "000101000060Z"},
        {DER_UTC_TIME, "00010100Z"},
        {DER_UTC_TIME, "000101000000Zx"},
        {DER_UTC_TIME, "000101000000+01"},
        {DER_UTC_TIME, "000101000000.5Z"},
        {DER_UTC_TIME, "-00101000000Z"},
        {DER_UTC_TIME, "0x0101000000Z"},
        {DER_GENERALIZED_TIME, "19000229000000Z"},
        {DER_GENERALIZED_TIME, "20000101000000.Z"},
        {DER_GENERALIZED_TIME, "20000101000000+2400"},
        {DER_GENERALIZED_TIME, "2000"},
        {DER_INTEGER, "000101000000Z"},
    };
    (void)state;
    int64_t seconds;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seconds = -1;
        assert_int_equal(time_of(rows[i].tag, rows[i].text, &seconds), 0);
        assert_true(seconds == rows[i].seconds);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        seconds = 77;
        assert_int_equal(time_of(wrong[i].tag, wrong[i].text, &seconds), CM_EMALFORMED);
        assert_true(seconds == 77);
    }
}

/* Every day of 10,000 years against the C library's calendar. */
static void test_every_day(void **state)
{
    (void)state;
    for (int64_t day = -719528; day <= 2932896; day += 13) {
        time_t when = (time_t)(day * 86400);
        struct tm tm;
        char text[32];
        int64_t seconds;
        gmtime_r(&when, &tm);
        snprintf(text, sizeof text, "%04u%02u%02u000000Z", (unsigned)(tm.tm_year + 1900) % 10000u,
                 (unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u);
        assert_int_equal(time_of(DER_GENERALIZED_TIME, text, &seconds), 0);
        assert_true(seconds == when);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),  cmocka_unit_test(test_long_forms_cut_at_every_byte),
        cmocka_unit_test(test_expect),    cmocka_unit_test(test_times),
        cmocka_unit_test(test_every_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
