/* COPY … FROM STDIN in text format: the fast way in. Escaping of a field happens here and nowhere else. */
#include <libpq-fe.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "certmuster/encode.h"
#include "lib/db_private.h"

enum { COPY_CHUNK_BYTES = 1 << 20 }; /* libpq takes an int and buffers what it is given */

int db_copy_begin(struct db *db, const char *copy_sql, struct cm_error *error)
{
    PGresult *result = PQexec(db->connection, copy_sql);
    int code = PQresultStatus(result) == PGRES_COPY_IN ? CM_OK : db_fail(db, result, error);
    PQclear(result);
    return code;
}

int db_copy_data(struct db *db, const void *bytes, size_t size, struct cm_error *error)
{
    const char *at = bytes;
    while (size > 0) {
        int chunk = size < COPY_CHUNK_BYTES ? (int)size : COPY_CHUNK_BYTES;
        if (PQputCopyData(db->connection, at, chunk) != 1)
            return db_fail(db, NULL, error);
        at += chunk;
        size -= (size_t)chunk;
    }
    return CM_OK;
}

int db_copy_end(struct db *db, bool abort_copy, struct cm_error *error)
{
    int code = CM_OK;
    if (PQputCopyEnd(db->connection, abort_copy ? "stopped by the client" : NULL) != 1)
        code = db_fail(db, NULL, error);
    for (PGresult *result; (result = PQgetResult(db->connection)) != NULL; PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !code && !abort_copy)
            code = db_fail(db, result, error);
    if (!code && !db_alive(db))
        code = db_fail(db, NULL, error);
    return code;
}

void db_copy_field(struct buf *row, bool first, const char *text, size_t size)
{
    if (!first)
        buf_append_char(row, '\t');
    if (!text) {
        buf_append(row, "\\N", 2);
        return;
    }
    for (const char *end = text + size; text < end;) {
        const char *plain = text;
        while (text < end && *text != '\\' && *text != '\n' && *text != '\r' && *text != '\t' && *text != 0)
            text++;
        buf_append(row, plain, (size_t)(text - plain));
        if (text == end)
            return;
        switch (*text++) {
        case '\\':
            buf_append(row, "\\\\", 2);
            break;
        case '\n':
            buf_append(row, "\\n", 2);
            break;
        case '\r':
            buf_append(row, "\\r", 2);
            break;
        case '\t':
            buf_append(row, "\\t", 2);
            break;
        default:
            buf_append_str(row, "\xEF\xBF\xBD"); /* NUL: PostgreSQL's text cannot hold it */
        }
    }
}

void db_copy_bytea(struct buf *row, bool first, const void *bytes, size_t size)
{
    if (!first)
        buf_append_char(row, '\t');
    if (!bytes) {
        buf_append(row, "\\N", 2);
        return;
    }
    buf_append(row, "\\\\x", 3); /* COPY's own backslash, then bytea's \x */
    hex_append(row, bytes, size);
}
