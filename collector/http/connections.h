/* Every open connection of the daemon: how many, whose, and until when. evhttp times out a client that is silent; this cuts the one that
 * drips, and bounds memory: connections times the largest body. */
#ifndef COLLECTOR_HTTP_CONNECTIONS_H
#define COLLECTOR_HTTP_CONNECTIONS_H

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/state.h"

struct connection {
    struct bufferevent *stream; /* one reference is ours */
    bool is_local, known;       /* known: the peer was looked at */
    uint64_t peer_key;          /* a hash of the uid or the address */
    unsigned uid;
    int64_t deadline_ms; /* monotonic; 0 while a request is worked on */
};

struct connections {
    struct connection *list;
    size_t count, max, max_per_peer;
    int64_t timeout_ms; /* for one request to come in whole, for one answer to be read, for the next request to begin */
    struct state *state;
};

void connections_init(struct connections *all, size_t max, size_t max_per_peer, int64_t timeout_ms,
                      struct state *state);
void connections_done(struct connections *all); /* closes what is left */
/* Takes a reference to a stream that evhttp is about to serve. NULL when full: the caller looks before it accepts. */
struct connection *connections_add(struct connections *all, struct bufferevent *stream, bool is_local);
/* Finds out who is at the other end, unless that was done. False: it cannot be told. */
bool connection_know(struct connection *connection);
struct connection *connections_find(struct connections *all, const struct bufferevent *stream);
/* Forgets those that evhttp has let go, looks at new peers (cuts those over max_per_peer), cuts those past their deadline. */
void connections_sweep(struct connections *all, int64_t now_ms);
bool connections_full(const struct connections *all);
/* The answer is on its way: the clock for reading it and for the next request starts. */
void connection_answered(struct connections *all, struct connection *connection, int64_t now_ms);

#endif
