/* The audit log as the operator's commands write it: every act leaves a row in the transaction that does it. */
#ifndef CTL_AUDIT_H
#define CTL_AUDIT_H

#include "certmuster/db.h"
#include "certmuster/error.h"

/* A JSON object of texts: name, value, name, value, …, NULL; a NULL value is left out. The caller frees. NULL: it is longer than the log takes, which whoever is given it says. */
char *audit_detail(const char *name, ...) __attribute__((sentinel));
/* Adds a row in the open transaction (or one of its own), as whoever types. detail is a JSON object; NULL is CM_ELIMIT. */
CM_MUST_CHECK int audit_note(struct db *db, const char *action, const char *subject, const char *detail,
                             struct cm_error *error);
/* One statement that changes something, and its row, in one transaction. *affected: rows of the statement; when there are none nothing is noted and
 * nothing committed. The statement must not name its own transaction. */
CM_MUST_CHECK int audit_act(struct db *db, const char *sql, const char *const *params, size_t param_count,
                            const char *action, const char *subject, const char *detail, int64_t *affected,
                            struct cm_error *error);
/* The same, with the certificates of scanners held from before the statement looks at them until it is committed: of several at once each sees
 * what the one before has done. */
CM_MUST_CHECK int audit_act_on_certificates(struct db *db, const char *sql, const char *const *params,
                                            size_t param_count, const char *action, const char *subject,
                                            const char *detail, int64_t *affected, struct cm_error *error);

#endif
