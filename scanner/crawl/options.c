/* The table of flags is the help text, the manual's list and what is parsed, all in one; that of limits names their keys in the configuration. */
#include "scanner/crawl/options.h"

#include <string.h>

enum option {
    OPTION_JSON = 256,
    OPTION_PASSWORDS,
    OPTION_HOST,
    OPTION_TO,
    OPTION_NO_SUBMIT,
    OPTION_FAIL_ON,
    OPTION_USER,
    OPTION_RUN,
    OPTION_LIMIT, /* the first of OPTIONS_LIMITS */
};

/* What is read of one file and everything inside it at most. */
static const struct limit {
    const char *option, *key;
} limits[OPTIONS_LIMITS] = {
    {"--max-depth", "crawl.max_depth"},       {"--max-ratio", "crawl.max_ratio"},
    {"--max-unpacked", "crawl.max_unpacked"}, {"--max-entries", "crawl.max_entries"},
    {"--max-time", "crawl.max_time"},
};

static const struct cli_option flags[] = {
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
    {OPTION_RUN, "run", "UUID", "Call this run so: what a worker passes that takes it off a sweep."},
    {OPTION_USER, "user", "NAME",
     "Started by root: go on as this user, who may read everything and nothing else, before the first file is read "
     "(default nobody)."},
    {OPTION_LIMIT, "max-depth", "N", "How deep containers within containers are looked into (default 16, at most 60)."},
    {OPTION_LIMIT + 1, "max-ratio", "N",
     "How many bytes are unpacked for each byte of a file (default 250); 0: no limit."},
    {OPTION_LIMIT + 2, "max-unpacked", "SIZE", "How many bytes are unpacked of one file (default 64GiB); 0: no limit."},
    {OPTION_LIMIT + 3, "max-entries", "N",
     "How many entries are read of one file and all that lies in it (default 4000000); 0: no limit."},
    {OPTION_LIMIT + 4, "max-time", "SECONDS",
     "The time for each 64 MiB of a file, or part of it (default 60); 0: no limit."},
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
    "Reads PEM with anything around it, DER, PKCS#7, PKCS#12, keystores of Java, BouncyCastle, NSS and GSKit, SSH "
    "certificates, Kubernetes manifests, archives, packages, container images and signed programs, by content and "
    "whatever the file is called: certmuster-crawl(1) has the list. Symbolic links are "
    "followed only when given as PATH; each file is read once; devices, pipes, sockets, /proc and the like are never "
    "opened. Private keys are told of (kind, encrypted or not, hash of the public key), never told.\n"
    "Exit status: 0 done; 1 something was missing, unreadable or damaged, or no password opened it (the rest was "
    "told), or the collector refused records; "
    "2 wrong use; 3 could not run at all or could not keep its records; 130 and 143: ended by SIGINT or SIGTERM, with "
    "a record that says so.";

const struct cli_program options_program = {
    .name = "certmuster-crawl",
    .summary = "Reads files and trees and tells which certificates and private keys lie in them.",
    .usage = usage,
    .options = flags,
    .examples = examples,
    .more = more,
};

static int read_limit(const struct cli *cli, size_t which, struct options *out)
{
    struct cm_error error;
    int64_t value;
    if (config_read_flag(limits[which].key, cli->argument, &value, &error))
        return cli_wrong(cli, "%s takes %s", limits[which].option, error.detail);
    out->limits[which] = (uint64_t)value;
    out->limited[which] = true;
    return 0;
}

/* 0, or the exit status. */
int options_read(struct cli *cli, struct options *out)
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
        case OPTION_RUN:
            out->run = cli->argument;
            break;
        case OPTION_USER:
            out->user = cli->argument;
            break;
        default:
            if (id < OPTION_LIMIT || id >= OPTION_LIMIT + OPTIONS_LIMITS)
                return CM_EXIT_USAGE;
            if (read_limit(cli, (size_t)(id - OPTION_LIMIT), out))
                return CM_EXIT_USAGE;
        }
    }
    if (cli->operand_count == 0)
        return cli_wrong(cli, "nothing to read: name a file or a directory");
    if (out->to && out->no_submit)
        return cli_wrong(cli, "--to and --no-submit exclude each other");
    out->user_named = out->user != NULL;
    return 0;
}

void options_settle(const struct config *config, struct options *options, struct job_limits *out)
{
    uint64_t *const fields[OPTIONS_LIMITS] = {&out->depth, &out->ratio, &out->unpacked_bytes, &out->entries,
                                              &out->time_ms};
    *out = job_default_limits;
    if (!options->user)
        options->user = config_string(config, "crawl.user");
    for (size_t i = 0; i < OPTIONS_LIMITS; i++)
        *fields[i] = options->limited[i] ? options->limits[i] : (uint64_t)config_integer(config, limits[i].key);
}
