/* certmuster-crawl: reads files and trees and tells which certificates and private keys lie in them.
 *
 * Owns the signals, the rights and the exit status. The command line stands in options.h, what is opened in walk.h, what is found in a
 * file in job.h, where it goes in sink.h.
 *
 * Files are hostile, and root runs this: before the first of them is opened all rights are given up but the one to read. What must be
 * opened for anything else is open by then; submit is started by a small process that was made before. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/emit.h"
#include "certmuster/log.h"
#include "certmuster/privileges.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/job.h"
#include "scanner/crawl/options.h"
#include "scanner/crawl/sink.h"
#include "scanner/crawl/walk.h"

static volatile sig_atomic_t stop; /* the signal that ends the crawl */

static void on_signal(int number)
{
    stop = number;
}

/* The first signal ends the crawl in order, the second one at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
}

static void summarise(const struct sink_counts *counts, int64_t took_ms)
{
    const struct {
        uint64_t count;
        const char *what;
    } rarer[] = {
        {counts->requests, "signing requests"}, {counts->crls, "CRLs"}, {counts->ssh_certificates, "SSH certificates"}};
    fprintf(stderr, "%s: %" PRIu64 " files in %.1f s: %" PRIu64 " certificates, %" PRIu64 " private keys",
            log_program(), counts->files, (double)took_ms / 1000, counts->certificates, counts->keys);
    for (size_t i = 0; i < sizeof rarer / sizeof *rarer; i++)
        if (rarer[i].count)
            fprintf(stderr, ", %" PRIu64 " %s", rarer[i].count, rarer[i].what);
    fprintf(stderr, ", %" PRIu64 " failures%s\n", counts->problems, stop ? "; interrupted" : "");
}

/* Whom to go on as. A configured user is meant for root. */
static int find_user(const struct options *options, struct privileges_user *out, struct cm_error *error)
{
    int code = privileges_find(options->user, out, error);
    return code == CM_EINVAL && !options->user_named ? 0 : code;
}

static int give_up_rights(const struct emit *emit, const struct privileges_user *user, struct cm_error *error)
{
    /* Where records go; the others are emit's last resort when that disk fails. */
    const char *spool = emit_spool_dir(emit);
    const char *temporary = getenv("TMPDIR");
    const char *const last_resorts[] = {"/var/tmp", "/tmp", "/dev/shm", temporary, NULL};
    const char *const files[] = {spool, "/var/tmp", "/tmp", "/dev/shm", temporary, NULL};
    struct privileges_kept kept = {.files = spool ? files : last_resorts, .read_all = true};
    struct term_style style;
    term_style_of(stderr, &style); /* reads the locale's files, once */
    pkcs12_start();
    int code = privileges_drop(user, &kept, error);
    if (!code && spool && faccessat(AT_FDCWD, spool, W_OK | X_OK, AT_EACCESS))
        code = error_setf(error, CM_EAUTH, 0, "the user that goes on cannot reach the spool", "%s", spool);
    return code;
}

/* True when the run was ended before all was read. */
static bool crawl(struct walk *walk, const struct job_options *job_options, struct sink *sink)
{
    struct found_ops ops = sink_ops(sink);
    struct job job;
    struct walk_entry entry;
    enum walk_result result;
    bool ended = false;
    job_init(&job, job_options, &ops);
    while (!(ended = sink_wait(sink)) && (result = walk_next(walk, &entry)) != WALK_END) {
        if (result == WALK_PROBLEM) {
            sink_unopened(sink, &entry);
            continue;
        }
        sink_begin(sink, entry.path, entry.dir, &entry.stat);
        job_file(&job, entry.fd, entry.path, (uint64_t)entry.stat.st_size);
        close(entry.fd);
    }
    job_done(&job);
    pkcs12_done();
    return ended;
}

/* From the first record to the last. */
static int run(const struct cli *cli, const struct options *arguments, const struct config *config,
               const struct job_options *job_options)
{
    struct privileges_user user;
    struct emit_heir heir;
    struct cm_error error;
    if (find_user(arguments, &user, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    heir = (struct emit_heir){user.uid, user.gid};
    struct emit_options emit_options = {.source = "crawl",
                                        .config = config,
                                        .json = arguments->json,
                                        .no_submit = arguments->no_submit,
                                        .to = arguments->to,
                                        .run = arguments->run,
                                        .argc = cli->argc,
                                        .argv = cli->argv,
                                        .heir = &heir};
    struct emit *emit = NULL;
    struct emit_outcome delivery;
    struct sink sink;
    bool quiet = cli->verbose < 0;
    int64_t began_ms = clock_monotonic_ms();
    int code = emit_open(&emit_options, &emit, &error);
    if (code) {
        say_error("%s: %s", error.reason, error.detail);
        return code == CM_EINVAL ? CM_EXIT_USAGE : CM_EXIT_FAILED;
    }
    if (give_up_rights(emit, &user, &error)) {
        struct cm_error closing;
        say_error("%s: %s", error.reason, error.detail);
        if (emit_close(emit, true, &delivery, &closing))
            say_error("%s: %s", closing.reason, closing.detail);
        return CM_EXIT_FAILED;
    }
    struct rows *rows = arguments->json ? NULL : rows_new();
    sink_init(&sink, emit, arguments->host ? arguments->host : emit_host(emit), rows, &stop, quiet);
    struct walk *walk = cm_calloc(1, sizeof *walk);
    struct record_covered covered;
    walk_init(walk, cli->operands, cli->operand_count);
    bool ended = crawl(walk, job_options, &sink);
    if (cover_tell(&walk->cover, &covered)) {
        covered.host = sink.host;
        emit_covered(emit, &covered);
    }
    sink_done(&sink);
    int unwritten = rows_flush(rows, &error);
    if (unwritten)
        say_error("%s: %s", error.reason, error.detail);
    rows_free(rows);
    if (!quiet)
        summarise(&sink.counts, clock_monotonic_ms() - began_ms);
    int closed = emit_close(emit, ended, &delivery, &error);
    walk_done(walk);
    free(walk);
    if (closed) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    if (unwritten)
        return CM_EXIT_FAILED;
    if (ended && stop)
        return 128 + stop;
    return sink.counts.problems || delivery.refused ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct options arguments = {0};
    struct passwords passwords = {0};
    struct job_options job_options = {.passwords = &passwords};
    struct config *config = NULL;
    struct cm_error error;
    log_init(options_program.name, LOG_LEVEL_WARN);
    cli_init(&cli, &options_program, argc, argv);
    int status = options_read(&cli, &arguments);
    if (status)
        goto out;
    log_set_level(cli.verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
    passwords_init(&passwords);
    if (config_load(cli.config_path, &config, &error) ||
        (arguments.passwords && passwords_load(&passwords, arguments.passwords, &error))) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
        goto out;
    }
    options_settle(config, &arguments, &job_options.limits);
    catch_signals();
    status = run(&cli, &arguments, config, &job_options);
out:
    if (passwords.list)
        passwords_done(&passwords);
    config_free(config);
    cli_done(&cli);
    return status;
}
