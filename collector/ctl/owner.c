/* `certmuster owner`: whom to call. Loading the file is owner_store.c, explaining a decision is owner_test.c. */
#include <stdio.h>
#include <string.h>

#include "certmuster/table.h"
#include "collector/ctl/ctl.h"
#include "collector/ctl/owner_file.h"
#include "collector/ctl/owner_store.h"
#include "collector/ctl/owner_test.h"

enum { OPTION_FORMAT = 1000 };

static const struct cli_program program = {
    .name = "certmuster owner",
    .summary = "Whom to call: ordered rules from names, addresses, paths and issuers to owners, loaded from one file.",
    .usage = (const char *const[]){"load FILE", "list [--format text|json]", "show NAME", "rules [--format text|json]",
                                   "test PLACE|NAME", NULL},
    .options = (const struct cli_option[]){{OPTION_FORMAT, "format", "text|json", "How list and rules print."},
                                           {0, NULL, NULL, NULL}},
    .examples =
        (const char *const[]){
            "certmuster owner load owners.yaml        # replaces all owners and rules, assigns every place anew",
            "certmuster owner test www.example.org    # which rule wins, and why",
            "certmuster owner test 192.0.2.7:443", "certmuster owner show payments", NULL},
    .more = "The file is described in certmuster-owners(5). It is checked whole before anything changes; a mistake is "
            "told with its line. The first rule "
            "of which every condition holds decides. Exit status: 0 done; 1 the file is wrong, or there is no such "
            "owner or place; 2 wrong use; "
            "3 the inventory could not be reached.",
};

struct owner_call {
    enum ctl_format format;
    const struct cli *cli;
    const char *argument; /* the operand behind the verb, or NULL */
};

static int load(const struct owner_call *call)
{
    struct cm_error error = {0};
    struct owner_set set;
    struct owner_change change;
    struct db *db = NULL;
    if (owner_set_read_file(call->argument, &set, &error) != 0) {
        ctl_fail(&error, "nothing was changed");
        return CM_EXIT_PARTIAL;
    }
    int status = ctl_connect(call->cli, "certmuster_operate", &db);
    if (!status && owner_store(db, &set, call->argument, &change, &error) != 0)
        status = ctl_fail(&error, "nothing was changed");
    else if (!status)
        printf("%zu owner%s and %zu rule%s loaded; %lld of %lld places changed their owner, %lld belong to nobody\n",
               set.owner_count, set.owner_count == 1 ? "" : "s", set.rule_count, set.rule_count == 1 ? "" : "s",
               (long long)change.reassigned, (long long)change.places, (long long)change.unowned);
    db_close(db);
    owner_set_done(&set);
    return status;
}

static int list(const struct owner_call *call)
{
    static const struct table_column columns[] = {{"OWNER", false, 8, true},       {"PLACES", true, 0, false},
                                                  {"MAIL", false, 8, true},        {"CONTACT", false, 8, true},
                                                  {"ENVIRONMENT", false, 0, true}, {"CRITICALITY", false, 0, true},
                                                  {NULL, false, 0, false}};
    static const char text[] =
        "SELECT o.name, count(st.location_id), array_to_string(o.email, ' '), o.contact, o.environment, o.criticality"
        " FROM owner o LEFT JOIN location_state st ON st.owner = o.name AND st.gone_at IS NULL GROUP BY o.name ORDER "
        "BY o.name";
    static const char json[] =
        "SELECT json_strip_nulls(json_build_object('name', o.name, 'email', o.email, 'webhook', " CTL_WEBHOOK(
            "o.webhook") ", 'contact', "
                         "o.contact,"
                         " 'environment', o.environment, 'criticality', o.criticality, 'places', "
                         "count(st.location_id)))"
                         " FROM owner o LEFT JOIN location_state st ON st.owner = o.name AND st.gone_at IS NULL GROUP "
                         "BY o.name ORDER "
                         "BY o.name";
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, NULL, 0);
    else if (!status)
        status =
            ctl_print_table(db, text, NULL, 0, columns, "no owners yet; load some with: certmuster owner load FILE");
    db_close(db);
    return status;
}

static int rules(const struct owner_call *call)
{
    static const struct table_column columns[] = {
        {"RULE", true, 0, false}, {"OWNER", false, 8, true},  {"NAME", false, 8, true},  {"CIDR", false, 0, false},
        {"PATH", false, 8, true}, {"ISSUER", false, 8, true}, {"REALM", false, 0, true}, {NULL, false, 0, false}};
    static const char text[] = "SELECT position, owner, owner_unglob(name_like), cidr, owner_unglob(path_like), "
                               "owner_unglob(issuer_like), realm"
                               " FROM owner_rule ORDER BY position";
    static const char json[] = "SELECT json_strip_nulls(json_build_object('position', position, 'owner', owner, "
                               "'name', owner_unglob(name_like), 'cidr', cidr,"
                               " 'path', owner_unglob(path_like), 'issuer', owner_unglob(issuer_like), 'realm', "
                               "realm)) FROM owner_rule ORDER BY position";
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, NULL, 0);
    else if (!status)
        status =
            ctl_print_table(db, text, NULL, 0, columns, "no rules yet; load some with: certmuster owner load FILE");
    db_close(db);
    return status;
}

/* One owner as "label  value" lines, then what of theirs expires next. */
static int show_one(struct db *db, const char *name)
{
    static const struct table_column columns[] = {
        {"", false, 0, false}, {"", false, 20, true}, {NULL, false, 0, false}};
    static const struct table_column next[] = {{"NEXT TO EXPIRE", false, 20, true},
                                               {"NOT AFTER", false, 0, false},
                                               {"PLACES", true, 0, false},
                                               {"SHA-256", false, 0, false},
                                               {NULL, false, 0, false}};
    static const char facts[] =
        "SELECT f.label, f.value FROM owner o, LATERAL (VALUES (1, 'owner', o.name), (2, 'mail', "
        "array_to_string(o.email, ' ')),"
        " (3, 'webhook', " CTL_WEBHOOK(
            "o.webhook") "), (4, 'contact', o.contact), (5, 'environment', o.environment), (6, 'criticality', "
                         "o.criticality),"
                         " (7, 'places', (SELECT count(*)::text FROM location_state WHERE owner = o.name AND gone_at "
                         "IS NULL)),"
                         " (8, 'rules', (SELECT string_agg(position::text, ' ' ORDER BY position) FROM owner_rule "
                         "WHERE owner = "
                         "o.name)),"
                         " (9, 'open alerts', (SELECT count(*)::text FROM alert WHERE owner = o.name AND resolved_at "
                         "IS NULL)))"
                         " AS f(rank, label, value) WHERE o.name = $1 AND coalesce(f.value, '') <> '' ORDER BY f.rank";
    static const char expiring[] =
        "SELECT c.display_name, to_char(c.not_after, 'YYYY-MM-DD HH24:MI\"Z\"'), count(DISTINCT p.location_id), "
        "left(encode(c.sha256, 'hex'), 16)"
        " FROM location_state st JOIN place_certificate p ON p.location_id = st.location_id JOIN certificate c ON "
        "c.sha256 = p.sha256"
        " WHERE st.owner = $1 AND p.role <> 'trust' AND NOT p.superseded AND c.not_after IS NOT NULL"
        " GROUP BY c.sha256, c.display_name, c.not_after ORDER BY c.not_after, c.sha256 LIMIT 10";
    const char *params[] = {name};
    int status = ctl_print_table(db, facts, params, 1, columns, "");
    if (!status)
        puts("");
    return status ? status : ctl_print_table(db, expiring, params, 1, next, "no certificate is known at their places");
}

static int show(const struct owner_call *call)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    struct db_result *rows = NULL;
    const char *params[] = {call->argument};
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && db_query(db, "SELECT 1 FROM owner WHERE name = $1", params, 1, &rows, &error) != 0)
        status = ctl_fail(&error, "cannot read the inventory");
    else if (!status && db_rows(rows) == 0) {
        error_setf(&error, CM_ENOTFOUND, 0, "there is no such owner", "%s", call->argument);
        ctl_fail(&error, "cannot show it");
        status = CM_EXIT_PARTIAL;
    } else if (!status) {
        status = show_one(db, call->argument);
    }
    db_result_free(rows);
    db_close(db);
    return status;
}

static int test(const struct owner_call *call)
{
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status)
        status = owner_test(db, call->argument);
    db_close(db);
    return status;
}

static const struct verb {
    const char *name;
    const char *argument; /* what it needs; NULL: nothing */
    const char *flags;    /* that it takes */
    int (*run)(const struct owner_call *call);
} verbs[] = {
    {"load", "a FILE", "", load},     {"list", NULL, "format", list},        {"show", "an owner's NAME", "", show},
    {"rules", NULL, "format", rules}, {"test", "a PLACE or NAME", "", test},
};

static int read_option(struct cli *cli, int id, void *context)
{
    struct owner_call *call = context;
    return id == OPTION_FORMAT ? ctl_format(cli, &call->format) : 0;
}

static int dispatch(struct cli *cli, struct owner_call *call)
{
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: load, list, show, rules or test");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        int wanted = verbs[i].argument ? 2 : 1;
        if (cli->operand_count < wanted)
            return cli_wrong(cli, "%s needs %s", verbs[i].name, verbs[i].argument);
        if (cli->operand_count > wanted)
            return cli_wrong(cli, "%s takes no '%s'", verbs[i].name, cli->operands[wanted]);
        call->argument = wanted == 2 ? cli->operands[1] : NULL;
        int status = ctl_begin_verb(cli, verbs[i].name, verbs[i].flags);
        return status ? status : verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': load, list, show, rules or test", cli->operands[0]);
}

int owner_command(int argc, char **argv)
{
    struct cli cli;
    struct owner_call call = {.format = CTL_TEXT, .cli = &cli};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &call);
    if (!status)
        status = dispatch(&cli, &call);
    cli_done(&cli);
    return status;
}
