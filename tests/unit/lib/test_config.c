/* The configuration: every row of the table makes sense, good files give typed values, bad ones name file and line. */
#include "tests/unit/lib/cmocka_first.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/config.h"
#include "certmuster/config_text.h"
#include "certmuster/home.h"

static char dir[] = "/tmp/cm-config-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/certmuster.yaml", dir);
    setenv("CERTMUSTER_HOME", dir, 1);
    unsetenv("CERTMUSTER_CONFIG");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(path);
    return rmdir(dir);
}

static int load(const char *text, struct config **config, struct cm_error *error)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    *config = NULL;
    return config_load(path, config, error);
}

static void test_table(void **state)
{
    (void)state;
    struct config *config;
    struct cm_error error;
    assert_int_equal(load("", &config, &error), 0); /* every default is understood and in range, or this asserts */
    size_t count = 0;
    for (const struct config_key *key = config_keys; key->name; key++, count++) {
        assert_true(strlen(key->help) > 10);
        assert_int_equal(key->help[strlen(key->help) - 1], '.');
        assert_true(isupper((unsigned char)key->help[0]));
        for (const struct config_key *other = config_keys; other < key; other++)
            assert_string_not_equal(key->name, other->name);
        bool numeric = key->type == CONFIG_INTEGER || key->type == CONFIG_DURATION || key->type == CONFIG_BYTES;
        if (key->type == CONFIG_WORD)
            assert_int_equal(strncmp(key->fallback, config_string(config, key->name), strcspn(key->fallback, ",")), 0);
        if (numeric && (key->minimum || key->maximum))
            assert_in_range(config_integer(config, key->name), key->minimum, key->maximum);
    }
    assert_true(count >= 20);
    config_free(config);
    config_free(NULL);
}

static void test_good(void **state)
{
    (void)state;
    struct config *config;
    struct cm_error error;
    size_t count;
    int code = load("realm: dmz\nhost: Scanner-1\ncollector:\n  url: https://c.example:8443\n  allow_uids: [1000, 33]\n"
                    "  tls:\n    cert: /etc/c.pem\nspool.max_bytes: 10 MiB\nsubmit:\n  wait: 1.5m\nalerts:\n  from:\n",
                    &config, &error);
    assert_int_equal(code, 0);
    assert_string_equal(config_path(config), path);
    assert_string_equal(config_string(config, "realm"), "dmz");
    assert_string_equal(config_host(config), "Scanner-1");
    assert_string_equal(config_scanner(config), "Scanner-1");
    assert_string_equal(config_string(config, "collector.url"), "https://c.example:8443");
    assert_string_equal(config_string(config, "collector.tls.cert"), "/etc/c.pem");
    assert_null(config_string(config, "alerts.from"));
    assert_int_equal(config_integer(config, "spool.max_bytes"), 10 << 20);
    assert_int_equal(config_integer(config, "submit.wait"), 90000);
    const char *const *uids = config_list(config, "collector.allow_uids", &count);
    assert_int_equal(count, 2);
    assert_string_equal(uids[1], "33");
    assert_null(uids[2]);
    config_free(config);
    for (size_t i = 0; i < 3; i++) {
        static const char *const words[] = {"auto", "require", "never"};
        char text[64];
        snprintf(text, sizeof text, "alerts.smtp.starttls: %s\n", words[i]);
        assert_int_equal(load(text, &config, &error), 0);
        assert_string_equal(config_string(config, "alerts.smtp.starttls"), words[i]);
        config_free(config);
    }
    assert_int_equal(load("collector.allow_uids: 1000\n", &config, &error), 0);
    assert_string_equal(config_list(config, "collector.allow_uids", &count)[0], "1000");
    assert_int_equal(count, 1);
    config_free(config);
}

/* certmuster.yaml(5) lists exactly the table's keys, in its order, with their defaults. */
static void test_manual(void **state)
{
    (void)state;
    char page[512], line[4096], name[128] = "";
    const char *source = getenv("CM_TOP");
    snprintf(page, sizeof page, "%s/contrib/man/certmuster.yaml.5", source ? source : ".");
    FILE *file = fopen(page, "r");
    assert_non_null(file);
    const struct config_key *key = config_keys;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, ".It Cm %127s", name) == 1) {
            if (!key->name || strcmp(key->name, name) != 0)
                fail_msg("certmuster.yaml.5 has %s, the table %s: run contrib/man/update-config-page", name,
                         key->name ? key->name : "no more");
            assert_non_null(fgets(line, sizeof line, file));
            assert_int_equal(strstr(line, ", default ") != NULL, key->fallback != NULL);
            key++;
        }
    }
    fclose(file);
    if (key->name)
        fail_msg("certmuster.yaml.5 lacks %s: run contrib/man/update-config-page", key->name);
}

static void expect_wrong(const char *text, int code, size_t line, const char *says)
{
    struct config *config;
    struct cm_error error = {.code = 0};
    assert_int_equal(load(text, &config, &error), code);
    assert_null(config);
    assert_int_equal(error.offset, line);
    if (!strstr(error.detail, says))
        fail_msg("'%s' not in '%s'", says, error.detail);
    char place[96];
    snprintf(place, sizeof place, "%s:%zu: ", path, line);
    assert_memory_equal(error.detail, place, strlen(place));
}

static void test_wrong(void **state)
{
    (void)state;
    expect_wrong("realm: x\nraelm: y\n", CM_EINVAL, 2, "unknown key \"raelm\"; did you mean \"realm\"?");
    expect_wrong("collector:\n  tls:\n    certt: x\n", CM_EINVAL, 3, "did you mean \"collector.tls.cert\"?");
    expect_wrong("completely_else: y\n", CM_EINVAL, 1, "unknown key \"completely_else\"");
    expect_wrong("realm: [a, b]\n", CM_EINVAL, 1, "realm must be a text");
    expect_wrong("realm: {a: b}\n", CM_EINVAL, 1, "realm must be a text");
    expect_wrong("\ncollector: here\n", CM_EINVAL, 2, "unknown key \"collector\"");
    expect_wrong("alerts:\n  smtp:\n    starttls: required\n", CM_EINVAL, 3,
                 "\"required\" is not understood; it must be one of auto, require, never");
    expect_wrong("alerts.smtp.starttls: aut\n", CM_EINVAL, 1, "one of auto, require, never");
    expect_wrong("alerts.smtp.starttls: ''\n", CM_EINVAL, 1, "one of auto, require, never");
    expect_wrong("alerts.smtp.starttls: [never]\n", CM_EINVAL, 1, "one of auto, require, never");
    expect_wrong("spool:\n  max_bytes: lots\n", CM_EINVAL, 2, "it must be a size");
    expect_wrong("spool:\n  max_bytes: 1\n", CM_EINVAL, 2,
                 "out of range; it must be a size such as 512MiB from 1MiB to 100TiB");
    expect_wrong("collector:\n  workers: 0\n", CM_EINVAL, 2,
                 "\"0\" is out of range; it must be a whole number from 1 to 64");
    expect_wrong("collector:\n  workers: many\n", CM_EINVAL, 2, "a whole number from 1 to 64");
    expect_wrong("spool:\n  max_bytes: -5MiB\n", CM_EINVAL, 2, "not understood");
    expect_wrong("spool:\n  max_bytes: 99999999999999999999\n", CM_EINVAL, 2, "not understood");
    expect_wrong("spool:\n  max_bytes: 9999999999PiB\n", CM_EINVAL, 2, "not understood");
    expect_wrong("submit:\n  wait: soon\n", CM_EINVAL, 2, "a duration");
    expect_wrong("submit:\n  wait: 8d\n", CM_EINVAL, 2,
                 "out of range; it must be a duration such as 30s, 5m or 1d from ");
    expect_wrong("collector:\n  allow_uids: {a: 1}\n", CM_EINVAL, 2, "a list of texts");
    expect_wrong("collector:\n  allow_uids: [[1]]\n", CM_EMALFORMED, 2, "a list of texts");
    expect_wrong("collector.url: a\ncollector:\n  url: b\n", CM_EINVAL, 3, "stands twice");
    expect_wrong("- realm\n", CM_EINVAL, 1, "a map of keys");
    expect_wrong("realm: *x\n", CM_EUNSUPPORTED, 1, "aliases");
    expect_wrong("realm: \"unterminated\n", CM_EMALFORMED, 2, "");
}

static void test_search(void **state)
{
    (void)state;
    struct config *config;
    struct cm_error error;
    assert_int_equal(config_load("/nonexistent/c.yaml", &config, &error), CM_ENOTFOUND);
    assert_int_equal(load("realm: from-home\n", &config, &error), 0);
    config_free(config);
    assert_int_equal(config_load(NULL, &config, &error), 0); /* $CERTMUSTER_HOME/certmuster.yaml */
    assert_string_equal(config_string(config, "realm"), "from-home");
    config_free(config);
    setenv("CERTMUSTER_CONFIG", "/nonexistent/c.yaml", 1);
    assert_int_equal(config_load(NULL, &config, &error), CM_ENOTFOUND);
    unsetenv("CERTMUSTER_CONFIG");
    remove(path);
    assert_int_equal(config_load(NULL, &config, &error), 0); /* nothing anywhere: defaults, unless /etc has one */
    const char *host = config_host(config);
    assert_true(*host != 0);
    for (const char *at = host; *at; at++)
        assert_int_equal(*at, tolower((unsigned char)*at));
    config_free(config);
}

static void test_home(void **state)
{
    (void)state;
    struct home home;
    struct cm_error error;
    char sockets[64], text[128];
    assert_int_equal(home_find(&home, &error), 0);
    assert_string_equal(home.path, dir);
    assert_false(home.exists);
    assert_string_equal(home.dsn, "");
    snprintf(text, sizeof text, "%s/spool", dir);
    assert_string_equal(home.spool, text);
    snprintf(sockets, sizeof sockets, "%s/sockets", dir);
    FILE *file = fopen(sockets, "w");
    fputs("/run/cm\n", file);
    fclose(file);
    assert_int_equal(home_find(&home, &error), 0);
    assert_true(home.exists);
    assert_string_equal(home.collector_socket, "/run/cm/collectd.sock");
    assert_non_null(strstr(home.dsn, "host='/run/cm' hostaddr='' port=5432 dbname=certmuster "));
    file = fopen(sockets, "w");
    fputs("/run/c m's\\\n", file);
    fclose(file);
    assert_int_equal(home_find(&home, &error), 0);
    assert_memory_equal(home.dsn, "host='/run/c m\\'s\\\\' ", strlen("host='/run/c m\\'s\\\\' "));
    file = fopen(sockets, "w");
    fprintf(file, "/%0120d\n", 1); /* longer than a socket's path may be */
    fclose(file);
    assert_int_equal(home_find(&home, &error), 0);
    assert_false(home.exists);
    remove(sockets);
    setenv("CERTMUSTER_HOME", "relative", 1);
    assert_int_equal(home_find(&home, &error), CM_EINVAL);
    setenv("CERTMUSTER_HOME", dir, 1);
}

static void test_text(void **state)
{
    static const char *const cases[][2] = {
        {"host=/run/x dbname=c", "host=/run/x dbname=c"},
        {"host=h password=s3cret user=u", "host=h password=*** (the rest is not shown)"},
        {"postgresql://u@h/c", "postgresql://u@h/c"},
        {"postgresql://u:s3cret@h/c", "postgresql://u:***@h/c"},
        {"postgresql://u:password@h/c", "postgresql://u:***@h/c"}, /* the word itself is the password */
        {"postgresql://u:s3c@ret@h/c?x=a@b", "postgresql://u:***@h/c?x=a@b"},
        {"postgresql://h/c?user=u&password=s3cret", "postgresql://h/c?user=u&password=*** (the rest is not shown)"},
        {"postgresql://h:5432/c", "postgresql://h:5432/c"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config;
        struct cm_error error;
        struct buf out;
        char text[256];
        snprintf(text, sizeof text, "dsn: '%s'\nspool.max_bytes: 10 MiB\nsubmit.wait: 90s\n", cases[i][0]);
        assert_int_equal(load(text, &config, &error), 0);
        buf_init(&out, 4096);
        for (const struct config_key *key = config_keys; key->name; key++) {
            buf_reset(&out);
            config_text(config, key, &out);
            if (strcmp(key->name, "dsn") == 0)
                assert_string_equal(out.data, cases[i][1]);
            else if (strcmp(key->name, "spool.max_bytes") == 0)
                assert_string_equal(out.data, "10MiB");
            else if (strcmp(key->name, "submit.wait") == 0)
                assert_string_equal(out.data, "90s");
        }
        buf_done(&out);
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_good),
                                       cmocka_unit_test(test_wrong), cmocka_unit_test(test_search),
                                       cmocka_unit_test(test_home),  cmocka_unit_test(test_manual),
                                       cmocka_unit_test(test_text)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
