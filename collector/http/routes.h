/* What each request asks for, who may ask, and the answers. */
#ifndef COLLECTOR_HTTP_ROUTES_H
#define COLLECTOR_HTTP_ROUTES_H

#include <event2/http.h>

#include "collector/http/connections.h"
#include "collector/http/rate.h"
#include "collector/ingest/queue.h"
#include "collector/settings.h"
#include "collector/state.h"

struct routes {
    const struct settings *settings;
    struct state *state;
    struct queue *queue;
    struct connections *connections;
    struct rate rate;
};

void routes_init(struct routes *routes, const struct settings *settings, struct state *state, struct queue *queue,
                 struct connections *connections);
void routes_on_request(struct evhttp_request *request, void *routes);
/* A job that came back: answers its request, if the client is still there, and frees it. */
void routes_answer(struct routes *routes, struct job *job);
/* At the end: answers a job that a worker has still, which goes on without anybody who waits for it; see queue_give_up. */
void routes_give_up(void *routes, struct job *job);
/* At the end: connections without a request under way are closed. */
void routes_close_idle(struct routes *routes);

#endif
