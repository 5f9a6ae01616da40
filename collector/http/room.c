/* Who goes when all places are taken.
 *
 * Before a certificate was shown, an address is all that is known of a client, and behind a balancer or NAT everybody has the same one: so
 * no address is turned away for its number, and the newest no sooner than the others. With places left all may stay until their time is
 * over. With none left, of those that have proven nothing go first
 *
 *   1. the silent of an address that has more than collector.client_connections of them
 *   2. the others of such an address, which are in the middle of their handshake
 *   3. the silent of other addresses
 *   4. the others
 *
 * and among equals the lot decides: an honest client is silent for less than a millisecond and through with its handshake after another
 * round trip, however fast those who were cut come again. The oldest or newest would be somebody whom they can choose. */
#include "collector/http/room.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    CROWDS = 1024, /* addresses that fall together count as one, which only matters past the limit */
    TLS_HANDSHAKE = 22,
    TLS_CLIENT_HELLO = 1,
    TLS_HEADER = 5
};

/* A request is under way, or its answer is. */
static bool is_busy(const struct connection *connection)
{
    return connection->deadline_ms == 0 || connection->held_in + connection->held_out > 0;
}

/* A certificate that was enrolled a moment ago is not proven, and may have its first batch at work. */
static bool may_go(const struct connection *connection)
{
    return !connection->proven && !connection->leaving && connection->deadline_ms != 0;
}

bool room_is_none(const struct connections *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (!is_busy(all->list[i]) || may_go(all->list[i]))
            return false;
    return all->count >= all->max;
}

/* xorshift: who floods must not be able to choose who goes; more is not needed. */
static size_t draw(struct connections *all, size_t count)
{
    all->dice ^= all->dice << 13;
    all->dice ^= all->dice >> 7;
    all->dice ^= all->dice << 17;
    return (size_t)(all->dice % count);
}

/* It has said all of its ClientHello and was answered. */
static bool has_greeted(struct connection *connection)
{
    const SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    if (!connection->greeted && ssl) {
        OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
        connection->greeted = state != TLS_ST_BEFORE && state != TLS_ST_SR_CLNT_HELLO;
    }
    return connection->greeted;
}

/* Its ClientHello lies in the socket: it came while we were busy with others. */
static bool waits_to_be_heard(const struct connection *connection)
{
    evutil_socket_t fd = bufferevent_getfd(connection->stream);
    unsigned char head[TLS_HEADER + 1];
    int waiting = 0;
    return !connection->is_local && recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT) == sizeof head &&
           head[0] == TLS_HANDSHAKE && head[TLS_HEADER] == TLS_CLIENT_HELLO && ioctl(fd, FIONREAD, &waiting) == 0 &&
           waiting >= TLS_HEADER + (head[3] << 8 | head[4]);
}

static struct connection *find_unproven(struct connections *all)
{
    unsigned short crowds[CROWDS] = {0};
    struct connection *found = NULL;
    int worst = -1;
    size_t alike = 0;
    for (size_t i = 0; i < all->count; i++)
        if (!connection_prove(all->list[i]) && may_go(all->list[i]))
            crowds[all->list[i]->address_key % CROWDS]++;
    for (size_t i = 0; i < all->count; i++) {
        struct connection *connection = all->list[i];
        if (!may_go(connection))
            continue;
        int rank = 2 * (crowds[connection->address_key % CROWDS] > all->max_per_client) + !has_greeted(connection);
        if (rank > worst) {
            worst = rank;
            alike = 0;
        }
        if (rank == worst && draw(all, ++alike) == 0)
            found = connection;
    }
    return found;
}

static struct connection *find_idle(const struct connections *all)
{
    struct connection *found = NULL;
    size_t most = 0;
    for (size_t i = 0; i < all->count; i++) {
        size_t like = is_busy(all->list[i]) ? 0 : connection_count_like(all->list[i]);
        if (like > most) {
            most = like;
            found = all->list[i];
        }
    }
    return found;
}

struct connection *room_find(struct connections *all)
{
    struct connection *found = find_unproven(all);
    while (found && !found->greeted && waits_to_be_heard(found)) {
        found->greeted = true;
        found = find_unproven(all);
    }
    return found ? found : find_idle(all);
}
