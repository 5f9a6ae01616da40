/* Which client certificates are enrolled, kept in memory and read anew every two seconds: for what is answered without the database.
 *
 * While the database is away the last list that was read holds. Whoever stores something is asked for in the database all the same. */
#ifndef COLLECTOR_ROSTER_H
#define COLLECTOR_ROSTER_H

#include <stdbool.h>

#include "collector/clerk.h"
#include "collector/peer.h"

struct roster;

struct roster *roster_new(void); /* empty, and never read */
/* Reads it once. What was there stays when that fails. */
CM_MUST_CHECK int roster_read(struct roster *roster, struct db *db, struct cm_error *error);
/* Reads it again and again; the roster is lent. */
CM_MUST_CHECK int roster_clerk(const struct settings *settings, struct roster *roster, struct clerk **out,
                               struct cm_error *error);
void roster_free(struct roster *roster);

/* Another number each time that it was read; 0: never yet. Any thread. */
unsigned roster_edition(const struct roster *roster);
/* The certificate is enrolled for one of its names, and neither revoked nor the scanner disabled. Any thread. */
bool roster_has(struct roster *roster, const struct peer *peer);

#endif
