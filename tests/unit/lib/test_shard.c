/* What a plan of sweeps may say to scanners: flags with the values that they take, targets, and nothing else. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/shard.h"

static void test_flags(void **state)
{
    static const char *const good[][2] = {
        {"scan", "--timeout=5"},
        {"scan", "--timeout=0.5"},
        {"scan", "--timeout=1m"},
        {"scan", "--starttls=smtp"},
        {"scan", "--starttls=auto"},
        {"scan", "--starttls=none"},
        {"scan", "--parallel=1"},
        {"scan", "--rate=0"},
        {"scan", "--rate=10000000"},
        {"scan", "--threads=64"},
        {"scan", "--flight-limit=64MiB"},
        {"scan", "--prove"},
        {"scan", "--polite"},
        {"crawl", "--max-depth=60"},
        {"crawl", "--max-ratio=0"},
        {"crawl", "--max-unpacked=1TiB"},
        {"crawl", "--max-entries=0"},
        {"crawl", "--max-time=604800"},
    };
    static const struct {
        const char *kind, *argument, *detail; /* detail NULL: no flag that others may say */
    } bad[] = {
        {"scan", "--timeout=abc", "a duration such as 30s, 5m or 1d from 100ms to 1h"},
        {"scan", "--timeout=0", "a duration"},
        {"scan", "--timeout=61m", "a duration"},
        {"scan", "--timeout=99999999999999999999", "a duration"},
        {"scan", "--starttls=foo", "smtp, imap, pop3, ldap, postgres, auto or none"},
        {"scan", "--starttls=SMTP", "smtp,"},
        {"scan", "--parallel=0", "a whole number from 1 to 1000000"},
        {"scan", "--parallel=1x", "a whole number"},
        {"scan", "--rate=10000001", "a whole number"},
        {"scan", "--threads=65", "a whole number from 1 to 64"},
        {"scan", "--flight-limit=1", "a size such as 512MiB from 16KiB to 64MiB"},
        {"crawl", "--max-depth=0", "a whole number from 1 to 60"},
        {"crawl", "--max-unpacked=12Q", "a size"},
        {"crawl", "--max-time=8d", "a duration"},
        {"scan", "--timeout", NULL},
        {"scan", "--timeout=", NULL},
        {"scan", "--timeout=-5", NULL},
        {"scan", "--timeout=5 6", NULL},
        {"scan", "--timeou=5", NULL},
        {"scan", "--timeouts=5", NULL},
        {"scan", "--prove=1", NULL},
        {"scan", "--prove=", NULL},
        {"scan", "--prover", NULL},
        {"scan", "--max-depth=5", NULL},
        {"scan", "--to=unix:/x", NULL},
        {"scan", "", NULL},
        {"crawl", "--timeout=5", NULL},
        {"watch", "--timeout=5", NULL},
    };
    struct cm_error error;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (shard_argument_check(good[i][0], good[i][1], &error))
            fail_msg("%s: %s", good[i][1], error.detail);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int code = shard_argument_check(bad[i].kind, bad[i].argument, &error);
        if (code != (bad[i].detail ? CM_EINVAL : CM_ENOTFOUND))
            fail_msg("%s: %d", bad[i].argument, code);
        assert_int_equal(shard_argument_check(bad[i].kind, bad[i].argument, NULL), code);
        if (bad[i].detail && strncmp(error.detail, bad[i].detail, strlen(bad[i].detail)) != 0)
            fail_msg("%s takes '%s'", bad[i].argument, error.detail);
    }
}

static void test_targets(void **state)
{
    char *text = calloc(1, SHARD_TARGET_MAX + 2);
    (void)state;
    assert_null(shard_target_wrong("scan", "192.0.2.1"));
    assert_null(shard_target_wrong("crawl", "/etc/a b\tc"));
    assert_non_null(shard_target_wrong("crawl", "etc"));
    assert_non_null(shard_target_wrong("crawl", "--passwords=x"));
    for (int crawl = 0; crawl < 2; crawl++) {
        const char *kind = crawl ? "crawl" : "scan";
        assert_non_null(shard_target_wrong(kind, ""));
        assert_non_null(shard_target_wrong(kind, "/a\nb"));
        assert_non_null(shard_target_wrong(kind, "/a\r"));
        memset(text, '/', SHARD_TARGET_MAX);
        text[SHARD_TARGET_MAX] = 0;
        assert_null(shard_target_wrong(kind, text));
        text[SHARD_TARGET_MAX] = '/';
        assert_non_null(shard_target_wrong(kind, text));
    }
    assert_true(shard_path_bytes("/etc") >= 5 + sizeof(char *));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_flags), cmocka_unit_test(test_targets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
