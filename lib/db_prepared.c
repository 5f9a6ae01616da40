/* Statements that a session has prepared: known by their text, so that whoever asks needs to keep nothing. The server may have lost them (DISCARD, a
 * pool that hands out sessions) or may not run them any more (a migration changed what they answer): then the statement goes as db_query sends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "lib/db_private.h"

enum { NAME_SIZE = 64 };

void db_forget_prepared(struct db *db)
{
    for (size_t i = 0; i < DB_PREPARED_MAX; i++) {
        free(db->prepared[i]);
        db->prepared[i] = NULL;
    }
    db->pooled = false;
}

static bool is_state(const PGresult *result, const char *wanted)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state && strcmp(state, wanted) == 0;
}

/* Where the text stands or would; DB_PREPARED_MAX: there is no room. */
static size_t place_of(const struct db *db, const char *sql)
{
    size_t at = 0;
    while (at < DB_PREPARED_MAX && db->prepared[at] && strcmp(db->prepared[at], sql) != 0)
        at++;
    return at;
}

/* By its text, so that a session that somebody else had before us has no other statement by that name. */
static void name_it(char name[static NAME_SIZE], const char *sql)
{
    uint8_t digest[CM_SHA256_SIZE];
    char hex[CM_SHA256_HEX_SIZE];
    sha256_bytes(sql, strlen(sql), digest);
    hex_write(hex, digest, sizeof digest);
    snprintf(name, NAME_SIZE, "certmuster_%.40s", hex);
}

int db_query_again(struct db *db, const char *sql, const char *const *params, size_t param_count,
                   struct db_result **out, struct cm_error *error)
{
    char name[NAME_SIZE];
    size_t at = place_of(db, sql);
    if (db->pooled || at == DB_PREPARED_MAX)
        return db_query(db, sql, params, param_count, out, error);
    name_it(name, sql);
    if (!db->prepared[at]) {
        PGresult *prepared = PQprepare(db->connection, name, sql, 0, NULL);
        bool done = PQresultStatus(prepared) == PGRES_COMMAND_OK;
        db->pooled = is_state(prepared, "42P05"); /* a name that we have not given yet is taken */
        if (!done && !db->pooled)
            return db_take_result(db, prepared, out, error);
        PQclear(prepared);
        if (!done)
            return db_query(db, sql, params, param_count, out, error);
        db->prepared[at] = cm_strdup(sql);
    }
    PGresult *result = PQexecPrepared(db->connection, name, (int)param_count, params, NULL, NULL, 0);
    bool gone = is_state(result, "26000"), changed = is_state(result, "0A000");
    if (!gone && !changed)
        return db_take_result(db, result, out, error);
    PQclear(result);
    db->pooled = true; /* until the next connection */
    return db_query(db, sql, params, param_count, out, error);
}
