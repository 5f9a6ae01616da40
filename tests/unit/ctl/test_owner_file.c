/* The owners file: what is right is read in order, what is wrong is told with its line, and nothing is half read. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <string.h>

#include "collector/ctl/owner_file.h"

static int read_text(const char *text, struct owner_set *set, struct cm_error *error)
{
    return owner_set_read("owners.yaml", text, strlen(text), set, error);
}

static void reads_all_members_in_order(void **state)
{
    (void)state;
    struct owner_set set;
    struct cm_error error;
    const char *text =
        "owners:\n"
        "  pay:\n"
        "    email: [a@example.org, b+c@mail.example.org]\n"
        "    webhook: https://hooks.example.org/T0/x?y=1\n"
        "    contact: \"+49 30 1234, chat #pay\"\n"
        "    environment: production\n"
        "    criticality: high\n"
        "  Büro: {email: buero@example.org}\n"
        "  bare:\n"
        "rules:\n"
        "  - {name: '*.pay.example', cidr: 10.0.0.0/8, path: /srv/*, issuer: 'CN=*', realm: dmz, owner: pay}\n"
        "  - {cidr: '2001:db8::/32', owner: Büro}\n"
        "  - owner: bare\n";
    assert_int_equal(read_text(text, &set, &error), 0);
    assert_int_equal(set.owner_count, 3);
    assert_string_equal(set.owners[0].name, "pay");
    assert_int_equal(set.owners[0].email_count, 2);
    assert_string_equal(set.owners[0].email[1], "b+c@mail.example.org");
    assert_string_equal(set.owners[0].webhook, "https://hooks.example.org/T0/x?y=1");
    assert_string_equal(set.owners[0].contact, "+49 30 1234, chat #pay");
    assert_string_equal(set.owners[1].name, "Büro");
    assert_int_equal(set.owners[2].email_count, 0);
    assert_null(set.owners[2].webhook);
    assert_int_equal(set.rule_count, 3);
    assert_string_equal(set.rules[0].realm, "dmz");
    assert_string_equal(set.rules[0].path, "/srv/*");
    assert_string_equal(set.rules[1].cidr, "2001:db8::/32");
    assert_null(set.rules[1].name);
    assert_string_equal(set.rules[2].owner, "bare");
    owner_set_done(&set);
}

static void reads_owners_as_a_list(void **state)
{
    (void)state;
    struct owner_set set;
    struct cm_error error;
    assert_int_equal(read_text("owners:\n  - {name: a, email: a@example.org}\n  - name: b\nrules:\n", &set, &error), 0);
    assert_int_equal(set.owner_count, 2);
    assert_string_equal(set.owners[1].name, "b");
    assert_int_equal(set.rule_count, 0);
    owner_set_done(&set);
}

static void an_empty_file_empties(void **state)
{
    (void)state;
    struct owner_set set;
    struct cm_error error;
    assert_int_equal(read_text("", &set, &error), 0);
    assert_int_equal(set.owner_count + set.rule_count, 0);
    owner_set_done(&set);
}

static void tells_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *what;
    } cases[] = {
        {"owner:\n", "owners.yaml:1:", "did you mean owners?"},
        {"- a\n", "owners.yaml:1:", "the file is a map"},
        {"owners: [a]\n", "owners.yaml:1:", "needs members"},
        {"owners: 5\n", "owners.yaml:1:", "is a map"},
        {"owners:\n  - {email: a@example.org}\n", "owners.yaml:2:", "needs a name"},
        {"owners:\n  a: {mail: a@example.org}\n", "owners.yaml:2:", "did you mean email?"},
        {"owners:\n  a:\n    email: nobody\n", "owners.yaml:3:", "no mail address"},
        {"owners:\n  a:\n    email: \"a@example.org\\r\\nBcc: x@example.org\"\n",
         "owners.yaml:3:", "control characters"},
        {"owners:\n  a:\n    email: \"a b@example.org\"\n", "owners.yaml:3:", "no mail address"},
        {"owners:\n  a:\n    email: [x@example.org, x@example.org]\n", "owners.yaml:3:", "twice"},
        {"owners:\n  a: {webhook: 'ftp://x'}\n", "owners.yaml:2:", "no http or https URL"},
        {"owners:\n  a: {webhook: 'https://x y'}\n", "owners.yaml:2:", "no http or https URL"},
        {"owners:\n  a: {contact: [x]}\n", "owners.yaml:2:", "needs a text"},
        {"owners:\n  - name: a\n  - name: b\n  - name: a\n", "owners.yaml:4:", "stands there twice"},
        {"owners:\n  a:\nrules:\n  owner: a\n", "owners.yaml:4:", "'rules' is a list"},
        {"owners:\n  a:\nrules:\n  - a\n", "owners.yaml:4:", "a rule is a map"},
        {"owners:\n  a:\nrules:\n  - {name: x}\n", "owners.yaml:4:", "names no owner"},
        {"owners:\n  a:\nrules:\n  - {name: x, owner: b}\n", "owners.yaml:4:", "there is no owner 'b'"},
        {"rules:\n  - {name: x, owner: b}\n", "owners.yaml:2:", "there is no owner 'b'"},
        {"owners:\n  a:\nrules:\n  - {nam: x, owner: a}\n", "owners.yaml:4:", "did you mean name?"},
        {"owners:\n  a:\nrules:\n  - {cidr: 10.0.0.0/33, owner: a}\n", "owners.yaml:4:", "no address or prefix"},
        {"owners:\n  a:\nrules:\n  - {cidr: ten, owner: a}\n", "owners.yaml:4:", "no address or prefix"},
        {"owners:\n  a:\nrules:\n  - {cidr: 10.1.2.3/8, owner: a}\n", "owners.yaml:4:", "do you mean 10.0.0.0/8?"},
        {"owners:\n  a:\nrules:\n  - {owner: a}\n  - {name: x, owner: a}\n", "owners.yaml:4:", "after it never decide"},
        {"owners:\n  a:\nrules:\n  - {name: x, owner: a}\n  - {name: y, owner: a}\n  - {name: x, owner: a}\n",
         "owners.yaml:6:", "line 4 has the same conditions"},
        {"owners:\n  a: {contact: \"x\\u0085y\"}\n", "owners.yaml:2:", "control characters"},
        {"owners:\n  a: &x {contact: y}\n  b: *x\n", "owners.yaml:", ""},
        {"owners:\n  a:\n  a:\n", "owners.yaml:", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct owner_set set;
        struct cm_error error = {0};
        if (read_text(cases[i].text, &set, &error) == 0)
            fail_msg("accepted: %s", cases[i].text);
        if (strncmp(error.detail, cases[i].line, strlen(cases[i].line)) != 0 || !strstr(error.detail, cases[i].what))
            fail_msg("'%s' for: %s", error.detail, cases[i].text);
        assert_null(set.owners);
        assert_null(set.rules);
        assert_null(set.tree);
    }
}

static void bounds_sizes(void **state)
{
    (void)state;
    struct owner_set set;
    struct cm_error error = {0};
    char text[4096];
    memset(text, 0, sizeof text);
    strcpy(text, "owners:\n  - name: ");
    memset(text + strlen(text), 'n', OWNER_NAME_MAX);
    assert_int_equal(read_text(text, &set, &error), 0);
    owner_set_done(&set);
    strcat(text, "n");
    assert_int_not_equal(read_text(text, &set, &error), 0);
    assert_non_null(strstr(error.detail, "longer than 100 bytes"));
    strcpy(text, "owners:\n  a:\n    email:\n");
    for (int i = 0; i <= OWNER_EMAILS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "      - m%d@example.org\n", i);
    assert_int_not_equal(read_text(text, &set, &error), 0);
    assert_non_null(strstr(error.detail, "more than 20 mail addresses"));
}

static void a_file_cut_anywhere_is_read_or_refused_whole(void **state)
{
    (void)state;
    const char *text = "owners:\n  a: {email: [a@example.org, b@example.org], contact: \"x\"}\nrules:\n  - {cidr: "
                       "10.0.0.0/8, owner: a}\n";
    for (size_t size = 0; size <= strlen(text); size++) {
        struct owner_set set;
        struct cm_error error = {0};
        int code = owner_set_read("t", text, size, &set, &error);
        if (code)
            assert_true(set.owner_count == 0 && set.rule_count == 0 && !set.tree && error.detail[0]);
        owner_set_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_members_in_order),
        cmocka_unit_test(reads_owners_as_a_list),
        cmocka_unit_test(an_empty_file_empties),
        cmocka_unit_test(tells_what_is_wrong_and_where),
        cmocka_unit_test(bounds_sizes),
        cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
