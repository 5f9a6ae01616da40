/* Owners and rules in the database. */
#ifndef CTL_OWNER_STORE_H
#define CTL_OWNER_STORE_H

#include <stdint.h>

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/ctl/owner_file.h"

struct owner_change {
    int64_t places;     /* that the inventory has */
    int64_t reassigned; /* that have another owner now */
    int64_t unowned;    /* that nobody answers for */
};

/* Replaces all owners and rules and assigns every place anew, in one transaction with the row of the audit log that names `file`: all of it or
 * nothing. */
CM_MUST_CHECK int owner_store(struct db *db, const struct owner_set *set, const char *file, struct owner_change *out,
                              struct cm_error *error);

#endif
