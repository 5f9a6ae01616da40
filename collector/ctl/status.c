/* `certmuster status`: what runs, where, in which version, and what waits for delivery or was refused.
 *
 * Asks the services themselves, through their sockets, so that it also answers users who may not look into the account's processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/home.h"
#include "certmuster/log.h"
#include "certmuster/spool.h"
#include "collector/ctl/ctl.h"
#include "collector/ctl/daemon.h"
#include "collector/ctl/migrate.h"

static const struct cli_program program = {
    .name = "certmuster status",
    .summary = "Tells what of the inventory runs, where, in which version, and what waits for delivery or was refused.",
    .usage = (const char *const[]){"[--config FILE]", NULL},
    .options = (const struct cli_option[]){{0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster status", NULL},
    .more = "Exit status: 0 the database and the collector are well; 1 one of them is not, its schema is not this "
            "program's, or a trust store cannot be used; 2 wrong use; 3 cannot tell.",
};

static bool tell_database(const char *dsn)
{
    struct db *db = NULL;
    struct db_result *rows = NULL;
    struct cm_error error = {0};
    int schema = 0;
    const struct db_options options = {
        .dsn = dsn, .user = "certmuster_read", .program = log_program(), .connect_timeout_s = 5};
    bool well = false;
    if (db_connect(&options, &db, &error) != 0 || migrate_current(db, &schema, &error) != 0 ||
        (schema > 0 && db_query(db,
                                "SELECT current_setting('server_version'), (SELECT count(*) FROM certificate),"
                                /* As /metrics has it: what is gone is taken off, for gone_at has an index. */
                                " (SELECT count(*) FROM location_state) - (SELECT count(*) FROM location_state WHERE "
                                "gone_at IS NOT NULL)",
                                NULL, 0, &rows, &error) != 0)) {
        char text[512];
        snprintf(text, sizeof text, "%s%s%s", error.reason, error.detail[0] ? ": " : "", error.detail);
        printf("database    DOWN: %s\n", text);
    } else if (schema != migrate_newest()) {
        printf("database    schema %d, this program wants %d: %s\n", schema, migrate_newest(),
               schema < migrate_newest() ? "run certmuster migrate" : "install the newer version");
    } else {
        printf("database    PostgreSQL %s, schema %d; %s certificates at %s places\n", db_text(rows, 0, 0), schema,
               db_text(rows, 0, 1), db_text(rows, 0, 2));
        well = true;
    }
    db_result_free(rows);
    db_close(db);
    return well;
}

static bool tell_collector(const char *socket_path)
{
    static const char before[] = "\"reason\":\"";
    struct cm_error error = {0};
    char answer[4096];
    if (daemon_health(socket_path, answer, sizeof answer, &error) != 0) {
        printf("collector   DOWN: %s: %s\n", error.reason, error.detail);
        return false;
    }
    const char *reason = strstr(answer, before);
    if (reason) {
        reason += strlen(before);
        printf("collector   up, but there are %.*s (its log says why); unix:%s\n", (int)strcspn(reason, "\""), reason,
               socket_path);
        return false;
    }
    printf("collector   well, unix:%s\n", socket_path);
    return true;
}

/* Regular files of a directory, but for the notes that say why one is there. A directory that is not there holds none. */
static int count_files(const char *path, struct spool_usage *total, struct cm_error *error)
{
    DIR *dir = opendir(path);
    if (!dir && errno != ENOENT)
        return error_setf(error, CM_EIO, 0, "cannot look into it", "%.200s: %s", path, strerror(errno));
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat info;
        const char *dot = strrchr(entry->d_name, '.');
        if ((dot && strcmp(dot, ".reason") == 0) ||
            fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            continue;
        total->segments++;
        total->bytes += (uint64_t)info.st_size;
    }
    if (dir)
        closedir(dir);
    return CM_OK;
}

/* What a collector refused and what was damaged: certmuster-submit keeps both beside the segments. */
static void tell_refused(const char *spool)
{
    static const char *const folders[] = {"rejected", "refused"};
    char path[PATH_MAX];
    struct cm_error error = {0};
    struct spool_usage kept = {0, 0};
    int code = CM_OK;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !code; i++)
        if ((size_t)snprintf(path, sizeof path, "%s/%s", spool, folders[i]) < sizeof path)
            code = count_files(path, &kept, &error);
    if (code)
        printf("refused     UNKNOWN: %s: %s\n", error.reason, error.detail);
    else if (kept.segments)
        printf("refused     %" PRIu64 " file%s, %" PRIu64 " KiB, and why, %s/rejected and /refused\n", kept.segments,
               kept.segments == 1 ? "" : "s", (kept.bytes + 1023) / 1024, spool);
}

/* Segments that wait, and what was refused of earlier ones. Looks only: an unfinished segment may belong to a running scanner. */
static void tell_spool(const char *path)
{
    struct cm_error error = {0};
    struct stat info;
    struct spool_usage waiting = {0, 0};
    bool there = stat(path, &info) == 0 || errno != ENOENT;
    if (there && spool_usage(path, &waiting, &error) != CM_OK) {
        printf("spool       UNKNOWN: %s: %s\n", error.reason, error.detail);
        return;
    }
    if (waiting.segments == 0)
        printf("spool       empty, %s\n", path);
    else
        printf("spool       %" PRIu64 " segment%s, %" PRIu64 " KiB wait for delivery, %s\n", waiting.segments,
               waiting.segments == 1 ? "" : "s", (waiting.bytes + 1023) / 1024, path);
    tell_refused(path);
}

/* A scanner that root started gave its rights up and has a spool of its own: see emit.h. */
static void tell_own_spools(const char *spool)
{
    for (const char *const *source = spool_sources; *source; source++) {
        char *path = spool_own_dir(spool, *source);
        if (access(path, F_OK) == 0)
            tell_spool(path);
        free(path);
    }
}

static int tell(const struct config *config, const struct home *home)
{
    const char *dsn = config_string(config, "dsn"), *socket_path = config_string(config, "collector.socket");
    const char *spool = config_string(config, "spool.dir");
    printf("home        %s%s\n", home->path, home->exists ? "" : " (certmuster up never ran here)");
    if (config_path(config))
        printf("config      %s\n", config_path(config));
    bool database = false, collector = false;
    if (dsn || home->exists)
        database = tell_database(dsn ? dsn : home->dsn);
    else
        puts("database    none; run certmuster up, or configure dsn");
    if (socket_path || home->exists)
        collector = tell_collector(socket_path ? socket_path : home->collector_socket);
    else
        puts("collector   none");
    tell_spool(spool ? spool : home->spool);
    tell_own_spools(spool ? spool : home->spool);
    return database && collector ? CM_EXIT_OK : CM_EXIT_PARTIAL;
}

int status_command(int argc, char **argv)
{
    struct cli cli;
    struct cm_error error = {0};
    struct config *config = NULL;
    struct home home;
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, NULL, NULL);
    if (!status && cli.operand_count > 0)
        status = cli_wrong(&cli, "no operand is needed: '%s'", cli.operands[0]);
    if (!status && (config_load(cli.config_path, &config, &error) != 0 || home_find(&home, &error) != 0))
        status = ctl_fail(&error, "cannot tell");
    if (!status) {
        ctl_hush(&cli);
        status = tell(config, &home);
    }
    config_free(config);
    cli_done(&cli);
    return status;
}
