/* `certmuster config`: every key, its value as it is in force, and what it is for. Secrets are in files that keys name, never in keys, but a
 * connection string may hold a password: that is not shown. */
#include <stdio.h>
#include <string.h>

#include "certmuster/buf.h"
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

/* password=… of a keyword string and :…@ of a URI become ***. */
static void append_dsn(struct buf *out, const char *dsn)
{
    const char *scheme = strstr(dsn, "://"), *at = scheme ? strchr(scheme + 3, '@') : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    const char *word = strstr(dsn, "password");
    if (colon) {
        buf_append(out, dsn, (size_t)(colon + 1 - dsn));
        buf_appendf(out, "***%s", word ? "" : at);
        if (!word)
            return;
        dsn = at;
    }
    if (!word) {
        buf_append_str(out, dsn);
        return;
    }
    buf_append(out, dsn, (size_t)(word - dsn));
    buf_append_str(out, "password=*** (the rest is not shown)");
}

static void append_number(struct buf *out, const struct config_key *key, int64_t value)
{
    static const struct {
        int64_t size;
        const char *unit;
    } durations[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}},
      bytes[] = {{INT64_C(1) << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
    if (key->type == CONFIG_INTEGER) {
        buf_append_i64(out, value);
        return;
    }
    for (size_t i = 0; i < 5; i++) {
        int64_t size = key->type == CONFIG_DURATION ? durations[i].size : bytes[i].size;
        if ((value && value % size == 0) || i == 4) {
            buf_append_i64(out, value / size);
            buf_append_str(out, key->type == CONFIG_DURATION ? durations[i].unit : bytes[i].unit);
            return;
        }
    }
}

static void append_value(struct buf *out, const struct config *config, const struct config_key *key)
{
    size_t count = 0;
    const char *text;
    const char *const *list;
    switch (key->type) {
    case CONFIG_STRING:
        text = strcmp(key->name, "host") == 0      ? config_host(config)
               : strcmp(key->name, "scanner") == 0 ? config_scanner(config)
                                                   : config_string(config, key->name);
        if (text && strcmp(key->name, "dsn") == 0)
            append_dsn(out, text);
        else if (text)
            buf_append_str(out, text);
        break;
    case CONFIG_LIST:
        list = config_list(config, key->name, &count);
        for (size_t i = 0; i < count; i++) {
            buf_append_str(out, i ? ", " : "");
            buf_append_str(out, list[i]);
        }
        break;
    case CONFIG_BOOLEAN:
        buf_append_str(out, config_boolean(config, key->name) ? "true" : "false");
        break;
    default:
        append_number(out, key, config_integer(config, key->name));
    }
}

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
        append_value(&value, config, key);
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
        append_value(&value, config, key);
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
