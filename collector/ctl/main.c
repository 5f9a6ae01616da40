/* certmuster-ctl: the operator's hand. Reads the command's name and hands the rest to its file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/suggest.h"
#include "collector/ctl/ctl.h"

const struct ctl_command ctl_commands[] = {
    {"up", "start a private inventory on this machine: PostgreSQL and the collector", up_command},
    {"down", "stop it; the data stays", down_command},
    {"status", "what runs, where, and what waits for delivery", status_command},
    {"owner", "whom to call: load, list, show, test and print the rules", owner_command},
    {"migrate", "bring a database to this version's schema", migrate_command},
    {"alert", "list, show and acknowledge alerts", alert_command},
    {"sweep", "plan, start, follow and cancel sweeps that the scanners share", sweep_command},
    {"scanner", "enrol scanners that deliver over TLS", scanner_command},
    {"run", "list what the scanners did", run_command},
    {"audit", "who did what: list, verify and export the chained log", audit_command},
    {"config", "print every configuration key with its value", config_command},
    {NULL, NULL, NULL},
};

static void print_help(void)
{
    puts("Usage: certmuster-ctl COMMAND [ARGUMENT...]\n\n"
         "The operator's hand: starts and stops the private inventory, keeps its schema, its owners, alerts and "
         "scanners.\n\n"
         "Commands:");
    for (const struct ctl_command *command = ctl_commands; command->name; command++)
        printf("  %-8s %s\n", command->name, command->help);
    puts("\nFlags:\n  --help, --version\n\n"
         "Every command explains itself: certmuster-ctl COMMAND --help. `certmuster COMMAND` is the same.\n"
         "Exit status: 0 done; 1 input was damaged or what was asked for is not there; 2 wrong use; 3 could not do it "
         "at all.");
}

/* What was asked for and could not be written was not given, whatever else went well: the head of the audit log is to be kept. Whoever reads no further, as head(1), has what it wants. */
static int end(int status)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE || status == CM_EXIT_FAILED)
        return status;
    say_error("cannot write to standard output: %s", errno ? strerror(errno) : "some of it is lost");
    return CM_EXIT_FAILED;
}

static int unknown(const char *name)
{
    struct suggest suggest = {.typed = name};
    for (const struct ctl_command *command = ctl_commands; command->name; command++)
        suggest_offer(&suggest, command->name);
    if (suggest.near)
        say_error("unknown command '%s'; did you mean %s? Try --help", name, suggest.near);
    else
        say_error("unknown command '%s'. Try --help", name);
    return CM_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static char program[64];
    log_init("certmuster-ctl", LOG_LEVEL_INFO);
    if (argc < 2) {
        print_help();
        return CM_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return end(CM_EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("certmuster-ctl " CERTMUSTER_VERSION);
        return end(CM_EXIT_OK);
    }
    for (const struct ctl_command *command = ctl_commands; command->name; command++)
        if (strcmp(command->name, argv[1]) == 0) {
            snprintf(program, sizeof program, "certmuster %s", command->name);
            log_init(program, LOG_LEVEL_INFO);
            return end(command->run(argc - 1, argv + 1));
        }
    return unknown(argv[1]);
}
