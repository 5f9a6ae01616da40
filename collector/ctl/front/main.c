/* certmuster CMD …: finds the program that does CMD beside itself and becomes it.
 *
 * Owns the list of commands and the text that teaches the whole. Links nothing, so that it works on a host with any one of the programs;
 * a program certmuster-CMD that is not in the list but lies beside is run all the same. Refuses to guess: an unknown command
 * ends in one line. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/cli.h"
#include "certmuster/suggest.h"

struct command {
    const char *name;
    const char *program; /* the file; with ctl the command's name stays its first argument */
    const char *help;
};

static const char CTL[] = "certmuster-ctl";

static const struct command commands[] = {
    {"up", CTL, "start a private inventory on this machine: PostgreSQL and the collector"},
    {"down", CTL, "stop it; the data stays"},
    {"status", CTL, "what runs, where, and what waits for delivery"},
    {"scan", "certmuster-scan", "read certificates from TLS servers"},
    {"watch", "certmuster-watch", "read certificates off the wire or from capture files"},
    {"crawl", "certmuster-crawl", "read certificates from files and keystores"},
    {"submit", "certmuster-submit", "deliver records to a collector"},
    {"report", "certmuster-report", "what expires next, the inventory, evidence for auditors"},
    {"browse", "certmuster-browse", "the inventory in a terminal"},
    {"owner", CTL, "whom to call: load, list, show, test and print the rules"},
    {"alert", CTL, "list, show and acknowledge alerts"},
    {"run", CTL, "list what the scanners did"},
    {"scanner", CTL, "enrol scanners that deliver over TLS"},
    {"sweep", CTL, "plan, start, follow and cancel sweeps that the scanners share"},
    {"audit", CTL, "who did what: list, verify and export the chained log"},
    {"migrate", CTL, "bring a database to this version's schema"},
    {"config", CTL, "print every configuration key with its value"},
    {"collectd", "certmuster-collectd", "the collector itself; up starts it for you"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The directory of this program, with a final slash. */
static bool own_directory(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    if (length <= 0)
        return false;
    out[length] = 0;
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    slash[1] = 0;
    return true;
}

static bool path_of(const char *program, char *out, size_t size)
{
    if (!own_directory(out, size) || strlen(out) + strlen(program) + 1 > size)
        return false;
    strcat(out, program);
    return true;
}

static bool installed(const char *program)
{
    char path[PATH_MAX];
    return path_of(program, path, sizeof path) && access(path, X_OK) == 0;
}

static void print_help(void)
{
    puts("certmuster finds every certificate that your machines serve and keep, remembers where, and tells whom to "
         "call\n"
         "before one expires.\n"
         "\n"
         "Usage: certmuster COMMAND [ARGUMENT...]\n"
         "       certmuster help COMMAND\n"
         "\n"
         "Type first:\n"
         "  certmuster up                          start a private inventory here (nothing to configure)\n"
         "  certmuster scan --local                look at this machine's own TLS servers\n"
         "  certmuster scan www.example.org 10.0.0.0/24   and at others\n"
         "  certmuster watch -i eth0               and at what crosses the wire\n"
         "  certmuster crawl /etc/ssl              and at certificates in files\n"
         "  certmuster report expiring             what expires next, where it is and whose it is\n"
         "\n"
         "Commands:");
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (installed(commands[i].program))
            printf("  %-9s %s\n", commands[i].name, commands[i].help);
    puts("\n"
         "  --help, --version\n"
         "\n"
         "Every command explains itself with --help, and in its manual: man certmuster-scan. Exit status of all of "
         "them: 0 done;\n"
         "1 input was damaged, unreadable or missing, or what --fail-on names was found; 2 wrong use; 3 it could not "
         "be done at all.");
}

/* Becomes the program; returns only when that failed. argv[0] is the command's name. */
static int become(const char *program, char **argv, bool keep_name)
{
    char path[PATH_MAX];
    if (!path_of(program, path, sizeof path)) {
        fprintf(stderr, "certmuster: cannot tell where it is installed: is /proc mounted?\n");
        return CM_EXIT_FAILED;
    }
    char **arguments = argv;
    if (keep_name) {
        arguments = argv - 1; /* main's own argv[0] makes the room */
    }
    arguments[0] = path;
    execv(path, arguments);
    if (errno == ENOENT)
        fprintf(stderr, "certmuster: %s is not installed here (looked for %s)\n", program, path);
    else
        fprintf(stderr, "certmuster: cannot run %s: %s\n", path, strerror(errno));
    return CM_EXIT_FAILED;
}

static int unknown(const char *name)
{
    struct suggest suggest = {.typed = name};
    for (int i = 0; i < COMMAND_COUNT; i++)
        suggest_offer(&suggest, commands[i].name);
    fputs("certmuster: unknown command '", stderr);
    for (const char *c = name; *c && c - name < 60; c++) /* somebody's terminal: nothing but plain characters */
        fputc(*c >= ' ' && *c <= '~' ? *c : '?', stderr);
    if (suggest.near)
        fprintf(stderr, "'; did you mean %s? Try certmuster --help\n", suggest.near);
    else
        fputs("'. Try certmuster --help\n", stderr);
    return CM_EXIT_USAGE;
}

static int run(char **argv)
{
    const struct command *command = find(argv[0]);
    if (command)
        return become(command->program, argv, command->program == CTL);
    char program[64];
    if (!strchr(argv[0], '/') && argv[0][0] != '-' &&
        (size_t)snprintf(program, sizeof program, "certmuster-%s", argv[0]) < sizeof program && installed(program))
        return become(program, argv, false);
    return unknown(argv[0]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help();
        return CM_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts("certmuster " CERTMUSTER_VERSION);
        return CM_EXIT_OK;
    }
    bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 2)) {
        print_help();
        return CM_EXIT_OK;
    }
    if (help) {
        char flag[] = "--help";
        char *arguments[] = {argv[0], argv[2], flag, NULL};
        return run(arguments + 1);
    }
    if (word[0] == '-') {
        fprintf(stderr, "certmuster: flags follow the command: certmuster COMMAND %s. Try certmuster --help\n",
                strlen(word) < 40 ? word : "--flag");
        return CM_EXIT_USAGE;
    }
    return run(argv + 1);
}
