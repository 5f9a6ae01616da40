/* Which client certificates are enrolled, kept in memory and read anew every two seconds: for what is answered without the database.
 *
 * While the database is away the last list that was read holds. Whoever stores something is asked for in the database all the same. */
#ifndef COLLECTOR_ROSTER_H
#define COLLECTOR_ROSTER_H

#include <stdbool.h>

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/peer.h"
#include "collector/settings.h"

struct roster;

struct roster *roster_new(const struct settings *settings); /* empty, and never read; settings are lent */
/* Reads it once. What was there stays when that fails. */
CM_MUST_CHECK int roster_read(struct roster *roster, struct db *db, struct cm_error *error);
/* The thread that reads it, with a connection of its own. */
CM_MUST_CHECK int roster_start(struct roster *roster, struct cm_error *error);
/* Asks the thread to end, if there is one, and waits; false: the server does not answer within timeout_ms, and it must not be freed. */
bool roster_stop(struct roster *roster, int timeout_ms);
void roster_free(struct roster *roster);

/* Another number each time that it was read; 0: never yet. Any thread. */
unsigned roster_edition(const struct roster *roster);
/* The certificate is enrolled for one of its names, and neither revoked nor the scanner disabled. Any thread. */
bool roster_has(struct roster *roster, const struct peer *peer);

#endif
