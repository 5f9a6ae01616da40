/* A parameter in PostgreSQL's binary format: many fingerprints or ids at once, which as text would be twice as long, escaped and parsed. */
#include <libpq-fe.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "lib/db_private.h"

enum {
    BYTEA_OID = 17, /* pg_type.dat; fixed for all versions */
    HEAD_WORDS = 5, /* of array_send(): dimensions, whether NULLs are in it, element type, length, lower bound */
};

static void add_word(struct buf *out, uint32_t word)
{
    const uint8_t bytes[] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
    buf_append(out, bytes, sizeof bytes);
}

static void write_array(struct buf *out, const void *values, size_t size, size_t count)
{
    const uint32_t head[HEAD_WORDS] = {count > 0, 0, BYTEA_OID, (uint32_t)count, 1};
    for (size_t i = 0; i < (count ? HEAD_WORDS : 3); i++)
        add_word(out, head[i]);
    for (size_t i = 0; i < count; i++) {
        add_word(out, (uint32_t)size);
        buf_append(out, (const char *)values + i * size, size);
    }
}

int db_query_bytes(struct db *db, const char *sql, const void *values, size_t size, size_t count,
                   struct db_result **out, struct cm_error *error)
{
    struct buf array;
    buf_init(&array, DB_ARRAY_MAX);
    write_array(&array, values, size, count);
    if (array.failed) {
        buf_done(&array);
        return error_set(error, CM_ELIMIT, 0, "too many values for one statement");
    }
    const char *params[] = {array.data};
    const int lengths[] = {(int)array.size}, formats[] = {1};
    PGresult *result = PQexecParams(db->connection, sql, 1, NULL, params, lengths, formats, 0);
    buf_done(&array);
    return db_take_result(db, result, out, error);
}
