/* What the commands of certmuster-ctl share: one table row each, a configuration, a connection, one way to fail. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"

struct ctl_command {
    const char *name;
    const char *help;                  /* one line for certmuster-ctl --help */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; answers an exit status */
};

extern const struct ctl_command ctl_commands[]; /* ends with a NULL name */

int up_command(int argc, char **argv);
int down_command(int argc, char **argv);
int status_command(int argc, char **argv);
int migrate_command(int argc, char **argv);
int owner_command(int argc, char **argv);
int alert_command(int argc, char **argv);
int sweep_command(int argc, char **argv);
int scanner_command(int argc, char **argv);
int run_command(int argc, char **argv);
int audit_command(int argc, char **argv);
int config_command(int argc, char **argv);

/* Reads every flag of a command that needs no handling of its own; operands are then complete. 0, or CM_EXIT_USAGE. */
typedef int (*ctl_option_fn)(struct cli *cli, int id, void *context); /* 0 or CM_EXIT_USAGE */
CM_MUST_CHECK int ctl_parse(struct cli *cli, ctl_option_fn fn, void *context);
/* A verb takes the flags that `taken` names, "format limit"; another of its command, given to it, would do nothing. 0, or CM_EXIT_USAGE once told. With --quiet a verb
 * that acts says no more on stdout; one that was asked something answers all the same. */
CM_MUST_CHECK int ctl_begin_verb(const struct cli *cli, const char *verb, const char *taken);

/* The same for a command without verbs: with --quiet stdout goes nowhere from here on. */
void ctl_hush(const struct cli *cli);

/* SQL: an interval for people, "02:00:00" or "2d 02:00:00"; to_char alone leaves out the days. */
#define CTL_INTERVAL(sql) "coalesce(nullif(extract(day FROM " sql "), 0) || 'd ', '') || to_char(" sql ", 'HH24:MI:SS')"

/* SQL: what of a webhook is shown, its scheme and host: who logs in there and the path are secrets often. */
#define CTL_WEBHOOK(sql) "regexp_replace(" sql ", '^([a-zA-Z]+://)?([^/?#]*@)?([^/?#]*).*$', '\\1\\3')"

/* Prints "PROGRAM: <what>: <reason>: <detail>", escaped; answers CM_EXIT_FAILED. */
int ctl_fail(const struct cm_error *error, const char *format, ...) CM_PRINTF(2, 3);

/* Connects to the configured or local inventory as this role. On failure has told why; answers an exit status. */
CM_MUST_CHECK int ctl_connect(const struct cli *cli, const char *role, struct db **out);

/* A scanner's name, a host's or a realm: 1 to 255 bytes without white space, control characters and slashes, for it stands in records, logs and tables as it is. */
bool ctl_is_plain(const char *text);

/* --format text|json. */
enum ctl_format { CTL_TEXT, CTL_JSON };
CM_MUST_CHECK int ctl_format(const struct cli *cli, enum ctl_format *out);
/* Prints a query's rows as a table for people, one column each; `empty` instead when there is none. Exit status. */
struct table_column;
int ctl_print_table(struct db *db, const char *sql, const char *const *params, size_t count,
                    const struct table_column *columns, const char *empty);
/* Prints a query's rows as a JSON array of objects; the query gives one json column. Exit status. */
int ctl_print_json(struct db *db, const char *sql, const char *const *params, size_t count);
/* The name of whoever types, for the record: $SUDO_USER of root, else the uid's name or number. */
void ctl_actor(char *out, size_t size);

#endif
