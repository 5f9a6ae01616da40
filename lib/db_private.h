/* What the files of lib/db* share about a connection. */
#ifndef CERTMUSTER_LIB_DB_PRIVATE_H
#define CERTMUSTER_LIB_DB_PRIVATE_H

#include <libpq-fe.h>

#include "certmuster/db.h"

struct db {
    PGconn *connection;
    int statement_timeout_ms;
    bool lost; /* the server has said that it ends this session */
};

/* Fills error from a failed result (NULL: the connection failed) and returns its code. */
int db_fail(struct db *db, const PGresult *result, struct cm_error *error);
/* Takes the result of a statement; out as in db_query. */
int db_take_result(struct db *db, PGresult *result, struct db_result **out, struct cm_error *error);

#endif
