/* The unprivileged system account that PostgreSQL and the collector run as when root started them. */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/error.h"

/* Made with useradd --system when it is missing. */
CM_MUST_CHECK int account_ensure(const char *name, uid_t *uid, gid_t *gid, struct cm_error *error);
/* Gives up root for good: supplementary groups, group, user; checks that there is no way back. */
CM_MUST_CHECK int account_become(const char *name, uid_t uid, gid_t gid, struct cm_error *error);
/* The name of a user id, or false. Names that could mean something to PostgreSQL's pg_ident.conf (quotes, slashes, controls) count
 * as none. */
bool account_name(uid_t uid, char *out, size_t size);
bool account_name_is_plain(const char *name);

#endif
