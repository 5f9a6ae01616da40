/* certmuster-watch: reads TLS handshakes off capture files and tells which certificates crossed the wire.
 *
 * Owns the command line, the signals and the exit status. What is read of a packet stands in worker.h, what is told in tell.h. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/emit.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/keylog.h"
#include "scanner/watch/offline.h"
#include "scanner/watch/tell.h"

enum option {
    OPTION_READ = 'r',
    OPTION_JSON = 256,
    OPTION_INTERVAL,
    OPTION_MEMORY,
    OPTION_KEYLOG,
    OPTION_TO,
    OPTION_NO_SUBMIT,
};

static const struct cli_option options[] = {
    {OPTION_READ, "read", "FILE",
     "Read this capture (pcap or pcapng), every capture in this directory, or standard input (-). Repeats."},
    {OPTION_INTERVAL, "interval", "TIME",
     "Tell what was told before again after this time of the packets' clock, with a count (default 1h)."},
    {OPTION_MEMORY, "memory", "MIB", "Use at most about so much memory for connections under way (default 256)."},
    {OPTION_KEYLOG, "keylog", "FILE",
     "Open what these secrets open (NSS key log, SSLKEYLOGFILE): the certificates of TLS 1.3 and of resumed TLS 1.2. "
     "The file may grow "
     "meanwhile; secrets blocks of pcapng are used as well. Repeats."},
    {OPTION_JSON, "json", NULL,
     "Write the record stream to standard output instead of a table; submits only with --to."},
    {OPTION_TO, "to", "URL", "Deliver to this collector: unix:PATH or https://HOST:PORT."},
    {OPTION_NO_SUBMIT, "no-submit", NULL, "Deliver to no collector."},
    {0},
};

static const char *const usage[] = {"[OPTIONS] -r FILE...", NULL};

static const char *const examples[] = {
    "certmuster-watch -r capture.pcap                                # which certificates crossed this wire?",
    "tcpdump -w - tcp | certmuster-watch -r - --json                 # read along",
    "certmuster-watch -r /var/captures --json | jq -r .endpoint.ip   # a directory of captures, oldest first",
    NULL,
};

static const char more[] = "Certificates up to TLS 1.2 and DTLS 1.2 cross the wire in clear and are told as sightings; "
                           "of TLS 1.3 and QUIC the place is told "
                           "(name, version, suite), so that a sweep can ask it.\n"
                           "Exit status: 0 done; 1 a capture was damaged, missing or unreadable (what stood before the "
                           "damage was told); 2 wrong use; 3 could not run at all "
                           "or could not keep its records; 130 and 143: ended by SIGINT or SIGTERM.";

static const struct cli_program program = {
    .name = "certmuster-watch",
    .summary = "Reads TLS handshakes off captures and tells which certificates crossed the wire.",
    .usage = usage,
    .options = options,
    .examples = examples,
    .more = more,
};

struct arguments {
    const char **reads, **keylogs;
    size_t read_count, keylog_count;
    const char *interval, *memory, *to;
    bool json, no_submit;
};

enum { MEMORY_MIN_MIB = 16, MEMORY_MAX_MIB = 65536, MEMORY_DEFAULT_MIB = 256, TELL_SHARE = 8 };

static volatile sig_atomic_t stop; /* the signal that ends the run */

static void on_signal(int number)
{
    stop = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
}

static void append(const char ***list, size_t *count, const char *value)
{
    *list = cm_realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = value;
}

static int read_arguments(struct cli *cli, struct arguments *out)
{
    int option;
    while ((option = cli_next(cli)) != CLI_END) {
        switch (option) {
        case OPTION_READ:
            append(&out->reads, &out->read_count, cli->argument);
            break;
        case OPTION_KEYLOG:
            append(&out->keylogs, &out->keylog_count, cli->argument);
            break;
        case OPTION_INTERVAL:
            out->interval = cli->argument;
            break;
        case OPTION_MEMORY:
            out->memory = cli->argument;
            break;
        case OPTION_JSON:
            out->json = true;
            break;
        case OPTION_TO:
            out->to = cli->argument;
            break;
        case OPTION_NO_SUBMIT:
            out->no_submit = true;
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    if (out->read_count == 0)
        return cli_wrong(cli, "nothing to read: name a capture with -r");
    if (out->to && out->no_submit)
        return cli_wrong(cli, "--to and --no-submit exclude each other");
    return 0;
}

struct settings {
    int64_t interval_us;
    size_t memory_max;
};

static int settle(const struct cli *cli, const struct arguments *arguments, struct settings *out)
{
    int64_t interval_ms = 0;
    long memory = MEMORY_DEFAULT_MIB;
    char *end = NULL;
    if (arguments->interval && (duration_read_ms(arguments->interval, 1000, &interval_ms) || interval_ms < 1000))
        return cli_wrong(cli, "--interval takes a time of at least a second: 90s, 15m, 1h");
    if (arguments->memory &&
        ((memory = strtol(arguments->memory, &end, 10)) < MEMORY_MIN_MIB || memory > MEMORY_MAX_MIB || *end))
        return cli_wrong(cli, "--memory takes MiB from %d to %d", MEMORY_MIN_MIB, MEMORY_MAX_MIB);
    out->interval_us = interval_ms * 1000;
    out->memory_max = (size_t)memory << 20;
    return 0;
}

struct run {
    struct emit *emit;
    struct tell *tell;
    struct keylog *keylog;
};

/* Records that a full disk or a slow reader holds back go first: packets of a file can wait. */
static void between(void *context)
{
    struct run *run = context;
    emit_tick(run->emit, clock_monotonic_ms());
}

static void summarise(const struct worker_counts *counts, const struct tell_counts *told, int64_t took_ms)
{
    fprintf(stderr,
            "%s: %" PRIu64 " packets in %.1f s: %" PRIu64 " handshakes, %" PRIu64 " records; %" PRIu64 " gaps, %" PRIu64
            " truncated handshakes, %" PRIu64 " evicted\n",
            log_program(), counts->decode.packets, (double)took_ms / 1000, counts->sessions.handshakes, told->told,
            counts->flows.streams.gaps, counts->sessions.truncated, counts->flows.evicted);
}

static int watch_files(const struct arguments *arguments, const struct settings *settings, struct emit *emit,
                       bool quiet, bool *damaged)
{
    struct run run = {.emit = emit};
    struct offline_outcome outcome;
    struct cm_error error;
    int64_t began_ms = clock_monotonic_ms();
    struct tell_options tell_options = {
        .emit = emit, .interval_us = settings->interval_us, .memory_max = settings->memory_max / TELL_SHARE};
    if (tell_new(&tell_options, &run.tell, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    run.keylog = keylog_new();
    for (size_t i = 0; i < arguments->keylog_count; i++) {
        if (keylog_open(run.keylog, arguments->keylogs[i], &error)) {
            say_error("%s: %s", error.reason, error.detail);
            keylog_free(run.keylog);
            tell_free(run.tell);
            return CM_EXIT_FAILED;
        }
    }
    struct worker_options worker_options = {.memory_max = settings->memory_max - settings->memory_max / TELL_SHARE,
                                            .keylog = run.keylog,
                                            .observed = tell_observed,
                                            .context = run.tell};
    struct worker *worker = worker_new(&worker_options);
    struct offline_options offline = {.paths = arguments->reads,
                                      .path_count = arguments->read_count,
                                      .worker = worker,
                                      .keylog = run.keylog,
                                      .between = between,
                                      .context = &run,
                                      .stop = &stop};
    offline_run(&offline, &outcome);
    worker_flush(worker);
    tell_finish(run.tell);
    struct worker_counts counts = worker_get_counts(worker);
    struct tell_counts told = tell_get_counts(run.tell);
    if (!quiet)
        summarise(&counts, &told, clock_monotonic_ms() - began_ms);
    *damaged = outcome.damaged > 0;
    worker_free(worker);
    tell_free(run.tell);
    keylog_free(run.keylog);
    return 0;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct arguments arguments = {0};
    struct settings settings = {0};
    struct config *config = NULL;
    struct emit *emit = NULL;
    struct emit_outcome delivery;
    struct cm_error error;
    bool damaged = false;
    log_init(program.name, LOG_LEVEL_WARN);
    cli_init(&cli, &program, argc, argv);
    int status = read_arguments(&cli, &arguments);
    if (!status)
        status = settle(&cli, &arguments, &settings);
    if (status)
        goto out;
    log_set_level(cli.verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
    catch_signals();
    struct emit_options emit_options = {.source = "watch",
                                        .json = arguments.json,
                                        .no_submit = arguments.no_submit,
                                        .to = arguments.to,
                                        .argc = argc,
                                        .argv = argv};
    if (config_load(cli.config_path, &config, &error) ||
        (emit_options.config = config, emit_open(&emit_options, &emit, &error))) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
        goto out;
    }
    status = watch_files(&arguments, &settings, emit, cli.verbose < 0, &damaged);
    if (emit_close(emit, stop != 0 || status != 0, &delivery, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
    }
    if (!status)
        status = stop ? 128 + stop : damaged ? CM_EXIT_PARTIAL : CM_EXIT_OK;
out:
    config_free(config);
    free(arguments.reads);
    free(arguments.keylogs);
    cli_done(&cli);
    return status;
}
