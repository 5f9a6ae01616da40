/* certmuster-watch: reads TLS handshakes off the wire or off captures and tells which certificates crossed.
 *
 * Owns the order of things: everything is opened with the rights that we were started with, then they are given up, then the first packet is read. What is read
 * of a packet stands in worker.h, what is told in tell.h, the two ways of getting packets in live.h and offline.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/emit.h"
#include "certmuster/log.h"
#include "certmuster/privileges.h"
#include "certmuster/table.h"
#include "scanner/watch/live.h"
#include "scanner/watch/offline.h"
#include "scanner/watch/options.h"
#include "scanner/watch/signals.h"

struct watch { /* what is open */
    const struct options *options;
    bool quiet;
    struct privileges_user user;
    struct live *live;             /* or … */
    struct opener *opener;         /* … this and … */
    struct capture_filter *filter; /* … if there is one, this */
    struct keylog *keylog;
    struct emit *emit;
    bool lost; /* damaged files, or interfaces that went away */
};

/* One line, and the exit status. */
static int fail(const struct cm_error *error)
{
    if (error->detail[0])
        say_error("%s: %s", error->reason, error->detail);
    else
        say_error("%s", error->reason);
    return error->code == CM_EINVAL ? CM_EXIT_USAGE : CM_EXIT_FAILED;
}

/* --- with the rights that we were started with --------------------------------------------------------------------------- */

static int open_interfaces(struct watch *watch, struct cm_error *error)
{
    const struct options *options = watch->options;
    struct live_options live = {
        .interfaces = options->interfaces,
        .interface_count = options->interface_count,
        .workers = options->workers,
        .capture = {.filter = options->filter,
                    .snapshot = options->snapshot,
                    .ring_bytes = options->ring_bytes,
                    .promiscuous = options->promiscuous},
    };
    return live_open(&live, &watch->live, error);
}

/* A filter is compiled now: later no name in it could be looked up. */
static int open_files(struct watch *watch, struct cm_error *error)
{
    const struct options *options = watch->options;
    int code = options->filter ? capture_filter_new(options->filter, &watch->filter, error) : 0;
    if (code)
        return code;
    struct sources *sources = sources_new(options->reads, options->read_count, options->follow);
    return opener_new(sources, &watch->opener, error);
}

static int open_keylogs(struct watch *watch, struct cm_error *error)
{
    int code = 0;
    watch->keylog = keylog_new();
    for (size_t i = 0; i < watch->options->keylog_count && !code; i++)
        code = keylog_open(watch->keylog, watch->options->keylogs[i], error);
    return code;
}

static int open_all(struct watch *watch, const struct config *config, int argc, char **argv, struct cm_error *error)
{
    const struct options *options = watch->options;
    struct emit_heir heir;
    int code = privileges_find(options->user, &watch->user, error);
    if (code == CM_EINVAL && !options->user_named) /* a configured user is meant for root */
        code = 0;
    if (!code)
        code = options->interface_count ? open_interfaces(watch, error) : open_files(watch, error);
    if (!code)
        code = open_keylogs(watch, error);
    if (code)
        return code;
    heir = (struct emit_heir){watch->user.uid, watch->user.gid};
    struct emit_options emit = {.source = "watch",
                                .config = config,
                                .json = options->json,
                                .no_submit = options->no_submit,
                                .to = options->to,
                                .argc = argc,
                                .argv = argv,
                                .heir = &heir};
    code = emit_open(&emit, &watch->emit, error);
    error->code = code ? code : error->code;
    return code;
}

/* --- without ---------------------------------------------------------------------------------------------------------------- */

static int give_up_rights(const struct watch *watch, struct cm_error *error)
{
    /* Where records go; the others are emit's last resort when that disk fails. */
    const char *spool = emit_spool_dir(watch->emit);
    const char *temporary = getenv("TMPDIR");
    const char *const files[] = {spool, "/var/tmp", "/tmp", "/dev/shm", temporary, NULL};
    struct privileges_kept kept = {.files = files};
    struct term_style style;
    term_style_of(stderr, &style); /* reads the locale's files, once */
    if (watch->live)
        live_descriptors(watch->live, &kept.silent_from, &kept.silent_to);
    int code = privileges_drop(&watch->user, &kept, error);
    if (!code && spool && access(spool, W_OK | X_OK))
        code = error_setf(error, CM_EAUTH, 0, "the user that goes on cannot reach the spool", "%s as %s", spool,
                          watch->options->user);
    return code;
}

/* It has no end of its own. */
static bool is_lasting(const struct watch *watch)
{
    struct stat status;
    return watch->live || watch->options->follow ||
           (isatty(STDIN_FILENO) == 0 && watch->options->read_count == 1 && watch->options->reads[0][0] == '-' &&
            !watch->options->reads[0][1] && fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode));
}

static int read_packets(struct watch *watch, struct ledger *ledger, struct cm_error *error)
{
    const struct options *options = watch->options;
    struct worker_options worker = {.memory_max = options->memory_max - ledger_memory(options->memory_max),
                                    .keylog = watch->keylog,
                                    .observed = tell_observed,
                                    .context = ledger_tell(ledger)};
    if (watch->live) {
        unsigned gone = 0;
        int code = live_run(watch->live, &worker, ledger, &gone, error);
        watch->lost = gone > 0;
        return code;
    }
    struct offline_outcome outcome;
    struct offline_options offline = {.opener = watch->opener,
                                      .worker = worker_new(&worker),
                                      .keylog = watch->keylog,
                                      .filter = watch->filter,
                                      .ledger = ledger,
                                      .follow = options->follow};
    int code = offline_run(&offline, &outcome, error);
    watch->lost = outcome.damaged > 0;
    worker_free(offline.worker);
    return code;
}

static int run(struct watch *watch, struct cm_error *error)
{
    const struct options *options = watch->options;
    struct ledger *ledger = NULL;
    struct ledger_options settings = {.emit = watch->emit,
                                      .json = options->json,
                                      .quiet = watch->quiet,
                                      .lasting = is_lasting(watch),
                                      .threaded = watch->live != NULL,
                                      .interval_us = options->interval_us,
                                      .memory_max = options->memory_max,
                                      .statistics_ms = options->statistics_ms};
    int code = ledger_new(&settings, &ledger, error); /* OpenSSL reads its files here */
    if (!code)
        code = give_up_rights(watch, error);
    if (!code)
        code = read_packets(watch, ledger, error);
    ledger_free(ledger);
    return code;
}

static int close_all(struct watch *watch, int status)
{
    struct emit_outcome delivery = {.submitted = false};
    struct cm_error error;
    live_free(watch->live);
    opener_free(watch->opener);
    capture_filter_free(watch->filter);
    keylog_free(watch->keylog);
    int code = watch->emit ? emit_close(watch->emit, signals_stop != 0 || status != 0, &delivery, &error) : 0;
    if (code && !status) /* else it is what came of that */
        status = fail(&error);
    if (status)
        return status;
    return signals_stop ? 128 + signals_stop : watch->lost || delivery.refused ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct options options = {0};
    struct config *config = NULL;
    struct cm_error error = {0};
    struct watch watch = {.options = &options};
    log_init(options_program.name, LOG_LEVEL_WARN);
    cli_init(&cli, &options_program, argc, argv);
    int status = options_read(&cli, &options);
    if (status)
        goto out;
    log_set_level(cli.verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
    watch.quiet = cli.verbose < 0;
    if (config_load(cli.config_path, &config, &error)) {
        fail(&error);
        status = CM_EXIT_FAILED;
        goto out;
    }
    status = options_settle(&cli, config, &options);
    if (status)
        goto out;
    signals_catch();
    if (open_all(&watch, config, argc, argv, &error) || run(&watch, &error))
        status = fail(&error);
    status = close_all(&watch, status);
out:
    config_free(config);
    options_done(&options);
    cli_done(&cli);
    return status;
}
