/* The daemon's event loop: HTTP on the unix socket and over TLS, by libevent. It answers /healthz and /metrics from memory and hands
 * everything else to the ingest workers; it never waits for the database. */
#ifndef COLLECTOR_HTTP_SERVER_H
#define COLLECTOR_HTTP_SERVER_H

#include "certmuster/error.h"
#include "collector/ingest/queue.h"
#include "collector/roster.h"
#include "collector/settings.h"
#include "collector/state.h"

struct server;

/* Listens. ready is called once from the loop, when requests are served. */
CM_MUST_CHECK int server_new(const struct settings *settings, struct state *state, struct queue *queue,
                             struct roster *roster, struct server **out, struct cm_error *error);
/* Serves until SIGTERM or SIGINT. Then: no new connection; what workers have is finished and answered, what waits is put off (503). */
void server_run(struct server *server, void (*ready)(void));
void server_free(struct server *server);

#endif
