/* certmuster-browse: the terminal browser. Reads the command line and the configuration, says at once when there is nothing to browse,
 * and runs the loop of app.c. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/home.h"
#include "certmuster/inventory.h"
#include "certmuster/log.h"
#include "certmuster/table.h"
#include "report/browse/browse.h"
#include "report/browse/detail.h"
#include "report/browse/list.h"

enum {
    CONNECT_TIMEOUT_S = 5,
    PAGE_TIMEOUT_MS = 15000,
    TOTALS_TIMEOUT_MS = 120000,
    OPERATE_TIMEOUT_MS = 10000,
    OPERATE_IDLE_MS = 30000
};

static const struct cli_option options[] = {
    {'f', "filter", "EXPR", "Start with this filter (certmuster-browse(1) tells the words; ? shows them)."},
    {0, NULL, NULL, NULL},
};

static const struct cli_program program = {
    .name = "certmuster-browse",
    .summary = "Browses the inventory in the terminal: what expires next, where it is, whom to call.",
    .usage = (const char *const[]){"[--filter EXPR]", NULL},
    .options = options,
    .examples =
        (const char *const[]){"certmuster-browse  # what breaks next is selected; ? shows the keys",
                              "certmuster-browse --filter 'owner:payments status:expiring'  # one team's month", NULL},
    .more = "Exit status: 0 quit, 2 wrong use or no terminal, 3 no database, 128 + N ended by signal N.\n"
            "NO_COLOR switches colours off. For pipes and files there is certmuster-report.",
};

/* What an inventory of another version says could not be told truly. Short work done by key must not pay for compiling plans. */
static int on_connect(struct db *db, struct cm_error *error)
{
    int code = inventory_check_schema(db, NULL, error);
    return code ? code : db_exec(db, "SET jit = off", error);
}

static int read_command_line(int argc, char **argv, struct cli *cli, const char **filter)
{
    int option;
    cli_init(cli, &program, argc, argv);
    while ((option = cli_next(cli)) > 0)
        *filter = cli->argument;
    if (option == CLI_USAGE)
        return CM_EXIT_USAGE;
    if (cli->operand_count > 0)
        return cli_wrong(cli, "unexpected operand %s", log_quote(cli->operands[0]));
    struct filter parsed;
    struct cm_error error = {0};
    if (strlen(*filter) >= LINE_BYTES_MAX)
        return cli_wrong(cli, "--filter is longer than %d bytes", LINE_BYTES_MAX - 1);
    if (filter_parse(*filter, FILTER_WHOLE, &parsed, &error) != CM_OK)
        return cli_wrong(cli, "--filter, at byte %zu: %s%s%s", error.offset + 1, error.reason,
                         error.detail[0] ? ": " : "", error.detail);
    filter_done(&parsed);
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        say_error("this needs a terminal. Try certmuster report expiring");
        return CM_EXIT_USAGE;
    }
    return CM_EXIT_OK;
}

/* The configured database, else the home's. NULL, and why in error, when there is none. */
static const char *find_dsn(const struct config *config, struct home *home, struct cm_error *error)
{
    const char *dsn = config_string(config, "dsn");
    if (dsn)
        return dsn;
    if (home_find(home, error) != CM_OK)
        return NULL;
    if (home->dsn[0])
        return home->dsn;
    error_setf(error, CM_ENOTFOUND, 0, "there is no inventory on this machine", "%s", home->path);
    return NULL;
}

/* Before the screen is taken: a database that is not there, or not ours, is one line on stderr. */
static int try_database(const struct db_options *database)
{
    struct cm_error error = {0};
    struct db *db = NULL;
    int code = db_connect(database, &db, &error);
    if (code) {
        say_error("%s. Is it running? certmuster up starts the local one",
                  error.detail[0] ? error.detail : error.reason);
        return CM_EXIT_FAILED;
    }
    code = on_connect(db, &error);
    if (code)
        say_error("%s: %s", error.reason, error.detail);
    db_close(db);
    return code ? CM_EXIT_FAILED : CM_EXIT_OK;
}

static int run(const char *dsn, const char *filter)
{
    struct browse browse = {0};
    struct term_style style;
    struct cm_error error = {0};
    struct link_options links[BROWSE_LINKS] = {
        [BROWSE_LINK_ROWS] = {{dsn, "certmuster_read", program.name, CONNECT_TIMEOUT_S, PAGE_TIMEOUT_MS},
                              on_connect,
                              0},
        [BROWSE_LINK_TOTALS] = {{dsn, "certmuster_read", program.name, CONNECT_TIMEOUT_S, TOTALS_TIMEOUT_MS},
                                on_connect,
                                0},
        [BROWSE_LINK_OPERATE] = {{dsn, "certmuster_operate", program.name, CONNECT_TIMEOUT_S, OPERATE_TIMEOUT_MS},
                                 on_connect,
                                 OPERATE_IDLE_MS},
    };
    int status = try_database(&links[BROWSE_LINK_ROWS].db);
    if (status)
        return status;
    term_style_of(stdout, &style);
    browse.utf8 = style.utf8;
    browse.notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (browse.notify_fd < 0 || screen_open(style.colour, &error) != CM_OK) {
        say_error("%s%s%s. Try certmuster report expiring",
                  error.reason ? error.reason : "no file descriptors are left", error.detail[0] ? ": " : "",
                  error.detail);
        return CM_EXIT_USAGE;
    }
    browse.list = list_new(&browse);
    snprintf(browse.list->choice.filter, sizeof browse.list->choice.filter, "%s", filter);
    for (int i = 0; i < BROWSE_LINKS; i++)
        browse.link[i] = link_new(&links[i], browse.notify_fd, &browse);
    status = browse_run(&browse);
    screen_close();
    for (int i = 0; i < BROWSE_LINKS; i++)
        link_free(browse.link[i]);
    detail_free(browse.detail);
    list_free(browse.list);
    close(browse.notify_fd);
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct config *config = NULL;
    struct home home = {0};
    struct cm_error error = {0};
    const char *filter = "", *dsn = NULL;

    log_init(program.name, LOG_LEVEL_WARN);
    int status = read_command_line(argc, argv, &cli, &filter);
    if (status)
        goto out;
    status = CM_EXIT_FAILED;
    if (config_load(cli.config_path, &config, &error) != CM_OK)
        say_error("%s%s%s", error.reason, error.detail[0] ? ": " : "", error.detail);
    else if (!(dsn = find_dsn(config, &home, &error)))
        say_error("%s. certmuster up makes one, or name one as dsn in the configuration", error.reason);
    else
        status = run(dsn, filter);
out:
    config_free(config);
    cli_done(&cli);
    return status;
}
