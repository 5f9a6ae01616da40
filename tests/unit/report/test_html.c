/* The page: nothing from outside ends an element, the policy fits our own script and style, the picture's bars add up. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"
#include "report/html/html.h"

static const struct summary summary = {.at = 1795230000, /* 2026-11-21T03:00:00Z */
                                       .places = 12345,
                                       .looked = true,
                                       .last_looked = 1795230000 - 3 * 3600,
                                       .counted = true,
                                       .certificates = 77};

static struct request asked(void)
{
    return (struct request){.report = &report_expiring,
                            .format = FORMAT_HTML,
                            .within = "30d",
                            .within_s = 30 * 86400,
                            .filter_text = "</style><script>alert(1)</script>",
                            .owner = "<b>\"o'"};
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}

/* The page with one row whose every field is hostile. */
static char *page(const struct chart *chart)
{
    static const char name[] = "</script><script>alert(1)</script><!-- &amp; \033\xE2\x80\xAE";
    struct request request = asked();
    struct field fields[SHEET_COLUMNS_MAX];
    struct buf out;

    for (size_t i = 0; i < request.report->sheet.count; i++)
        fields[i] = (struct field){.text = name, .size = sizeof name - 1, .json = "[\"</script><b>\"]"};
    buf_init(&out, 16 * 1024 * 1024);
    assert_int_equal(html_head(&request, &summary, chart, &out, NULL), CM_OK);
    html_row(&request, fields, true, &out);
    html_row(&request, fields, false, &out);
    assert_int_equal(html_tail(&out, NULL), CM_OK);
    return buf_take(&out, NULL);
}

static void test_inert(void **state)
{
    struct chart chart = {0};
    char *text = page(&chart);
    (void)state;
    assert_int_equal(occurrences(text, "<script"), 2); /* the data and our own */
    assert_int_equal(occurrences(text, "</script"), 2);
    assert_int_equal(occurrences(text, "<style"), 1);
    assert_int_equal(occurrences(text, "</style"), 1);
    assert_int_equal(occurrences(text, "<!--"), 0);
    assert_int_equal(occurrences(text, "<b>\"o'"), 0);
    assert_int_equal(occurrences(text, "http:") + occurrences(text, "https:") + occurrences(text, "url("), 0);
    assert_int_equal(occurrences(text, "@@"), 0); /* every marker was filled */
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\xE2\x80\xAE"));
    assert_non_null(strstr(text, "\\u003c/script\\u003e\\u003cscript\\u003ealert(1)"));
    assert_non_null(strstr(text, "12,345"));
    assert_non_null(strstr(text, "last look 3 hours ago"));
    assert_non_null(strstr(text, "within <b>30 days</b>"));
    free(text);
}

/* The hash of what stands between <script> and </script> is the one that the policy names: else the page would be dead. */
static void check_hash(const char *text, const char *open, const char *close, const char *directive)
{
    uint8_t hash[CM_SHA256_SIZE];
    struct buf wanted;
    const char *from = strstr(text, open) + strlen(open), *to = strstr(from, close);
    sha256_bytes(from, (size_t)(to - from), hash);
    buf_init(&wanted, 200);
    buf_appendf(&wanted, "%s 'sha256-", directive);
    base64_append(&wanted, hash, sizeof hash);
    buf_append_str(&wanted, "'");
    assert_non_null(strstr(text, wanted.data));
    buf_done(&wanted);
}

static void test_policy(void **state)
{
    struct chart chart = {0};
    char *text = page(&chart);
    (void)state;
    check_hash(text, "<style>", "</style>", "style-src");
    check_hash(text, "<script>", "</script>", "script-src");
    const char *policy = strstr(text, "Content-Security-Policy");
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_null(strstr(text, "unsafe-inline"));
    assert_true(policy < strstr(text, "<style>"));
    free(text);
}

static void test_chart(void **state)
{
    struct chart chart = {.overdue = 1234};
    struct buf svg;
    (void)state;
    chart.days[0][URGENCY_URGENT] = 2;
    chart.days[7][URGENCY_URGENT] = 1;
    chart.days[8][URGENCY_SOON] = 10;
    chart.days[8][URGENCY_LATER] = 5;
    chart.days[90][URGENCY_LATER] = 1;
    assert_int_equal(chart_within(&chart, 7), 3);
    assert_int_equal(chart_within(&chart, 30), 18);
    assert_int_equal(chart_within(&chart, 90), 19);
    buf_init(&svg, 1 << 20);
    chart_svg(&chart, summary.at, &svg);
    assert_non_null(
        strstr(svg.data, "1,234 certificates have expired; 3 expire within 7 days, 18 within 30, 19 within 90."));
    assert_non_null(strstr(svg.data, "data-day=\"2026-11-21\"><title>2026-11-21: 2 certificates expire</title>"));
    assert_non_null(strstr(svg.data, "data-day=\"2026-11-29\"><title>2026-11-29: 15 certificates expire</title>"));
    assert_non_null(strstr(svg.data, "data-day=\"2027-02-19\"><title>2027-02-19: 1 certificate expires</title>"));
    assert_non_null(strstr(svg.data, "class=\"break\"")); /* 1,234 do not fit beside 15 */
    assert_int_equal(occurrences(svg.data, "<rect class=\"urgent\""), 2);
    assert_int_equal(occurrences(svg.data, "<rect class=\"soon\""), 1);
    assert_int_equal(occurrences(svg.data, "<rect class=\"later\""), 2);
    assert_int_equal(occurrences(svg.data, "style="), 0); /* the policy forbids it */
    buf_done(&svg);

    struct chart none = {0};
    buf_init(&svg, 1 << 20);
    chart_svg(&none, summary.at, &svg);
    assert_non_null(strstr(svg.data, "0 certificates have expired"));
    assert_int_equal(occurrences(svg.data, "class=\"day\""), 1); /* the overdue bar's place alone */
    buf_done(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inert),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_chart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
