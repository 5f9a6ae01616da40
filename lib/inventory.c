/* Finds and opens the inventory's database, and says what to do when that fails. Never shows a connection string: it may hold a
 * password. */
#include "certmuster/inventory.h"

#include <stdbool.h>
#include <string.h>

#include "certmuster/home.h"

enum {
    CONNECT_TIMEOUT_S = 10,
    SCHEMA_NEEDED =
#include "gen/schema_version.inc"
};

int inventory_connect(const struct config *config, const char *user, const char *program, struct db **out,
                      struct cm_error *error)
{
    struct home home;
    const char *dsn = config_string(config, "dsn");

    if (!dsn) {
        int code = home_find(&home, error);
        if (code)
            return code;
        if (!home.exists)
            return error_setf(error, CM_ENOTFOUND, 0, "there is no inventory on this machine", "%s", home.path);
        dsn = home.dsn;
    }
    const struct db_options options = {
        .dsn = dsn, .user = user, .program = program, .connect_timeout_s = CONNECT_TIMEOUT_S};
    return db_connect(&options, out, error);
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

const char *inventory_advice(const struct config *config, const struct cm_error *error)
{
    /* Missing table, schema or function: the database is there, the inventory is not, or not in this version. */
    if (begins(error->detail, "42P01") || begins(error->detail, "3F000") || begins(error->detail, "42883") ||
        begins(error->detail, "42703"))
        return "bring the database up to date with: certmuster migrate";
    bool configured = config_string(config, "dsn") != NULL;
    if (error->code == CM_ENOTFOUND && !configured)
        return "start one with: certmuster up (or set dsn in the configuration)";
    /* A file that cannot be written is CM_EIO too; every reason of lib/db.c names the database. */
    if (error->code != CM_EIO || !strstr(error->reason, "database"))
        return "";
    /* What libpq says of a refusal has no SQLSTATE; the server runs, and whoever is asked for is somebody else. */
    if (!configured && strstr(error->detail, "authentication failed"))
        return "this inventory is another user's: use sudo";
    return configured ? "is dsn right and PostgreSQL running? Try: certmuster-ctl config"
                      : "start it with: certmuster up";
}

int inventory_check_schema(struct db *db, bool *older, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int64_t number = 0;
    /* With the schema's name: without the right to use it, it would not be found, as if nothing were there. */
    int code = db_query_again(db, "SELECT max(number) FROM certmuster.schema_version", NULL, 0, &rows, error);
    if (!code)
        number = db_integer(rows, 0, 0);
    else if (begins(error->detail, "42P01") || begins(error->detail, "3F000"))
        code = 0; /* nothing was ever migrated */
    db_result_free(rows);
    if (older)
        *older = !code && number < SCHEMA_NEEDED;
    if (code || number == SCHEMA_NEEDED)
        return code;
    return error_setf(error, CM_EVERSION, 0,
                      number < SCHEMA_NEEDED ? "the database's schema is too old; run: certmuster migrate"
                                             : "the database is newer than this program; install that version",
                      "schema %d, this program needs %d", (int)number, SCHEMA_NEEDED);
}
