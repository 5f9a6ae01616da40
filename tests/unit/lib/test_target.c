/* Targets, host names and ports: what is read, what is refused and why, cut at every byte, hostile. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/target.h"

/* What a target was read as, in one line: name, address/bits, ports. */
static void describe(const struct target *target, char *out, size_t size)
{
    char ip[IPADDR_TEXT_SIZE] = "-";
    if (target->has_address)
        ipaddr_write(ip, &target->base);
    int used = snprintf(out, size, "%s %s", *target->name ? target->name : "-", ip);
    if (target->has_address)
        used += snprintf(out + used, size - (size_t)used, "/%u", target->bits);
    for (size_t i = 0; i < target->ports.count; i++)
        used += snprintf(out + used, size - (size_t)used, "%c%u", i ? ',' : ' ', target->ports.list[i]);
}

static void test_good(void **state)
{
    static const char *const rows[][2] = {
        {"example.org", "example.org -"},
        {"Example.ORG.", "example.org -"},
        {"example.org:8443", "example.org - 8443"},
        {"example.org:443,8443,9000-9002", "example.org - 443,8443,9000,9001,9002"},
        {"localhost", "localhost -"},
        {"_dmarc.example.org", "_dmarc.example.org -"},
        {"192.0.2.1", "- 192.0.2.1/32"},
        {"192.0.2.1:25", "- 192.0.2.1/32 25"},
        {"192.0.2.77/24", "- 192.0.2.0/24"},
        {"192.0.2.0/24:443,8443", "- 192.0.2.0/24 443,8443"},
        {"10.0.0.0/8", "- 10.0.0.0/8"},
        {"2001:db8::1", "- 2001:db8::1/128"},
        {"[2001:DB8::1]", "- 2001:db8::1/128"},
        {"[2001:db8::1]:8443", "- 2001:db8::1/128 8443"},
        {"2001:db8::/120", "- 2001:db8::/120"},
        {"[2001:db8::/120]:1-3", "- 2001:db8::/120 1,2,3"},
        {"2001:db8::/104", "- 2001:db8::/104"},
        {"::1", "- ::1/128"},
        {"::ffff:192.0.2.1", "- 192.0.2.1/32"},
        {"www.example.org@192.0.2.7", "www.example.org 192.0.2.7/32"},
        {"www.example.org@[2001:db8::7]:444", "www.example.org 2001:db8::7/128 444"},
        {"www.example.org@192.0.2.0/30:443", "www.example.org 192.0.2.0/30 443"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example -"},
        {"B\xc3\x9c"
         "CHER.example:443",
         "xn--bcher-kva.example - 443"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example -"},
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah -"},
        {"1.example", "1.example -"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target;
        struct cm_error error;
        char text[512];
        if (target_read(rows[i][0], strlen(rows[i][0]), &target, &error))
            fail_msg("%s: %s", rows[i][0], error.reason);
        describe(&target, text, sizeof text);
        assert_string_equal(text, rows[i][1]);
        target_done(&target);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *reason; /* a part of the reason */
    } rows[] = {
        {"", "empty target"},
        {":", "empty host name"},
        {":443", "empty host name"},
        {"example.org:", "port"},
        {"example.org:0", "port"},
        {"example.org:65536", "port"},
        {"example.org:99999999999999999999", "port"},
        {"example.org:443x", "joined by commas"},
        {"example.org:9-1", "backwards"},
        {"example.org:+1", "port"},
        {"example.org:1,", "port"},
        {"example.org:1--2", "port"},
        {"https://example.org/", "URL"},
        {"1.2.3", "neither an IP address"},
        {"256.1.1.1", "neither an IP address"},
        {"1.2.3.4.5", "neither an IP address"},
        {"192.0.2.0/33", "not a prefix"},
        {"192.0.2.0/", "not a prefix"},
        {"example.org/24", "not a prefix"},
        {"0.0.0.0/0", "this large"},
        {"10.0.0.0/7", "this large"},
        {"2001:db8::/103", "this large"},
        {"::/0", "this large"},
        {"fe80::1%eth0", "zone"},
        {"2001:db8::1:zz", "IPv6"},
        {"1:2:3:4:5:6:7:8:9", "IPv6"},
        {"[2001:db8::1", "without ']'"},
        {"[2001:db8::1]443", "after ']'"},
        {"[]:443", "IP address"},
        {"[example.org]:443", "IPv6"},
        {"a@b", "after NAME@"},
        {"@192.0.2.1", "empty host name"},
        {"a@b@192.0.2.1", "after NAME@"},
        {"exa mple.org", "character"},
        {"example..org", "empty label"},
        {".example.org", "empty label"},
        {".", "empty label"},
        {"*.example.org", "wildcard"},
        {"example.org\x1b[2J", "character"},
        {"exam\xffple.org", "internationalised"},
        {"\xf0\x9f\x92\xa9\xcc\x81.example", "internationalised"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", "63"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target = {.bits = 77};
        struct cm_error error;
        int code = target_read(rows[i].text, strlen(rows[i].text), &target, &error);
        if (!code)
            fail_msg("%s was taken for a target", rows[i].text);
        if (!strstr(error.reason, rows[i].reason))
            fail_msg("%s: '%s' does not say '%s'", rows[i].text, error.reason, rows[i].reason);
        assert_int_equal(target.bits, 77); /* untouched */
    }
}

static void test_long_and_binary(void **state)
{
    (void)state;
    char text[5000];
    struct target target;
    struct cm_error error;
    memset(text, 'a', sizeof text);
    assert_int_equal(target_read(text, sizeof text, &target, &error), CM_EINVAL);
    for (size_t i = 0; i < sizeof text; i += 50)
        text[i] = '.';
    assert_int_equal(target_read(text + 1, 254, &target, &error), CM_EINVAL);
    assert_int_equal(target_read(text + 1, 249, &target, &error), 0); /* 253 at most; 249 ends a label */
    assert_int_equal(target_read("a\0b", 3, &target, &error), CM_EINVAL);
    assert_int_equal(target_read("192.0.2.1\0", 10, &target, &error), CM_EINVAL);
    assert_int_equal(target_read("[::1\0]", 6, &target, &error), CM_EINVAL);
}

/* Every cut of a good target, in memory that ends where the cut ends: the sanitizer sees a byte read too far. */
static void test_cut(void **state)
{
    static const char whole[] = "www.example.org@[2001:db8::/120]:443,8443,9000-9010";
    (void)state;
    size_t taken = 0;
    for (size_t size = 0; size <= sizeof whole - 1; size++) {
        char *cut = malloc(size ? size : 1);
        struct target target;
        memcpy(cut, whole, size);
        if (target_read(cut, size, &target, NULL) == 0) {
            taken++;
            target_done(&target);
        }
        free(cut);
    }
    assert_in_range(taken, 20, sizeof whole - 5);
}

static void test_ports(void **state)
{
    (void)state;
    struct ports ports;
    struct cm_error error;
    assert_int_equal(ports_read("443,80,443,79-81", 16, &ports, NULL), 0);
    assert_int_equal(ports.count, 4);
    assert_int_equal(ports.list[0], 443);
    assert_int_equal(ports.list[1], 80);
    assert_int_equal(ports.list[2], 79);
    assert_int_equal(ports.list[3], 81);
    ports_done(&ports);
    assert_int_equal(ports_read("1-65535,1-65535", 15, &ports, NULL), 0);
    assert_int_equal(ports.count, 65535);
    ports_done(&ports);
    assert_int_equal(ports_read("443, 80", 7, &ports, &error), CM_EINVAL);
    assert_int_equal(error.offset, 4);
    assert_int_equal(ports_read("", 0, &ports, &error), CM_EINVAL);
}

/* One text for all that mean the same, which is read as what it was written from. */
static void test_written(void **state)
{
    static const char *const rows[][2] = {
        {"Example.ORG.:443", "example.org:443"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"[::ffff:10.0.0.7/126]:25", "10.0.0.4/30:25"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"192.0.2.77/24:8443,443,443,9000-9002", "192.0.2.0/24:8443,443,9000-9002"},
        {"192.0.2.1:1,2,3,5", "192.0.2.1:1-3,5"},
        {"192.0.2.1:3,2,1", "192.0.2.1:3,2,1"},
        {"192.0.2.1:1-65535", "192.0.2.1:1-65535"},
        {"2001:DB8:0::1", "[2001:db8::1]"},
        {"2001:db8::1/120", "[2001:db8::/120]"},
        {"WWW.example@[2001:db8::1]:443", "www.example@[2001:db8::1]:443"},
        {"www.example@192.0.2.1/30", "www.example@192.0.2.0/30"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text;
        buf_init(&text, 4096);
        for (int turn = 0; turn < 2; turn++) {
            struct target target;
            const char *from = rows[i][turn];
            assert_int_equal(target_read(from, strlen(from), &target, NULL), 0);
            buf_reset(&text);
            target_write(&text, &target);
            assert_string_equal(text.data, rows[i][1]);
            target_done(&target);
        }
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_refused), cmocka_unit_test(test_long_and_binary),
        cmocka_unit_test(test_cut),  cmocka_unit_test(test_ports),   cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
