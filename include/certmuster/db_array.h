/* Parameters in PostgreSQL's binary format, for statements that take thousands of values at once: as text they would be twice as long,
 * and parsed. */
#ifndef CERTMUSTER_DB_ARRAY_H
#define CERTMUSTER_DB_ARRAY_H

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "certmuster/ids.h"

enum db_array_type { DB_ARRAY_UUID, DB_ARRAY_TIME }; /* uuid[], timestamptz[] */

/* begin, any number of its kind, end; the buffer's `failed` says that it became too large. */
void db_array_begin(struct buf *array, enum db_array_type type);
void db_array_add_uuid(struct buf *array, const uint8_t id[static CM_UUID_SIZE]);
void db_array_add_time(struct buf *array, int64_t at_ms); /* since 1970 */
void db_array_end(struct buf *array);

struct db_param {
    const char *bytes;       /* NULL: SQL NULL */
    const struct buf *array; /* instead of bytes: what db_array_end has ended */
};

/* As db_query. CM_ELIMIT: an array became too large. */
enum { DB_PARAMS_MAX = 32 };
CM_MUST_CHECK int db_query_arrays(struct db *db, const char *sql, const struct db_param *params, size_t count,
                                  struct db_result **out, struct cm_error *error);

#endif
