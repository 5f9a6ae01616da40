/* `certmuster config`: every key, its value as it is in force, and what it is for. Secrets are in files that keys name, never in keys, but a
 * connection string may hold a password: that is not shown. */
#include <stdio.h>
#include <string.h>

#include "certmuster/config_text.h"
#include "certmuster/log.h"
#include "certmuster/suggest.h"
#include "certmuster/table.h"
#include "collector/ctl/ctl.h"

static const struct cli_program program = {
    .name = "certmuster config",
    .summary = "Prints every configuration key with the value in force, or one key's value alone.",
    .usage = (const char *const[]){"[--config FILE] [KEY]", NULL},
    .options = (const struct cli_option[]){{0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster config", "certmuster config alerts.interval", NULL},
    .more = "Read from --config, else $CERTMUSTER_CONFIG, else certmuster.yaml in the home, else "
            "/etc/certmuster/certmuster.yaml; see certmuster.yaml(5). "
            "A password inside dsn is not shown. Exit status: 0 done; 1 there is no such key; 2 wrong use; 3 the file "
            "cannot be read or is wrong.",
};

enum { VALUE_MAX = 1024 * 1024 };

static void print_all(const struct config *config)
{
    static const struct table_column columns[] = {
        {"KEY", false, 0, false}, {"VALUE", false, 10, true}, {"WHAT IT IS FOR", false, 20, true}};
    struct buf value;
    buf_init(&value, VALUE_MAX);
    printf("file: %s\n", config_path(config) ? config_path(config) : "none, all defaults");
    struct table *table = table_new(stdout, columns, 3);
    for (const struct config_key *key = config_keys; key->name; key++) {
        buf_reset(&value);
        config_text(config, key, &value);
        table_cell(table, key->name, TABLE_PLAIN);
        table_cell(table, value.size ? value.data : "-", TABLE_PLAIN);
        table_cell(table, key->help, TABLE_DIM);
    }
    table_free(table);
    buf_done(&value);
}

static int print_one(const struct config *config, const char *name)
{
    struct suggest suggest = {.typed = name};
    struct buf value;
    for (const struct config_key *key = config_keys; key->name; key++) {
        suggest_offer(&suggest, key->name);
        if (strcmp(key->name, name) != 0)
            continue;
        buf_init(&value, VALUE_MAX);
        config_text(config, key, &value);
        puts(value.data);
        buf_done(&value);
        return CM_EXIT_OK;
    }
    if (suggest.near)
        say_error("there is no key '%s'; did you mean %s?", name, suggest.near);
    else
        say_error("there is no key '%s'", name);
    return CM_EXIT_PARTIAL;
}

int config_command(int argc, char **argv)
{
    struct cli cli;
    struct cm_error error = {0};
    struct config *config = NULL;
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, NULL, NULL);
    if (!status && cli.operand_count > 1)
        status = cli_wrong(&cli, "one key at a time: '%s'", cli.operands[1]);
    if (!status && config_load(cli.config_path, &config, &error) != 0)
        status = ctl_fail(&error, "cannot read the configuration");
    else if (!status && cli.operand_count == 1)
        status = print_one(config, cli.operands[0]);
    else if (!status)
        print_all(config);
    config_free(config);
    cli_done(&cli);
    return status;
}
