/* Making room for the next connection. */
#ifndef COLLECTOR_HTTP_ROOM_H
#define COLLECTOR_HTTP_ROOM_H

#include "collector/http/connections.h"

/* The one that shall go: first of those that have proven nothing, then of the proven ones that have nothing to say one of the client that
 * has most. NULL: all are at work. */
struct connection *room_find(struct connections *all);
/* True when all places are taken and none would go: better not to accept. */
bool room_is_none(const struct connections *all);

#endif
