/* certmuster-submit: delivers a spool, or files of records, to a collector. See certmuster-submit(1). */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/submit/outbox.h"
#include "scanner/submit/stay.h"
#include "scanner/submit/worker.h"

enum { OPTION_TO = 't', OPTION_WAIT = 'w', OPTION_ONCE = 1, OPTION_FOLLOW, OPTION_WORKER, WAIT_DEFAULT_MS = 60000 };

static const struct cli_option options[] = {
    {OPTION_TO, "to", "URL",
     "The collector: unix:PATH or https://HOST:PORT. Default: collector.url of the configuration, else the local "
     "home's collector."},
    {OPTION_WAIT, "wait", "SECONDS",
     "Give up when the collector has taken nothing for this long (60; also 5m, 1h). What is in a spool stays there."},
    {OPTION_ONCE, "once", NULL, "Try each delivery once and do not wait."},
    {OPTION_FOLLOW, "follow", NULL,
     "Stay, and deliver what comes into the spool as it comes. SIGTERM ends it; what is not delivered stays. What "
     "cannot be read or delivered is told when that begins, changes and is over."},
    {OPTION_WORKER, "worker", "scan|crawl",
     "Stay, and take shards of sweeps from the collector: certmuster-scan or certmuster-crawl works each off, what it "
     "found is delivered, then the next. SIGTERM gives back what is under way."},
    {0, NULL, NULL, NULL},
};
static const char *const usage[] = {"[--to URL] [--wait SECONDS] [--once] [FILE.ndjson|-|SPOOL]…",
                                    "[--to URL] --follow [SPOOL]…", "[--to URL] --worker scan|crawl", NULL};
static const char *const examples[] = {
    "certmuster-submit                                      # this machine's spool to this machine's collector",
    "certmuster-submit --to https://pki.example.org:8443    # the same to another machine",
    "certmuster-submit --worker scan                        # take part in the sweeps of the fleet",
    "certmuster-scan --json -f hosts | certmuster-submit -  # records from a pipe",
    NULL,
};
static const struct cli_program program = {
    .name = "certmuster-submit",
    .summary =
        "Delivers records to a collector. Operands are spool directories and files of records (NDJSON); without any, "
        "this machine's spool and those of a watch and a crawl which root started. What is delivered twice is stored "
        "once.",
    .usage = usage,
    .options = options,
    .examples = examples,
    .more = "Exit status: 0 everything was taken; 1 something was damaged, unreadable or refused (the rest was taken); "
            "2 wrong "
            "use; 3 the configuration is wrong, or the collector did not take everything: a spool keeps it, run this "
            "again.",
};

struct arguments {
    const char *to;
    int64_t wait_ms;
    const char *worker;       /* "scan", "crawl"; NULL: none */
    bool once, follow, waits; /* waits: --wait was said */
};

static int read_arguments(struct cli *cli, struct arguments *out)
{
    *out = (struct arguments){.wait_ms = WAIT_DEFAULT_MS};
    for (int id; (id = cli_next(cli)) != CLI_END;) {
        switch (id) {
        case OPTION_TO:
            out->to = cli->argument;
            break;
        case OPTION_ONCE:
            out->once = true;
            break;
        case OPTION_FOLLOW:
            out->follow = true;
            break;
        case OPTION_WORKER:
            if (strcmp(cli->argument, "scan") != 0 && strcmp(cli->argument, "crawl") != 0)
                return cli_wrong(cli, "--worker takes scan or crawl");
            out->worker = cli->argument;
            break;
        case OPTION_WAIT:
            if (duration_read_ms(cli->argument, 1000, &out->wait_ms) != CM_OK || out->wait_ms < 0)
                return cli_wrong(cli, "--wait %s is no duration", cli->argument);
            out->waits = true;
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    if ((out->follow || out->worker) && out->once)
        return cli_wrong(cli, "--once and staying exclude each other");
    if ((out->follow || out->worker) && out->waits)
        return cli_wrong(cli, "--wait is for what gives up: --follow and --worker wait without end");
    if (out->follow && out->worker)
        return cli_wrong(cli, "--follow and --worker exclude each other; a worker delivers its spool anyway");
    for (int i = 0; out->follow && i < cli->operand_count; i++) {
        struct stat is;
        if (stat(cli->operands[i], &is) == 0 ? !S_ISDIR(is.st_mode) : strcmp(cli->operands[i], "-") == 0)
            return cli_wrong(cli, "--follow takes spools, which are directories: %s is none", cli->operands[i]);
    }
    if (out->worker && cli->operand_count)
        return cli_wrong(cli, "--worker takes no operands: what it works on comes from the collector");
    return CM_EXIT_OK;
}

static int finish(const struct submit_totals *totals, const struct outbox *outbox)
{
    bool quiet = outbox->quiet;
    if (!quiet && (totals->batches || !totals->undelivered))
        printf("%llu batches taken, %llu records stored\n", (unsigned long long)totals->batches,
               (unsigned long long)totals->stored);
    if (!quiet && totals->rejected + totals->refused + totals->damaged)
        say_error("%llu records and %llu batches refused, %llu lines damaged", (unsigned long long)totals->rejected,
                  (unsigned long long)totals->refused, (unsigned long long)totals->damaged);
    if (totals->undelivered) {
        if (!quiet)
            outbox_say_kept(outbox, totals->reason);
        return CM_EXIT_FAILED;
    }
    return totals->rejected + totals->refused + totals->damaged + totals->unreadable ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

static int run(const struct cli *cli, const struct arguments *arguments, const struct config *config)
{
    struct outbox outbox = {.quiet = cli->verbose < 0,
                            .delivery = {.wait_ms = arguments->wait_ms, .once = arguments->once}};
    struct submit_totals totals = {0};
    int status = outbox_open(&outbox, config, arguments->to, cli->operands, cli->operand_count);
    if (status)
        return status;
    if (arguments->worker) {
        status = worker(&outbox, arguments->worker, cli->config_path);
    } else if (arguments->follow) {
        status = follow(&outbox);
    } else {
        outbox_drain(&outbox, &totals);
        status = finish(&totals, &outbox);
    }
    outbox_close(&outbox);
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct arguments arguments;
    struct config *config;
    struct cm_error error;
    log_init("certmuster-submit", LOG_LEVEL_WARN);
    signal(SIGPIPE, SIG_IGN);
    cli_init(&cli, &program, argc, argv);
    int status = read_arguments(&cli, &arguments);
    if (cli.verbose > 0)
        log_set_level(cli.verbose > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    if (status == CM_EXIT_OK && config_load(cli.config_path, &config, &error) != CM_OK) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
    } else if (status == CM_EXIT_OK) {
        status = run(&cli, &arguments, config);
        config_free(config);
    }
    cli_done(&cli);
    return status;
}
