/* Numbered migrations, embedded at build from sql/, and `certmuster migrate`.
 *
 * Each step runs in a transaction of its own together with its row in schema_version, under a lock on that table: two that start at the same
 * time apply every step once, and one that is killed leaves the last whole step. Refuses a database that is newer than the program. */
#include "collector/ctl/migrate.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/table.h"
#include "collector/ctl/audit.h"
#include "collector/ctl/ctl.h"

const struct migration migrations[] = {
#include "gen/migrations.inc"
    {0, NULL, NULL, 0},
};

enum { MAKE_TRIES = 20, FIRST_AUDITED = 9 /* 0009_audit */ };

int migrate_newest(void)
{
    int newest = 0;
    for (const struct migration *step = migrations; step->number; step++)
        newest = step->number;
    return newest;
}

/* One statement that gives one number. */
static int query_number(struct db *db, const char *sql, int *number, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, sql, NULL, 0, &rows, error);
    if (!code)
        *number = db_rows(rows) ? (int)db_integer(rows, 0, 0) : 0;
    db_result_free(rows);
    return code;
}

int migrate_current(struct db *db, int *number, struct cm_error *error)
{
    int exists = 0;
    *number = 0;
    int code = query_number(
        db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'certmuster' AND tablename = 'schema_version'", &exists,
        error);
    if (!code && exists)
        code = query_number(db, "SELECT max(number) FROM certmuster.schema_version", number, error);
    return code;
}

/* IF NOT EXISTS does not help two sessions that make the same thing at the same moment: the loser is told of a duplicate (or of a tuple
 * concurrently updated), and tries again; each round has at least one winner, after whom there is nothing left to make. The search path for people with psql is set where we own the database. */
static int make_version_table(struct db *db, struct cm_error *error)
{
    int code = CM_ECONFLICT;
    for (int turn = 0; turn < MAKE_TRIES && code; turn++)
        code = db_exec(
            db,
            "CREATE SCHEMA IF NOT EXISTS certmuster;"
            "CREATE TABLE IF NOT EXISTS certmuster.schema_version ("
            "    number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
            "DO $$ BEGIN"
            "  IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database())"
            "     AND NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            "                      WHERE d.datname = current_database() AND s.setrole = 0"
            "                        AND 'search_path=certmuster, public' = ANY (s.setconfig)) THEN"
            "    EXECUTE format('ALTER DATABASE %I SET search_path = certmuster, public', current_database());"
            "  END IF;"
            "END $$",
            error);
    return code;
}

/* In the transaction that holds the lock. */
static int apply(struct db *db, const struct migration *step, struct cm_error *error)
{
    char number[16];
    snprintf(number, sizeof number, "%d", step->number);
    const char *params[] = {number, step->name};
    /* The bytes end in a NUL that gen/migrations.inc adds and size does not count. */
    int code = db_exec(db, (const char *)step->sql, error);
    if (!code)
        code = db_query(db, "INSERT INTO schema_version (number, name) VALUES ($1, $2)", params, 2, NULL, error);
    if (!code && step->number >= FIRST_AUDITED)
        code = audit_note(db, "schema.migrate", step->name, "{}", error);
    return code;
}

/* *done when nothing is left. */
static int apply_next(struct db *db, int *applied, bool *done, struct cm_error *error)
{
    int current = 0;
    int code = db_exec(db, "BEGIN; LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE", error);
    if (!code)
        code = query_number(db, "SELECT max(number) FROM schema_version", &current, error);
    if (!code && current > migrate_newest())
        code = error_setf(error, CM_ECONFLICT, 0, "the database is newer than this program; install that version",
                          "schema %d, this program knows %d", current, migrate_newest());
    const struct migration *step = migrations;
    while (step->number && step->number <= current)
        step++;
    *done = step->number == 0;
    if (!code && !*done) {
        code = apply(db, step, error);
        *applied += !code;
    }
    if (code) {
        db_rollback(db);
        if (step->number && error && code != CM_ECONFLICT) {
            char detail[CM_ERROR_DETAIL_SIZE];
            snprintf(detail, sizeof detail, "%s: %.200s", step->name, error->detail);
            memcpy(error->detail, detail, sizeof detail);
        }
        return code;
    }
    return db_exec(db, "COMMIT", error);
}

/* Without the lock it is asked first, so that whoever finds nothing to do waits for no transaction of a collector. */
int migrate_run(struct db *db, int *applied, struct cm_error *error)
{
    int current = 0;
    *applied = 0;
    int code = make_version_table(db, error);
    if (!code)
        code = query_number(db, "SELECT max(number) FROM schema_version", &current, error);
    bool done = current == migrate_newest();
    while (!code && !done)
        code = apply_next(db, applied, &done, error);
    return code;
}

/* --- certmuster migrate ------------------------------------------------------------------------------------------------------------ */

enum { OPTION_STATUS = 's' };

static const struct cli_program program = {
    .name = "certmuster migrate",
    .summary = "Brings the inventory's database to this version's schema; does nothing when it is there already.",
    .usage = (const char *const[]){"[--status] [--config FILE]", NULL},
    .options =
        (const struct cli_option[]){{OPTION_STATUS, "status", NULL,
                                     "Only tell which steps the database has; exit status 1 when some are missing."},
                                    {0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster migrate            # the configured or local database", NULL},
    .more = "Connects as certmuster_admin unless the configured dsn names a user. Each step is one transaction; steps "
            "are numbered, never changed "
            "and never undone. Two that run at the same time apply each step once. A database that is newer than this "
            "program is "
            "refused.",
};

static int read_option(struct cli *cli, int id, void *context)
{
    (void)cli;
    if (id == OPTION_STATUS)
        *(bool *)context = true;
    return 0;
}

static int print_status(struct db *db)
{
    struct cm_error error = {0};
    int current;
    if (migrate_current(db, &current, &error) != 0)
        return ctl_fail(&error, "cannot read the schema's version");
    for (const struct migration *step = migrations; step->number; step++)
        printf("%s  %s\n", step->number <= current ? "applied" : "missing", step->name);
    if (current > migrate_newest())
        printf("the database has schema %d, newer than this program's %d\n", current, migrate_newest());
    return current == migrate_newest() ? CM_EXIT_OK : CM_EXIT_PARTIAL;
}

int migrate_command(int argc, char **argv)
{
    struct cli cli;
    struct db *db = NULL;
    struct cm_error error = {0};
    bool only_status = false;
    int applied;
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &only_status);
    if (!status && cli.operand_count > 0)
        status = cli_wrong(&cli, "no operand is needed: '%s'", cli.operands[0]);
    if (!status && !only_status)
        ctl_hush(&cli);
    if (!status)
        status = ctl_connect(&cli, "certmuster_admin", &db);
    if (!status && only_status)
        status = print_status(db);
    else if (!status && migrate_run(db, &applied, &error) != 0)
        status = ctl_fail(&error, "cannot migrate");
    else if (!status && applied > 0)
        printf("schema %d, %d step%s applied\n", migrate_newest(), applied, applied == 1 ? "" : "s");
    else if (!status)
        printf("schema %d, nothing to do\n", migrate_newest());
    db_close(db);
    cli_done(&cli);
    return status;
}
