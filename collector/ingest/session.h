/* A database connection of an ingest worker: opened when needed, with its staging tables, and given up when the server goes away. */
#ifndef COLLECTOR_INGEST_SESSION_H
#define COLLECTOR_INGEST_SESSION_H

#include <stdint.h>

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/settings.h"

struct session {
    const struct settings *settings;
    struct db *db;       /* NULL while there is none */
    int64_t next_try_ms; /* monotonic: not before this, after a failure */
    int64_t pause_ms;    /* doubles with every failure */
    int away_code;       /* of that failure */
    const char *away_reason;
    int64_t day; /* the last UTC day (since the epoch) whose partition of observation is known to exist */
};

void session_init(struct session *session, const struct settings *settings);
/* Also after CM_EIO or CM_EVERSION of any statement, or when the connection's state is unknown: session_ready connects anew. */
void session_done(struct session *session);
/* Connects unless connected, and asks the inventory's version. CM_EIO when the database is away, CM_EVERSION when its version is not ours; at once while the pause after
 * the last such failure lasts. */
CM_MUST_CHECK int session_ready(struct session *session, struct cm_error *error);
/* The database's clock. Ours is not asked for what is stored: two collectors may differ by a day, and what one stored of tomorrow would
 * make what others see today arrive late. */
CM_MUST_CHECK int database_clock(struct db *db, int64_t *now_ms, struct cm_error *error);
/* Makes today's partition of observation when it is missing; tomorrow's is made ahead by upkeep. */
CM_MUST_CHECK int session_partition(struct session *session, int64_t now_ms, struct cm_error *error);
/* Creates the partition of a day; somebody else's having done so at the same moment is success. */
CM_MUST_CHECK int partition_create(struct db *db, int64_t day, struct cm_error *error);

#endif
