/* certmuster-fleet: a simulated fleet of TLS servers on loopback addresses, for tests, benchmarks and the quickstart.
 *
 * Reads the command line and hands over to serve.c, many.c, odd.c or attack.c; `list` is answered from the table of behaviours. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cli.h"
#include "certmuster/log.h"
#include "tests/fleet/attack.h"
#include "tests/fleet/behaviour.h"
#include "tests/fleet/fleet.h"
#include "tests/fleet/odd.h"

enum { MAX_COUNT = 1000000, MAX_STRIKES = 100000000, MAX_WORKERS = 64, MAX_DAYS = 7000 };
enum {
    OPT_DIR = 'd',
    OPT_PORT = 'p',
    OPT_COUNT = 'n',
    OPT_BASE = 256,
    OPT_GENERATION,
    OPT_CANNED,
    OPT_NEWEST,
    OPT_DAYS,
    OPT_WORKERS,
    OPT_MANIFEST,
    OPT_ATTACK,
    OPT_DEVICE
};

static const struct cli_option options_table[] = {
    {OPT_DIR, "dir", "DIR", "Keys, certificates, ca.pem and MANIFEST.tsv; filled once, then reused."},
    {OPT_BASE, "base", "IP", "The first address; serve: 127.80.0.1, odd: 127.81.0.1, many: 127.128.0.1."},
    {OPT_PORT, "port", "PORT", "The port of all of them; 0, the default, takes a free one."},
    {OPT_GENERATION, "generation", "1|2", "serve: 2 shows renewed certificates where expiring ones were."},
    {OPT_COUNT, "count", "N",
     "many: how many addresses, up to 1,000,000. odd: how many times the manifest tells the table, each time at "
     "addresses of its own."},
    {OPT_DAYS, "days", "D", "many: all expire in D days; else in 1 to 400, by address."},
    {OPT_CANNED, "canned", "tls12|tls13|tls13-hrr",
     "many: no handshakes but bytes up to the certificate, for benchmarks. The signature in the certificate is that of "
     "a template."},
    {OPT_NEWEST, "newest", "tls12|tls13", "many: the newest version of real handshakes, default tls13."},
    {OPT_WORKERS, "workers", "N", "many: serve with N processes, default 1."},
    {OPT_MANIFEST, "manifest-only", NULL, "many: print the manifest on stdout and serve nothing."},
    {OPT_DEVICE, "device", "NAME",
     "many: be reached by this network device, at addresses beyond loopback; for network namespaces that a test made."},
    {OPT_ATTACK, "attack", "NAME|list", "attack: which, or which there are."},
    {0, NULL, NULL, NULL},
};
static const char *const usage[] = {
    "serve --dir DIR [--base IP] [--port PORT] [--generation 2]",
    "many --dir DIR --count N [--base IP] [--port PORT] [--days D] [--canned tls12|tls13|tls13-hrr]",
    "odd --dir DIR [--base IP] [--port PORT] [--count N]",
    "attack --attack NAME|list [--count N] >CAPTURE",
    "list",
    NULL};
static const char *const examples[] = {
    "certmuster-fleet serve --dir /tmp/fleet  # every behaviour on its own address",
    "certmuster-fleet many --dir /tmp/many --count 20000  # 20,000 endpoints, a certificate each",
    "certmuster-fleet odd --dir /tmp/odd  # servers that misbehave, each in its own way",
    "certmuster-fleet attack --attack half-open --count 1000000 > hostile.pcap  # honest handshakes among them",
    "certmuster-fleet list  # what serve serves",
    NULL};
static const struct cli_program program = {
    .name = "certmuster-fleet",
    .summary = "Serves a simulated fleet of TLS endpoints on loopback addresses.",
    .usage = usage,
    .options = options_table,
    .examples = examples,
    .more = "Prints \"ready PORT\" when it can be reached and serves until SIGTERM. DIR/MANIFEST.tsv then says, in "
            "columns separated by tabs: "
            "behaviour, ip, port, SHA-256 of the leaf, of the chain, \"ok\" or the error that a scanner should tell, "
            "name to send. many "
            "writes it for up to 20,000 endpoints; --manifest-only prints it for any number. Validity counts from when "
            "DIR was filled. odd has more columns: the pattern of a failure's detail, what tls must say, what each "
            "attempt but "
            "the last was, \"slow\" or \"flood\", the names to be known for the address.",
};

static int list(void)
{
    for (size_t i = 0; i < behaviour_count; i++)
        printf("%-22s %-8s %-26s %s\n", behaviours[i].name, behaviours[i].expect, behaviours[i].host,
               behaviours[i].about);
    return fflush(stdout) == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}

static int read_number(const char *text, long minimum, long maximum, long *out)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < minimum || value > maximum)
        return CM_EINVAL;
    *out = value;
    return 0;
}

/* One option into *options; CM_EINVAL when its argument makes no sense. */
static int take_option(int id, const char *argument, struct fleet_options *options)
{
    long number = 0;
    int result = 0;
    switch (id) {
    case OPT_DIR:
        options->dir = argument;
        break;
    case OPT_BASE:
        result = ipaddr_read(argument, &options->base);
        if (result == 0 && options->base.family != 4)
            result = CM_EINVAL;
        break;
    case OPT_PORT:
        result = read_number(argument, 0, 65535, &number);
        options->port = (unsigned)number;
        break;
    case OPT_GENERATION:
        result = read_number(argument, 1, 2, &number);
        options->generation = (int)number;
        break;
    case OPT_COUNT:
        result = read_number(argument, 1, MAX_STRIKES, &number);
        options->count = (uint32_t)number;
        break;
    case OPT_DAYS:
        result = read_number(argument, -MAX_DAYS, MAX_DAYS, &number);
        options->days = (int)number;
        break;
    case OPT_WORKERS:
        result = read_number(argument, 1, MAX_WORKERS, &number);
        options->workers = (int)number;
        break;
    case OPT_CANNED:
        result = canned_kind_read(argument, &options->canned);
        break;
    case OPT_NEWEST:
        options->newest = strcmp(argument, "tls12") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
        result = options->newest == TLS1_2_VERSION || strcmp(argument, "tls13") == 0 ? CM_OK : CM_EINVAL;
        break;
    case OPT_ATTACK:
        options->attack = argument;
        break;
    case OPT_DEVICE:
        options->device = argument;
        break;
    case OPT_MANIFEST:
        options->manifest_only = true;
        break;
    }
    return result;
}

static int attack(struct cli *cli, const struct fleet_options *options)
{
    if (!options->attack)
        return cli_wrong(cli, "--attack is missing");
    if (strcmp(options->attack, "list") == 0) {
        attack_list();
        return CM_EXIT_OK;
    }
    return attack_write(options->attack, options->count ? options->count : 100000);
}

static int dispatch(struct cli *cli, struct fleet_options *options)
{
    const char *command = cli->operand_count == 1 ? cli->operands[0] : "";
    bool serve = strcmp(command, "serve") == 0, many = strcmp(command, "many") == 0, odd = strcmp(command, "odd") == 0;
    if (strcmp(command, "list") == 0)
        return list();
    if (strcmp(command, "attack") == 0)
        return attack(cli, options);
    if (!serve && !many && !odd)
        return cli_wrong(cli, "say one of serve, many, odd, attack and list");
    if (options->count > MAX_COUNT)
        return cli_wrong(cli, "--count is at most 1,000,000 here");
    if (options->dir == NULL)
        return cli_wrong(cli, "--dir is missing");
    if (many && options->count == 0)
        return cli_wrong(cli, "--count is missing");
    if (odd && options->count == 0)
        options->count = 1;
    const char *base = serve ? "127.80.0.1" : odd ? "127.81.0.1" : "127.128.0.1";
    if (options->base.family == 0 && ipaddr_read(base, &options->base) != 0)
        return CM_EXIT_FAILED;
    struct ipaddr last;
    ipaddr_add(&last, &options->base,
               serve ? behaviour_count
               : odd ? (uint64_t)options->count * odd_row_count()
                     : options->count);
    if ((!many || !options->device) && (options->base.bytes[0] != 127 || last.bytes[0] != 127))
        return cli_wrong(cli, "the addresses run out of 127.0.0.0/8");
    if (options->device && !many)
        return cli_wrong(cli, "--device is for many");
    return serve ? fleet_serve(options) : odd ? fleet_odd(options) : fleet_many(options);
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct fleet_options options = {.days = INT_MIN, .generation = 1, .newest = TLS1_3_VERSION, .workers = 1};
    int id, status;
    log_init("certmuster-fleet", LOG_LEVEL_INFO);
    cli_init(&cli, &program, argc, argv);
    while ((id = cli_next(&cli)) > 0) {
        if (take_option(id, cli.argument, &options) != 0) {
            status = cli_wrong(&cli, "'%s' is not what this option takes", cli.argument);
            cli_done(&cli);
            return status;
        }
    }
    status = id == CLI_USAGE ? CM_EXIT_USAGE : dispatch(&cli, &options);
    cli_done(&cli);
    return status;
}
