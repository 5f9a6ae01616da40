/* Transactions of the collector. Each first asks whether the inventory still is of this program's version: a collector that was running while migrate brought
 * a newer schema must not write into its tables. migrate takes the table that says the version for itself alone, so that either it waits for the transaction's
 * end, or the transaction waits for it and learns of the new version. */
#ifndef COLLECTOR_TRANSACTION_H
#define COLLECTOR_TRANSACTION_H

#include <stddef.h>

#include "certmuster/db.h"
#include "certmuster/error.h"

/* CM_EVERSION, with what to do about it as the reason, when the inventory is of another version. Outside a transaction: for what only reads, or asks before it works. */
CM_MUST_CHECK int transaction_version(struct db *db, struct cm_error *error);
/* Whatever it answers, transaction_end has to follow. */
CM_MUST_CHECK int transaction_begin(struct db *db, struct cm_error *error);
/* Commits when code is 0, else rolls back; answers code, or what the commit said. */
CM_MUST_CHECK int transaction_end(struct db *db, int code, struct cm_error *error);
/* One statement in a transaction of its own; as db_query. */
CM_MUST_CHECK int transaction_query(struct db *db, const char *sql, const char *const *params, size_t count,
                                    struct db_result **out, struct cm_error *error);

#endif
