/* Connecting to the inventory that the settings name. */
#include "collector/settings.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/inventory.h"

enum {
    CONNECT_TIMEOUT_S = 10,
    SCHEMA_NEEDED =
#include "gen/schema_version.inc"
};

static int check_schema(struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int64_t number = 0;
    int code = db_query(db, "SELECT max(number) FROM schema_version", NULL, 0, &rows, error);
    if (!code)
        number = db_integer(rows, 0, 0);
    else if (error && strncmp(error->detail, "42P01", 5) == 0)
        code = 0; /* nothing was ever migrated */
    db_result_free(rows);
    if (!code && number < SCHEMA_NEEDED)
        code = error_setf(error, CM_ECONFLICT, 0, "the database's schema is too old; run: certmuster migrate",
                          "schema %d, this program needs %d", (int)number, SCHEMA_NEEDED);
    return code;
}

int settings_connect(const struct settings *settings, const char *program, struct db **out, struct cm_error *error)
{
    struct db *db = NULL;
    const struct db_options options = {
        .dsn = settings->dsn, .user = "certmuster_ingest", .program = program, .connect_timeout_s = CONNECT_TIMEOUT_S};
    int code = settings->dsn ? db_connect(&options, &db, error)
                             : inventory_connect(settings->config, "certmuster_ingest", program, &db, error);
    if (!code)
        code = check_schema(db, error);
    if (code)
        db_close(db);
    else
        *out = db;
    return code;
}
