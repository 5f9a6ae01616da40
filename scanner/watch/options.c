/* What is typed, what it means, what excludes what. */
#include "scanner/watch/options.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/capture.h"
#include "scanner/watch/live.h"

enum option {
    OPTION_READ = 'r',
    OPTION_INTERFACE = 'i',
    OPTION_JSON = 256,
    OPTION_FOLLOW,
    OPTION_WORKERS,
    OPTION_RING,
    OPTION_SNAPSHOT,
    OPTION_NOT_PROMISCUOUS,
    OPTION_USER,
    OPTION_INTERVAL,
    OPTION_MEMORY,
    OPTION_KEYLOG,
    OPTION_TO,
    OPTION_NO_SUBMIT,
};

enum {
    MEMORY_MIN_MIB = 16,
    MEMORY_MAX_MIB = 65536,
    RING_MIN = 1024 * 1024,
    RING_MAX = 1024 * 1024 * 1024,
};

static const struct cli_option flags[] = {
    {OPTION_READ, "read", "FILE",
     "Read this capture (pcap or pcapng, also in gzip or zstd), every capture in this directory, or standard input "
     "(-). Repeats."},
    {OPTION_FOLLOW, "follow", NULL,
     "Read files on while they grow, and new ones as they appear in a directory (tcpdump -C, -G, -W, -z), until a "
     "signal."},
    {OPTION_INTERFACE, "interface", "IFACE", "Capture on this interface; 'any' is all of them. Repeats."},
    {OPTION_WORKERS, "workers", "N", "Spread the packets of each interface over N threads by their flows (default 1)."},
    {OPTION_RING, "ring-size", "SIZE",
     "Let packets of one interface wait for one worker in so much memory of the kernel (default 16MiB)."},
    {OPTION_SNAPSHOT, "snapshot-length", "BYTES", "Capture so much of a packet (default 262144: all of it)."},
    {OPTION_NOT_PROMISCUOUS, "no-promiscuous", NULL,
     "Do not have the interface take in packets that are addressed to other machines."},
    {OPTION_USER, "user", "NAME",
     "Started by root: go on as this user once captures are open, before a packet is read (default nobody)."},
    {OPTION_INTERVAL, "interval", "TIME",
     "Tell what was told before again after this time of the packets' clock, with a count (default 1h)."},
    {OPTION_MEMORY, "memory", "MIB", "Use at most about so much memory for connections under way (default 256)."},
    {OPTION_KEYLOG, "keylog", "FILE",
     "Open what these secrets open (NSS key log, SSLKEYLOGFILE): the certificates of TLS 1.3 and of resumed TLS 1.2. "
     "The file may grow meanwhile; secrets blocks of pcapng are used as well. Repeats."},
    {OPTION_JSON, "json", NULL,
     "Write the record stream to standard output instead of a table; submits only with --to."},
    {OPTION_TO, "to", "URL", "Deliver to this collector: unix:PATH or https://HOST:PORT."},
    {OPTION_NO_SUBMIT, "no-submit", NULL, "Deliver to no collector."},
    {0},
};

static const char *const usage[] = {"[OPTIONS] -i IFACE... [BPF FILTER WORDS]",
                                    "[OPTIONS] -r FILE|DIRECTORY|-... [BPF FILTER WORDS]", NULL};

static const char *const examples[] = {
    "certmuster-watch -i eth0                                        # which certificates cross this wire?",
    "certmuster-watch -i eth0 -i eth1 --workers 2 not net 10.9.0.0/16",
    "certmuster-watch -r capture.pcap                                # which crossed that one?",
    "tcpdump -w - tcp | certmuster-watch -r - --json                 # read along",
    "certmuster-watch -r /var/captures --follow                      # what tcpdump -C, -G or -W writes there",
    NULL,
};

static const char more[] =
    "Certificates up to TLS 1.2 and DTLS 1.2 cross the wire in clear and are told as sightings; of TLS 1.3 and QUIC "
    "the "
    "place is told (name, version, suite), so that a sweep can ask it. SIGUSR1 has statistics written to standard "
    "error.\n"
    "Exit status: 0 done; 1 a capture was damaged, missing or unreadable (what stood before the damage was told), or "
    "an "
    "interface went away, or the collector refused records; 2 wrong use, a filter that makes no sense too; 3 could not "
    "run at all or could not keep its "
    "records; 130, 143 and 129: ended by SIGINT, SIGTERM or SIGHUP, everything told.";

const struct cli_program options_program = {
    .name = "certmuster-watch",
    .summary = "Reads TLS handshakes off the wire or off captures and tells which certificates crossed.",
    .usage = usage,
    .options = flags,
    .examples = examples,
    .more = more,
};

/* --- reading --------------------------------------------------------------------------------------------------------- */

static void append(const char ***list, size_t *count, const char *value)
{
    *list = cm_realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = value;
}

/* Where an option's argument is kept as it was typed; NULL: elsewhere. */
static const char **text_of(int option, struct options *out)
{
    switch (option) {
    case OPTION_WORKERS:
        return &out->workers_text;
    case OPTION_RING:
        return &out->ring_text;
    case OPTION_SNAPSHOT:
        return &out->snapshot_text;
    case OPTION_USER:
        return &out->user;
    case OPTION_INTERVAL:
        return &out->interval_text;
    case OPTION_MEMORY:
        return &out->memory_text;
    case OPTION_TO:
        return &out->to;
    default:
        return NULL;
    }
}

/* False: no option of ours. */
static bool read_one(int option, const char *argument, struct options *out)
{
    const char **text = text_of(option, out);
    if (text) {
        *text = argument;
        return true;
    }
    switch (option) {
    case OPTION_READ:
        append(&out->reads, &out->read_count, argument);
        return true;
    case OPTION_INTERFACE:
        append(&out->interfaces, &out->interface_count, argument);
        return true;
    case OPTION_KEYLOG:
        append(&out->keylogs, &out->keylog_count, argument);
        return true;
    case OPTION_FOLLOW:
        out->follow = true;
        return true;
    case OPTION_NOT_PROMISCUOUS:
        out->not_promiscuous = true;
        return true;
    case OPTION_JSON:
        out->json = true;
        return true;
    case OPTION_NO_SUBMIT:
        out->no_submit = true;
        return true;
    default:
        return false;
    }
}

/* pcap-filter(7) is one text of several words. */
static char *join_words(const struct cli *cli)
{
    struct buf text;
    if (cli->operand_count == 0)
        return NULL;
    buf_init(&text, CM_LIMIT_FILTER_BYTES);
    for (int i = 0; i < cli->operand_count; i++) {
        buf_append_str(&text, i ? " " : "");
        buf_append_str(&text, cli->operands[i]);
    }
    if (text.failed) {
        buf_done(&text);
        return NULL;
    }
    return buf_take(&text, NULL);
}

static bool reads_standard_input(const struct options *read)
{
    for (size_t i = 0; i < read->read_count; i++) {
        if (strcmp(read->reads[i], "-") == 0)
            return true;
    }
    return false;
}

int options_read(struct cli *cli, struct options *out)
{
    int option;
    while ((option = cli_next(cli)) != CLI_END) {
        if (!read_one(option, cli->argument, out))
            return CM_EXIT_USAGE;
    }
    out->filter = join_words(cli);
    out->user_named = out->user != NULL;
    if (cli->operand_count && !out->filter)
        return cli_wrong(cli, "a filter has at most %d bytes", CM_LIMIT_FILTER_BYTES);
    if (out->read_count && out->interface_count)
        return cli_wrong(cli, "-r and -i exclude each other");
    if (out->follow && out->read_count == 0)
        return cli_wrong(cli, "--follow follows what -r names");
    if (out->follow && reads_standard_input(out))
        return cli_wrong(cli, "--follow follows files and directories; standard input is read to its end anyhow");
    if (out->to && out->no_submit)
        return cli_wrong(cli, "--to and --no-submit exclude each other");
    return 0;
}

/* --- settling -------------------------------------------------------------------------------------------------------- */

/* A whole number from low to high in place of what *out holds; text NULL: nothing was typed. 0, or the exit status. */
static int settle_number(const struct cli *cli, const char *flag, const char *text, long low, long high, int64_t *out)
{
    char *end;
    if (!text)
        return 0;
    long value = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < low || value > high)
        return cli_wrong(cli, "%s takes a number from %ld to %ld", flag, low, high);
    *out = value;
    return 0;
}

static int settle_sizes(const struct cli *cli, const struct config *config, struct options *options)
{
    int64_t workers = config_integer(config, "watch.workers"), ring = config_integer(config, "watch.ring_size");
    int64_t snapshot = config_integer(config, "watch.snapshot_length"), memory = config_integer(config, "watch.memory");
    int64_t mib = 0;
    if (settle_number(cli, "--workers", options->workers_text, 1, LIVE_WORKERS_MAX, &workers) ||
        settle_number(cli, "--snapshot-length", options->snapshot_text, CAPTURE_SNAPSHOT_MIN, CAPTURE_SNAPSHOT_MAX,
                      &snapshot) ||
        settle_number(cli, "--memory", options->memory_text, MEMORY_MIN_MIB, MEMORY_MAX_MIB, &mib))
        return CM_EXIT_USAGE;
    if (options->ring_text && (!config_read_bytes(options->ring_text, &ring) || ring < RING_MIN || ring > RING_MAX))
        return cli_wrong(cli, "--ring-size takes a size from 1MiB to 1GiB");
    options->workers = (unsigned)workers;
    options->ring_bytes = (size_t)ring;
    options->snapshot = (int)snapshot;
    options->memory_max = mib ? (size_t)mib << 20 : (size_t)memory;
    return 0;
}

/* Interfaces and filter of the configuration are for who names nothing to read. */
static void settle_interfaces(const struct config *config, struct options *options)
{
    size_t count;
    const char *const *configured = config_list(config, "watch.interfaces", &count);
    if (options->read_count || options->interface_count)
        return;
    for (size_t i = 0; i < count; i++)
        append(&options->interfaces, &options->interface_count, configured[i]);
    const char *filter = config_string(config, "watch.filter");
    if (!options->filter && filter && *filter)
        options->filter = cm_strdup(filter);
}

int options_settle(const struct cli *cli, const struct config *config, struct options *options)
{
    int64_t interval_ms = config_integer(config, "watch.interval");
    if (options->interval_text && (duration_read_ms(options->interval_text, 1000, &interval_ms) || interval_ms < 1000))
        return cli_wrong(cli, "--interval takes a time of at least a second: 90s, 15m, 1h");
    int status = settle_sizes(cli, config, options);
    if (status)
        return status;
    settle_interfaces(config, options);
    if (options->read_count == 0 && options->interface_count == 0)
        return cli_wrong(cli, "nothing to read: name an interface with -i or a capture with -r");
    if (options->interface_count > LIVE_INTERFACES_MAX)
        return cli_wrong(cli, "at most %d interfaces", LIVE_INTERFACES_MAX);
    options->interval_us = interval_ms * 1000;
    options->statistics_ms = config_integer(config, "watch.statistics");
    options->promiscuous = !options->not_promiscuous && config_boolean(config, "watch.promiscuous");
    if (!options->user)
        options->user = config_string(config, "watch.user");
    return 0;
}

void options_done(struct options *read)
{
    free(read->reads);
    free(read->interfaces);
    free(read->keylogs);
    free(read->filter);
}
