/* The private PostgreSQL cluster of `up`: made, configured, started, stopped.
 *
 * Real server binaries from the distribution, unix sockets only, every local user named explicitly. All of it runs as the account that owns
 * the home; a cluster is made beside its final place and renamed, so that an interrupted `up` leaves no half of one. Our settings stand in
 * certmuster.conf, which postgresql.conf includes; what an operator adds below that line wins. */
#include "collector/ctl/postgres.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/db.h"
#include "certmuster/log.h"
#include "collector/ctl/process.h"

enum {
    STOP_MS = 60 * 1000,
    START_TRIES = 4, /* after a SIGKILL the old backends need a moment to notice and let go of shared memory */
    START_PAUSE_MS = 1000,
    LOG_KEEP_BYTES = 16 * 1024 * 1024,
};

static const char *const roles[] = {"certmuster_admin", "certmuster_ingest", "certmuster_operate", "certmuster_read"};

/* --- The server's programs ------------------------------------------------------------------------------------------------------- */

static bool has_programs(const char *bindir)
{
    static const char *const needed[] = {"initdb", "pg_ctl", "postgres"};
    char path[512];
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if ((size_t)snprintf(path, sizeof path, "%s/%s", bindir, needed[i]) >= sizeof path || access(path, X_OK) != 0)
            return false;
    return true;
}

/* Of a cluster that exists: its major version. 0 when there is none. */
static int cluster_major(const struct layout *layout)
{
    char path[LAYOUT_PATH_SIZE + 16];
    int major = 0;
    snprintf(path, sizeof path, "%s/PG_VERSION", layout->cluster);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &major) != 1)
        major = 0;
    if (file)
        fclose(file);
    return major;
}

/* Debian keeps every major version apart; elsewhere pg_config knows the one that is installed. */
static int find_bindir(int major, char *out, size_t size, struct cm_error *error)
{
    glob_t found;
    int best = 0;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int version = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));
            if ((major ? version == major : version >= POSTGRES_OLDEST && version > best) &&
                has_programs(found.gl_pathv[i])) {
                best = version;
                snprintf(out, size, "%s", found.gl_pathv[i]);
            }
        }
        globfree(&found);
    }
    if (best)
        return 0;
    FILE *config = popen("pg_config --bindir 2>/dev/null", "re");
    bool named = config && fgets(out, (int)size, config);
    if (config)
        pclose(config);
    if (named) {
        out[strcspn(out, "\n")] = 0;
        if (has_programs(out))
            return 0;
    }
    if (major)
        return error_setf(error, CM_ENOTFOUND, 0, "the server that this home's data was made with is not installed",
                          "install postgresql-%d", major);
    return error_setf(error, CM_ENOTFOUND, 0, "no PostgreSQL server is installed",
                      "install postgresql-%d or later (apt-get install postgresql)", POSTGRES_OLDEST);
}

/* --- Files of the cluster ---------------------------------------------------------------------------------------------------------- */

static int write_cluster_file(const char *cluster, const char *name, const char *text, const char *mode,
                              struct cm_error *error)
{
    char path[LAYOUT_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", cluster, name);
    FILE *file = fopen(path, mode);
    bool good = file && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file && fclose(file) != 0)
        good = false;
    return good ? 0 : error_setf(error, CM_EIO, 0, "cannot write", "%.180s: %s", path, strerror(errno));
}

/* An eighth of the memory, between 32 and 512 MiB. */
static long shared_buffers_mib(void)
{
    long mib = sysconf(_SC_PHYS_PAGES) / 8 * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
    return mib < 32 ? 32 : mib > 512 ? 512 : mib;
}

/* One name of a list of directories, which stands in double quotes there, and the list in single ones. Each kind of quote is doubled, and the
 * backslash, which those in single quotes make special. */
static void quote_directory(const char *path, char out[static 2 * HOME_SOCKET_SIZE])
{
    char *end = out;
    for (const char *c = path; *c && end < out + 2 * HOME_SOCKET_SIZE - 2; c++) {
        if (*c == '\'' || *c == '"' || *c == '\\')
            *end++ = *c;
        *end++ = *c;
    }
    *end = 0;
}

static int write_settings(const struct layout *layout, const char *cluster, struct cm_error *error)
{
    char text[2048], directory[2 * HOME_SOCKET_SIZE];
    quote_directory(layout->socket_dir, directory);
    snprintf(text, sizeof text,
             "# Written by `certmuster up` at every start. Your own settings belong into postgresql.conf, below the "
             "include line.\n"
             "listen_addresses = ''           # unix sockets only\n"
             "port = 5432\n"
             "unix_socket_directories = '\"%s\"'\n"
             "unix_socket_permissions = 0777  # who may connect is said by uid in pg_hba.conf and pg_ident.conf\n"
             "max_connections = 60\n"
             "shared_buffers = %ldMB\n"
             "fsync = on\n"
             "synchronous_commit = on\n"
             "full_page_writes = on\n"
             "wal_compression = on\n"
             "max_wal_size = 1GB\n"
             "checkpoint_timeout = 15min\n"
             "jit = off\n"
             "timezone = 'UTC'\n"
             "log_timezone = 'UTC'\n"
             "log_line_prefix = '%%m [%%p] %%q%%u@%%d %%a '\n",
             directory, shared_buffers_mib());
    return write_cluster_file(cluster, "certmuster.conf", text, "we", error);
}

/* peer: the kernel says which uid asks; the map says who that may be. */
static int write_access(const struct layout *layout, const char *cluster, struct cm_error *error)
{
    char text[LAYOUT_USERS_MAX * 4 * 80] = "# Written by `certmuster up`; the users are in the home's file users.\n";
    size_t used = strlen(text);
    for (size_t i = 0; i < layout->user_count; i++)
        for (size_t j = 0; j < sizeof roles / sizeof roles[0]; j++)
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "certmuster \"%s\" %s\n", layout->users[i], roles[j]);
    int code = write_cluster_file(cluster, "pg_ident.conf", text, "we", error);
    return code ? code
                : write_cluster_file(cluster, "pg_hba.conf",
                                     "# Written by `certmuster up`.\n"
                                     "local all all peer map=certmuster\n",
                                     "we", error);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *state)
{
    (void)info;
    (void)type;
    (void)state;
    return remove(path);
}

static int failed(const char *program, int status, const struct layout *layout, struct cm_error *error)
{
    if (status < 0)
        return status;
    return error_setf(error, CM_EIO, 0, "a program of PostgreSQL failed", "%s: %.160s (log: %.60s…)", program,
                      process_log_tail(layout->postgres_log, 1), layout->postgres_log);
}

static int make_cluster(const struct layout *layout, const char *bindir, struct cm_error *error)
{
    char fresh[LAYOUT_PATH_SIZE + 8], initdb[512];
    snprintf(fresh, sizeof fresh, "%s.new", layout->cluster);
    snprintf(initdb, sizeof initdb, "%s/initdb", bindir);
    if (access(fresh, F_OK) == 0 && nftw(fresh, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return error_setf(error, CM_EIO, 0, "cannot remove what an interrupted up left", "%.180s: %s", fresh,
                          strerror(errno));
    const char *argv[] = {initdb,
                          "-D",
                          fresh,
                          "-U",
                          roles[0],
                          "-E",
                          "UTF8",
                          "--locale=C.UTF-8",
                          "-A",
                          "peer",
                          "--data-checksums",
                          "--no-instructions",
                          NULL};
    int status = process_run(argv, layout->home, layout->postgres_log, error);
    if (status != 0)
        return failed("initdb", status, layout, error);
    int code = write_cluster_file(fresh, "postgresql.conf",
                                  "\ninclude 'certmuster.conf'\n# Your own settings go below.\n", "ae", error);
    if (!code && rename(fresh, layout->cluster) != 0)
        code = error_setf(error, CM_EIO, 0, "cannot rename the new cluster", "%.180s: %s", fresh, strerror(errno));
    return code;
}

/* --- The server process ------------------------------------------------------------------------------------------------------------- */

static pid_t pid_in_lock_file(const struct layout *layout)
{
    char path[LAYOUT_PATH_SIZE + 32];
    int pid = 0;
    snprintf(path, sizeof path, "%s/postmaster.pid", layout->cluster);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file)
        fclose(file);
    return pid;
}

static bool is_server_of(pid_t pid, const struct layout *layout)
{
    return process_alive(pid) && process_runs(pid, "postgres") && process_works_in(pid, layout->cluster);
}

pid_t postgres_pid(const struct layout *layout)
{
    pid_t pid = pid_in_lock_file(layout);
    return pid > 0 && is_server_of(pid, layout) ? pid : 0;
}

/* A lock file whose number another process got since would keep PostgreSQL from starting: when that is no server of this cluster, the file
 * goes. PostgreSQL's own check of its shared memory still refuses to start beside living backends. */
static void clear_stale_lock(const struct layout *layout)
{
    char path[LAYOUT_PATH_SIZE + 32];
    pid_t pid = pid_in_lock_file(layout);
    if (pid <= 0 || !process_alive(pid) || is_server_of(pid, layout))
        return;
    snprintf(path, sizeof path, "%s/postmaster.pid", layout->cluster);
    unlink(path);
}

/* Backends whose postmaster was killed; they hold the shared memory until they end. */
static void end_orphans(const struct layout *layout)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    for (const struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && is_server_of(pid, layout) && process_end(pid, SIGQUIT, SIGKILL, 2000) != 0)
            log_event(LOG_LEVEL_WARN, "orphan_stays", "pid=%d", (int)pid);
    }
    closedir(proc);
}

static int start_server(const struct layout *layout, const char *bindir, struct cm_error *error)
{
    char pg_ctl[512];
    snprintf(pg_ctl, sizeof pg_ctl, "%s/pg_ctl", bindir);
    /* Recovery after a crash may take minutes; pg_ctl reports a server that gave up at once. It gives its arguments to a shell, to which the
     * home's name must not mean anything: the log is named from there, and the cluster by the environment. */
    const char *log = layout->postgres_log + strlen(layout->home) + 1;
    const char *argv[] = {pg_ctl, "start", "-w", "-s", "-t", "600", "-l", log, NULL};
    setenv("PGDATA", layout->cluster, 1);
    int status = 1;
    for (int turn = 0; turn < START_TRIES && status > 0; turn++) {
        if (turn > 0)
            poll(NULL, 0, START_PAUSE_MS);
        if (turn == START_TRIES - 1)
            end_orphans(layout);
        clear_stale_lock(layout);
        status = process_run(argv, layout->home, layout->postgres_log, error);
        if (status > 0 && postgres_pid(layout)) /* somebody else started it meanwhile */
            status = 0;
    }
    unsetenv("PGDATA");
    return status == 0 ? 0 : failed("pg_ctl start", status, layout, error);
}

/* Connects as the superuser, to the database that always exists. */
static int make_database(const struct layout *layout, struct cm_error *error)
{
    char dsn[HOME_DSN_SIZE];
    struct db *db = NULL;
    struct db_result *rows = NULL;
    home_connection(layout->socket_dir, "postgres", dsn);
    const struct db_options options = {.dsn = dsn, .user = roles[0], .program = log_program()};
    int code = db_connect(&options, &db, error);
    if (!code)
        code = db_query(db, "SELECT 1 FROM pg_database WHERE datname = 'certmuster'", NULL, 0, &rows, error);
    if (!code && db_rows(rows) == 0)
        code = db_exec(db, "CREATE DATABASE certmuster", error);
    db_result_free(rows);
    db_close(db);
    return code;
}

static void keep_log_small(const char *path)
{
    struct stat info;
    char old[LAYOUT_PATH_SIZE + 8];
    snprintf(old, sizeof old, "%s.1", path);
    if (stat(path, &info) == 0 && info.st_size > LOG_KEEP_BYTES)
        rename(path, old);
}

int postgres_up(const struct layout *layout, bool users_changed, const char **did, struct cm_error *error)
{
    char bindir[480];
    int major = cluster_major(layout);
    int code = find_bindir(major, bindir, sizeof bindir, error);
    if (code)
        return code;
    pid_t running = postgres_pid(layout);
    *did = running ? "was running" : major ? "started" : "made and started";
    if (!major) {
        code = make_cluster(layout, bindir, error);
        users_changed = true;
    }
    if (!code && (users_changed || !running))
        code = write_access(layout, layout->cluster, error);
    if (!code && running && users_changed && kill(running, SIGHUP) != 0)
        code = error_setf(error, CM_EIO, 0, "cannot tell PostgreSQL of a new user", "%s", strerror(errno));
    if (!code && !running) {
        keep_log_small(layout->postgres_log);
        code = write_settings(layout, layout->cluster, error);
        if (!code)
            code = start_server(layout, bindir, error);
    }
    return code ? code : make_database(layout, error);
}

int postgres_down(const struct layout *layout, bool *was_running, struct cm_error *error)
{
    pid_t pid = postgres_pid(layout);
    *was_running = pid != 0;
    if (!pid)
        return 0;
    int code = process_end(pid, SIGINT, SIGQUIT, STOP_MS);
    return code ? error_setf(error, code, 0, "PostgreSQL does not stop", "pid %d", (int)pid) : 0;
}
