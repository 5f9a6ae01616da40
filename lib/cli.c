/* Command lines from one table per program: parsing. What --help prints is put together in cli_help.c from the same table.
 *
 * Called by every main(). The only library module that prints and exits, because that is its job; each message is one line on
 * stderr, escaped, and ends with where to look further. */
#include "certmuster/cli.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "certmuster/suggest.h"
#include "lib/cli_help.h"

/* Flags that every program has. A program's own option of the same letter or name goes first. */
const struct cli_option cli_common_options[] = {
    {CLI_CONFIG, "config", "FILE", "Read this configuration file (default: see certmuster.yaml(5))."},
    {CLI_VERBOSE, "verbose", NULL, "Log everything."},
    {CLI_QUIET, "quiet", NULL, "Say nothing but errors."},
    {CLI_HELP, "help", NULL, "Print this help."},
    {CLI_VERSION, "version", NULL, "Print the version."},
    {0, NULL, NULL, NULL},
};

/* A program that was started with stdout closed (>&-) would get 1 for its first file or socket, and write its results there. What is put
 * in the place of each refuses what the program would do with it, so that the user hears of it. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            abort(); /* no /dev/null: nothing can be trusted here */
    }
}

void cli_init(struct cli *cli, const struct cli_program *program, int argc, char **argv)
{
    hold_standard_descriptors();
    *cli = (struct cli){.program = program, .argc = argc, .argv = argv, .index = 1};
    cli->operands = cm_calloc((size_t)argc + 1, sizeof *cli->operands);
}

void cli_done(struct cli *cli)
{
    free(cli->operands);
    cli->operands = NULL;
    cli->operand_count = 0;
}

int cli_wrong(const struct cli *cli, const char *format, ...)
{
    char text[1024];
    struct buf line;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_init(&line, 8 * sizeof text);
    escape_terminal(&line, text, strlen(text), false);
    bool question = line.size && line.data[line.size - 1] == '?';
    fprintf(stderr, "%s: %s%s Try --help\n", cli->program->name, line.data, question ? "" : ".");
    buf_done(&line);
    return CM_EXIT_USAGE;
}

static const struct cli_option *find_long(const struct cli_option *options, const char *name, size_t size)
{
    for (; options && options->id; options++)
        if (options->name && strncmp(options->name, name, size) == 0 && options->name[size] == 0)
            return options;
    return NULL;
}

static const struct cli_option *find_short(const struct cli_option *options, char letter)
{
    for (; options && options->id; options++)
        if (options->id == letter && cli_is_letter(options->id))
            return options;
    return NULL;
}

static int unknown_long(const struct cli *cli, const char *name, size_t size)
{
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)(size < sizeof typed ? size : sizeof typed - 1), name);
    struct suggest suggest = {.typed = typed};
    for (const struct cli_option *option = cli->program->options; option && option->id; option++)
        if (option->name)
            suggest_offer(&suggest, option->name);
    for (const struct cli_option *option = cli_common_options; option->id; option++)
        suggest_offer(&suggest, option->name);
    if (suggest.near)
        cli_wrong(cli, "unknown flag --%s; did you mean --%s?", typed, suggest.near);
    else
        cli_wrong(cli, "unknown flag --%s", typed);
    return CLI_USAGE;
}

/* What a common option does happens here; a program's own goes to its main. 0: go on with the next word. */
static int apply(struct cli *cli, const struct cli_option *option)
{
    switch (option->id) {
    case CLI_CONFIG:
        cli->config_path = cli->argument;
        return 0;
    case CLI_VERBOSE:
        cli->verbose++;
        return 0;
    case CLI_QUIET:
        cli->verbose--;
        return 0;
    case CLI_HELP:
        cli_print_help(cli->program);
        exit(fflush(stdout) ? CM_EXIT_FAILED : CM_EXIT_OK);
    case CLI_VERSION:
        printf("%s %s\n", cli->program->name, CERTMUSTER_VERSION);
        exit(fflush(stdout) ? CM_EXIT_FAILED : CM_EXIT_OK);
    default:
        return option->id;
    }
}

static int take(struct cli *cli, const struct cli_option *option, bool own)
{
    return own ? option->id : apply(cli, option);
}

/* "--name", "--name=argument", "--name argument". */
static int read_long(struct cli *cli, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    const struct cli_option *option = find_long(cli->program->options, word, size);
    bool own = option != NULL;
    if (!option)
        option = find_long(cli_common_options, word, size);
    if (!option)
        return unknown_long(cli, word, size);
    cli->argument = NULL;
    if (option->argument && equals)
        cli->argument = equals + 1;
    else if (option->argument && cli->index < cli->argc)
        cli->argument = cli->argv[cli->index++];
    if (option->argument && !cli->argument) {
        cli_wrong(cli, "--%s needs %s", option->name, option->argument);
        return CLI_USAGE;
    }
    if (!option->argument && equals) {
        cli_wrong(cli, "--%s takes no argument", option->name);
        return CLI_USAGE;
    }
    return take(cli, option, own);
}

/* One letter of "-v", "-vvq", "-fFILE" or "-f FILE"; private_state holds the letters that are left. */
static int read_short(struct cli *cli)
{
    char *rest = cli->private_state;
    char letter = *rest++;
    const struct cli_option *option = find_short(cli->program->options, letter);
    bool own = option != NULL;
    if (!option)
        option = find_short(cli_common_options, letter);
    cli->private_state = *rest ? rest : NULL;
    if (!option) {
        cli->private_state = NULL;
        cli_wrong(cli, "unknown flag -%c", letter);
        return CLI_USAGE;
    }
    cli->argument = NULL;
    if (option->argument) {
        cli->private_state = NULL;
        if (*rest)
            cli->argument = rest;
        else if (cli->index < cli->argc)
            cli->argument = cli->argv[cli->index++];
        else {
            cli_wrong(cli, "-%c needs %s", letter, option->argument);
            return CLI_USAGE;
        }
    }
    return take(cli, option, own);
}

int cli_next(struct cli *cli)
{
    for (;;) {
        int id;
        if (cli->private_state) {
            id = read_short(cli);
        } else if (cli->index >= cli->argc) {
            return CLI_END;
        } else {
            char *word = cli->argv[cli->index++];
            if (strcmp(word, "--") == 0) {
                while (cli->index < cli->argc)
                    cli->operands[cli->operand_count++] = cli->argv[cli->index++];
                return CLI_END;
            }
            if (word[0] != '-' || word[1] == 0) {
                cli->operands[cli->operand_count++] = word;
                continue;
            }
            if (word[1] == '-') {
                id = read_long(cli, word + 2);
            } else {
                cli->private_state = word + 1;
                continue;
            }
        }
        if (id)
            return id;
    }
}
