/* Addresses: one text for one address, prefixes, arithmetic. */
#include "tests/unit/lib/cmocka_first.h"

#include <netinet/in.h>
#include <string.h>

#include "certmuster/ipaddr.h"

static void test_canonical_text(void **state)
{
    static const char *const rows[][2] = {{"192.0.2.1", "192.0.2.1"},
                                          {"0.0.0.0", "0.0.0.0"},
                                          {"::", "::"},
                                          {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
                                          {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
                                          {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
                                          {"::ffff:192.0.2.1", "192.0.2.1"},
                                          {"::ffff:c000:201", "192.0.2.1"},
                                          {"fe80::1", "fe80::1"}};
    static const char *const wrong[] = {
        "",      "1.2.3",         "1.2.3.4.5", "256.1.1.1",  "01.2.3.4",   "1.2.3.4 ",    "::1%eth0",
        "[::1]", "1:2:3:4:5:6:7", ":::",       "0x7f.1.1.1", "2130706433", "::ffff:1.2.3"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ipaddr ip, back;
        struct sockaddr_storage storage;
        char text[IPADDR_TEXT_SIZE];
        assert_int_equal(ipaddr_read(rows[i][0], &ip), 0);
        ipaddr_write(text, &ip);
        assert_string_equal(text, rows[i][1]);
        assert_true(ipaddr_to_sockaddr(&ip, 443, &storage) >= sizeof(struct sockaddr_in));
        ipaddr_from_sockaddr(&back, (struct sockaddr *)&storage);
        assert_memory_equal(&ip, &back, sizeof ip);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ipaddr ip;
        assert_int_equal(ipaddr_read(wrong[i], &ip), CM_EINVAL);
    }
}

static void test_mapped_socket_address(void **state)
{
    (void)state;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct ipaddr ip;
    char text[IPADDR_TEXT_SIZE];
    memcpy(in6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    ipaddr_from_sockaddr(&ip, (struct sockaddr *)&in6);
    ipaddr_write(text, &ip);
    assert_string_equal(text, "127.0.0.1");
    assert_true(ipaddr_is_host_local(&ip));
}

static void test_host_local(void **state)
{
    static const char *const local[] = {"127.0.0.1", "127.255.0.9", "169.254.0.1", "::1", "fe80::1", "febf::1"};
    static const char *const not_local[] = {"128.0.0.1", "169.253.0.1", "::2", "fec0::1", "10.0.0.1", "fe00::"};
    (void)state;
    struct ipaddr ip;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        assert_int_equal(ipaddr_read(local[i], &ip), 0);
        assert_true(ipaddr_is_host_local(&ip));
    }
    for (size_t i = 0; i < sizeof not_local / sizeof *not_local; i++) {
        assert_int_equal(ipaddr_read(not_local[i], &ip), 0);
        assert_false(ipaddr_is_host_local(&ip));
    }
}

static void test_prefixes(void **state)
{
    static const struct {
        const char *text, *base;
        unsigned bits;
        const char *inside, *outside;
    } rows[] = {{"192.0.2.77/24", "192.0.2.0", 24, "192.0.2.255", "192.0.3.0"},
                {"10.255.255.255/9", "10.128.0.0", 9, "10.128.0.1", "10.127.0.1"},
                {"0.0.0.0/0", "0.0.0.0", 0, "255.1.1.1", "::1"},
                {"192.0.2.1", "192.0.2.1", 32, "192.0.2.1", "192.0.2.2"},
                {"2001:db8::ffff/33", "2001:db8::", 33, "2001:db8:7fff::1", "2001:db8:8000::1"},
                {"::1/128", "::1", 128, "::1", "::2"},
                {"::ffff:192.0.2.9/120", "192.0.2.0", 24, "192.0.2.1", "192.0.3.1"}};
    static const char *const wrong[] = {
        "192.0.2.0/33", "::/129",        "192.0.2.0/",  "192.0.2.0/-1",      "/24",
        "192.0.2.0/8x", "192.0.2.0/008", "1.2.3.4/1/2", "::ffff:1.2.3.4/95", "192.0.2.0/9999999999"};
    (void)state;
    struct ipaddr base, ip;
    unsigned bits;
    char text[IPADDR_TEXT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ipaddr_read_prefix(rows[i].text, &base, &bits), 0);
        ipaddr_write(text, &base);
        assert_string_equal(text, rows[i].base);
        assert_int_equal(bits, rows[i].bits);
        assert_int_equal(ipaddr_read(rows[i].inside, &ip), 0);
        assert_true(ipaddr_in_prefix(&ip, &base, bits));
        assert_int_equal(ipaddr_read(rows[i].outside, &ip), 0);
        assert_false(ipaddr_in_prefix(&ip, &base, bits));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ipaddr_read_prefix(wrong[i], &base, &bits), CM_EINVAL);
}

static void test_addition(void **state)
{
    static const struct {
        const char *base;
        uint64_t n;
        const char *sum;
    } rows[] = {{"192.0.2.254", 3, "192.0.3.1"},
                {"10.0.0.0", 16777215, "10.255.255.255"},
                {"255.255.255.255", 1, "0.0.0.0"},
                {"2001:db8::ffff:ffff:ffff:ffff", 1, "2001:db8:0:1::"},
                {"::", UINT64_MAX, "::ffff:ffff:ffff:ffff"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ipaddr base;
        char text[IPADDR_TEXT_SIZE];
        assert_int_equal(ipaddr_read(rows[i].base, &base), 0);
        ipaddr_add(&base, &base, rows[i].n);
        ipaddr_write(text, &base);
        assert_string_equal(text, rows[i].sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text), cmocka_unit_test(test_mapped_socket_address),
        cmocka_unit_test(test_host_local),     cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_addition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
