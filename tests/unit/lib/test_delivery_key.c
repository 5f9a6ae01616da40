/* delivery_key_write and delivery_key_read: every name has a key of its own, in what a header takes, and comes back out of it. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/delivery.h"

#define RUN "01900000-0000-7000-8000-000000000001"

static const struct {
    const char *name, *written;
} names[] = {
    {"s1", "s1"},
    {"host.example.org", "host.example.org"},
    {"a/b", "a/b"},
    {"b\xC3\xBCro", "b%C3%BCro"},
    {"office 1", "office%201"},
    {"tab\there\n", "tab%09here%0A"},
    {"100%", "100%"},
    {"50%off", "50%off"}, /* "%of": no escape */
    {"b%C3%BCro", "b%25C3%25BCro"},
    {"a%41", "a%2541"},
    {"%\xC3\xBC", "%%C3%BC"},
    {"%%4", "%%4"},
    {"%%41", "%%2541"},
    {"~!\"\\", "~!\"\\"},
};

static void test_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char key[DELIVERY_KEY_MAX + 1], back[DELIVERY_KEY_MAX + 1], expected[DELIVERY_KEY_MAX + 1];
        assert_true(delivery_key_write(key, names[i].name, RUN, 7));
        snprintf(expected, sizeof expected, "%s/" RUN "/7", names[i].written);
        assert_string_equal(expected, key);
        assert_true(delivery_key_read(key, back));
        snprintf(expected, sizeof expected, "%s/" RUN "/7", names[i].name);
        assert_string_equal(expected, back);
    }
}

/* Every byte before and behind a '%', which is where escapes could be taken for each other. */
static void test_every_byte(void **state)
{
    (void)state;
    for (int first = 1; first < 128; first++)
        for (int second = 1; second < 128; second++) {
            char key[DELIVERY_KEY_MAX + 1], back[DELIVERY_KEY_MAX + 1];
            const char name[] = {(char)first, '%', (char)second, '%', '4', (char)first, 0};
            assert_true(delivery_key_write(key, name, "r", 0));
            for (const char *c = key; *c; c++)
                assert_in_range(*c, 0x21, 0x7E);
            assert_true(delivery_key_read(key, back));
            back[strlen(name)] = 0;
            assert_string_equal(name, back);
        }
}

static void test_limits(void **state)
{
    (void)state;
    char name[DELIVERY_KEY_MAX + 2], key[DELIVERY_KEY_MAX + 1], back[DELIVERY_KEY_MAX + 1];
    memset(name, 0xC3, sizeof name);
    name[255] = 0; /* as long as a record may have it */
    assert_true(delivery_key_write(key, name, RUN, 4294967295u));
    memset(name, 'a', sizeof name);
    for (size_t size = 0; size < sizeof name; size++) {
        name[size] = 0;
        assert_int_equal(size + 4 <= DELIVERY_KEY_MAX, delivery_key_write(key, name, "r", 1));
        assert_int_equal(size <= DELIVERY_KEY_MAX, delivery_key_read(name, back));
        name[size] = 'a';
    }
}

static void test_nobodys(void **state)
{
    (void)state;
    static const char *const keys[] = {"a%00b/r/1", "%C3/r/1", "%FF", "a%ED%A0%80", "%C0%AF/1"};
    char back[DELIVERY_KEY_MAX + 1];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_false(delivery_key_read(keys[i], back));
    assert_true(delivery_key_read("a%c3%bc/%4/%", back));
    assert_string_equal("a\xC3\xBC/%4/%", back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
