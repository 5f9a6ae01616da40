/* What the daemon was told: the configuration, and what its command line puts over it. */
#ifndef COLLECTOR_SETTINGS_H
#define COLLECTOR_SETTINGS_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/buf.h"
#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"

enum { SETTINGS_UIDS_MAX = 256 };

struct settings {
    const struct config *config;
    const char *dsn;               /* --dsn; NULL: the configuration's, else the local home's */
    const char *socket;            /* NULL: no unix socket */
    const char *listen;            /* NULL: no TLS */
    const char *pid_file;          /* NULL: none */
    uid_t uids[SETTINGS_UIDS_MAX]; /* that may speak on the unix socket */
    size_t uid_count;
};

/* What the inventory calls this collector, of several on one machine too: the host and where it listens. */
void settings_name(const struct settings *settings, struct buf *out);

bool settings_allow(const struct settings *settings, uid_t uid); /* it may speak on the unix socket */

/* Opens the inventory as certmuster_ingest and makes sure that its schema is this program's: CM_EVERSION when not, CM_ENOTFOUND when
 * there is no inventory, CM_EIO when the server is away. */
CM_MUST_CHECK int settings_connect(const struct settings *settings, const char *program, struct db **out,
                                   struct cm_error *error);

#endif
