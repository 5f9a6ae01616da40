/* The flags of `certmuster sweep`: what people type, made into what the database takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/shard.h"
#include "certmuster/timefmt.h"
#include "collector/ctl/sweep.h"

enum {
    OPTION_FILE = 'f',
    OPTION_TARGET = 't',
    OPTION_PORTS = 'p',
    OPTION_KIND = 1000,
    OPTION_REALM,
    OPTION_KNOWN,
    OPTION_SEEN,
    OPTION_NO_TARGET,
    OPTION_NO_KNOWN,
    OPTION_NO_SEEN,
    OPTION_FILTER,
    OPTION_SCANNER,
    OPTION_PASS,
    OPTION_SHARD,
    OPTION_EVERY,
    OPTION_WINDOW,
    OPTION_DAYS,
    OPTION_LASTS,
    OPTION_RATE,
    OPTION_WORKERS,
    OPTION_WAIT,
    OPTION_FORMAT,
    MINUTE_MS = 60 * 1000,
    SHARD_MAX = 1 << 20,
};

const struct cli_option sweep_options[] = {
    {OPTION_KIND, "kind", "scan|crawl", "Which scanners work it off (scan)."},
    {OPTION_REALM, "realm", "REALM", "The network zone; its scanners take the shards (default)."},
    {OPTION_TARGET, "target", "TARGET",
     "[NAME@]PLACE[:PORTS] as certmuster-scan takes it, with prefixes such as 192.0.2.0/24; for crawl a path. "
     "Repeats."},
    {OPTION_FILE, "file", "FILE", "Targets from FILE, one a line; '#' begins a comment; '-' is standard input."},
    {OPTION_KNOWN, "known", NULL, "Also every endpoint of the realm that ever showed a certificate."},
    {OPTION_SEEN, "seen", NULL, "Also the endpoints where watch saw TLS and no certificate."},
    {OPTION_NO_TARGET, "no-target", NULL, "edit: no targets any more: what --known and --seen mean is left."},
    {OPTION_NO_KNOWN, "no-known", NULL, "edit: takes --known back."},
    {OPTION_NO_SEEN, "no-seen", NULL, "edit: takes --seen back."},
    {OPTION_FILTER, "filter", "EXPR",
     "Of those that --known and --seen mean only what matches, as certmuster-report --filter; '' takes that back."},
    {OPTION_PORTS, "ports", "P,P-P", "Ports of targets that name none (443)."},
    {OPTION_SCANNER, "scanner", "NAME",
     "crawl: whose files. Repeats; default: every scanner of the realm that crawled, or whose worker asked for crawl "
     "work, in the last 7 days."},
    {OPTION_PASS, "pass", "FLAG",
     "Tell the scanner this too: --pass=--timeout=5. Repeats; only flags that change how it looks."},
    {OPTION_SHARD, "shard", "N", "Probes of one shard at most (4096)."},
    {OPTION_EVERY, "every", "INTERVAL", "Start it by itself, again and again: 24h, 7d; none takes that back."},
    {OPTION_WINDOW, "window", "FROM-TO", "Only between these times of day, UTC: 22:00-06:00; none takes that back."},
    {OPTION_DAYS, "days", "DAYS", "Only on these days (mon-fri, sat,sun), of a window that on which it opens."},
    {OPTION_LASTS, "deadline", "INTERVAL", "What is not done after so long ends as it stands (7d)."},
    {OPTION_RATE, "rate", "N", "limit: probes per second of all scanners of the realm together; none: no limit."},
    {OPTION_WORKERS, "workers", "N", "limit: shards under way at once in the realm; none: no limit."},
    {OPTION_WAIT, "wait", NULL, "start, status: wait for the end; exit 1 when something was left undone."},
    {OPTION_FORMAT, "format", "text|json", "How to print."},
    {0, NULL, NULL, NULL},
};

/* --- Times -------------------------------------------------------------------------------------------------------------------------------- */

static int read_interval(const struct cli *cli, const char *flag, bool may_be_none, char out[static 32])
{
    int64_t ms = 0;
    if (may_be_none && strcmp(cli->argument, "none") == 0) {
        out[0] = 0;
        return 0;
    }
    if (duration_read_ms(cli->argument, MINUTE_MS, &ms) != 0 || ms < MINUTE_MS ||
        ms > INT64_C(3660) * 24 * 60 * MINUTE_MS)
        return cli_wrong(cli, "%s takes a duration of a minute or more, as 24h or 7d", flag);
    snprintf(out, 32, "%lld ms", (long long)ms);
    return 0;
}

static bool read_clock(const char *text, size_t size, char out[static 6])
{
    unsigned hour, minute;
    char end;
    snprintf(out, 6, "%.*s", size < 5 ? (int)size : 5, text);
    return size >= 4 && size <= 5 && sscanf(out, "%2u:%2u%c", &hour, &minute, &end) == 2 && hour < 24 && minute < 60;
}

static int read_window(struct sweep_call *call)
{
    const char *text = call->cli->argument, *dash = strchr(text, '-');
    call->has_window = true;
    if (strcmp(text, "none") == 0) {
        call->window_from[0] = call->window_until[0] = 0;
        return 0;
    }
    if (!dash || !read_clock(text, (size_t)(dash - text), call->window_from) ||
        !read_clock(dash + 1, strlen(dash + 1), call->window_until) ||
        strcmp(call->window_from, call->window_until) == 0)
        return cli_wrong(call->cli, "--window takes two times of day, as 22:00-06:00, or none");
    return 0;
}

static int day_number(const char *text, size_t size)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++)
        if (size == 3 && strncmp(text, days[i], 3) == 0)
            return i;
    return -1;
}

/* "mon-fri,sun": a bit for each day; 0: makes no sense. "sat-mon" goes over the week's end. */
static unsigned read_day_bits(const char *text)
{
    unsigned bits = 0;
    for (bool more = true; more; text++) {
        size_t size = strcspn(text, ",");
        const char *dash = memchr(text, '-', size);
        int from = day_number(text, dash ? (size_t)(dash - text) : size);
        int until = dash ? day_number(dash + 1, size - (size_t)(dash - text) - 1) : from;
        if (from < 0 || until < 0)
            return 0;
        for (int day = from;; day = (day + 1) % 7) {
            bits |= 1u << day;
            if (day == until)
                break;
        }
        text += size;
        more = *text == ',';
    }
    return bits;
}

static int read_days(struct sweep_call *call)
{
    unsigned bits = strcmp(call->cli->argument, "all") == 0 ? 127 : read_day_bits(call->cli->argument);
    size_t size = 0;
    if (!bits)
        return cli_wrong(call->cli, "--days takes days, as mon-fri or sat,sun, or all");
    for (int day = 0; day < 7; day++)
        if (bits & 1u << day)
            size += (size_t)snprintf(call->weekdays + size, sizeof call->weekdays - size, "%c%d", size ? ',' : '{',
                                     day + 1);
    snprintf(call->weekdays + size, sizeof call->weekdays - size, "}");
    call->has_weekdays = true;
    return 0;
}

/* --- Flags -------------------------------------------------------------------------------------------------------------------------------- */

static int read_count(const struct cli *cli, const char *flag, long most, bool may_be_none, const char **out)
{
    char *end;
    if (may_be_none && strcmp(cli->argument, "none") == 0) {
        *out = "";
        return 0;
    }
    errno = 0;
    long value = strtol(cli->argument, &end, 10);
    if (*cli->argument < '0' || *cli->argument > '9' || *end || errno || value < 1 || value > most)
        return cli_wrong(cli, "%s takes a number from 1 to %ld", flag, most);
    *out = cli->argument;
    return 0;
}

static int read_pass(struct sweep_call *call)
{
    const char *flag = call->cli->argument;
    struct cm_error error;
    int of_scan = shard_argument_check("scan", flag, &error);
    int of_crawl = of_scan == CM_ENOTFOUND ? shard_argument_check("crawl", flag, &error) : CM_ENOTFOUND;
    if (of_scan == CM_EINVAL || of_crawl == CM_EINVAL)
        return cli_wrong(call->cli, "--pass=%s: %.*s takes %s", flag, (int)strcspn(flag, "="), flag, error.detail);
    if (of_scan && of_crawl)
        return cli_wrong(call->cli, "--pass takes one of %s, or of crawl %s, as --pass=--timeout=5",
                         shard_arguments("scan"), shard_arguments("crawl"));
    if (call->arguments.count == SHARD_ARGUMENTS_OF_PLAN)
        return cli_wrong(call->cli, "more than %d flags with --pass", (int)SHARD_ARGUMENTS_OF_PLAN);
    if (of_scan && !call->not_of_scan)
        call->not_of_scan = flag;
    if (of_crawl && !call->not_of_crawl)
        call->not_of_crawl = flag;
    sweep_list_add(&call->arguments, flag, strlen(flag));
    return 0;
}

int sweep_check_realm(const struct cli *cli, const char *realm)
{
    return ctl_is_plain(realm) ? 0 : cli_wrong(cli, "'%.300s' is no realm: no white space, no slash", realm);
}

int sweep_read_option(struct cli *cli, int id, void *context)
{
    struct sweep_call *call = context;
    switch (id) {
    case OPTION_KIND:
        call->kind = cli->argument;
        return strcmp(call->kind, "scan") == 0 || strcmp(call->kind, "crawl") == 0
                   ? 0
                   : cli_wrong(cli, "--kind is scan or crawl, not '%s'", cli->argument);
    case OPTION_REALM:
        call->realm = cli->argument;
        return sweep_check_realm(cli, call->realm);
    case OPTION_TARGET:
        return sweep_take_target(call, cli->argument);
    case OPTION_FILE:
        return sweep_take_file(call);
    case OPTION_KNOWN:
        call->known = "t";
        return 0;
    case OPTION_SEEN:
        call->seen = "t";
        return 0;
    case OPTION_NO_TARGET:
        call->no_target = true;
        return 0;
    case OPTION_NO_KNOWN:
        call->known = "f";
        return 0;
    case OPTION_NO_SEEN:
        call->seen = "f";
        return 0;
    case OPTION_FILTER:
        return sweep_read_filter(call);
    case OPTION_PORTS:
        call->ports = cli->argument;
        return 0;
    case OPTION_SCANNER:
        sweep_list_add(&call->scanners, cli->argument, strlen(cli->argument));
        return 0;
    case OPTION_PASS:
        return read_pass(call);
    case OPTION_SHARD:
        return read_count(cli, "--shard", SHARD_MAX, false, &call->shard);
    case OPTION_EVERY:
        call->has_every = true;
        return read_interval(cli, "--every", true, call->every);
    case OPTION_WINDOW:
        return read_window(call);
    case OPTION_DAYS:
        return read_days(call);
    case OPTION_LASTS:
        call->has_lasts = true;
        return read_interval(cli, "--deadline", false, call->lasts);
    case OPTION_RATE:
        return read_count(cli, "--rate", 10000000, true, &call->rate);
    case OPTION_WORKERS:
        return read_count(cli, "--workers", 100000, true, &call->workers);
    case OPTION_WAIT:
        call->wait = true;
        return 0;
    default:
        return ctl_format(cli, &call->format);
    }
}
