/* Rows as CSV and JSON: what people and machines read back is what was in the fields, whatever that was. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <string.h>

#include "report/sheet.h"

static const struct column columns[] = {
    {"name", "Name", COLUMN_TEXT, false}, {"days", "Days", COLUMN_INTEGER, false},  {"ca", "CA", COLUMN_BOOLEAN, false},
    {"at", "At", COLUMN_TIME, false},     {"places", "Places", COLUMN_LIST, false},
};
static const struct sheet sheet = {"test", columns, 5};

#define TEXT(string)                                                                                                   \
    {                                                                                                                  \
        .text = string, .size = sizeof(string) - 1                                                                     \
    }
#define NOTHING                                                                                                        \
    {                                                                                                                  \
        .text = "", .null = true                                                                                       \
    }
#define LIST(string, arr)                                                                                              \
    {                                                                                                                  \
        .text = string, .size = sizeof(string) - 1, .json = arr                                                        \
    }

static const struct field plain[] = {TEXT("www.example.org"), TEXT("-3"), TEXT("t"), TEXT("2026-11-21T03:00:00Z"),
                                     LIST("a; b", "[\"a\",\"b\"]")};
static const struct field hostile[] = {TEXT("=cmd|'/C calc'!A0\r\n\033[31m\"<b>\xE2\x80\xAE\xFF"), NOTHING, TEXT("f"),
                                       NOTHING, LIST("+1,2", "[\"\xE2\x80\xAE</script>\"]")};
static const struct field empty[] = {NOTHING, NOTHING, NOTHING, NOTHING, {.text = "", .json = "[]", .null = true}};

static void check(void (*write)(const struct sheet *, const struct field *, struct buf *), const struct field *fields,
                  const char *expected)
{
    struct buf out;
    buf_init(&out, SHEET_ROW_BYTES_MAX);
    write(&sheet, fields, &out);
    assert_false(out.failed);
    assert_string_equal(out.data, expected);
    buf_done(&out);
}

static void test_csv(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    sheet_csv_head(&sheet, &out);
    assert_string_equal(out.data, "name,days,ca,at,places\r\n");
    buf_done(&out);
    check(sheet_csv_row, plain, "www.example.org,-3,true,2026-11-21T03:00:00Z,\"a; b\"\r\n");
    check(sheet_csv_row, hostile, "\"'=cmd|'/C calc'!A0   [31m\"\"<b>\\u{202E}\xEF\xBF\xBD\",,false,,\"'+1,2\"\r\n");
    check(sheet_csv_row, empty, ",,,,\r\n");
}

static void test_json(void **state)
{
    (void)state;
    check(sheet_json_object, plain,
          "{\"name\":\"www.example.org\",\"days\":-3,\"ca\":true,\"at\":\"2026-11-21T03:00:00Z\",\"places\":[\"a\","
          "\"b\"]}");
    check(sheet_json_object, hostile,
          "{\"name\":\"=cmd|'/C calc'!A0\\r\\n\\u001b[31m\\\"<b>\\u202e\xEF\xBF\xBD\",\"ca\":false,"
          "\"places\":[\"\\u202e</script>\"]}");
    check(sheet_json_object, empty, "{\"places\":[]}");
    check(sheet_json_array, plain, "[\"www.example.org\",-3,true,\"2026-11-21T03:00:00Z\",[\"a\",\"b\"]]");
    check(sheet_json_array, empty, "[null,null,null,null,[]]");
}

/* A full disk and a row beyond the ceiling are errors, not shorter files. */
static void test_write(void **state)
{
    struct cm_error error = {0};
    struct buf out;
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    buf_init(&out, 4);
    buf_append_str(&out, "abcd");
    assert_int_equal(sheet_write(&out, full, &error), CM_EIO);
    assert_string_equal(error.detail, "No space left on device");
    buf_append_str(&out, "e");
    assert_int_equal(sheet_write(&out, full, &error), CM_ELIMIT);
    buf_done(&out);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
