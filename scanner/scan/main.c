/* certmuster-scan: probes TLS endpoints and tells which certificates they serve.
 *
 * Owns the command line, the signals and the exit status. What a target is stands in target.h, what a probe does in probe.h, how many
 * run at once in sweep.h. */
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
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/scan/local.h"
#include "scanner/scan/places.h"
#include "scanner/scan/sweep.h"

enum option {
    OPTION_FILE = 'f',
    OPTION_PORTS = 'p',
    OPTION_TIMEOUT = 't',
    OPTION_JSON = 256,
    OPTION_LOCAL,
    OPTION_STARTTLS,
    OPTION_PARALLEL,
    OPTION_RATE,
    OPTION_THREADS,
    OPTION_DNS_SERVER,
    OPTION_NAMES,
    OPTION_PROVE,
    OPTION_POLITE,
    OPTION_FLIGHT_LIMIT,
    OPTION_FAIL_ON,
    OPTION_RUN,
    OPTION_TO,
    OPTION_NO_SUBMIT,
};

static const struct cli_option options[] = {
    {OPTION_FILE, "file", "FILE",
     "Read targets from FILE, one a line; '#' begins a comment; '-' is standard input. Repeats."},
    {OPTION_PORTS, "ports", "P,P-P", "Ports for targets that name none (default 443)."},
    {OPTION_LOCAL, "local", NULL,
     "Probe this host's own listening TCP sockets; finds out by itself which of them speak TLS."},
    {OPTION_STARTTLS, "starttls", "PROTO",
     "Ask for TLS in this protocol first: smtp, imap, pop3, ldap, postgres; auto: by port and greeting; none: TLS from "
     "the first byte (default; auto with --local)."},
    {OPTION_TIMEOUT, "timeout", "SECONDS",
     "The time for one target, from the lookup of its name to its certificate (default 10)."},
    {OPTION_PARALLEL, "parallel", "N", "At most N probes at once (default 4096, less where descriptors are short)."},
    {OPTION_RATE, "rate", "N", "Start at most N probes per second; 0: as fast as it goes."},
    {OPTION_THREADS, "threads", "N", "Probe on N threads, each with an event loop of its own (default 1)."},
    {OPTION_NAMES, "names", "FILE",
     "Names to ask for where an address alone gets no certificate: lines 'ADDRESS NAME...' as in /etc/hosts, which is "
     "read as well. Repeats."},
    {OPTION_PROVE, "prove", NULL,
     "Check the server's signature too, so that the leaf's private key is known to be there."},
    {OPTION_POLITE, "polite", NULL,
     "End connections with an alert and let the server close, instead of a reset that some servers log."},
    {OPTION_FLIGHT_LIMIT, "flight-limit", "SIZE", "Read at most SIZE of handshake from one server (default 1MiB)."},
    {OPTION_DNS_SERVER, "dns-server", "ADDRESS[:PORT]", "Ask this DNS server instead of the system's. Repeats."},
    {OPTION_JSON, "json", NULL,
     "Write the record stream to standard output instead of a table; submits only with --to."},
    {OPTION_TO, "to", "URL", "Deliver to this collector: unix:PATH or https://HOST:PORT."},
    {OPTION_NO_SUBMIT, "no-submit", NULL, "Deliver to no collector."},
    {OPTION_RUN, "run", "UUID", "Call this run so: what a worker passes that takes it off a sweep."},
    {OPTION_FAIL_ON, "fail-on", "failure", "Exit 1 when a probe failed."},
    {0},
};

static const char *const usage[] = {"[OPTIONS] TARGET...", "[OPTIONS] -f FILE", "[OPTIONS] --local", NULL};

static const char *const examples[] = {
    "certmuster-scan example.org 192.0.2.0/24 [2001:db8::1]:8443  # what do they serve?",
    "certmuster-scan www.example.org@192.0.2.7                    # ask one address for a name",
    "certmuster-scan --starttls auto -f hosts.txt --ports 25,443  # a list, two ports each",
    "certmuster-scan --threads 2 --prove -f hosts.txt             # on two cores; is the key really there?",
    "certmuster-scan --local --json | jq -c 'select(.type == \"sighting\")'",
    NULL,
};

static const char more[] =
    "TARGET is [NAME@]PLACE[:PORTS], PLACE a host name, an address or a prefix such as 192.0.2.0/24; IPv6 with a port "
    "stands in brackets. A name is asked for in the handshake (SNI); an address alone is asked for nothing, unless it "
    "refuses that and a name is known for it.\n"
    "Exit status: 0 done, also when probes failed (a failure is a result); 1 a target file or a line of it could not "
    "be read, the collector refused records, or "
    "--fail-on matched; 2 wrong use; 3 could not run at all or could not keep its records; 130 and 143: ended by "
    "SIGINT or SIGTERM, with a record for every probe that had begun.";

static const struct cli_program program = {
    .name = "certmuster-scan",
    .summary = "Probes TLS endpoints and tells which certificates they serve.",
    .usage = usage,
    .options = options,
    .examples = examples,
    .more = more,
};

struct arguments { /* of the command line, before the configuration fills in what it leaves open */
    const char **files, **dns_servers, **names;
    size_t file_count, dns_server_count, names_count;
    const char *ports, *timeout, *starttls, *parallel, *rate, *threads, *flight_limit, *to, *run;
    bool json, local, no_submit, fail_on_failure, prove, polite;
};

enum { SECOND_MS = 1000 };

static volatile sig_atomic_t stop; /* the signal that ends the sweep */

static void on_signal(int number)
{
    stop = number;
}

/* A standard stream that is closed shall stay useless: or the next socket would take its number, and get our table. */
static void keep_closed_streams_closed(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) != fd)
            exit(CM_EXIT_FAILED); /* and nobody can be told */
    }
}

/* SIGINT and SIGTERM are blocked but while the loop waits, so that none is missed; the second one ends the process at once. */
static void catch_signals(sigset_t *open)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    sigprocmask(SIG_BLOCK, &ours, open);
    sigdelset(open, SIGINT);
    sigdelset(open, SIGTERM);
}

static void append(const char ***list, size_t *count, const char *value)
{
    *list = cm_realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = value;
}

/* 0, or the exit status. */
static int read_arguments(struct cli *cli, struct arguments *out)
{
    int id;
    while ((id = cli_next(cli)) != CLI_END) {
        switch (id) {
        case OPTION_FILE:
            append(&out->files, &out->file_count, cli->argument);
            break;
        case OPTION_DNS_SERVER:
            append(&out->dns_servers, &out->dns_server_count, cli->argument);
            break;
        case OPTION_PORTS:
            out->ports = cli->argument;
            break;
        case OPTION_TIMEOUT:
            out->timeout = cli->argument;
            break;
        case OPTION_STARTTLS:
            out->starttls = cli->argument;
            break;
        case OPTION_PARALLEL:
            out->parallel = cli->argument;
            break;
        case OPTION_RATE:
            out->rate = cli->argument;
            break;
        case OPTION_THREADS:
            out->threads = cli->argument;
            break;
        case OPTION_NAMES:
            append(&out->names, &out->names_count, cli->argument);
            break;
        case OPTION_PROVE:
            out->prove = true;
            break;
        case OPTION_POLITE:
            out->polite = true;
            break;
        case OPTION_FLIGHT_LIMIT:
            out->flight_limit = cli->argument;
            break;
        case OPTION_TO:
            out->to = cli->argument;
            break;
        case OPTION_RUN:
            out->run = cli->argument;
            break;
        case OPTION_JSON:
            out->json = true;
            break;
        case OPTION_LOCAL:
            out->local = true;
            break;
        case OPTION_NO_SUBMIT:
            out->no_submit = true;
            break;
        case OPTION_FAIL_ON:
            if (strcmp(cli->argument, "failure") != 0)
                return cli_wrong(cli, "--fail-on takes the word failure");
            out->fail_on_failure = true;
            break;
        default:
            return CM_EXIT_USAGE;
        }
    }
    if (cli->operand_count == 0 && out->file_count == 0 && !out->local)
        return cli_wrong(cli, "nothing to probe: name a target, -f FILE or --local");
    if (out->to && out->no_submit)
        return cli_wrong(cli, "--to and --no-submit exclude each other");
    return 0;
}

/* The value of a flag that was given, within the range of its key. 0, or the exit status. */
static int read_flag(const struct cli *cli, const char *flag, const char *key, const char *text, int64_t *out)
{
    struct cm_error error;
    return text && config_read_flag(key, text, out, &error) ? cli_wrong(cli, "%s takes %s", flag, error.detail) : 0;
}

/* How the machine and the servers are to be treated. 0, or the exit status. */
static int settle_engine(const struct cli *cli, const struct arguments *arguments, const struct config *config,
                         struct sweep_options *out)
{
    int64_t parallel = config_integer(config, "scan.parallel"), rate = config_integer(config, "scan.rate");
    int64_t threads = config_integer(config, "scan.threads"), flight = config_integer(config, "scan.flight_limit");
    if (read_flag(cli, "--parallel", "scan.parallel", arguments->parallel, &parallel) ||
        read_flag(cli, "--rate", "scan.rate", arguments->rate, &rate) ||
        read_flag(cli, "--threads", "scan.threads", arguments->threads, &threads) ||
        read_flag(cli, "--flight-limit", "scan.flight_limit", arguments->flight_limit, &flight))
        return CM_EXIT_USAGE;
    out->parallel = (unsigned)parallel;
    out->rate = (double)rate;
    out->threads = (unsigned)threads;
    out->flight_max = (size_t)flight;
    out->prove = arguments->prove || config_boolean(config, "scan.prove");
    out->polite = arguments->polite || config_boolean(config, "scan.polite");
    return 0;
}

/* Command line over configuration over default. 0, or the exit status. */
static int settle(const struct cli *cli, const struct arguments *arguments, const struct config *config,
                  struct sweep_options *out)
{
    struct cm_error error;
    const char *ports = arguments->ports ? arguments->ports : config_string(config, "scan.ports");
    int status;
    if (ports_read(ports, strlen(ports), &out->ports, &error))
        return cli_wrong(cli, "--ports %s: %s", log_quote(ports), error.reason);
    out->timeout_ms = config_integer(config, "scan.timeout");
    if (read_flag(cli, "--timeout", "scan.timeout", arguments->timeout, &out->timeout_ms))
        return CM_EXIT_USAGE;
    if (arguments->starttls && starttls_read(arguments->starttls, &out->starttls))
        return cli_wrong(cli, "--starttls takes " STARTTLS_NAMES);
    out->starttls_local = arguments->starttls ? out->starttls : STARTTLS_AUTO;
    if ((status = settle_engine(cli, arguments, config, out)))
        return status;
    out->dns_servers = arguments->dns_servers;
    out->dns_server_count = arguments->dns_server_count;
    if (!out->dns_server_count)
        out->dns_servers = config_list(config, "scan.dns_servers", &out->dns_server_count);
    out->json = arguments->json;
    out->quiet = cli->verbose < 0;
    return 0;
}

/* Every operand must make sense before anything is probed; files are read as the sweep goes. 0, or the exit status. */
static int gather(const struct cli *cli, const struct arguments *arguments, struct input *input)
{
    struct cm_error error;
    struct target target, *listeners = NULL;
    size_t listener_count = 0;
    for (int i = 0; i < cli->operand_count; i++) {
        const char *operand = cli->operands[i];
        if (strcmp(operand, "-") == 0)
            continue;
        if (target_read(operand, strlen(operand), &target, &error))
            return cli_wrong(cli, "%s: %s", log_quote(operand), error.reason);
        input_add_target(input, &target);
    }
    if (arguments->local) {
        if (local_list("/proc", &listeners, &listener_count, &error)) {
            say_error("%s: %s", error.reason, error.detail);
            return CM_EXIT_FAILED;
        }
        for (size_t i = 0; i < listener_count; i++)
            input_add_target(input, &listeners[i]);
        free(listeners);
    }
    for (size_t i = 0; i < arguments->file_count; i++) {
        if (input_add_file(input, arguments->files[i], &error))
            say_error("%s: %s", error.reason, error.detail);
    }
    for (int i = 0; i < cli->operand_count; i++) {
        if (strcmp(cli->operands[i], "-") == 0 && input_add_file(input, "-", &error))
            say_error("%s: %s", error.reason, error.detail);
    }
    return 0;
}

/* Files of names. A line of them that makes no sense is damage, and passed over. 0, or the exit status. */
static int gather_names(const struct arguments *arguments, struct names *names, uint64_t *damaged)
{
    struct cm_error error;
    for (size_t i = 0; i < arguments->names_count; i++) {
        uint64_t before = *damaged;
        if (names_read(names, arguments->names[i], damaged, &error)) {
            say_error("%s: %s", error.reason, error.detail);
            return CM_EXIT_FAILED;
        }
        if (*damaged > before)
            say_error("%s: %" PRIu64 " lines are not 'ADDRESS NAME...' and are passed over",
                      log_quote(arguments->names[i]), *damaged - before);
    }
    return 0;
}

static void summarise(const struct sweep_counts *counts, int64_t took_ms)
{
    fprintf(stderr,
            "%s: %" PRIu64 " probes in %.1f s: %" PRIu64 " told their certificates, %" PRIu64 " failed%s%s%s%s\n",
            log_program(), counts->ok + counts->failed, (double)took_ms / SECOND_MS, counts->ok, counts->failed,
            counts->failed ? " (" : "", counts->failures, counts->failed ? ")" : "",
            counts->interrupted ? "; interrupted" : "");
}

static int exit_status(const struct sweep_counts *counts, bool damaged, bool fail_on_failure)
{
    if (counts->interrupted && stop)
        return 128 + stop;
    return damaged || (fail_on_failure && counts->failed) ? CM_EXIT_PARTIAL : CM_EXIT_OK;
}

/* From the first record to the last. */
static int run(const struct emit_options *emit_options, const struct sweep_options *sweep_options, struct loop *loop,
               struct input *input, const sigset_t *open, struct sweep_counts *counts, struct emit_outcome *delivery)
{
    struct emit *emit = NULL;
    struct cm_error error;
    int64_t began_ms = clock_monotonic_ms();
    int code = emit_open(emit_options, &emit, &error);
    if (code) {
        say_error("%s: %s", error.reason, error.detail);
        return code == CM_EINVAL ? CM_EXIT_USAGE : CM_EXIT_FAILED;
    }
    struct tell *tell = emit_options->json ? NULL : tell_new();
    int failed = sweep_run(sweep_options, loop, input, emit, tell, &stop, open, counts, &error);
    if (failed)
        say_error("%s: %s", error.reason, error.detail);
    /* From here on nothing watches `stop`, and the second signal must get through. */
    sigprocmask(SIG_SETMASK, open, NULL);
    int unwritten = tell_flush(tell, &error);
    if (unwritten)
        say_error("%s: %s", error.reason, error.detail);
    tell_free(tell);
    int status = failed == CM_EINVAL ? CM_EXIT_USAGE : failed || unwritten ? CM_EXIT_FAILED : 0;
    if (!failed && !sweep_options->quiet)
        summarise(counts, clock_monotonic_ms() - began_ms);
    if (emit_close(emit, counts->interrupted || failed, delivery, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        return CM_EXIT_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct arguments arguments = {0};
    struct sweep_options sweep_options = {0};
    struct config *config = NULL;
    struct loop *loop = NULL;
    struct input *input = NULL;
    struct sweep_counts counts = {0};
    struct emit_outcome delivery = {.submitted = false};
    struct cm_error error;
    sigset_t open;
    uint64_t damaged = 0;
    keep_closed_streams_closed();
    log_init(program.name, LOG_LEVEL_WARN);
    cli_init(&cli, &program, argc, argv);
    int status = read_arguments(&cli, &arguments);
    if (status)
        goto out;
    log_set_level(cli.verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
    if (config_load(cli.config_path, &config, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
        goto out;
    }
    if ((status = settle(&cli, &arguments, config, &sweep_options)))
        goto out;
    if (loop_new(&loop, &error)) {
        say_error("%s: %s", error.reason, error.detail);
        status = CM_EXIT_FAILED;
        goto out;
    }
    input = input_new(loop);
    sweep_options.names = names_new("/etc/hosts");
    if ((status = gather(&cli, &arguments, input)) ||
        (status = gather_names(&arguments, sweep_options.names, &damaged)))
        goto out;
    catch_signals(&open);
    struct emit_options emit_options = {
        .source = "scan",
        .config = config,
        .json = arguments.json,
        .no_submit = arguments.no_submit,
        .to = arguments.to,
        .run = arguments.run,
        .argc = argc,
        .argv = argv,
    };
    status = run(&emit_options, &sweep_options, loop, input, &open, &counts, &delivery);
    if (!status)
        status = exit_status(&counts, damaged || input_damaged(input) || delivery.refused, arguments.fail_on_failure);
out:
    input_free(input);
    loop_free(loop);
    config_free(config);
    names_free(sweep_options.names);
    ports_done(&sweep_options.ports);
    free(arguments.files);
    free(arguments.dns_servers);
    free(arguments.names);
    cli_done(&cli);
    return status;
}
