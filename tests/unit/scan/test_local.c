/* /proc/net/tcp and tcp6: the lines, every cut of them, and the files of a made-up host. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/scan/local.h"
#include "scanner/scan/proc_net.h"

static const char tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0\n"
    "   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1\n"
    "   3: 070200C0:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0\n"
    "  10: 0100007F:0000 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5\n"
    "garbage\n\n   4: 0100007F";
static const char tcp6[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr\n"
    "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1\n"
    "   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1\n"
    "   2: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1\n"
    "   3: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1\n"
    "   4: 0000000000000000FFFF000000000000:1F92 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9 1\n"
    "   5: 00000000000000000000000001000000:1F93 00000000000000000000000001000000:A0A0 01 0:0 0:0 0 0 0 9 1\n";

static void write_file(const char *dir, const char *name, const char *text, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/net/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

static void make_proc(char *dir)
{
    char net[512];
    snprintf(dir, 256, "%s/proc.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(dir));
    snprintf(net, sizeof net, "%s/net", dir);
    assert_int_equal(mkdir(net, 0700), 0);
}

static void remove_proc(const char *dir)
{
    static const char *const names[] = {"net/tcp", "net/tcp6", "net", ""};
    for (size_t i = 0; i < 4; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
}

static void test_both_files(void **state)
{
    static const char *const expected[] = {"127.0.0.1 8080", "127.0.0.1 22",    "192.0.2.7 443",  "::1 80",
                                           "::1 631",        "2001:db8::1 443", "127.0.0.1 8081", "127.0.0.1 8082"};
    (void)state;
    char dir[256];
    struct target *targets;
    size_t count;
    make_proc(dir);
    write_file(dir, "tcp", tcp, sizeof tcp - 1);
    write_file(dir, "tcp6", tcp6, sizeof tcp6 - 1);
    assert_int_equal(local_list(dir, &targets, &count, NULL), 0);
    assert_int_equal(count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        char ip[IPADDR_TEXT_SIZE], text[80];
        ipaddr_write(ip, &targets[i].base);
        assert_int_equal(targets[i].ports.count, 1);
        assert_true(targets[i].local && targets[i].has_address);
        snprintf(text, sizeof text, "%s %u", ip, targets[i].ports.list[0]);
        assert_string_equal(text, expected[i]);
        assert_int_equal(target_addresses(&targets[i]), 1);
        target_done(&targets[i]);
    }
    free(targets);
    remove_proc(dir);
}

static void test_without_ipv6_and_without_proc(void **state)
{
    (void)state;
    char dir[256];
    struct target *targets;
    struct cm_error error;
    size_t count;
    make_proc(dir);
    write_file(dir, "tcp", tcp, sizeof tcp - 1);
    assert_int_equal(local_list(dir, &targets, &count, NULL), 0); /* no tcp6: IPv6 is off */
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        target_done(&targets[i]);
    free(targets);
    remove_proc(dir);
    assert_int_equal(local_list(dir, &targets, &count, &error), CM_EIO);
    assert_non_null(strstr(error.detail, "No such file"));
}

/* Whatever a line is cut to, it is either the same listener or none. */
static void test_cut_lines(void **state)
{
    static const struct {
        const char *line;
        int family;
    } rows[] = {
        {"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000", 4},
        {"   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0", 6},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t whole = strlen(rows[i].line), found = 0;
        for (size_t size = 0; size <= whole; size++) {
            uint8_t *cut = malloc(size ? size : 1);
            struct listener listener;
            memcpy(cut, rows[i].line, size);
            int code = proc_net_line((struct slice){cut, size}, rows[i].family, &listener);
            if (code == 1) {
                found++;
                assert_int_equal(listener.port, i ? 0x277 : 0x1f90);
                assert_true(ipaddr_is_host_local(&listener.ip));
            } else {
                assert_int_equal(code, 0);
            }
            free(cut);
        }
        assert_true(found > 0 && found < whole / 2 + 10);
    }
}

static void test_hostile_lines(void **state)
{
    static const char *const lines[] = {
        "0: 0100007G:1F90 00000000:0000 0A",         "0: 0100007F:1F90 00000000:0000 0B",
        "0: 0100007F:0000 00000000:0000 0A",         "0: 0100007F1F90 00000000:0000 0A",
        "x: 0100007F:1F90 00000000:0000 0A",         "0: 0100007F:1F90 00000000:0000",
        "0: 0100007F:-F90 00000000:0000 0A",         "0: 0100007F:1F90:0A",
        "99999999999999999999999: 0100007F:1F90 0A",
    };
    (void)state;
    struct listener listener;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct slice line = {(const uint8_t *)lines[i], strlen(lines[i])};
        assert_int_equal(proc_net_line(line, 4, &listener), 0);
        assert_int_equal(proc_net_line(line, 6, &listener), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_files),
        cmocka_unit_test(test_without_ipv6_and_without_proc),
        cmocka_unit_test(test_cut_lines),
        cmocka_unit_test(test_hostile_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
