/* PostgreSQL, wrapped: the only place that sees libpq. Parameters are always bound, never pasted into SQL.
 *
 * db_connect sets search_path to certmuster, TimeZone to UTC, a statement timeout where asked, client_encoding UTF8 and application_name.
 * Every call that fails fills error with the server's message and SQLSTATE (error->detail "23505: …"); CM_EIO when the connection is
 * gone (db_alive false: reconnect), CM_ECONFLICT for serialization failures and deadlocks (retry), CM_EMALFORMED else. */
#ifndef CERTMUSTER_DB_H
#define CERTMUSTER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

struct db;
struct db_result;

struct db_options {
    const char *dsn;     /* libpq connection string or URI */
    const char *user;    /* overrides the DSN's when the DSN names none; NULL: leave */
    const char *program; /* application_name */
    int connect_timeout_s;
    int statement_timeout_ms; /* 0: none */
};

/* Whether a failure of these calls says that PostgreSQL does not take a value (SQLSTATE classes 22, 23, 54 and 21): the same statement will be refused again. */
bool db_refused(int code, const struct cm_error *error);

/* Whether it says that the database's role lacks a right (CM_EAUTH is said of who asks us, too): never look for that in the detail, which holds a client's words. */
bool db_right_lacks(int code, const struct cm_error *error);

CM_MUST_CHECK int db_connect(const struct db_options *options, struct db **out, struct cm_error *error);
void db_close(struct db *db);
bool db_alive(const struct db *db);
CM_MUST_CHECK int db_reset(struct db *db, struct cm_error *error); /* reconnects with the same options */
int db_socket(const struct db *db);
/* SIGINT-safe: asks the server to cancel what runs. */
void db_cancel(struct db *db);

/* One or more statements without parameters or rows. */
CM_MUST_CHECK int db_exec(struct db *db, const char *sql, struct cm_error *error);
/* Ends the transaction that is open, as if it had never begun. Where that fails db_alive is false from then on: nobody goes on in it. */
void db_rollback(struct db *db);
/* One statement; params are text (NULL: SQL NULL), $1 first. out may be NULL when no rows matter. */
CM_MUST_CHECK int db_query(struct db *db, const char *sql, const char *const *params, size_t param_count,
                           struct db_result **out, struct cm_error *error);
/* As db_query, for what is asked again and again in the same words: the server parses it once for the session, and after some times plans it no more.
 * Not for LIKE $n and the like, whose plan depends on the value. */
CM_MUST_CHECK int db_query_again(struct db *db, const char *sql, const char *const *params, size_t param_count,
                                 struct db_result **out, struct cm_error *error);
/* One statement; $1::bytea[] is count values of size bytes each. CM_ELIMIT: more than DB_ARRAY_MAX bytes. */
enum { DB_ARRAY_MAX = 64 << 20 };
CM_MUST_CHECK int db_query_bytes(struct db *db, const char *sql, const void *values, size_t size, size_t count,
                                 struct db_result **out, struct cm_error *error);
/* As db_query, rows arriving one at a time: constant memory for exports. fn's negative answer cancels and is returned. */
typedef int (*db_row_fn)(const struct db_result *row, void *context);
CM_MUST_CHECK int db_each(struct db *db, const char *sql, const char *const *params, size_t param_count, db_row_fn fn,
                          void *context, struct cm_error *error);

size_t db_rows(const struct db_result *result);
size_t db_columns(const struct db_result *result);
const char *db_column_name(const struct db_result *result, size_t column);
bool db_is_null(const struct db_result *result, size_t row, size_t column);
const char *db_text(const struct db_result *result, size_t row, size_t column); /* "" for NULL; lends */
size_t db_text_size(const struct db_result *result, size_t row, size_t column);
int64_t db_integer(const struct db_result *result, size_t row, size_t column); /* 0 for NULL */
bool db_boolean(const struct db_result *result, size_t row, size_t column);
int64_t db_affected(const struct db_result *result);
void db_result_free(struct db_result *result);

/* COPY … FROM STDIN (text format): begin, any number of db_copy_data, end (commits nothing by itself). */
CM_MUST_CHECK int db_copy_begin(struct db *db, const char *copy_sql, struct cm_error *error);
CM_MUST_CHECK int db_copy_data(struct db *db, const void *bytes, size_t size, struct cm_error *error);
CM_MUST_CHECK int db_copy_end(struct db *db, bool abort_copy, struct cm_error *error);
/* Appends one field in COPY text format, preceded by a tab unless first; NULL text is \N; NUL bytes are replaced by U+FFFD. */
struct buf;
void db_copy_field(struct buf *row, bool first, const char *text, size_t size);
void db_copy_bytea(struct buf *row, bool first, const void *bytes, size_t size);

#endif
