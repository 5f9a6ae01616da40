/* certmuster-collectd: takes batches of records over HTTP and keeps the inventory. Starts the threads and ends them:
 *
 *   event loop (this thread)  HTTP, /metrics, /healthz; never touches the database
 *   ingest workers            one batch each, a database connection each
 *   judge                     verdicts, upkeep, alerts; one connection, and while many chains wait as many
 *                             others as there are workers
 *   clerks                    a connection each: roster (which certificates are enrolled), figures (counts for
 *                             /metrics), sweeps (begins what is due), gone (marks places that vanished)
 *
 * May be killed at any moment: what was not committed is sent again by whoever sent it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/cli.h"
#include "certmuster/home.h"
#include "certmuster/log.h"
#include "collector/figures.h"
#include "collector/http/server.h"
#include "collector/judge/judge.h"
#include "collector/notify.h"
#include "collector/roster.h"

enum { WORKER_STOP_MS = 1000, JUDGE_STOP_MS = 5000, CLERK_STOP_MS = 500 };

enum { OPTION_SOCKET = 1000, OPTION_LISTEN, OPTION_DSN, OPTION_ALLOW_UID, OPTION_PID_FILE };

static const struct cli_program program = {
    .name = "certmuster-collectd",
    .summary = "Takes what scanners saw, keeps the inventory in PostgreSQL, verifies chains and sends alerts.",
    .usage =
        (const char *const[]){
            "[--socket PATH] [--listen ADDRESS:PORT] [--dsn STRING] [--allow-uid UID]… [--config FILE]", NULL},
    .options =
        (const struct cli_option[]){
            {OPTION_SOCKET, "socket", "PATH",
             "Serve on this unix socket; default: collector.socket of the configuration, else that of the local home."},
            {OPTION_LISTEN, "listen", "ADDRESS:PORT",
             "Serve TLS with client certificates here; default: collector.listen, when collector.tls.cert is set."},
            {OPTION_DSN, "dsn", "STRING",
             "Connection string of the inventory; default: dsn of the configuration, else the local home's."},
            {OPTION_ALLOW_UID, "allow-uid", "UID",
             "Let this user id speak on the unix socket, besides root, the collector's own, the owner of the socket's "
             "directory and collector.allow_uids. May be given several times."},
            {OPTION_PID_FILE, "pid-file", "FILE", "Write the process id there."},
            {0, NULL, NULL, NULL}},
    .examples =
        (const char *const[]){
            "certmuster up                                             # starts one with a private PostgreSQL",
            "certmuster-collectd --config /etc/certmuster/certmuster.yaml  # in production, under systemd",
            "curl --unix-socket /run/certmuster/collectd.sock http://localhost/healthz  # is it well?", NULL},
    .more = "Serves POST /v1/batches, POST /v1/missing, POST /v1/leases, POST /v1/leases/ID, GET /healthz and GET "
            "/metrics. Runs in the foreground and logs on standard error; SIGTERM finishes what is in a transaction, "
            "for ten seconds at most, and ends it; SIGHUP takes the TLS files anew, which "
            "happens by itself when they change. While PostgreSQL is away it goes on and "
            "answers 503. "
            "Exit status: 0 ended by a signal; 2 wrong use; 3 it cannot start, and one line says why.",
};

struct options {
    const char *socket, *listen, *dsn, *pid_file;
    uid_t uids[SETTINGS_UIDS_MAX];
    size_t uid_count;
};

/* --- What we were told ---------------------------------------------------------------------------------------------------------------- */

static bool read_uid(const char *text, uid_t *out)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value >= UINT32_MAX)
        return false;
    *out = (uid_t)value;
    return true;
}

static int read_options(struct cli *cli, struct options *options)
{
    for (int id; (id = cli_next(cli)) != CLI_END;) {
        switch (id) {
        case OPTION_SOCKET:
            options->socket = cli->argument;
            break;
        case OPTION_LISTEN:
            options->listen = cli->argument;
            break;
        case OPTION_DSN:
            options->dsn = cli->argument;
            break;
        case OPTION_PID_FILE:
            options->pid_file = cli->argument;
            break;
        case OPTION_ALLOW_UID:
            if (options->uid_count == SETTINGS_UIDS_MAX / 2)
                return cli_wrong(cli, "too many --allow-uid");
            if (!read_uid(cli->argument, &options->uids[options->uid_count++]))
                return cli_wrong(cli, "not a user id: '%s'", cli->argument);
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    return cli->operand_count ? cli_wrong(cli, "no operand is needed: '%s'", cli->operands[0]) : 0;
}

static void allow(struct settings *settings, uid_t uid)
{
    if (!settings_allow(settings, uid) && settings->uid_count < SETTINGS_UIDS_MAX)
        settings->uids[settings->uid_count++] = uid;
}

static int allow_configured(struct settings *settings, struct cm_error *error)
{
    size_t count = 0;
    const char *const *list = config_list(settings->config, "collector.allow_uids", &count);
    for (size_t i = 0; i < count; i++) {
        uid_t uid;
        if (!read_uid(list[i], &uid))
            return error_setf(error, CM_EINVAL, 0, "collector.allow_uids holds numeric user ids", "%.100s", list[i]);
        allow(settings, uid);
    }
    return 0;
}

/* Root, ourselves, and whoever owns the directory: that one could replace the socket anyway. */
static void allow_always(struct settings *settings)
{
    char directory[HOME_PATH_SIZE];
    struct stat owner;
    allow(settings, 0);
    allow(settings, geteuid());
    if (!settings->socket || (size_t)snprintf(directory, sizeof directory, "%s", settings->socket) >= sizeof directory)
        return;
    char *slash = strrchr(directory, '/');
    if (slash && slash != directory)
        *slash = 0;
    if (slash && stat(directory, &owner) == 0)
        allow(settings, owner.st_uid);
}

static int make_settings(const struct options *options, const struct config *config, struct home *home,
                         struct settings *out, struct cm_error *error)
{
    *out = (struct settings){.config = config, .dsn = options->dsn, .pid_file = options->pid_file};
    out->socket = options->socket ? options->socket : config_string(config, "collector.socket");
    if (!out->socket && home_find(home, NULL) == 0 && home->exists)
        out->socket = home->collector_socket;
    out->listen = options->listen                               ? options->listen
                  : config_string(config, "collector.tls.cert") ? config_string(config, "collector.listen")
                                                                : NULL;
    if (!out->socket && !out->listen)
        return error_set(error, CM_EINVAL, 0, "nothing to listen on: give --socket or --listen, or run: certmuster up");
    allow_always(out);
    for (size_t i = 0; i < options->uid_count; i++)
        allow(out, options->uids[i]);
    return allow_configured(out, error);
}

/* --- Starting and ending --------------------------------------------------------------------------------------------------------------- */

/* An inventory that is away will come back; one that is too old or not there at all will not. */
static int check_inventory(const struct settings *settings, struct state *state, struct roster *roster,
                           struct cm_error *error)
{
    struct db *db = NULL;
    int code = settings_connect(settings, "certmuster-collectd start", &db, error);
    if (!code)
        code = roster_read(roster, db, error);
    db_close(db);
    state_database(state, code == 0);
    if (code != CM_EIO)
        return code;
    log_event(LOG_LEVEL_WARN, "database_away", "%s", log_error(error));
    return 0;
}

static void block_signals(void)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* until the event loop is there, which reloads */
    /* Threads inherit the mask; the event loop alone takes these two, see serve(). */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void unblock_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void on_ready(void)
{
    unblock_signals();
    notify_service("READY=1");
    log_event(LOG_LEVEL_INFO, "ready", "pid=%d", (int)getpid());
}

enum { ROSTER, FIGURES, SWEEPS, GONE, CLERKS };

static int start_clerks(const struct settings *settings, struct state *state, struct roster *roster,
                        struct clerk *clerks[static CLERKS], struct cm_error *error)
{
    int code = roster_clerk(settings, roster, &clerks[ROSTER], error);
    if (!code)
        code = figures_clerk(settings, state, &clerks[FIGURES], error);
    if (!code)
        code = sweeps_clerk(settings, state, &clerks[SWEEPS], error);
    return code ? code : gone_clerk(settings, &clerks[GONE], error);
}

/* False: one would not end. */
static bool end_clerks(struct clerk *clerks[static CLERKS])
{
    bool ended = true;
    for (size_t i = 0; i < CLERKS; i++) {
        if (clerks[i] && !clerk_stop(clerks[i], CLERK_STOP_MS))
            ended = false;
        else
            clerk_free(clerks[i]);
    }
    return ended;
}

/* *cut: a thread would not end, in the middle of a message that nobody takes or of a long statement, which are made to be cut; nothing that it uses may be freed. */
static int serve(const struct settings *settings, struct state *state, struct roster *roster, bool *cut,
                 struct cm_error *error)
{
    const struct config *config = settings->config;
    struct server *server = NULL;
    struct judge *judge = NULL;
    struct clerk *clerks[CLERKS] = {NULL};
    struct queue *queue = queue_new(settings, state, (size_t)config_integer(config, "collector.queue"),
                                    (unsigned)config_integer(config, "collector.workers"));
    int code = queue ? server_new(settings, state, queue, roster, &server, error)
                     : error_set(error, CM_EIO, 0, "cannot start threads");
    if (!code &&
        settings->pid_file) /* now that the sockets are ours: of two collectors at one, the second writes nothing */
        code = pid_file_write(settings->pid_file, error);
    if (!code)
        code = judge_new(settings, state, &judge, error);
    if (!code)
        code = start_clerks(settings, state, roster, clerks, error);
    if (!code) {
        server_run(server, on_ready);
        notify_service("STOPPING=1");
    }
    atomic_store(&state->stopping, true);
    if (queue)
        queue_stop(queue);
    bool queue_is_over = !queue || queue_ended(queue, WORKER_STOP_MS);
    bool judge_ended = !judge || judge_stop(judge, JUDGE_STOP_MS);
    *cut = !end_clerks(clerks) || !judge_ended || !queue_is_over;
    if (settings->pid_file)
        pid_file_remove(settings->pid_file);
    server_free(server);
    if (queue_is_over)
        queue_free(queue);
    else
        log_event(LOG_LEVEL_WARN, "stopped", "workers=\"cut off\"");
    if (judge_ended)
        judge_free(judge);
    else
        log_event(LOG_LEVEL_INFO, "stopped", "judge=\"cut off\"");
    return code;
}

static int run(const struct options *options, const struct config *config, struct cm_error *error)
{
    struct settings settings;
    struct home home = {.exists = false};
    static struct state state;
    state_init(&state);
    int code = make_settings(options, config, &home, &settings, error);
    struct roster *roster = roster_new();
    if (!code)
        code = check_inventory(&settings, &state, roster, error);
    if (code) {
        roster_free(roster);
        return code;
    }
    block_signals();
    bool cut;
    code = serve(&settings, &state, roster, &cut, error);
    if (!code)
        log_event(LOG_LEVEL_INFO, "stopped", "pid=%d", (int)getpid());
    if (cut)
        _exit(code ? CM_EXIT_FAILED : CM_EXIT_OK);
    roster_free(roster);
    return code;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct options options = {.socket = NULL};
    struct config *config = NULL;
    struct cm_error error = {0};
    cli_init(&cli, &program, argc, argv);
    int status = read_options(&cli, &options);
    log_init(program.name, cli.verbose > 0 ? LOG_LEVEL_DEBUG : cli.verbose < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO);
    if (!status) {
        int code = config_load(cli.config_path, &config, &error);
        if (!code)
            code = run(&options, config, &error);
        if (code) {
            say_error("%s%s%s", error.reason, error.detail[0] ? ": " : "", error.detail);
            status = CM_EXIT_FAILED;
        }
    }
    config_free(config);
    cli_done(&cli);
    return status;
}
