/* The table of connections.
 *
 * libevent 2.1 tells nobody that an evhttp connection ended before its first request was whole. So each stream is held with a
 * reference of our own: evhttp takes its callbacks off when it lets go, which is what the sweep looks for; only then is the socket closed. */
#include "collector/http/connections.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "certmuster/error.h"
#include "certmuster/ipaddr.h"
#include "certmuster/timefmt.h"

void connections_init(struct connections *all, size_t max, size_t max_per_peer, int64_t timeout_ms, struct state *state)
{
    *all = (struct connections){.max = max, .max_per_peer = max_per_peer, .timeout_ms = timeout_ms, .state = state};
    all->list = cm_calloc(max, sizeof *all->list);
    atomic_store(&state->connections_max, (unsigned)max);
}

void connections_done(struct connections *all)
{
    for (size_t i = 0; i < all->count; i++)
        bufferevent_decref(all->list[i].stream);
    free(all->list);
    *all = (struct connections){.count = 0};
}

bool connections_full(const struct connections *all)
{
    return all->count >= all->max;
}

struct connection *connections_add(struct connections *all, struct bufferevent *stream, bool is_local)
{
    if (connections_full(all))
        return NULL;
    struct connection *connection = &all->list[all->count++];
    *connection = (struct connection){
        .stream = stream, .is_local = is_local, .deadline_ms = clock_monotonic_ms() + all->timeout_ms};
    bufferevent_incref(stream);
    atomic_store(&all->state->connections, (unsigned)all->count);
    return connection;
}

struct connection *connections_find(struct connections *all, const struct bufferevent *stream)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].stream == stream)
            return &all->list[i];
    return NULL;
}

static bool was_let_go(struct bufferevent *stream)
{
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(stream, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* evhttp takes it for a timeout of its own and closes. */
static void cut(struct connections *all, struct connection *connection)
{
    connection->deadline_ms = INT64_MAX;
    atomic_fetch_add(&all->state->connections_dropped, 1);
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a: told apart, not protected */
    return hash;
}

bool connection_know(struct connection *connection)
{
    evutil_socket_t fd = bufferevent_getfd(connection->stream);
    if (connection->known)
        return true;
    if (connection->is_local) {
        struct ucred credentials;
        socklen_t size = sizeof credentials;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
            return false;
        connection->uid = credentials.uid;
        connection->known = true;
        connection->peer_key = mix(UINT64_C(14695981039346656037), &connection->uid, sizeof connection->uid);
        return true;
    }
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct ipaddr ip = {.family = 0};
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    ipaddr_from_sockaddr(&ip, (const struct sockaddr *)&address);
    connection->known = true;
    /* Whoever has one IPv6 address has its /64. */
    connection->peer_key = mix(UINT64_C(14695981039346656037) + ip.family, ip.bytes, ip.family == 6 ? 8 : 4);
    return true;
}

static size_t count_of_peer(const struct connections *all, const struct connection *of)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += all->list[i].known && all->list[i].peer_key == of->peer_key && all->list[i].is_local == of->is_local;
    return count;
}

void connections_sweep(struct connections *all, int64_t now_ms)
{
    for (size_t i = 0; i < all->count;) {
        struct connection *connection = &all->list[i];
        if (!was_let_go(connection->stream)) {
            if (!connection->known &&
                (!connection_know(connection) || count_of_peer(all, connection) > all->max_per_peer))
                cut(all, connection);
            else if (connection->deadline_ms && now_ms > connection->deadline_ms)
                cut(all, connection);
        }
        if (was_let_go(connection->stream)) {
            bufferevent_decref(connection->stream);
            *connection = all->list[--all->count];
            continue;
        }
        i++;
    }
    atomic_store(&all->state->connections, (unsigned)all->count);
}

void connection_answered(struct connections *all, struct connection *connection, int64_t now_ms)
{
    connection->deadline_ms = now_ms + all->timeout_ms;
}
