/* spool_head_write and spool_head_read: every name comes back as it was, and what is no head names nobody. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "lib/spool_private.h"

#define START "{\"v\":1,\"type\":\"segment\",\"scanner\":\""

static void expect(const char *name, const char *head, size_t size)
{
    char *read = spool_head_read(head, size);
    assert_string_equal(name, read);
    free(read);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {"s1",
                                        "b\xC3\xBCro",
                                        "office 1",
                                        "a\"b\\c",
                                        "\\",
                                        "\"",
                                        "\\u0041",
                                        "a/b",
                                        "\x01\x1F\b\f\n\r\t\x7F",
                                        "zero\xE2\x80\x8Bwidth",
                                        "\xF0\x9F\x98\x80\xF3\xA0\x80\x81"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf head;
        buf_init(&head, 4096);
        spool_head_write(&head, names[i]);
        assert_true(spool_is_head(head.data, head.size));
        expect(names[i], head.data, head.size);
        for (size_t size = 0; size < head.size - 1; size++) /* without its last brace the name is whole */
            expect("", head.data, size);
        buf_done(&head);
    }
}

static void test_others_writing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *head;
    } heads[] = {
        {"b\xC3\xBCro", START "b\\u00fcro\"}"},
        {"b\xC3\xBCro", START "b\\u00FCro\",\"more\":1}"},
        {"\xF0\x9F\x98\x80", START "\\ud83d\\ude00\"}"},
        {"/\b\f\n\r\t", START "\\/\\b\\f\\n\\r\\t\"}"},
        {"", START "\"}"},
        {"", START "a\\x\"}"},
        {"", START "a\\"},
        {"", START "a\\u00\"}"},
        {"", START "a\\u00g0\"}"},
        {"", START "\\ud83d\"}"},
        {"", START "\\ud83dude00\"}"},
        {"", START "\\ud83d\\u0041\"}"},
        {"", START "\\ude00\"}"},
        {"", START "\\u0000\"}"},
        {"", "{\"v\":1,\"type\":\"run\"}"},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        expect(heads[i].name, heads[i].head, strlen(heads[i].head));
    expect("", START "a\0b\"}", sizeof START "a\0b\"}" - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_others_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
