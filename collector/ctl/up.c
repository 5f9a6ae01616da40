/* `certmuster up` and `certmuster down`: the private inventory, started and stopped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "collector/ctl/ctl.h"
#include "collector/ctl/daemon.h"
#include "collector/ctl/layout.h"
#include "collector/ctl/migrate.h"
#include "collector/ctl/postgres.h"

enum { OPTION_DATABASE_ONLY = 1000 };

static const struct cli_program up_program = {
    .name = "certmuster up",
    .summary = "Starts a private inventory on this machine: a PostgreSQL cluster and the collector, both on unix "
               "sockets only.",
    .usage = (const char *const[]){"[--database-only] [--config FILE]", NULL},
    .options = (const struct cli_option[]){{OPTION_DATABASE_ONLY, "database-only", NULL,
                                            "Start PostgreSQL and bring its schema up to date, but not the collector."},
                                           {0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster up                              # this machine's, in its usual place",
                                      "CERTMUSTER_HOME=/srv/muster certmuster up  # another one beside it", NULL},
    .more = "Running it again repairs what is down and changes nothing else. As root, everything runs as the account "
            "that up.user names (certmuster; made "
            "when missing), which then owns the home; root, that account and whoever called sudo may use the "
            "inventory. The home is $CERTMUSTER_HOME, "
            "else /var/lib/certmuster for root and ~/.local/share/certmuster for others; logs are in its log/, the "
            "path of its sockets in its "
            "file sockets. Exit status: 0 it runs; 2 wrong use; 3 it does not, and one line says why.",
};

static const struct cli_program down_program = {
    .name = "certmuster down",
    .summary = "Stops the private inventory that certmuster up started. The data stays.",
    .usage = (const char *const[]){"[--config FILE]", NULL},
    .options = (const struct cli_option[]){{0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster down", NULL},
    .more = "Running it again is fine. Exit status: 0 nothing runs any more; 2 wrong use; 3 it could not be stopped.",
};

/* What of the caller's environment must not reach the servers: PG* would point initdb and libpq elsewhere, NOTIFY_SOCKET would tell
 * systemd of somebody else's start. */
static void clean_environment(const struct layout *layout)
{
    char name[256];
    for (char **entry = environ; *entry;) {
        size_t size = strcspn(*entry, "=");
        if (strncmp(*entry, "PG", 2) == 0 && size < sizeof name) {
            memcpy(name, *entry, size);
            name[size] = 0;
            unsetenv(name);
            entry = environ; /* the list has moved */
        } else {
            entry++;
        }
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("MAILTO");
    setenv("CERTMUSTER_HOME", layout->home, 1);
    setenv("HOME", layout->home, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    umask(022);
}

static int make_log_dir(const struct layout *layout, struct cm_error *error)
{
    if (mkdir(layout->logs, 0755) != 0 && errno != EEXIST)
        return error_setf(error, CM_EIO, 0, "cannot make the directory for logs", "%.180s: %s", layout->logs,
                          strerror(errno));
    return 0;
}

static int migrate_home(const struct layout *layout, int *applied, struct cm_error *error)
{
    struct db *db = NULL;
    const struct db_options options = {.dsn = layout->dsn, .user = "certmuster_admin", .program = "certmuster up"};
    int code = db_connect(&options, &db, error);
    if (!code)
        code = migrate_run(db, applied, error);
    db_close(db);
    return code;
}

/* The collector reads the configuration itself, as the account: what the account cannot read would be a riddle in its log. */
static int check_config(const char *path, const struct layout *layout, struct cm_error *error)
{
    if (path && access(path, R_OK) != 0)
        return error_setf(error, CM_EAUTH, 0, "the account cannot read the configuration", "%s: %.180s: %s",
                          layout->account, path, strerror(errno));
    return 0;
}

struct up {
    struct layout layout;
    int program_fd;           /* of the collector; -1 with --database-only */
    const char *config_named; /* --config as an absolute path, or NULL */
    const char *config_used;  /* what was read, or NULL */
};

/* Everything after root has been given up. */
static int bring_up(struct up *up, struct cm_error *error)
{
    struct layout *layout = &up->layout;
    const char *postgres_did = "", *collector_did = "not asked for";
    bool users_changed = false;
    int applied = 0;
    clean_environment(layout);
    int code = layout_lock(layout, error);
    if (!code)
        code = check_config(up->config_used, layout, error);
    if (!code)
        code = make_log_dir(layout, error);
    if (!code)
        code = layout_sockets(layout, error);
    if (!code)
        code = layout_users(layout, &users_changed, error);
    if (!code)
        code = postgres_up(layout, users_changed, &postgres_did, error);
    if (!code)
        code = migrate_home(layout, &applied, error);
    if (!code && up->program_fd >= 0)
        code = daemon_up(layout, up->program_fd, up->config_named, users_changed, &collector_did, error);
    if (code)
        return code;
    printf("PostgreSQL  %s, pid %d\n", postgres_did, (int)postgres_pid(layout));
    printf("schema      %d%s\n", migrate_newest(), applied ? ", brought up to date" : "");
    if (up->program_fd >= 0)
        printf("collector   %s, pid %d\n", collector_did, (int)daemon_pid(layout));
    printf("home        %s (account %s)\nsockets     %s\n", layout->home, layout->account, layout->socket_dir);
    return 0;
}

static int read_option(struct cli *cli, int id, void *context)
{
    (void)cli;
    if (id == OPTION_DATABASE_ONLY)
        *(bool *)context = true;
    return 0;
}

static int up_run(struct up *up, const struct cli *cli, bool database_only)
{
    struct cm_error error = {0};
    struct config *config = NULL;
    char *named = NULL;
    int code = config_load(cli->config_path, &config, &error);
    if (!code && config_string(config, "dsn"))
        code = error_setf(&error, CM_ECONFLICT, 0, "dsn is configured, so the inventory is not a private one",
                          "%s; there is nothing to start here: run certmuster migrate and certmuster-collectd",
                          config_path(config));
    if (!code && !database_only)
        code = daemon_open_program(&up->program_fd, &error);
    if (!code && cli->config_path)
        up->config_named = named = realpath(cli->config_path, NULL);
    if (!code)
        up->config_used = up->config_named ? up->config_named : config_path(config);
    if (!code)
        code = layout_init(&up->layout, &error);
    if (!code)
        code = layout_enter_new(&up->layout, config, &error);
    if (!code)
        code = bring_up(up, &error);
    free(named);
    config_free(config);
    return code ? ctl_fail(&error, "the inventory is not up") : CM_EXIT_OK;
}

int up_command(int argc, char **argv)
{
    struct cli cli;
    struct up up = {.program_fd = -1};
    bool database_only = false;
    cli_init(&cli, &up_program, argc, argv);
    int status = ctl_parse(&cli, read_option, &database_only);
    if (!status && cli.operand_count > 0)
        status = cli_wrong(&cli, "no operand is needed: '%s'", cli.operands[0]);
    if (!status) {
        ctl_hush(&cli);
        status = up_run(&up, &cli, database_only);
    }
    if (up.program_fd >= 0)
        close(up.program_fd);
    cli_done(&cli);
    return status;
}

int down_command(int argc, char **argv)
{
    struct cli cli;
    struct layout layout;
    struct cm_error error = {0};
    bool collector = false, postgres = false;
    cli_init(&cli, &down_program, argc, argv);
    int status = ctl_parse(&cli, NULL, NULL);
    if (!status && cli.operand_count > 0)
        status = cli_wrong(&cli, "no operand is needed: '%s'", cli.operands[0]);
    if (!status)
        ctl_hush(&cli);
    cli_done(&cli);
    if (status)
        return status;
    int code = layout_init(&layout, &error);
    if (!code)
        code = layout_enter(&layout, &error);
    if (code == CM_ENOTFOUND) {
        puts("nothing runs: there is no inventory here");
        return CM_EXIT_OK;
    }
    if (!code)
        code = layout_lock(&layout, &error);
    if (!code)
        code = daemon_down(&layout, &collector, &error);
    if (!code)
        code = postgres_down(&layout, &postgres, &error);
    if (code)
        return ctl_fail(&error, "the inventory is not down");
    printf("collector   %s\nPostgreSQL  %s\n", collector ? "stopped" : "was not running",
           postgres ? "stopped" : "was not running");
    return CM_EXIT_OK;
}
