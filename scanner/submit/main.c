/* certmuster-submit: delivers a spool, or files of records, to a collector. See certmuster-submit(1). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/home.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"
#include "scanner/submit/plain.h"
#include "scanner/submit/segments.h"

enum { OPTION_TO = 't', OPTION_WAIT = 'w', OPTION_ONCE = 1, WAIT_DEFAULT_MS = 60000 };

static const struct cli_option options[] = {
    {OPTION_TO, "to", "URL",
     "The collector: unix:PATH or https://HOST:PORT. Default: collector.url of the configuration, else the local "
     "home's collector."},
    {OPTION_WAIT, "wait", "SECONDS",
     "Give up when the collector has taken nothing for this long (60; also 5m, 1h). What is in a spool stays there."},
    {OPTION_ONCE, "once", NULL, "Try each delivery once and do not wait."},
    {0, NULL, NULL, NULL},
};
static const char *const usage[] = {"[--to URL] [--wait SECONDS] [--once] [FILE.ndjson|-|SPOOL]…", NULL};
static const char *const examples[] = {
    "certmuster-submit                                      # this machine's spool to this machine's collector",
    "certmuster-submit --to https://pki.example.org:8443    # the same to another machine",
    "certmuster-scan --json -f hosts | certmuster-submit -  # records from a pipe",
    NULL,
};
static const struct cli_program program = {
    .name = "certmuster-submit",
    .summary =
        "Delivers records to a collector. Operands are spool directories and files of records (NDJSON); without any, "
        "this machine's spool and that of a watch which root started. What is delivered twice is stored once.",
    .usage = usage,
    .options = options,
    .examples = examples,
    .more = "Exit status: 0 everything was taken; 1 something was damaged, unreadable or refused (the rest was taken); "
            "2 wrong "
            "use; 3 the collector did not take everything: a spool keeps it, run this again.",
};

struct arguments {
    const char *to;
    int64_t wait_ms;
    bool once;
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
        case OPTION_WAIT:
            if (duration_read_ms(cli->argument, 1000, &out->wait_ms) != CM_OK || out->wait_ms < 0)
                return cli_wrong(cli, "--wait %s is no duration", cli->argument);
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    return CM_EXIT_OK;
}

/* Where to deliver, into url; false when nothing says so. */
static bool choose_url(const struct arguments *arguments, const struct config *config, const struct home *home,
                       char *url, size_t size)
{
    const char *configured = config_string(config, "collector.url");
    if (arguments->to)
        snprintf(url, size, "%s", arguments->to);
    else if (configured && *configured)
        snprintf(url, size, "%s", configured);
    else if (home->exists)
        snprintf(url, size, "unix:%s", home->collector_socket);
    else
        return false;
    return true;
}

static void deliver_operand(const char *path, struct delivery *delivery, const char *scanner, bool quiet,
                            struct submit_totals *totals)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) != 0) {
        say_error("cannot read %s: %s", path, strerror(errno));
        totals->unreadable++;
    } else if (strcmp(path, "-") != 0 && S_ISDIR(status.st_mode)) {
        segments_drain(path, delivery, scanner, quiet, totals);
    } else {
        plain_deliver(path, delivery, totals);
    }
}

static void say_undelivered(const char *url, const char *reason, char *const *paths, int count)
{
    say_error("%s did not take everything: %s", url, *reason ? reason : "no answer");
    for (int i = 0; i < count; i++) {
        struct stat status;
        struct spool_usage waiting;
        if (stat(paths[i], &status) != 0 || !S_ISDIR(status.st_mode))
            continue;
        if (spool_usage(paths[i], &waiting, NULL) == CM_OK && waiting.segments)
            say_error("the spool keeps %llu bytes in %llu segments; try again with: certmuster-submit --to %s %s",
                      (unsigned long long)waiting.bytes, (unsigned long long)waiting.segments, url, paths[i]);
    }
}

static int finish(const struct submit_totals *totals, const char *url, bool quiet, char *const *paths, int count)
{
    if (!quiet && (totals->batches || !totals->undelivered))
        printf("%llu batches taken, %llu records stored\n", (unsigned long long)totals->batches,
               (unsigned long long)totals->stored);
    if (!quiet && totals->rejected + totals->refused + totals->damaged)
        say_error("%llu records and %llu batches refused, %llu lines damaged", (unsigned long long)totals->rejected,
                  (unsigned long long)totals->refused, (unsigned long long)totals->damaged);
    if (totals->undelivered) {
        if (!quiet)
            say_undelivered(url, totals->reason, paths, count);
        return CM_EXIT_FAILED;
    }
    return totals->rejected + totals->refused + totals->damaged + totals->unreadable ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

/* Where records of this machine wait: the configured spool, and those of scanners which gave up root's rights, if they are there and ours to empty. */
static int find_spools(const char *dir, char *out[static 1 + SPOOL_SOURCES])
{
    struct stat status;
    int count = 0;
    out[count] = cm_strdup(dir);
    count += stat(dir, &status) == 0 || errno != ENOENT; /* else nothing was ever spooled */
    if (count == 0)
        free(out[0]);
    for (const char *const *source = spool_sources; *source; source++) {
        out[count] = spool_own_dir(dir, *source);
        if (lstat(out[count], &status) == 0 && S_ISDIR(status.st_mode) && access(out[count], R_OK | W_OK | X_OK) == 0)
            count++;
        else
            free(out[count]);
    }
    return count;
}

static int run(const struct cli *cli, const struct arguments *arguments, const struct config *config)
{
    char url[2048], *spools[1 + SPOOL_SOURCES];
    struct home home = {.exists = false};
    struct cm_error error;
    struct submit_totals totals = {0};
    bool quiet = cli->verbose < 0;
    int code = home_find(&home, &error);
    if (!choose_url(arguments, config, &home, url, sizeof url)) {
        say_error("no collector is known: say --to URL, set collector.url, or start one with: certmuster up");
        return CM_EXIT_FAILED;
    }
    const char *spool = config_string(config, "spool.dir");
    if (cli->operand_count == 0 && !(spool && *spool) && code) {
        say_error("%s", error.reason);
        return CM_EXIT_FAILED;
    }
    struct http_options http_options = {.url = url,
                                        .tls_cert = config_string(config, "submit.tls.cert"),
                                        .tls_key = config_string(config, "submit.tls.key"),
                                        .tls_ca = config_string(config, "submit.tls.ca")};
    struct delivery delivery = {.wait_ms = arguments->wait_ms, .once = arguments->once};
    if (http_open(&http_options, &delivery.http, &error) != CM_OK) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_USAGE;
    }
    uint8_t random[CM_UUID_SIZE];
    uuid_v7(random);
    memcpy(&delivery.jitter, random + CM_UUID_SIZE - sizeof delivery.jitter, sizeof delivery.jitter);
    delivery.taken_ms = clock_monotonic_ms();
    int spool_count = cli->operand_count ? 0 : find_spools(spool && *spool ? spool : home.spool, spools);
    char *const *paths = cli->operand_count ? cli->operands : spools;
    int count = cli->operand_count ? cli->operand_count : spool_count;
    for (int i = 0; i < count && !totals.stop; i++)
        deliver_operand(paths[i], &delivery, config_scanner(config), quiet, &totals);
    http_close(delivery.http);
    int result = finish(&totals, url, quiet, paths, count);
    for (int i = 0; i < spool_count; i++)
        free(spools[i]);
    return result;
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
    if (status == CM_EXIT_OK && config_load(cli.config_path, &config, &error) != CM_OK) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_USAGE;
    } else if (status == CM_EXIT_OK) {
        status = run(&cli, &arguments, config);
        config_free(config);
    }
    cli_done(&cli);
    return status;
}
