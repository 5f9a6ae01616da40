/* Names known for addresses: the order of their sources, hosts(5) files good and bad, and the ceilings. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/scan/names.h"

static struct ipaddr address(const char *text)
{
    struct ipaddr ip;
    assert_int_equal(ipaddr_read(text, &ip), 0);
    return ip;
}

static void write_file(char path[static 32], const char *text)
{
    strcpy(path, "/tmp/test-names.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void assert_name(struct names *names, const char *ip, unsigned nth, const char *but, const char *expected)
{
    struct ipaddr at = address(ip);
    const char *name = names_get(names, &at, nth, but);
    if (expected) {
        assert_non_null(name);
        assert_string_equal(name, expected);
    } else {
        assert_null(name);
    }
}

static void test_order_of_sources(void **state)
{
    (void)state;
    char hosts[32], given[32];
    uint64_t damaged = 0;
    struct ipaddr ip = address("192.0.2.7");
    write_file(hosts, "192.0.2.7 host.example run.example\n127.0.0.1 ours.example\n::1 ours6.example\n");
    write_file(given, "192.0.2.7 given.example\n");
    struct names *names = names_new(hosts);
    assert_int_equal(names_read(names, given, &damaged, NULL), 0);
    names_add(names, &ip, "run.example", NAMES_OF_RUN);
    names_add(names, &ip, "run.example", NAMES_OF_RUN); /* again: known */
    assert_name(names, "192.0.2.7", 0, "", "run.example");
    assert_name(names, "192.0.2.7", 1, "", "given.example");
    assert_name(names, "192.0.2.7", 2, "", "host.example");
    assert_name(names, "192.0.2.7", 3, "", NULL);
    assert_name(names, "192.0.2.7", 0, "run.example", "given.example"); /* not what was asked for already */
    assert_name(names, "192.0.2.7", 2, "run.example", NULL);
    assert_name(names, "192.0.2.8", 0, "", NULL);
    assert_name(names, "127.0.0.1", 0, "", NULL); /* what this host calls itself */
    assert_name(names, "::1", 0, "", NULL);
    assert_int_equal(damaged, 0);
    names_free(names);
    unlink(hosts);
    unlink(given);
}

static void test_files(void **state)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "192.0.2.1\tone.example  ONE.Example. # twice\n"
                               "192.0.2.1 b\xc3\xbc"
                               "cher.example\r\n"
                               "2001:db8::1 six.example\n"
                               "fe80::1%eth0 zone.example\n"
                               "::ffff:192.0.2.9 mapped.example\n"
                               "127.0.0.5 given.example\n"
                               "192.0.2.3 192.0.2.3\n" /* an address is no name */
                               "nonsense here\n"
                               "192.0.2.4 bad\x01name good.example\n"
                               "192.0.2.5";
    (void)state;
    char path[32];
    uint64_t damaged = 0;
    struct cm_error error;
    write_file(path, text);
    struct names *names = names_new(NULL);
    assert_int_equal(names_read(names, path, &damaged, &error), 0);
    assert_name(names, "192.0.2.1", 0, "", "one.example");
    assert_name(names, "192.0.2.1", 1, "", "xn--bcher-kva.example");
    assert_name(names, "192.0.2.1", 2, "", NULL);
    assert_name(names, "2001:db8::1", 0, "", "six.example");
    assert_name(names, "192.0.2.9", 0, "", "mapped.example");
    assert_name(names, "127.0.0.5", 0, "", "given.example");
    assert_name(names, "192.0.2.3", 0, "", NULL);
    assert_name(names, "192.0.2.4", 0, "", "good.example");
    assert_name(names, "192.0.2.5", 0, "", NULL);
    assert_int_equal(damaged, 3);
    assert_int_equal(names_read(names, "/nonexistent/names", &damaged, &error), CM_EIO);
    assert_non_null(strstr(error.detail, "/nonexistent/names"));
    assert_int_equal(names_read(names, "/", &damaged, &error), CM_EIO);
    names_free(names);
    unlink(path);
}

static void test_long_lines(void **state)
{
    (void)state;
    char path[32], *text = malloc(20000), *at = text;
    uint64_t damaged = 0;
    at += sprintf(at, "192.0.2.1 a.example\n192.0.2.2 ");
    memset(at, 'x', 15000);
    at += 15000;
    strcpy(at, "\n192.0.2.3 c.example");
    write_file(path, text);
    struct names *names = names_new(NULL);
    assert_int_equal(names_read(names, path, &damaged, NULL), 0);
    assert_int_equal(damaged, 1);
    assert_name(names, "192.0.2.1", 0, "", "a.example");
    assert_name(names, "192.0.2.2", 0, "", NULL);
    assert_name(names, "192.0.2.3", 0, "", "c.example");
    names_free(names);
    unlink(path);
    free(text);
}

static void test_nul_in_a_line(void **state)
{
    static const char text[] = "192.0.2.1 a.example\0 b.example\n192.0.2.2 c.example\n192.0.2.3 d.example\0";
    (void)state;
    char path[] = "/tmp/namesXXXXXX";
    uint64_t damaged = 0;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    struct names *names = names_new(NULL);
    assert_int_equal(names_read(names, path, &damaged, NULL), 0);
    assert_int_equal(damaged, 2); /* and the line that follows is none of it */
    assert_name(names, "192.0.2.1", 0, "", NULL);
    assert_name(names, "192.0.2.2", 0, "", "c.example");
    assert_name(names, "192.0.2.3", 0, "", NULL);
    names_free(names);
    unlink(path);
}

static void test_ceilings(void **state)
{
    (void)state;
    char name[64];
    struct ipaddr ip = address("192.0.2.1"), base = address("10.0.0.0"), last, first = base;
    struct names *names = names_new(NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "n%d.example", i);
        names_add(names, &ip, name, NAMES_OF_RUN);
    }
    assert_name(names, "192.0.2.1", NAMES_PER_ADDRESS - 1, "", "n7.example");
    assert_name(names, "192.0.2.1", NAMES_PER_ADDRESS, "", NULL);
    for (uint32_t i = 0; i < 600000; i++) { /* some 30 MB, if all were kept */
        snprintf(name, sizeof name, "n%u.example", i);
        ipaddr_add(&last, &base, i);
        names_add(names, &last, name, NAMES_OF_RUN);
    }
    assert_string_equal(names_get(names, &first, 0, ""), "n0.example"); /* what was there stays */
    assert_null(names_get(names, &last, 0, ""));
    names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_sources), cmocka_unit_test(test_files),    cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_nul_in_a_line),    cmocka_unit_test(test_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
