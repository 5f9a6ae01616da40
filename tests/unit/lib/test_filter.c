/* The filter language: what is a term, what is refused and how it is said, and the SQL that comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certmuster/filter.h"
#include "certmuster/limits.h"

static const struct filter_sql sql = {
    .text = {[FILTER_ANY] = "any LIKE $$ OR place LIKE $$",
             [FILTER_NAME] = "name LIKE $$",
             [FILTER_ISSUER] = "issuer LIKE $$",
             [FILTER_PLACE] = "place LIKE $$",
             [FILTER_OWNER] = "owner LIKE $$",
             [FILTER_REALM] = "realm LIKE $$",
             [FILTER_KEY] = "key LIKE $$",
             [FILTER_FINGERPRINT] = "sha256 LIKE $$"},
    .nobody = "owner IS NULL",
    .status = {[FILTER_EXPIRED] = "expired",
               [FILTER_EXPIRING] = "expiring",
               [FILTER_FAILING] = "failing",
               [FILTER_OK] = "fine",
               [FILTER_GONE] = "away"},
};

/* The conditions and the bound patterns of a filter as one text: "conditions | pattern | pattern". */
static char *compiled(const char *text, enum filter_mode mode)
{
    struct filter filter;
    struct cm_error error = {0};
    const char *parameters[CM_LIMIT_FILTER_TERMS];
    struct buf out;

    if (filter_parse(text, mode, &filter, &error) != CM_OK)
        fail_msg("'%s' refused: %s (%s)", text, error.reason, error.detail);
    buf_init(&out, 1 << 20);
    size_t count = filter_where(&filter, &sql, 3, &out, parameters);
    for (size_t i = 0; i < count; i++)
        buf_appendf(&out, " | %s", parameters[i]);
    filter_done(&filter);
    return buf_take(&out, NULL);
}

static void test_good(void **state)
{
    static const struct {
        const char *text, *sql;
    } cases[] = {
        {"", ""},
        {"  \t\n ", ""},
        {"shop", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %shop%"},
        {"Shop owner:WEB",
         " AND (any LIKE lower($3) OR place LIKE lower($3)) AND (owner LIKE lower($4)) | %shop% | %web%"},
        {"-issuer:\"Let's Encrypt\"", " AND NOT coalesce((issuer LIKE lower($3)), false) | %let's encrypt%"},
        {"owner:none", " AND (owner IS NULL)"},
        {"-owner:none", " AND NOT coalesce((owner IS NULL), false)"},
        {"owner:\"none\"", " AND (owner LIKE lower($3)) | %none%"},
        {"status:expired name:x -STATUS:OK",
         " AND (expired) AND (name LIKE lower($3)) AND NOT coalesce((fine), false) | %x%"},
        {"name:*.example.org", " AND (name LIKE lower($3)) | %.example.org"},
        {"name:\"*.example.org\"", " AND (name LIKE lower($3)) | %*.example.org%"},
        {"100%_\\", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %100\\%\\_\\\\%"},
        {"\"a\\\"b\\\\c\\d\"", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %a\"b\\\\c\\\\d%"},
        {"place:/etc/\"my ssl\"/x", " AND (place LIKE lower($3)) | %/etc/my ssl/x%"},
        {"fingerprint:AB:12:ff", " AND (sha256 LIKE lower($3)) | ab12ff%"},
        {"key:\"RSA 2048\" realm:dmz", " AND (key LIKE lower($3)) AND (realm LIKE lower($4)) | %rsa 2048% | %dmz%"},
        /* Not keys: what people paste from elsewhere. */
        {"mail.example.org:443", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %mail.example.org:443%"},
        {"web-1:443 -www2:443",
         " AND (any LIKE lower($3) OR place LIKE lower($3)) AND NOT coalesce((any LIKE lower($4) OR "
         "place LIKE lower($4)), false) | %web-1:443% | %www2:443%"},
        {"\"localhost:443\"", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %localhost:443%"},
        {"place:localhost:443", " AND (place LIKE lower($3)) | %localhost:443%"},
        {"192.0.2.7:443", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %192.0.2.7:443%"},
        {"cafe::1", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %cafe::1%"},
        {"[2001:db8::1]:443", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %[2001:db8::1]:443%"},
        {"fe80::1%eth0", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %fe80::1\\%eth0%"},
        {"dead:beef::1", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %dead:beef::1%"},
        {"-FADE:1:2:a:b:c:d:e",
         " AND NOT coalesce((any LIKE lower($3) OR place LIKE lower($3)), false) | %fade:1:2:a:b:c:d:e%"},
        {"cafe:1::* x",
         " AND (any LIKE lower($3) OR place LIKE lower($3)) AND (any LIKE lower($4) OR place LIKE lower($4)) | "
         "cafe:1::% | %x%"},
        {"a::", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %a::%"},
        {"https://x", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %https://x%"},
        {"host:/etc/x", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %host:/etc/x%"},
        {"\"foo:bar\"", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %foo:bar%"},
        {"a-b", " AND (any LIKE lower($3) OR place LIKE lower($3)) | %a-b%"},
        /* Hostile: a value stays a value. */
        {"\"'; DROP TABLE certificate; --\"",
         " AND (any LIKE lower($3) OR place LIKE lower($3)) | %'; drop table certificate; --%"},
        {"name:$1$$", " AND (name LIKE lower($3)) | %$1$$%"},
        {"name:\xC3\x9C", " AND (name LIKE lower($3)) | %\xC3\x9C%"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = compiled(cases[i].text, FILTER_WHOLE);
        assert_string_equal(text, cases[i].sql);
        free(text);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
        size_t offset;
        const char *reason;
    } cases[] = {
        {"foo:bar", CM_EINVAL, 0, "unknown key"},
        {"x -ower:bar", CM_EINVAL, 2, "unknown key"},
        {"nosuch:1", CM_EINVAL, 0, "unknown key"},
        {"port:443", CM_EINVAL, 0, "unknown key"},
        {"localhost:443", CM_EINVAL, 0, "unknown key"},
        {"nosuch:", CM_EINVAL, 0, "unknown key"},
        {"nosuch::1", CM_EINVAL, 0, "unknown key"},
        {"nosuch:\"x\"", CM_EINVAL, 0, "unknown key"},
        {"add:b", CM_EINVAL, 0, "unknown key"}, /* one colon is no address */
        {"add:b:x", CM_EINVAL, 0, "unknown key"},
        {"beefs::1", CM_EINVAL, 0, "unknown key"},
        {"AB:CD:12:34:56:78:9A:BC:DE", CM_EINVAL, 0, "unknown key"}, /* a fingerprint without its key */
        {"a \"b c", CM_EINVAL, 2, "a quote is not closed"},
        {"\"a\\\"", CM_EINVAL, 0, "a quote is not closed"},
        {"owner:", CM_EINVAL, 0, "a value is missing"},
        {"owner:\"\"", CM_EINVAL, 0, "a value is missing"},
        {"\"\"", CM_EINVAL, 0, "nothing stands between the quotes"},
        {"a -", CM_EINVAL, 2, "nothing follows the -"},
        {"status:broken", CM_EINVAL, 0, "unknown status"},
        {"status:exp", CM_EINVAL, 0, "unknown status"},
        {"name:\xC3", CM_EINVAL, 0, "not UTF-8"},
        {"\xED\xA0\x80", CM_EINVAL, 0, "not UTF-8"},
        {"\xC0\x80", CM_EINVAL, 0, "not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct filter filter = {.count = 77};
        struct cm_error error = {0};
        assert_int_equal(filter_parse(cases[i].text, FILTER_WHOLE, &filter, &error), cases[i].code);
        assert_string_equal(error.reason, cases[i].reason);
        assert_int_equal(error.offset, cases[i].offset);
        assert_int_equal(filter.count, 77); /* untouched */
    }
}

static void test_limits(void **state)
{
    struct filter filter;
    struct cm_error error;
    char text[CM_LIMIT_FILTER_BYTES + 2];
    (void)state;

    memset(text, 'x', sizeof text);
    text[CM_LIMIT_FILTER_BYTES + 1] = '\0';
    assert_int_equal(filter_parse(text, FILTER_WHOLE, &filter, &error), CM_ELIMIT);
    memset(text, '%', sizeof text);
    text[CM_LIMIT_FILTER_BYTES] = '\0';
    assert_int_equal(filter_parse(text, FILTER_WHOLE, &filter, NULL), CM_OK);
    assert_int_equal(strlen(filter.terms[0].like), 2 * CM_LIMIT_FILTER_BYTES + 2); /* nothing was cut */
    filter_done(&filter);

    size_t at = 0;
    for (int i = 0; i < CM_LIMIT_FILTER_TERMS; i++)
        at += (size_t)sprintf(text + at, "w%d ", i);
    assert_int_equal(filter_parse(text, FILTER_WHOLE, &filter, NULL), CM_OK);
    assert_int_equal(filter.count, CM_LIMIT_FILTER_TERMS);
    filter_done(&filter);
    strcpy(text + at, "more");
    assert_int_equal(filter_parse(text, FILTER_WHOLE, &filter, &error), CM_ELIMIT);
    assert_int_equal(error.offset, at);
}

/* Typed one byte at a time, a good filter is never refused, and what is unfinished does not narrow. */
static void test_typing(void **state)
{
    static const char text[] =
        "shop owner:\"web team\" -status:expired name:*.example.org -\"x y\" dead:beef::1 https://x h:/etc";
    static const struct {
        const char *text, *sql;
    } cases[] = {
        {"-", ""},
        {"owner:", ""},
        {"\"", ""},
        {"status:ex", ""},
        {"status:", ""},
        {"status:ok", " AND (fine)"},
        {"name:\"a b", " AND (name LIKE lower($3)) | %a b%"},
    };
    char begun[sizeof text];
    (void)state;
    for (size_t size = 0; size < sizeof text; size++) {
        memcpy(begun, text, size);
        begun[size] = '\0';
        free(compiled(begun, FILTER_TYPING));
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out = compiled(cases[i].text, FILTER_TYPING);
        assert_string_equal(out, cases[i].sql);
        free(out);
    }
    struct filter filter;
    assert_int_equal(filter_parse("status:brok", FILTER_TYPING, &filter, NULL), CM_EINVAL);
    assert_int_equal(filter_parse("foo:bar", FILTER_TYPING, &filter, NULL), CM_EINVAL);
    assert_int_equal(filter_parse("nosuch:1", FILTER_TYPING, &filter, NULL), CM_EINVAL);
    assert_int_equal(filter_parse("foo: bar", FILTER_TYPING, &filter, NULL), CM_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_typing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
