/* The bounded reader: every call succeeds and advances, or fails and changes nothing. */
#include "tests/unit/lib/cmocka_first.h"

#include <string.h>

#include "certmuster/cursor.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09};

static void test_integers(void **state)
{
    (void)state;
    struct cursor cursor;
    uint8_t u8;
    uint16_t u16;
    uint32_t u24, u32;
    uint64_t u64;
    cursor_init(&cursor, bytes, sizeof bytes);
    assert_int_equal(cursor_peek_u8(&cursor, &u8), 0);
    assert_int_equal(u8, 1);
    assert_int_equal(cursor_offset(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor, &u8), 0);
    assert_int_equal(cursor_u16(&cursor, &u16), 0);
    assert_int_equal(u16, 0x0203);
    assert_int_equal(cursor_u24(&cursor, &u24), 0);
    assert_int_equal(u24, 0x040506);
    assert_int_equal(cursor_left(&cursor), 3);
    assert_int_equal(cursor_u32(&cursor, &u32), CM_ETRUNCATED);
    assert_int_equal(cursor_u64(&cursor, &u64), CM_ETRUNCATED);
    assert_int_equal(cursor_offset(&cursor), 6);
    cursor_init(&cursor, bytes, sizeof bytes);
    assert_int_equal(cursor_u64(&cursor, &u64), 0);
    assert_true(u64 == 0x0102030405060708u);
    cursor_init(&cursor, bytes + 1, 4);
    assert_int_equal(cursor_u32(&cursor, &u32), 0);
    assert_int_equal(u32, 0x02030405);
    assert_true(cursor_at_end(&cursor));
    assert_int_equal(cursor_u8(&cursor, &u8), CM_ETRUNCATED);
    assert_int_equal(cursor_peek_u8(&cursor, &u8), CM_ETRUNCATED);
}

static void test_failure_changes_nothing(void **state)
{
    (void)state;
    struct cursor cursor, vector, before;
    struct slice slice = {bytes, 1};
    uint16_t u16 = 0xBEEF;
    cursor_init(&cursor, bytes, 1);
    before = cursor;
    assert_int_equal(cursor_u16(&cursor, &u16), CM_ETRUNCATED);
    assert_int_equal(u16, 0xBEEF);
    assert_int_equal(cursor_slice(&cursor, 2, &slice), CM_ETRUNCATED);
    assert_int_equal(slice.size, 1);
    assert_int_equal(cursor_skip(&cursor, SIZE_MAX), CM_ETRUNCATED);
    vector = before;
    assert_int_equal(cursor_vector8(&cursor, &vector), CM_ETRUNCATED); /* says 1 byte, has 0 */
    assert_memory_equal(&cursor, &before, sizeof cursor);
    assert_memory_equal(&vector, &before, sizeof cursor);
}

static void test_vectors_cut_at_every_byte(void **state)
{
    (void)state;
    static const uint8_t whole[] = {0x00, 0x00, 0x03, 'a', 'b', 'c', 0xFF};
    for (size_t size = 0; size <= sizeof whole; size++) {
        struct cursor cursor, out;
        cursor_init(&cursor, whole, size);
        int status = cursor_vector24(&cursor, &out);
        assert_int_equal(status, size < 6 ? CM_ETRUNCATED : 0);
        assert_int_equal(cursor_offset(&cursor), status ? 0 : 6);
        if (!status)
            assert_memory_equal(out.at, "abc", 3);
        cursor_init(&cursor, whole + 1, size > 1 ? size - 1 : 0);
        status = cursor_vector16(&cursor, &out);
        assert_int_equal(status, size < 6 ? CM_ETRUNCATED : 0);
        cursor_init(&cursor, whole + 2, size > 2 ? size - 2 : 0);
        status = cursor_vector8(&cursor, &out);
        assert_int_equal(status, size < 6 ? CM_ETRUNCATED : 0);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    struct cursor cursor;
    struct slice slice;
    cursor_init(&cursor, NULL, 100);
    assert_true(cursor_at_end(&cursor));
    assert_int_equal(cursor_slice(&cursor, 0, &slice), 0);
    assert_true(slice_equal(slice, (struct slice){NULL, 0}));
    assert_false(slice_equal((struct slice){bytes, 2}, (struct slice){bytes + 1, 2}));
    assert_true(slice_equal((struct slice){bytes, 2}, (struct slice){bytes, 2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_failure_changes_nothing),
        cmocka_unit_test(test_vectors_cut_at_every_byte),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
