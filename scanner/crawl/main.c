/* certmuster-crawl: reads files and trees and tells which certificates and private keys lie in them.
 *
 * Owns the command line, the signals and the exit status. What is opened stands in walk.h, what is found in a file in job.h, where it
 * goes in sink.h. */
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
#include "certmuster/timefmt.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/job.h"
#include "scanner/crawl/sink.h"
#include "scanner/crawl/walk.h"

enum option { OPTION_JSON = 256, OPTION_PASSWORDS, OPTION_HOST, OPTION_TO, OPTION_NO_SUBMIT, OPTION_FAIL_ON };

static const struct cli_option options[] = {
    {OPTION_PASSWORDS, "passwords", "FILE",
     "Try each line of FILE as a password of keystores; none, the empty one, \"changeit\" and a few other defaults are "
     "always tried."},
    {OPTION_HOST, "host", "NAME",
     "Say that the files are this host's (a mounted image, a backup); default: the configured host."},
    {OPTION_JSON, "json", NULL,
     "Write the record stream to standard output instead of a table; submits only with --to."},
    {OPTION_TO, "to", "URL", "Deliver to this collector: unix:PATH or https://HOST:PORT."},
    {OPTION_NO_SUBMIT, "no-submit", NULL, "Deliver to no collector."},
    {OPTION_FAIL_ON, "fail-on", "failure",
     "Exit 1 when something could not be read: what crawl does anyway; taken so that scanners can be called alike."},
    {0},
};

static const char *const usage[] = {"[OPTIONS] PATH...", NULL};

static const char *const examples[] = {
    "certmuster-crawl /etc /opt                              # what lies on this machine?",
    "certmuster-crawl --passwords words.txt /srv/keystores   # PKCS#12 with passwords",
    "certmuster-crawl --json /etc/ssl | jq -c 'select(.type == \"failure\")'",
    "certmuster-crawl --host db1.example.org /mnt/db1-image  # files of another machine",
    NULL,
};

static const char more[] =
    "Reads PEM with anything around it, DER and PKCS#12, by content and whatever the file is called. Symbolic links "
    "are "
    "followed only when given as PATH; each file is read once; devices, pipes, sockets, /proc and the like are never "
    "opened. Private keys are told of (kind, encrypted or not, hash of the public key), never told.\n"
    "Exit status: 0 done; 1 something was missing, unreadable or damaged, or no password opened it (the rest was "
    "told); "
    "2 wrong use; 3 could not run at all or could not keep its records; 130 and 143: ended by SIGINT or SIGTERM, with "
    "a record that says so.";

static const struct cli_program program = {
    .name = "certmuster-crawl",
    .summary = "Reads files and trees and tells which certificates and private keys lie in them.",
    .usage = usage,
    .options = options,
    .examples = examples,
    .more = more,
};

struct arguments {
    const char *passwords, *host, *to;
    bool json, no_submit;
};

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

/* 0, or the exit status. */
static int read_arguments(struct cli *cli, struct arguments *out)
{
    int id;
    while ((id = cli_next(cli)) != CLI_END) {
        switch (id) {
        case OPTION_PASSWORDS:
            out->passwords = cli->argument;
            break;
        case OPTION_HOST:
            if (!*cli->argument || strlen(cli->argument) > 255)
                return cli_wrong(cli, "--host takes a name of 1 to 255 bytes");
            out->host = cli->argument;
            break;
        case OPTION_TO:
            out->to = cli->argument;
            break;
        case OPTION_JSON:
            out->json = true;
            break;
        case OPTION_NO_SUBMIT:
            out->no_submit = true;
            break;
        case OPTION_FAIL_ON:
            if (strcmp(cli->argument, "failure") != 0)
                return cli_wrong(cli, "--fail-on takes the word failure");
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    if (cli->operand_count == 0)
        return cli_wrong(cli, "nothing to read: name a file or a directory");
    if (out->to && out->no_submit)
        return cli_wrong(cli, "--to and --no-submit exclude each other");
    return 0;
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

/* True when the run was ended before all was read. */
static bool crawl(char *const *operands, int count, const struct passwords *passwords, struct sink *sink)
{
    struct job_options job_options = {passwords, job_default_limits};
    struct found_ops ops = sink_ops(sink);
    struct job job;
    struct walk *walk = cm_calloc(1, sizeof *walk);
    struct walk_entry entry;
    enum walk_result result;
    bool ended = false;
    job_init(&job, &job_options, &ops);
    walk_init(walk, operands, count);
    while (!(ended = sink_wait(sink)) && (result = walk_next(walk, &entry)) != WALK_END) {
        if (result == WALK_PROBLEM) {
            sink_unopened(sink, &entry);
            continue;
        }
        sink_begin(sink, entry.path, entry.dir, &entry.stat);
        job_file(&job, entry.fd, entry.path, (uint64_t)entry.stat.st_size);
        close(entry.fd);
    }
    walk_done(walk);
    job_done(&job);
    pkcs12_done();
    free(walk);
    return ended;
}

/* From the first record to the last. */
static int run(const struct cli *cli, const struct arguments *arguments, const struct config *config,
               const struct passwords *passwords)
{
    struct emit_options emit_options = {.source = "crawl",
                                        .config = config,
                                        .json = arguments->json,
                                        .no_submit = arguments->no_submit,
                                        .to = arguments->to,
                                        .argc = cli->argc,
                                        .argv = cli->argv};
    struct emit *emit = NULL;
    struct emit_outcome delivery;
    struct cm_error error;
    struct sink sink;
    bool quiet = cli->verbose < 0;
    int64_t began_ms = clock_monotonic_ms();
    if (emit_open(&emit_options, &emit, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    struct rows *rows = arguments->json ? NULL : rows_new();
    sink_init(&sink, emit, arguments->host ? arguments->host : emit_host(emit), rows, &stop, quiet);
    bool ended = crawl(cli->operands, cli->operand_count, passwords, &sink);
    sink_done(&sink);
    int unwritten = rows_flush(rows, &error);
    if (unwritten)
        say_error("%s: %s", error.reason, error.detail);
    rows_free(rows);
    if (!quiet)
        summarise(&sink.counts, clock_monotonic_ms() - began_ms);
    if (emit_close(emit, ended, &delivery, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    if (unwritten)
        return CM_EXIT_FAILED;
    if (ended && stop)
        return 128 + stop;
    return sink.counts.problems ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct arguments arguments = {0};
    struct passwords passwords = {0};
    struct config *config = NULL;
    struct cm_error error;
    log_init(program.name, LOG_LEVEL_WARN);
    cli_init(&cli, &program, argc, argv);
    int status = read_arguments(&cli, &arguments);
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
    catch_signals();
    status = run(&cli, &arguments, config, &passwords);
out:
    if (passwords.list)
        passwords_done(&passwords);
    config_free(config);
    cli_done(&cli);
    return status;
}
