/* What the files of lib/db* share about a connection. */
#ifndef CERTMUSTER_LIB_DB_PRIVATE_H
#define CERTMUSTER_LIB_DB_PRIVATE_H

#include <libpq-fe.h>

#include "certmuster/db.h"

enum { DB_PREPARED_MAX = 16 };

struct db {
    PGconn *connection;
    int statement_timeout_ms;
    bool lost;   /* the server has said that it ends this session */
    bool pooled; /* somebody between us and the server hands out sessions: nothing that we prepare stays ours */
    char
        *prepared[DB_PREPARED_MAX]; /* the texts of the statements that the session has prepared, in order; then NULL */
};

/* Fills error from a failed result (NULL: the connection failed) and returns its code. */
int db_fail(struct db *db, const PGresult *result, struct cm_error *error);
/* Takes the result of a statement; out as in db_query. */
int db_take_result(struct db *db, PGresult *result, struct db_result **out, struct cm_error *error);
/* Of a session that is no more. */
void db_forget_prepared(struct db *db);

#endif
