/* The table of connections.
 *
 * libevent 2.1 tells nobody that an evhttp connection ended before its first request was whole. So each stream is held with a
 * reference of our own: evhttp takes its callbacks off when it lets go, which is what the sweep looks for; only then is the socket closed.
 *
 * Nor does it tell that a request has begun. What it holds is therefore counted where it comes in and goes out, at the stream's two
 * buffers: so a body in pieces, requests sent ahead and an answer that nobody reads all count. Past HELD_MAX the client that holds most
 * is put off, so that one who sends too much is the one who is told to come again. */
#include "collector/http/connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "certmuster/encode.h"
#include "certmuster/error.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "collector/http/room.h"
#include "collector/http/tls.h"

enum {
    HELD_MAX = 40 * 1024 * 1024,           /* of all: two bodies of the largest kind, and segments beside them */
    HELD_OF_CLIENT_MAX = 24 * 1024 * 1024, /* of one client: it leaves the others room */
    HELD_FREE = 64 * 1024,                 /* whoever holds no more than this is never put off for others */
    HANDSHAKE_MS = 10000,                  /* to show a certificate */
};

void connections_init(struct connections *all, const struct settings *settings, struct state *state,
                      struct roster *roster, size_t max)
{
    const struct config *config = settings->config;
    *all = (struct connections){
        .max = max,
        .max_per_client = (size_t)config_integer(config, "collector.client_connections"),
        .timeout_ms = config_integer(config, "collector.request_timeout"),
        .settings = settings,
        .state = state,
        .roster = roster,
    };
    if (getrandom(&all->dice, sizeof all->dice, 0) != sizeof all->dice)
        all->dice = (uint64_t)clock_wall_ms();
    all->salt = all->dice |= 1;
    atomic_store(&state->connections_max, (unsigned)all->max);
}

/* --- What they hold ------------------------------------------------------------------------------------------------------------------- */

static size_t held(const struct connection *connection)
{
    return connection->held_in + connection->held_out;
}

static size_t held_of_client(const struct connection *of)
{
    size_t sum = 0;
    for (size_t i = 0; i < of->all->count; i++)
        if (of->all->list[i]->client_key == of->client_key && of->all->list[i]->proven == of->proven)
            sum += held(of->all->list[i]);
    return sum;
}

static void set_held(struct connection *connection, size_t in, size_t out)
{
    struct connections *all = connection->all;
    all->held += in + out - held(connection); /* wraps around and back when it shrinks */
    connection->held_in = in;
    connection->held_out = out;
    atomic_store(&all->state->connections_held, all->held);
    if (all->held > HELD_MAX || (in + out > HELD_FREE && held_of_client(connection) > HELD_OF_CLIENT_MAX))
        event_active(all->sweep, EV_TIMEOUT, 0);
}

/* What evhttp takes out of the buffer lies in its own from then on. */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *context)
{
    struct connection *connection = context;
    size_t taken = connection->leaving ? info->n_deleted : 0;
    (void)buffer;
    if (!connection->counted && connection_prove(connection))
        event_active(connection->all->sweep, EV_TIMEOUT, 0); /* which counts it */
    set_held(connection,
             connection->held_in + info->n_added - (taken < connection->held_in ? taken : connection->held_in),
             connection->held_out);
}

static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *context)
{
    struct connection *connection = context;
    (void)info;
    set_held(connection, connection->held_in, evbuffer_get_length(buffer));
}

/* --- The table ------------------------------------------------------------------------------------------------------------------------ */

static void forget(struct connections *all, size_t index)
{
    struct connection *connection = all->list[index];
    set_held(connection, 0, 0);
    evbuffer_remove_cb(bufferevent_get_input(connection->stream), on_input, connection);
    evbuffer_remove_cb(bufferevent_get_output(connection->stream), on_output, connection);
    bufferevent_decref(connection->stream);
    free(connection->peer);
    all->list[index] = all->list[--all->count];
    free(connection);
    atomic_store(&all->state->connections, (unsigned)all->count);
}

void connections_done(struct connections *all)
{
    while (all->count)
        forget(all, all->count - 1);
    free(all->list);
    all->list = NULL;
}

struct connection *connections_find(struct connections *all, const struct bufferevent *stream)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i]->stream == stream)
            return all->list[i];
    return NULL;
}

static bool was_let_go(const struct connection *connection)
{
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(connection->stream, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* evhttp takes it for a timeout of its own and closes. */
static void cut(struct connection *connection)
{
    connection->deadline_ms = INT64_MAX;
    set_held(connection, 0, 0);
    if (connection->leaving) {
        farewell_end(connection);
        return;
    }
    atomic_fetch_add(&connection->all->state->connections_dropped, 1);
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

/* --- Who they are --------------------------------------------------------------------------------------------------------------------- */

/* FNV-1a, salted: whoever has many addresses cannot choose which of them fall together. */
#define FNV_START UINT64_C(14695981039346656037)

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool know(struct connection *connection)
{
    const uint64_t start = FNV_START ^ connection->all->salt;
    evutil_socket_t fd = bufferevent_getfd(connection->stream);
    struct sockaddr_storage address;
    struct ipaddr ip = {.family = 0};
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (connection->known)
        return true;
    if (connection->is_local) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
            return false;
        connection->uid = credentials.uid;
        connection->address_key = mix(start, &connection->uid, sizeof connection->uid);
    } else {
        size = sizeof address;
        if (getpeername(fd, (struct sockaddr *)&address, &size) != 0)
            return false;
        ipaddr_from_sockaddr(&ip, (const struct sockaddr *)&address);
        /* Whoever has one IPv6 address has its /64. */
        connection->address_key = mix(start + ip.family, ip.bytes, ip.family == 6 ? 8 : 4);
    }
    connection->known = true;
    return true;
}

/* Keeps whose certificate it is, once the handshake is over. */
static bool show_certificate(struct connection *connection)
{
    SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    struct cm_error error = {0};
    if (connection->peer)
        return true;
    if (!ssl || !SSL_is_init_finished(ssl) || connection->unreadable)
        return false;
    connection->peer = cm_malloc(sizeof *connection->peer);
    if (tls_peer(ssl, connection->peer, &error) != 0) {
        free(connection->peer);
        connection->peer = NULL;
        connection->unreadable = true;
        return false;
    }
    connection->client_key = mix(FNV_START ^ connection->all->salt, connection->peer->fingerprint, CM_SHA256_HEX_SIZE);
    return true;
}

/* A certificate may be enrolled or revoked while it is connected. */
static bool is_enrolled(struct connection *connection)
{
    unsigned edition = roster_edition(connection->all->roster);
    if (edition == 0) /* nobody knows yet */
        return true;
    if (edition != connection->edition) {
        connection->edition = edition;
        connection->enrolled = roster_has(connection->all->roster, connection->peer);
    }
    return connection->enrolled;
}

bool connection_is_over(const struct connection *connection)
{
    return connection->peer && clock_wall_ms() / 1000 > connection->peer->not_after;
}

bool connection_prove(struct connection *connection)
{
    if (!know(connection))
        return false;
    if (connection->is_local) {
        connection->client_key = connection->address_key;
        connection->proven = settings_allow(connection->all->settings, connection->uid);
    } else {
        connection->proven = show_certificate(connection) && !connection_is_over(connection) && is_enrolled(connection);
    }
    return connection->proven;
}

size_t connection_count_like(const struct connection *of)
{
    size_t count = 0;
    for (size_t i = 0; i < of->all->count; i++) {
        const struct connection *other = of->all->list[i];
        count += other->is_local == of->is_local && other->proven == of->proven && !other->leaving &&
                 other->client_key == of->client_key;
    }
    return count;
}

static void meet(struct connection *connection, int64_t now_ms)
{
    struct connections *all = connection->all;
    if (connection->leaving)
        return;
    bool proven = connection_prove(connection);
    if (!connection->known) {
        cut(connection);                                                    /* it has gone already */
    } else if (proven && !connection->counted && connection->deadline_ms) { /* not while its request is worked on */
        connection->counted = true;
        connection->deadline_ms = now_ms + all->timeout_ms;
        if (connection_count_like(connection) > all->max_per_client)
            connection_farewell(connection, 429, "too many connections; see collector.client_connections");
    }
}

/* --- Coming and going ----------------------------------------------------------------------------------------------------------------- */

static void make_room(struct connections *all)
{
    struct connection *victim = room_find(all);
    if (!victim)
        return; /* one more than there should be: the listeners rest now */
    cut(victim);
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i] == victim && was_let_go(victim)) {
            forget(all, i);
            return;
        }
}

struct connection *connections_add(struct connections *all, struct bufferevent *stream, bool is_local)
{
    if (all->count >= all->max)
        make_room(all);
    if (all->count == all->room) {
        all->room = all->room ? 2 * all->room : 64;
        all->list = cm_realloc(all->list, all->room * sizeof(struct connection *));
    }
    struct connection *connection = cm_calloc(1, sizeof *connection);
    int64_t patience = all->timeout_ms < HANDSHAKE_MS ? all->timeout_ms : HANDSHAKE_MS;
    connection->all = all;
    connection->stream = stream;
    connection->is_local = is_local;
    connection->deadline_ms = clock_monotonic_ms() + patience;
    bufferevent_incref(stream);
    if (!evbuffer_add_cb(bufferevent_get_input(stream), on_input, connection) ||
        !evbuffer_add_cb(bufferevent_get_output(stream), on_output, connection))
        abort(); /* out of memory */
    all->list[all->count++] = connection;
    atomic_store(&all->state->connections, (unsigned)all->count);
    return connection;
}

/* --- The sweep ------------------------------------------------------------------------------------------------------------------------ */

/* Whom to put off: of the client that holds most, the connection that holds most and is not being worked on. */
static struct connection *find_heaviest(const struct connections *all, size_t *of_client)
{
    struct connection *found = NULL;
    *of_client = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct connection *connection = all->list[i];
        if (connection->leaving || connection->deadline_ms == 0 || held(connection) <= HELD_FREE)
            continue;
        size_t sum = held_of_client(connection);
        if (!found || sum > *of_client || (sum == *of_client && held(connection) > held(found))) {
            found = connection;
            *of_client = sum;
        }
    }
    return found;
}

static void relieve(struct connections *all)
{
    size_t sum;
    for (struct connection *heaviest; (heaviest = find_heaviest(all, &sum)) != NULL;) {
        if (all->held <= HELD_MAX && sum <= HELD_OF_CLIENT_MAX)
            return;
        atomic_fetch_add(&all->state->requests_limited, 1);
        if (heaviest->held_out > 0) /* an answer that it does not take; the key will say so again */
            cut(heaviest);
        else
            connection_farewell(heaviest, 429, "too much is on its way at once; come again");
    }
}

static void see_to_deadline(struct connection *connection, int64_t now_ms)
{
    if (connection->deadline_ms == 0 || now_ms <= connection->deadline_ms)
        return;
    if (connection->proven && connection->held_in > 0 && connection->held_out == 0 && !connection->leaving)
        connection_farewell(connection, 408, "the request took too long; see collector.request_timeout");
    else
        cut(connection);
}

void connections_sweep(struct connections *all, int64_t now_ms)
{
    for (size_t i = 0; i < all->count; i++)
        if (!was_let_go(all->list[i]))
            meet(all->list[i], now_ms);
    relieve(all);
    for (size_t i = 0; i < all->count;) {
        if (!was_let_go(all->list[i]))
            see_to_deadline(all->list[i], now_ms);
        if (was_let_go(all->list[i]))
            forget(all, i);
        else
            i++;
    }
}

void connection_answered(struct connections *all, struct connection *connection, int64_t now_ms)
{
    connection->deadline_ms = now_ms + all->timeout_ms;
    set_held(connection, evbuffer_get_length(bufferevent_get_input(connection->stream)), connection->held_out);
}
