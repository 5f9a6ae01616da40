/* The part of cli that prints --help, and what it shares with the parser. */
#ifndef CERTMUSTER_LIB_CLI_HELP_H
#define CERTMUSTER_LIB_CLI_HELP_H

#include <stdbool.h>

#include "certmuster/cli.h"

enum { CLI_CONFIG = 1 << 20, CLI_VERBOSE = 'v', CLI_QUIET = 'q', CLI_HELP = 'h', CLI_VERSION = 'V' };

extern const struct cli_option cli_common_options[];

/* True when an option's id is also its short flag. */
static inline bool cli_is_letter(int id)
{
    return id > ' ' && id < 0x7F && id != '-';
}

void cli_print_help(const struct cli_program *program);

#endif
