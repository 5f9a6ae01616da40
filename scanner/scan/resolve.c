/* The resolver over c-ares: the only file that knows ares.h.
 *
 * Owns two channels: one that takes names as they stand, and one with the search list of resolv.conf for single labels, made when the
 * first such name comes. c-ares tells which of its sockets wait for what; each becomes a watch of the loop, and the time of its
 * next retry a timer. */
#include "scanner/scan/resolve.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"

enum { TRIES = 3, RECEIVE_BUFFER = 1024 * 1024, SERVERS_TEXT_MAX = 4096, TRY_MIN_MS = 250, TRY_MAX_MS = 2500 };

struct dns_socket {
    struct watch watch;
    struct dns_socket *next;
};

struct channel {
    ares_channel ares;
    struct resolver *resolver;
    struct dns_socket *sockets;
    struct timer timer;
};

struct resolver {
    struct loop *loop;
    struct channel *plain, *search; /* search: NULL until needed */
    struct buf servers;             /* comma-separated; empty: the system's */
    int try_ms;
    size_t under_way;
};

struct lookup {
    struct resolver *resolver;
    resolve_fn done; /* NULL once cancelled */
    void *context;
    bool starting; /* resolver_start has not returned yet */
    bool ended;
};

/* --- c-ares's sockets and retries on the loop ------------------------------------------------------------------------ */

static void set_timer(struct channel *channel)
{
    struct timeval most = {.tv_sec = 60}, wait;
    if (!channel->sockets) { /* nothing is asked */
        loop_cancel_timer(channel->resolver->loop, &channel->timer);
        return;
    }
    ares_timeout(channel->ares, &most, &wait);
    loop_set_timer(channel->resolver->loop, &channel->timer,
                   loop_now(channel->resolver->loop) + wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1);
}

static void timer_fired(struct timer *timer)
{
    struct channel *channel = timer->owner;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(channel);
}

static void socket_ready(struct watch *watch, unsigned events)
{
    struct channel *channel = watch->owner;
    int fd = watch->fd; /* the watch may be gone after the first call */
    bool reads = events & (LOOP_READ | LOOP_FAILED);
    ares_process_fd(channel->ares, reads ? fd : ARES_SOCKET_BAD, events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
    set_timer(channel);
}

static void socket_wants(void *context, ares_socket_t fd, int readable, int writable)
{
    struct channel *channel = context;
    struct loop *loop = channel->resolver->loop;
    struct dns_socket **at = &channel->sockets;
    unsigned wants = (readable ? LOOP_READ : 0) | (writable ? LOOP_WRITE : 0);
    while (*at && (*at)->watch.fd != fd)
        at = &(*at)->next;
    if (!wants) {
        struct dns_socket *gone = *at;
        if (gone) {
            loop_unwatch(loop, &gone->watch);
            *at = gone->next;
            free(gone);
        }
        return;
    }
    if (!*at) {
        *at = cm_calloc(1, sizeof **at);
        (*at)->watch = (struct watch){.fd = fd, .ready = socket_ready, .owner = channel};
    }
    if (loop_watch(loop, &(*at)->watch, wants))
        return; /* out of memory in the kernel: the tries run out and the lookup ends as a failure */
}

/* --- channels -------------------------------------------------------------------------------------------------------- */

static void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    loop_cancel_timer(channel->resolver->loop, &channel->timer);
    ares_destroy(channel->ares); /* ends every lookup with ARES_EDESTRUCTION and every socket through socket_wants */
    free(channel);
}

static int channel_new(struct resolver *resolver, bool search, struct channel **out, struct cm_error *error)
{
    struct channel *channel = cm_calloc(1, sizeof *channel);
    channel->resolver = resolver;
    channel->timer = (struct timer){.fire = timer_fired, .owner = channel};
    struct ares_options options = {
        .flags = search ? 0 : ARES_FLAG_NOSEARCH,
        .timeout = resolver->try_ms,
        .tries = TRIES,
        .socket_receive_buffer_size = RECEIVE_BUFFER,
        .sock_state_cb = socket_wants,
        .sock_state_cb_data = channel,
    };
    int status = ares_init_options(&channel->ares, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF |
                                       ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        free(channel);
        return error_setf(error, CM_EIO, 0, "the resolver cannot be set up", "%s", ares_strerror(status));
    }
    if (resolver->servers.size && ares_set_servers_ports_csv(channel->ares, resolver->servers.data) != ARES_SUCCESS) {
        channel_free(channel);
        return error_setf(error, CM_EINVAL, 0, "not a DNS server's address", "%s", resolver->servers.data);
    }
    *out = channel;
    return 0;
}

int resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **out,
                 struct cm_error *error)
{
    int code = ares_library_init(ARES_LIB_INIT_ALL);
    if (code != ARES_SUCCESS)
        return error_setf(error, CM_EIO, 0, "the resolver cannot be set up", "%s", ares_strerror(code));
    struct resolver *resolver = cm_calloc(1, sizeof *resolver);
    resolver->loop = loop;
    buf_init(&resolver->servers, SERVERS_TEXT_MAX);
    for (size_t i = 0; i < options->server_count; i++)
        buf_appendf(&resolver->servers, "%s%s", i ? "," : "", options->servers[i]);
    int64_t share = options->timeout_ms / TRIES;
    resolver->try_ms = (int)(share < TRY_MIN_MS ? TRY_MIN_MS : share > TRY_MAX_MS ? TRY_MAX_MS : share);
    if ((code = channel_new(resolver, false, &resolver->plain, error))) {
        resolver_free(resolver);
        return code;
    }
    *out = resolver;
    return 0;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    channel_free(resolver->plain);
    channel_free(resolver->search);
    buf_done(&resolver->servers);
    free(resolver);
    ares_library_cleanup();
}

/* --- lookups --------------------------------------------------------------------------------------------------------- */

enum record_error resolve_error_of(int ares_status)
{
    switch (ares_status) {
    case ARES_SUCCESS:
        return RECORD_ERROR_NONE;
    case ARES_ENOTFOUND:
        return RECORD_ERROR_NXDOMAIN;
    case ARES_ENODATA:
        return RECORD_ERROR_NO_ADDRESS;
    case ARES_ETIMEOUT:
        return RECORD_ERROR_TIMEOUT;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return RECORD_ERROR_CANCELLED;
    case ARES_ENOMEM:
    case ARES_EFILE:
        return RECORD_ERROR_LOCAL;
    default: /* SERVFAIL, REFUSED, FORMERR, a malformed answer, no server reachable */
        return RECORD_ERROR_DNS_FAILURE;
    }
}

static bool same(const struct ipaddr *a, const struct ipaddr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

static size_t collect(const struct ares_addrinfo *found, struct ipaddr *out)
{
    size_t count = 0;
    for (const struct ares_addrinfo_node *node = found->nodes; node && count < RESOLVE_ADDRESSES_MAX;
         node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6)
            continue;
        ipaddr_from_sockaddr(&out[count], node->ai_addr);
        size_t i = 0;
        while (i < count && !same(&out[i], &out[count]))
            i++;
        count += i == count;
    }
    return count;
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct lookup *lookup = context;
    struct ipaddr addresses[RESOLVE_ADDRESSES_MAX];
    struct resolve_answer answer = {.addresses = addresses, .error = resolve_error_of(status)};
    (void)timeouts;
    if (found && status == ARES_SUCCESS) {
        answer.count = collect(found, addresses);
        if (answer.count == 0)
            answer.error = RECORD_ERROR_NO_ADDRESS;
    }
    if (found)
        ares_freeaddrinfo(found);
    if (answer.error == RECORD_ERROR_DNS_FAILURE || answer.error == RECORD_ERROR_LOCAL)
        answer.detail = ares_strerror(status);
    lookup->resolver->under_way--;
    lookup->ended = true;
    if (lookup->done && status != ARES_EDESTRUCTION)
        lookup->done(lookup->context, &answer);
    if (!lookup->starting)
        free(lookup);
}

struct lookup *resolver_start(struct resolver *resolver, const char *name, resolve_fn done, void *context)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    struct channel *channel = resolver->plain;
    struct lookup *lookup = cm_calloc(1, sizeof *lookup);
    if (!strchr(name, '.')) {
        if (!resolver->search && channel_new(resolver, true, &resolver->search, NULL))
            resolver->search = NULL;
        channel = resolver->search ? resolver->search : resolver->plain;
    }
    *lookup = (struct lookup){.resolver = resolver, .done = done, .context = context, .starting = true};
    resolver->under_way++;
    ares_getaddrinfo(channel->ares, name, NULL, &hints, answered, lookup);
    set_timer(channel);
    lookup->starting = false;
    if (lookup->ended) {
        free(lookup);
        return NULL;
    }
    return lookup;
}

void resolver_cancel(struct lookup *lookup)
{
    lookup->done = NULL;
}

size_t resolver_under_way(const struct resolver *resolver)
{
    return resolver->under_way;
}
