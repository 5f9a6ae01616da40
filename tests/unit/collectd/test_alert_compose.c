/* What an alert says: everything a person needs, every fact on its own line, JSON that is JSON, and no secret of a webhook's URL. */
#include "tests/unit/lib/cmocka_first.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

static struct alert_facts facts(void)
{
    struct alert_facts all = {
        .event = "told",
        .sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        .display_name = "www.example.org",
        .subject = "CN=www.example.org,O=Example",
        .issuer = "CN=Example CA",
        .serial = "0abc",
        .key = "EC P-256",
        .not_before = 1787454245,
        .not_after = 1795230245 + 5 * 86400 + 3600,
        .now = 1795230245,
        .threshold = 7,
        .resolution = "",
        .names = {"www.example.org", "example.org"},
        .name_count = 2,
        .name_total = 2,
        .places = {"192.0.2.7:443 (www.example.org)", "192.0.2.8:443"},
        .place_count = 2,
        .place_total = 12,
        .owner = "web",
        .contact = "+49 30 1234",
        .environment = "production",
        .criticality = "high",
        .whom = "ops@example.org, webhook hooks.example.org",
    };
    return all;
}

static void assert_says(const struct buf *text, const char *what)
{
    if (!strstr(text->data, what))
        fail_msg("'%s' is not in: %s", what, text->data);
}

static void tells_people_everything(void **state)
{
    (void)state;
    struct buf out;
    struct alert_facts all = facts();
    buf_init(&out, ALERT_MESSAGE_BYTES);
    alert_subject(&out, &all);
    assert_string_equal(out.data, "www.example.org expires in 5 days, at 12 places");
    buf_reset(&out);
    alert_text(&out, &all);
    const char *const wanted[] = {"expires in 5 days (2026-11-26 UTC)",
                                  "CN=www.example.org,O=Example",
                                  "CN=Example CA",
                                  "0abc",
                                  "EC P-256",
                                  "until 2026-11-26T",
                                  all.sha256,
                                  "Owner        web\n",
                                  "+49 30 1234",
                                  "production",
                                  "Told         ops@example.org, webhook hooks.example.org\n",
                                  "Places (12):\n  192.0.2.7:443",
                                  "... and 10 more",
                                  "Names (2):\n  www.example.org\n  example.org\n",
                                  "certmuster alert ack 0011223344556677 "};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_says(&out, wanted[i]);
    all.not_after = all.now - 7200;
    all.owner = "";
    buf_reset(&out);
    alert_subject(&out, &all);
    assert_string_equal(out.data, "www.example.org expired 2 hours ago, at 12 places");
    buf_reset(&out);
    alert_text(&out, &all);
    assert_says(&out, "Owner        nobody");
    buf_done(&out);
}

static void keeps_every_fact_on_its_line(void **state)
{
    (void)state;
    struct buf out;
    struct alert_facts all = facts();
    all.display_name = "evil\nOwner        somebody-else\x1B[2J";
    all.names[0] = "a\r\nOwner        somebody-else";
    all.places[0] = "host:/tmp/\nOwner        somebody-else";
    all.contact = "x\nOwner        somebody-else";
    buf_init(&out, ALERT_MESSAGE_BYTES);
    alert_text(&out, &all);
    assert_null(strstr(out.data, "\nOwner        somebody-else"));
    assert_null(strchr(out.data, '\x1B'));
    assert_null(strchr(out.data, '\r'));
    buf_reset(&out);
    alert_subject(&out, &all);
    assert_null(strpbrk(out.data, "\r\n\x1B"));
    buf_done(&out);
}

static json_t *as_json(const struct alert_facts *all)
{
    struct buf out;
    json_error_t error;
    buf_init(&out, ALERT_MESSAGE_BYTES);
    alert_json(&out, all, "11111111-2222-3333-4444-555555555555");
    assert_false(out.failed);
    json_t *root = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s in %s", error.text, out.data);
    buf_done(&out);
    return root;
}

static void tells_machines_the_same(void **state)
{
    (void)state;
    struct alert_facts all = facts();
    all.names[1] = "q\"uote\\ \n\x1B";
    all.issuer = "";
    json_t *root = as_json(&all);
    json_t *certificate = json_object_get(root, "certificate");
    assert_string_equal(json_string_value(json_object_get(root, "id")), "11111111-2222-3333-4444-555555555555");
    assert_string_equal(json_string_value(json_object_get(root, "event")), "told");
    assert_int_equal(json_integer_value(json_object_get(root, "threshold_days")), 7);
    assert_string_equal(json_string_value(json_object_get(certificate, "sha256")), all.sha256);
    assert_string_equal(json_string_value(json_array_get(json_object_get(certificate, "names"), 1)),
                        "q\"uote\\ \n\x1B");
    assert_null(json_object_get(certificate, "issuer"));
    assert_null(json_object_get(root, "resolution"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "owner"), "contact")), "+49 30 1234");
    assert_int_equal(json_integer_value(json_object_get(root, "places_total")), 12);
    json_decref(root);

    all.owner = "";
    all.event = "resolved";
    all.resolution = "renewed";
    all.place_count = 0;
    all.place_total = 0;
    root = as_json(&all);
    assert_null(json_object_get(root, "owner"));
    assert_string_equal(json_string_value(json_object_get(root, "resolution")), "renewed");
    assert_string_equal(json_string_value(json_object_get(root, "text")), "www.example.org is renewed at every place");
    json_decref(root);
}

static void a_largest_message_fits(void **state)
{
    (void)state;
    static char huge[1001];
    struct buf out, body;
    struct alert_facts all = facts();
    memset(huge, 1, sizeof huge - 1); /* every byte grows to \u0001 */
    all.display_name = all.subject = all.issuer = all.contact = all.environment = all.criticality = huge;
    for (size_t i = 0; i < ALERT_NAMES_SHOWN; i++)
        all.names[i] = huge;
    for (size_t i = 0; i < ALERT_PLACES_SHOWN; i++)
        all.places[i] = huge;
    all.name_count = ALERT_NAMES_SHOWN;
    all.place_count = ALERT_PLACES_SHOWN;
    json_decref(as_json(&all));
    buf_init(&out, ALERT_MESSAGE_BYTES);
    alert_text(&out, &all);
    assert_false(out.failed);
    buf_init(&body, ALERT_MESSAGE_BYTES);
    const struct mail mail = {.from = "a@b", .to = "a@b", .message_id = "<x@b>", .subject = "s", .text = out.data};
    mail_write(&body, &mail);
    assert_false(body.failed);
    buf_done(&body);
    buf_done(&out);
}

static void shows_only_a_webhooks_host(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
    } cases[] = {{"https://hooks.example.org/services/T0/secret", "hooks.example.org"},
                 {"http://user:secret@hooks.example.org:8080/x", "hooks.example.org:8080"},
                 {"https://h?token=secret@x", "h"},
                 {"https://[2001:db8::1]/secret", "[2001:db8::1]"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, 1000);
        alert_webhook_host(&out, cases[i].url);
        assert_string_equal(out.data, cases[i].host);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_people_everything),    cmocka_unit_test(keeps_every_fact_on_its_line),
        cmocka_unit_test(tells_machines_the_same),    cmocka_unit_test(a_largest_message_fits),
        cmocka_unit_test(shows_only_a_webhooks_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
