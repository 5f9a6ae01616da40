/* What the commands of certmuster-ctl share: reading flags, telling what failed, connecting, JSON lists. */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/inventory.h"
#include "certmuster/log.h"
#include "certmuster/table.h"
#include "collector/ctl/ctl.h"

enum { GIVEN_MAX = 64, NAME_MAX_BYTES = 255 };

static const struct cli_option *given[GIVEN_MAX]; /* of the command's own flags, each once */
static size_t given_count;
static const char *connected_as = ""; /* the role that the command needs, for whoever lacks its rights */

static void note_given(const struct cli *cli, int id)
{
    const struct cli_option *option = cli->program->options;
    while (option->id && option->id != id)
        option++;
    for (size_t i = 0; i < given_count; i++)
        if (given[i] == option)
            return;
    if (option->id && given_count < GIVEN_MAX)
        given[given_count++] = option;
}

int ctl_parse(struct cli *cli, ctl_option_fn fn, void *context)
{
    for (int id; (id = cli_next(cli)) != CLI_END;) {
        if (id == CLI_USAGE)
            return CM_EXIT_USAGE;
        note_given(cli, id);
        int wrong = fn ? fn(cli, id, context) : 0;
        if (wrong)
            return wrong;
    }
    if (cli->verbose)
        log_set_level(cli->verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    return 0;
}

void ctl_hush(const struct cli *cli)
{
    if (cli->verbose < 0 && !freopen("/dev/null", "we", stdout))
        abort(); /* no /dev/null: nothing can be trusted here */
}

static bool is_word_of(const char *word, const char *list)
{
    size_t size = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return true;
    return false;
}

int ctl_begin_verb(const struct cli *cli, const char *verb, const char *taken)
{
    static const char answers[] = "list show rules test status history verify export";
    for (size_t i = 0; i < given_count; i++)
        if (!is_word_of(given[i]->name, taken))
            return cli_wrong(cli, "--%s does not go with %s", given[i]->name, verb);
    if (!is_word_of(verb, answers))
        ctl_hush(cli);
    return 0;
}

int ctl_fail(const struct cm_error *error, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const char *reason = error->reason ? error->reason : error_name(error->code);
    if (db_right_lacks(error->code, error) && *connected_as)
        say_error("%s: %s: %s; it takes role %s", what, reason, error->detail, connected_as);
    else if (error->detail[0])
        say_error("%s: %s: %s", what, reason, error->detail);
    else
        say_error("%s: %s", what, reason);
    return CM_EXIT_FAILED;
}

/* What a later version has made of the tables is not this program's to change. */
static int refuse_newer(struct db *db)
{
    struct cm_error error = {0};
    bool older;
    if (inventory_check_schema(db, &older, &error) == 0 || older)
        return CM_EXIT_OK;
    return ctl_fail(&error, "cannot use the inventory");
}

int ctl_connect(const struct cli *cli, const char *role, struct db **out)
{
    struct cm_error error = {0};
    struct config *config = NULL;
    int status = CM_EXIT_OK;
    connected_as = role;
    if (config_load(cli->config_path, &config, &error) != 0)
        return ctl_fail(&error, "cannot read the configuration");
    if (inventory_connect(config, role, log_program(), out, &error) != 0) {
        const char *advice = inventory_advice(config, &error);
        status = ctl_fail(&error, "cannot reach the inventory%s%s%s", *advice ? " (" : "", advice, *advice ? ")" : "");
    } else if (strcmp(role, "certmuster_admin") != 0 && (status = refuse_newer(*out)) != 0) {
        db_close(*out); /* migrate alone may meet any version */
        *out = NULL;
    }
    config_free(config);
    return status;
}

int ctl_format(const struct cli *cli, enum ctl_format *out)
{
    if (strcmp(cli->argument, "text") == 0)
        *out = CTL_TEXT;
    else if (strcmp(cli->argument, "json") == 0)
        *out = CTL_JSON;
    else
        return cli_wrong(cli, "--format is text or json, not '%s'", cli->argument);
    return 0;
}

static int print_row(const struct db_result *row, void *context)
{
    for (size_t i = 0; i < db_columns(row); i++)
        table_cell(context, db_text(row, 0, i), TABLE_PLAIN);
    return 0;
}

int ctl_print_table(struct db *db, const char *sql, const char *const *params, size_t count,
                    const struct table_column *columns, const char *empty)
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    size_t width = 0;
    while (columns[width].title)
        width++;
    /* Whether there is anything at all is asked first: a table without rows says less than a sentence. */
    char probe[4096];
    if ((size_t)snprintf(probe, sizeof probe, "SELECT 1 FROM (%s) AS rows LIMIT 1", sql) >= sizeof probe)
        return CM_EXIT_FAILED;
    int code = db_query(db, probe, params, count, &rows, &error);
    bool any = !code && db_rows(rows) > 0;
    db_result_free(rows);
    if (!code && !any) {
        puts(empty);
    } else if (!code) {
        struct table *table = table_new(stdout, columns, width);
        code = db_each(db, sql, params, count, print_row, table, &error);
        table_free(table);
    }
    return code ? ctl_fail(&error, "cannot read the inventory") : CM_EXIT_OK;
}

struct json_list {
    bool any;
};

static int print_object(const struct db_result *row, void *context)
{
    struct json_list *list = context;
    fputs(list->any ? ",\n " : "[", stdout);
    fwrite(db_text(row, 0, 0), 1, db_text_size(row, 0, 0), stdout);
    list->any = true;
    return 0;
}

int ctl_print_json(struct db *db, const char *sql, const char *const *params, size_t count)
{
    struct cm_error error = {0};
    struct json_list list = {.any = false};
    if (db_each(db, sql, params, count, print_object, &list, &error) != 0)
        return ctl_fail(&error, "cannot read the inventory");
    puts(list.any ? "]" : "[]");
    return CM_EXIT_OK;
}

void ctl_actor(char *out, size_t size)
{
    const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *entry = getpwuid(getuid());
    if (sudo && *sudo)
        snprintf(out, size, "%s", sudo);
    else if (entry)
        snprintf(out, size, "%s", entry->pw_name);
    else
        snprintf(out, size, "uid %u", (unsigned)getuid());
}

bool ctl_is_plain(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > NAME_MAX_BYTES)
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= 0x20 || *c == 0x7F || *c == '/')
            return false;
    return true;
}
