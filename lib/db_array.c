/* Arrays of uuid and timestamptz as array_send(), uuid_send() and timestamptz_send() of the server write them. */
#include "certmuster/db_array.h"

#include <libpq-fe.h>
#include <string.h>

#include "lib/db_private.h"

/* Dimensions, whether NULLs are in it, element type, length, lower bound. */
enum { WORD_BYTES = 4, HEAD_WORDS = 5, TYPE_WORD = 2, LENGTH_WORD = 3, TIME_BYTES = 8 };
enum { UUID_OID = 2950, TIMESTAMPTZ_OID = 1184 };      /* pg_type.dat; the same in all versions */
static const int64_t EPOCH_MS = INT64_C(946684800000); /* 2000-01-01, where timestamptz begins */

static void write_word(char *at, uint32_t word)
{
    for (unsigned i = 0; i < WORD_BYTES; i++)
        at[i] = (char)(word >> (24 - 8 * i));
}

static uint32_t read_word(const char *at)
{
    uint32_t word = 0;
    for (unsigned i = 0; i < WORD_BYTES; i++)
        word = word << 8 | (uint8_t)at[i];
    return word;
}

void db_array_begin(struct buf *array, enum db_array_type type)
{
    static const uint32_t types[] = {[DB_ARRAY_UUID] = UUID_OID, [DB_ARRAY_TIME] = TIMESTAMPTZ_OID};
    const uint32_t head[HEAD_WORDS] = {1, 0, types[type], 0, 1};
    char *at = buf_extend(array, sizeof head);
    for (unsigned i = 0; at && i < HEAD_WORDS; i++)
        write_word(at + (size_t)i * WORD_BYTES, head[i]);
}

void db_array_add_uuid(struct buf *array, const uint8_t id[static CM_UUID_SIZE])
{
    char *at = buf_extend(array, WORD_BYTES + CM_UUID_SIZE);
    if (!at)
        return;
    write_word(at, CM_UUID_SIZE);
    memcpy(at + WORD_BYTES, id, CM_UUID_SIZE);
}

void db_array_add_time(struct buf *array, int64_t at_ms)
{
    uint64_t us = (uint64_t)((at_ms - EPOCH_MS) * 1000);
    char *at = buf_extend(array, WORD_BYTES + TIME_BYTES);
    if (!at)
        return;
    write_word(at, TIME_BYTES);
    write_word(at + WORD_BYTES, (uint32_t)(us >> 32));
    write_word(at + 2 * WORD_BYTES, (uint32_t)us);
}

void db_array_end(struct buf *array)
{
    size_t head = (size_t)HEAD_WORDS * WORD_BYTES;
    if (array->failed)
        return;
    bool of_uuid = read_word(array->data + (size_t)TYPE_WORD * WORD_BYTES) == UUID_OID;
    size_t count = (array->size - head) / (WORD_BYTES + (of_uuid ? CM_UUID_SIZE : TIME_BYTES));
    write_word(array->data + (size_t)LENGTH_WORD * WORD_BYTES, (uint32_t)count);
    if (count == 0) { /* an empty array has no dimension */
        write_word(array->data, 0);
        array->size = head - 2 * (size_t)WORD_BYTES;
    }
}

int db_query_arrays(struct db *db, const char *sql, const struct db_param *params, size_t count, struct db_result **out,
                    struct cm_error *error)
{
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX], formats[DB_PARAMS_MAX];
    if (count > DB_PARAMS_MAX)
        return error_set(error, CM_ELIMIT, 0, "too many parameters");
    for (size_t i = 0; i < count; i++) {
        const struct buf *array = params[i].array;
        if (array && (array->failed || array->size > INT32_MAX))
            return error_set(error, CM_ELIMIT, 0, "too many values for one statement");
        values[i] = array ? array->data : params[i].bytes;
        lengths[i] = array ? (int)array->size : 0;
        formats[i] = array != NULL;
    }
    return db_take_result(db, PQexecParams(db->connection, sql, (int)count, NULL, values, lengths, formats, 0), out,
                          error);
}
