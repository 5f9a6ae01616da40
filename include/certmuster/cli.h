/* Command lines: one table per program gives parsing, --help and --version, so that help cannot drift from what is parsed.
 * Flags and operands may be mixed; "--" ends flags. */
#ifndef CERTMUSTER_CLI_H
#define CERTMUSTER_CLI_H

#include "certmuster/error.h"

struct cli_option {
    int id;               /* > 0, unique; a printable character is also the short flag */
    const char *name;     /* long name without dashes */
    const char *argument; /* "SECONDS"; NULL: takes none */
    const char *help;     /* one or more sentences; wrapped at the terminal's width */
};

struct cli_program {
    const char *name;         /* "certmuster-scan" */
    const char *summary;      /* one sentence */
    const char *const *usage; /* lines without the program's name; ends with NULL */
    const struct cli_option
        *options; /* ends with id 0; --help, --version, --config FILE and -v/--verbose, -q/--quiet are always there */
    const char *const *examples; /* "command  # what it does"; ends with NULL */
    const char *more;            /* further text for --help: exit statuses, environment; may be NULL */
};

struct cli {
    const struct cli_program *program;
    int argc;
    char **argv;
    int index;               /* private */
    const char *argument;    /* of the option just returned; lends from argv */
    const char *config_path; /* --config */
    int verbose;             /* -v counts up, -q down */
    char **operands;         /* owned array, elements lend from argv */
    int operand_count;
    void *private_state;
};

enum { CLI_END = -1, CLI_USAGE = -2 };

void cli_init(struct cli *cli, const struct cli_program *program, int argc, char **argv);
/* The id of the next option; CLI_END after the last (operands are then complete); CLI_USAGE when wrong: one line "certmuster-scan:
 * unknown flag --prots; did you mean --ports? Try --help" is already on stderr. --help and --version print and exit(0). */
int cli_next(struct cli *cli);
void cli_done(struct cli *cli);
/* Prints "PROGRAM: <text>. Try --help" on stderr, returns CM_EXIT_USAGE. */
int cli_wrong(const struct cli *cli, const char *format, ...) CM_PRINTF(2, 3);

#define CERTMUSTER_VERSION "0.1.0"

#endif
