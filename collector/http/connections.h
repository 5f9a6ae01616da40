/* Every open connection of the daemon: how many, whose, until when, and what is kept in memory for each. evhttp times out a client that
 * is silent; this cuts the one that drips, and bounds memory: what came in and was not worked on yet, and what goes out and was not read
 * yet. */
#ifndef COLLECTOR_HTTP_CONNECTIONS_H
#define COLLECTOR_HTTP_CONNECTIONS_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/peer.h"
#include "collector/roster.h"
#include "collector/settings.h"
#include "collector/state.h"

struct connections;

/* Unknown until the socket is there, then known by address or uid; proven while its uid may speak, or the certificate that it showed is enrolled and has not ended. */
struct connection {
    struct connections *all;
    struct bufferevent *stream; /* one reference is ours */
    bool is_local, known, proven, counted;
    bool greeted;    /* its ClientHello has come */
    bool unreadable; /* its certificate is one that we cannot read */
    bool enrolled;   /* by that edition of the roster */
    unsigned edition;
    struct peer *peer;        /* over TLS: who showed a certificate, enrolled or not */
    bool leaving;             /* it was told why it must go; see farewell.c */
    uint64_t address_key;     /* a hash of the uid or the address */
    uint64_t client_key;      /* a hash of the uid or of its certificate; 0: none was shown */
    unsigned uid;             /* of a local one that is known */
    size_t held_in, held_out; /* bytes read since the last answer; bytes of answers that were not taken yet */
    int64_t deadline_ms;      /* monotonic; 0 while a request is worked on */
    struct {
        bufferevent_event_cb on_event; /* evhttp's, while the connection is leaving */
        void *context;
    } served;
};

struct connections {
    struct connection **list;
    size_t count, room, max, max_per_client;
    size_t held;        /* of all of them */
    int64_t timeout_ms; /* for one request to come in whole, for one answer to be read, for the next request to begin */
    uint64_t dice, salt;
    const struct settings *settings;
    struct state *state;
    struct roster *roster;
    struct event *sweep; /* made active when there is something for connections_sweep; the server's */
};

void connections_init(struct connections *all, const struct settings *settings, struct state *state,
                      struct roster *roster, size_t max);
void connections_done(struct connections *all); /* closes what is left */
/* Takes a reference to a stream that evhttp is about to serve. With all places taken, another goes for it: see room.h. */
struct connection *connections_add(struct connections *all, struct bufferevent *stream, bool is_local);
/* Finds out who is at the other end, and whether it may speak still. False: it may not, or has shown nothing yet. */
bool connection_prove(struct connection *connection);
/* What was good when the connection began has ended since: its certificate, or one of those that it was issued by. */
bool connection_is_over(const struct connection *connection);
/* How many there are of this client, itself among them. */
size_t connection_count_like(const struct connection *connection);
struct connection *connections_find(struct connections *all, const struct bufferevent *stream);
/* Forgets those that evhttp has let go, looks at new peers, cuts those over their limit in number, bytes or time. */
void connections_sweep(struct connections *all, int64_t now_ms);
/* The answer is on its way: the clock for reading it and for the next request starts. */
void connection_answered(struct connections *all, struct connection *connection, int64_t now_ms);

/* farewell.c: tells a client that is still sending why it must go, and closes once that was read or a second has passed. */
void connection_farewell(struct connection *connection, int status, const char *text);
void farewell_end(struct connection *connection); /* evhttp closes it */

#endif
