/* PostgreSQL through libpq: connections, statements, rows. COPY's text format is in db_copy.c.
 *
 * The only files that see libpq-fe.h are lib/db*. Parameters are bound, never pasted. Notices of the server are dropped: what
 * matters comes as an error, with its SQLSTATE, in struct cm_error. */
#include "certmuster/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "lib/db_private.h"

struct db_result {
    PGresult *result;
};

enum { PARAMS_MAX = 65535 }; /* of the protocol: a 16-bit count */

static void drop_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

/* True when the connection string itself says the keyword (not a service file, not the environment). */
static int dsn_names(const char *dsn, const char *keyword, bool *out, struct cm_error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &message);
    if (!options) {
        int code =
            error_setf(error, CM_EINVAL, 0, "the connection string makes no sense", "%s", message ? message : "");
        PQfreemem(message);
        return code;
    }
    *out = false;
    for (PQconninfoOption *option = options; option->keyword; option++)
        *out = *out || (strcmp(option->keyword, keyword) == 0 && option->val);
    PQconninfoFree(options);
    return CM_OK;
}

/* One line of a server's or libpq's message, its SQLSTATE in front. */
static void set_detail(struct cm_error *error, const char *sqlstate, const char *message)
{
    if (!error)
        return;
    size_t size = strcspn(message, "\n");
    snprintf(error->detail, sizeof error->detail, "%s%s%.*s", sqlstate ? sqlstate : "", sqlstate ? ": " : "",
             (int)(size < 200 ? size : 200), message);
}

static int connection_error(const struct db *db, struct cm_error *error, const char *reason)
{
    error_set(error, CM_EIO, 0, reason);
    set_detail(error, NULL, PQerrorMessage(db->connection));
    return CM_EIO;
}

static const char refused[] = "the database refused the statement";

static const char right_lacks[] = "the database role lacks a right";

bool db_right_lacks(int code, const struct cm_error *error)
{
    return code == CM_EAUTH && error->reason && strcmp(error->reason, right_lacks) == 0;
}

bool db_refused(int code, const struct cm_error *error)
{
    /* What a value may cause; 42 and the like are of the statement. */
    static const char *const classes[] = {"21", "22", "23", "54"};
    if (code != CM_EMALFORMED || !error->reason || strcmp(error->reason, refused) != 0)
        return false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(error->detail, classes[i], 2) == 0)
            return true;
    return false;
}

int db_fail(struct db *db, const PGresult *result, struct cm_error *error)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    /* libpq sees a server that went away only at the next use: no SQLSTATE means no server, 57P0x that it said good-bye. */
    db->lost = db->lost || !state || strncmp(state, "57P", 3) == 0;
    if (PQstatus(db->connection) != CONNECTION_OK || !state)
        return connection_error(db, error, "the database connection is gone");
    int code = CM_EMALFORMED;
    const char *reason = refused;
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 || strcmp(state, "55P03") == 0) {
        code = CM_ECONFLICT;
        reason = "another transaction is in the way";
    } else if (strcmp(state, "57014") == 0) {
        code = CM_ETIMEOUT;
        reason = "the statement was cancelled or took too long";
    } else if (strcmp(state, "42501") == 0) {
        code = CM_EAUTH;
        reason = right_lacks;
    } else if (strncmp(state, "57P", 3) == 0 || strncmp(state, "53", 2) == 0 || strncmp(state, "58", 2) == 0) {
        code = CM_EIO; /* shutting down, out of disk, out of connections: later may be better */
        reason = "the database cannot serve now";
    }
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    error_set(error, code, 0, reason);
    set_detail(error, state, message ? message : "");
    return code;
}

/* Session settings that hold whatever the server's defaults are. */
static int set_session(struct db *db, struct cm_error *error)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SET search_path = certmuster, pg_temp; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET "
             "bytea_output = 'hex';"
             "SET intervalstyle = 'postgres'; SET standard_conforming_strings = on; SET statement_timeout = %d",
             db->statement_timeout_ms);
    return db_exec(db, sql, error);
}

int db_connect(const struct db_options *options, struct db **out, struct cm_error *error)
{
    bool has_user = false;
    char timeout[16];
    int code = dsn_names(options->dsn, "user", &has_user, error);
    if (code)
        return code;
    snprintf(timeout, sizeof timeout, "%d", options->connect_timeout_s > 0 ? options->connect_timeout_s : 10);
    /* The DSN is expanded where it stands: what comes after it overrides it, what comes before is only a default. A server that fell
     * silent (a cable, a firewall that forgot) is given up within a minute (the first three are seconds, seconds, times; the fourth
     * milliseconds), in the middle of a statement, too; TCP itself would wait hours. */
    const char *keywords[] = {"connect_timeout",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "tcp_user_timeout",
                              "dbname",
                              "client_encoding",
                              "application_name",
                              "user",
                              NULL};
    const char *values[] = {timeout, "30", "10", "3", "60000", options->dsn, "UTF8", options->program, NULL, NULL};
    if (!has_user)
        values[8] = options->user;
    struct db *db = cm_calloc(1, sizeof *db);
    db->statement_timeout_ms = options->statement_timeout_ms;
    db->connection = PQconnectdbParams(keywords, values, 1);
    if (!db->connection)
        code = error_set(error, CM_ELIMIT, 0, "out of memory");
    else if (PQstatus(db->connection) != CONNECTION_OK)
        code = connection_error(db, error, "cannot connect to the database");
    if (!code) {
        PQsetNoticeReceiver(db->connection, drop_notice, NULL);
        code = set_session(db, error);
    }
    if (code) {
        db_close(db);
        return code;
    }
    *out = db;
    return CM_OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->connection);
    db_forget_prepared(db);
    free(db);
}

bool db_alive(const struct db *db)
{
    return !db->lost && PQstatus(db->connection) == CONNECTION_OK;
}

int db_reset(struct db *db, struct cm_error *error)
{
    db->lost = false;
    db_forget_prepared(db);
    PQreset(db->connection);
    if (!db_alive(db))
        return connection_error(db, error, "cannot connect to the database");
    PQsetNoticeReceiver(db->connection, drop_notice, NULL);
    return set_session(db, error);
}

int db_socket(const struct db *db)
{
    return PQsocket(db->connection);
}

void db_cancel(struct db *db)
{
    char message[256];
    PGcancel *cancel = PQgetCancel(db->connection);
    if (cancel)
        PQcancel(cancel, message, sizeof message);
    PQfreeCancel(cancel);
}

int db_exec(struct db *db, const char *sql, struct cm_error *error)
{
    PGresult *result = PQexec(db->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    int code = CM_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        code = db_fail(db, result, error);
    PQclear(result);
    return code;
}

void db_rollback(struct db *db)
{
    struct cm_error ignored;
    if (db_alive(db) && db_exec(db, "ROLLBACK", &ignored) != CM_OK)
        db->lost = true;
}

static int check_params(size_t count, struct cm_error *error)
{
    return count > PARAMS_MAX ? error_set(error, CM_ELIMIT, 0, "too many parameters") : CM_OK;
}

int db_take_result(struct db *db, PGresult *result, struct db_result **out, struct cm_error *error)
{
    ExecStatusType status = PQresultStatus(result);
    int code = CM_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        code = db_fail(db, result, error);
    if (code || !out) {
        PQclear(result);
        return code;
    }
    *out = cm_calloc(1, sizeof **out);
    (*out)->result = result;
    return CM_OK;
}

int db_query(struct db *db, const char *sql, const char *const *params, size_t param_count, struct db_result **out,
             struct cm_error *error)
{
    int code = check_params(param_count, error);
    if (code)
        return code;
    return db_take_result(db, PQexecParams(db->connection, sql, (int)param_count, NULL, params, NULL, NULL, 0), out,
                          error);
}

/* Takes every result that is left, so that the connection is ready for the next statement. */
static void drain(struct db *db)
{
    for (PGresult *rest; (rest = PQgetResult(db->connection)) != NULL;)
        PQclear(rest);
}

int db_each(struct db *db, const char *sql, const char *const *params, size_t param_count, db_row_fn fn, void *context,
            struct cm_error *error)
{
    int code = check_params(param_count, error);
    if (code)
        return code;
    if (!PQsendQueryParams(db->connection, sql, (int)param_count, NULL, params, NULL, NULL, 0) ||
        !PQsetSingleRowMode(db->connection)) {
        code = connection_error(db, error, "the database connection is gone");
        drain(db);
        return code;
    }
    for (PGresult *result; !code && (result = PQgetResult(db->connection)) != NULL;) {
        ExecStatusType status = PQresultStatus(result);
        struct db_result row = {result};
        if (status == PGRES_SINGLE_TUPLE)
            code = fn(&row, context);
        else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
            code = db_fail(db, result, error);
        PQclear(result);
        if (code < 0 && status == PGRES_SINGLE_TUPLE)
            db_cancel(db);
        else if (status == PGRES_SINGLE_TUPLE)
            code = CM_OK;
    }
    drain(db);
    return code;
}

size_t db_rows(const struct db_result *result)
{
    return (size_t)PQntuples(result->result);
}

size_t db_columns(const struct db_result *result)
{
    return (size_t)PQnfields(result->result);
}

const char *db_column_name(const struct db_result *result, size_t column)
{
    const char *name = PQfname(result->result, (int)column);
    return name ? name : "";
}

bool db_is_null(const struct db_result *result, size_t row, size_t column)
{
    return PQgetisnull(result->result, (int)row, (int)column) != 0;
}

const char *db_text(const struct db_result *result, size_t row, size_t column)
{
    const char *text = or_null(PQgetvalue(result->result, (int)row, (int)column));
    return text ? text : "";
}

size_t db_text_size(const struct db_result *result, size_t row, size_t column)
{
    int size = PQgetlength(result->result, (int)row, (int)column);
    return size > 0 ? (size_t)size : 0;
}

int64_t db_integer(const struct db_result *result, size_t row, size_t column)
{
    return strtoll(db_text(result, row, column), NULL, 10);
}

bool db_boolean(const struct db_result *result, size_t row, size_t column)
{
    return db_text(result, row, column)[0] == 't';
}

int64_t db_affected(const struct db_result *result)
{
    return strtoll(PQcmdTuples(result->result), NULL, 10);
}

void db_result_free(struct db_result *result)
{
    if (!result)
        return;
    PQclear(result->result);
    free(result);
}
