/* Finding and opening the inventory's database the same way from every program: `dsn` of the configuration, else the local home's. */
#ifndef CERTMUSTER_INVENTORY_H
#define CERTMUSTER_INVENTORY_H

#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"

/* user: the database role of this program (used when the DSN names none), program: its application_name. CM_ENOTFOUND when there
 * is neither a dsn nor a home, CM_EIO when the server does not answer, CM_EAUTH when the server refuses the role. */
CM_MUST_CHECK int inventory_connect(const struct config *config, const char *user, const char *program, struct db **out,
                                    struct cm_error *error);
/* What to type next after an error of inventory_connect or of a statement; static, "" when there is nothing better than the error
 * itself: "start it with: certmuster up". */
const char *inventory_advice(const struct config *config, const struct cm_error *error);

/* Whether the database's schema is this program's: CM_EVERSION when it is older (*older, if asked for, says so), or newer. */
CM_MUST_CHECK int inventory_check_schema(struct db *db, bool *older, struct cm_error *error);

#endif
