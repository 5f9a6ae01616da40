/* Numbered migrations, embedded at build from sql/. */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include "certmuster/db.h"
#include "certmuster/error.h"

struct migration {
    int number;
    const char *name; /* "0001_inventory" */
    const unsigned char *sql;
    size_t size;
};

extern const struct migration migrations[]; /* ascending; ends with number 0 */

int migrate_newest(void); /* the number that this program brings a database to */
/* The number that the database has; 0 for an empty one. */
CM_MUST_CHECK int migrate_current(struct db *db, int *number, struct cm_error *error);
/* Brings the database to migrate_newest(): each step in a transaction of its own with its schema_version row, serialised by a lock on that
 * table. CM_ECONFLICT when the database is newer. *applied counts. */
CM_MUST_CHECK int migrate_run(struct db *db, int *applied, struct cm_error *error);

#endif
