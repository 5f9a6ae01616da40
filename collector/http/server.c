/* Listeners, the event loop and its end. What requests mean is in routes.c.
 *
 * With collector.connections open, whoever has proven nothing makes room; when all are at work the listeners rest, and the kernel keeps
 * who comes next waiting. What they may hold in memory is in connections.c. */
#include "collector/http/server.h"

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/http/descriptors.h"
#include "collector/http/listen.h"
#include "collector/http/room.h"
#include "collector/http/routes.h"
#include "collector/http/tls.h"

enum {
    TICK_MS = 250,
    ACCEPTS_AT_ONCE = 64,   /* of those that are cut for the next, libevent closes the sockets only afterwards */
    HEADERS_MAX = 8 * 1024, /* each becomes some hundred bytes of memory */
    ACCEPT_NOTE_MS = 60000, /* that nobody can be accepted is told so often */
    TLS_LOOK_MS = 2000,
    HIGH_WATER =
        8 * 1024 * 1024, /* bytes held by connections, after which freed memory is given back when they are gone */
    LOW_WATER = 256 * 1024,
    CROWD = 64,      /* so many connections: what their TLS took is given back, too */
    WORK_MS = 10000, /* for transactions under way, after SIGTERM; systemd kills at 30 s */
    FLUSH_MS = 5000, /* for the last answers to leave, then */
};

struct door { /* one way in */
    struct server *server;
    struct evhttp *http;
    struct evconnlistener *listener;
    bool is_local;
};

struct server {
    const struct settings *settings;
    struct state *state;
    struct queue *queue;
    struct event_base *base;
    struct door local, tls;
    SSL_CTX *tls_context; /* of connections to come; those under way hold theirs */
    struct tls_files tls_files;
    int64_t tls_looked_ms;
    struct unix_socket socket;
    struct routes routes;
    struct connections connections;
    struct event *done, *tick, *sweep, *stop[2], *reload;
    bool resting; /* the listeners are disabled: all connections are taken, or none can be accepted */
    int64_t rest_until_ms, accept_noted_ms; /* monotonic: after accept() failed */
    bool was_high;
    unsigned accepted;              /* since the last sweep */
    int64_t work_by_ms, stop_by_ms; /* monotonic; 0 until the end has come so far */
};

/* --- Accepting ----------------------------------------------------------------------------------------------------------------------- */

static void set_listening(struct server *server, bool on)
{
    struct evconnlistener *listeners[] = {server->local.listener, server->tls.listener};
    for (size_t i = 0; i < 2; i++) {
        if (listeners[i] && on)
            evconnlistener_enable(listeners[i]);
        else if (listeners[i])
            evconnlistener_disable(listeners[i]);
    }
    server->resting = !on;
}

static void sweep(struct server *server)
{
    server->accepted = 0;
    connections_sweep(&server->connections, clock_monotonic_ms());
    if (server->resting && !room_is_none(&server->connections) && !server->stop_by_ms &&
        clock_monotonic_ms() >= server->rest_until_ms)
        set_listening(server, true);
}

/* evhttp asks for a stream for a connection that it has accepted. */
static struct bufferevent *on_accept(struct event_base *base, void *context)
{
    struct door *door = context;
    struct server *server = door->server;
    SSL *ssl = door->is_local ? NULL : SSL_new(server->tls_context);
    struct bufferevent *stream =
        ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
            : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!stream || (!door->is_local && !ssl) || !connections_add(&server->connections, stream, door->is_local))
        abort(); /* out of memory; evhttp would serve plain HTTP else */
    if (ssl)
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1); /* a request is whole by its own length */
    if (++server->accepted >= ACCEPTS_AT_ONCE || room_is_none(&server->connections))
        set_listening(server, false);
    event_active(server->sweep, EV_TIMEOUT, 0); /* who that is can be told once evhttp has given it its socket */
    return stream;
}

/* Without descriptors or memory, accept() fails for as long as somebody waits: the listeners rest, and what lives goes on. libevent hands over
 * its own context, evhttp's, so the server is found here; there is one. */
static struct server *accepting;

static void on_accept_error(struct evconnlistener *listener, void *context)
{
    int error = EVUTIL_SOCKET_ERROR();
    int64_t now_ms = clock_monotonic_ms();
    (void)listener, (void)context;
    set_listening(accepting, false);
    accepting->rest_until_ms = now_ms + TICK_MS / 2; /* not in this moment's tick still */
    if (accepting->accept_noted_ms && now_ms - accepting->accept_noted_ms < ACCEPT_NOTE_MS)
        return;
    accepting->accept_noted_ms = now_ms;
    log_event(LOG_LEVEL_WARN, "accept_failed", "connections=%zu error=%s", accepting->connections.count,
              log_quote(evutil_socket_error_to_string(error)));
}

static int open_door(struct server *server, struct door *door, int fd, bool is_local, struct cm_error *error)
{
    door->server = server;
    door->is_local = is_local;
    door->http = evhttp_new(server->base);
    door->listener = evconnlistener_new(server->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!door->http || !door->listener || !evhttp_bind_listener(door->http, door->listener))
        return error_set(error, CM_EIO, 0, "libevent cannot serve the socket");
    accepting = server;
    evconnlistener_set_error_cb(door->listener, on_accept_error);
    evhttp_set_bevcb(door->http, on_accept, door);
    evhttp_set_gencb(door->http, routes_on_request, &server->routes);
    evhttp_set_allowed_methods(door->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                               EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(door->http, HEADERS_MAX);
    evhttp_set_max_body_size(door->http, CM_LIMIT_BATCH_BYTES);
    const struct timeval timeout = {
        .tv_sec = (time_t)(config_integer(server->settings->config, "collector.request_timeout") / 1000)};
    evhttp_set_timeout_tv(door->http, &timeout);
    return 0;
}

/* --- The loop ------------------------------------------------------------------------------------------------------------------------ */

static void on_done(evutil_socket_t fd, short what, void *context)
{
    struct server *server = context;
    (void)fd, (void)what;
    for (struct job *job; (job = queue_take_done(server->queue)) != NULL;)
        routes_answer(&server->routes, job);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    sweep(context);
}

/* A renewed certificate or another CA is taken without a restart. What cannot be used is told, and the old one stays. */
static void renew_tls(struct server *server)
{
    struct cm_error error = {0};
    SSL_CTX *fresh = NULL;
    if (tls_context(server->settings->config, &fresh, &error) != 0) {
        log_event(LOG_LEVEL_ERROR, "tls_kept", "%s", log_error(&error));
        return;
    }
    SSL_CTX_free(server->tls_context);
    server->tls_context = fresh;
    log_event(LOG_LEVEL_INFO, "tls_renewed", "cert=%s",
              log_quote(config_string(server->settings->config, "collector.tls.cert")));
}

static void look_after_tls(struct server *server)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!server->tls_context || now_ms - server->tls_looked_ms < TLS_LOOK_MS)
        return;
    server->tls_looked_ms = now_ms;
    if (tls_files_changed(server->settings->config, &server->tls_files))
        renew_tls(server);
}

static void on_reload(evutil_socket_t fd, short what, void *context)
{
    struct server *server = context;
    (void)fd, (void)what;
    if (server->tls_context) {
        (void)tls_files_changed(server->settings->config, &server->tls_files);
        renew_tls(server);
    }
}

static void give_back_memory(struct server *server)
{
    size_t held = server->connections.held, count = server->connections.count;
    server->was_high = server->was_high || held > HIGH_WATER || count > CROWD;
    if (!server->was_high || held > LOW_WATER || count > CROWD || atomic_load(&server->state->working))
        return;
    malloc_trim(0);
    server->was_high = false;
}

/* Until the workers ended, or their time is over, everybody is served: with 503. Then until every answer has left, or time is over. */
static void look_for_end(struct server *server)
{
    int64_t now_ms = clock_monotonic_ms();
    if (server->work_by_ms && !server->stop_by_ms) {
        bool ended = queue_ended(server->queue, 0);
        if (!ended && now_ms < server->work_by_ms)
            return;
        on_done(-1, 0, server);
        if (!ended)
            queue_give_up(server->queue, routes_give_up, &server->routes);
        set_listening(server, false);
        routes_close_idle(&server->routes);
        server->stop_by_ms = now_ms + FLUSH_MS;
    }
    if (server->stop_by_ms && (server->connections.count == 0 || now_ms > server->stop_by_ms))
        event_base_loopbreak(server->base);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct server *server = context;
    (void)fd, (void)what;
    sweep(server);
    look_after_tls(server);
    give_back_memory(server);
    look_for_end(server);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct server *server = context;
    (void)what;
    if (server->work_by_ms)
        return;
    log_event(LOG_LEVEL_INFO, "stopping", "signal=%d working=%u waiting=%u", (int)fd,
              atomic_load(&server->state->working), atomic_load(&server->state->queue_depth));
    atomic_store(&server->state->stopping, true);
    queue_stop(server->queue); /* transactions under way are finished first */
    on_done(-1, 0, server);
    routes_close_idle(&server->routes);
    server->work_by_ms = clock_monotonic_ms() + WORK_MS;
}

static int make_events(struct server *server, struct cm_error *error)
{
    const struct timeval tick = {.tv_usec = TICK_MS * 1000};
    server->done = event_new(server->base, queue_fd(server->queue), EV_READ | EV_PERSIST, on_done, server);
    server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
    server->sweep = server->connections.sweep = event_new(server->base, -1, 0, on_sweep, server);
    server->stop[0] = evsignal_new(server->base, SIGTERM, on_stop, server);
    server->stop[1] = evsignal_new(server->base, SIGINT, on_stop, server);
    server->reload = evsignal_new(server->base, SIGHUP, on_reload, server);
    if (!server->done || !server->tick || !server->sweep || !server->stop[0] || !server->stop[1] || !server->reload ||
        event_add(server->reload, NULL) != 0 || event_add(server->done, NULL) != 0 ||
        event_add(server->tick, &tick) != 0 || event_add(server->stop[0], NULL) != 0 ||
        event_add(server->stop[1], NULL) != 0)
        return error_set(error, CM_EIO, 0, "libevent cannot make its events");
    return 0;
}

static int open_doors(struct server *server, struct cm_error *error)
{
    const struct settings *settings = server->settings;
    char address[64];
    int fd = -1, code = 0;
    if (settings->socket)
        code = unix_listen(settings->socket, &server->socket, error);
    if (!code && settings->socket) {
        code = open_door(server, &server->local, server->socket.fd, true, error);
        if (!code)
            log_event(LOG_LEVEL_INFO, "listening", "socket=%s", log_quote(settings->socket));
    }
    if (!code && settings->listen) {
        (void)tls_files_changed(settings->config, &server->tls_files);
        code = tls_context(settings->config, &server->tls_context, error);
        if (!code)
            code = tcp_listen(settings->listen, &fd, address, sizeof address, error);
        if (!code)
            code = open_door(server, &server->tls, fd, false, error);
        if (!code)
            log_event(LOG_LEVEL_INFO, "listening", "tls=%s", address);
    }
    return code;
}

static size_t count_connections(const struct settings *settings)
{
    return descriptors_bound((size_t)config_integer(settings->config, "collector.connections"),
                             (unsigned)config_integer(settings->config, "collector.workers"), ACCEPTS_AT_ONCE);
}

static void log_libevent(int severity, const char *message)
{
    static const enum log_level levels[] = {[EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
                                            [EVENT_LOG_MSG] = LOG_LEVEL_INFO,
                                            [EVENT_LOG_WARN] = LOG_LEVEL_WARN,
                                            [EVENT_LOG_ERR] = LOG_LEVEL_ERROR};
    bool known = severity >= 0 && (size_t)severity < sizeof levels / sizeof levels[0];
    log_event(known ? levels[severity] : LOG_LEVEL_WARN, "libevent", "message=%s", log_quote(message));
}

int server_new(const struct settings *settings, struct state *state, struct queue *queue, struct roster *roster,
               struct server **out, struct cm_error *error)
{
    struct server *server = cm_calloc(1, sizeof *server);
    server->settings = settings;
    server->state = state;
    server->queue = queue;
    server->socket.fd = server->socket.lock_fd = -1;
    event_set_log_callback(log_libevent);
    connections_init(&server->connections, settings, state, roster, count_connections(settings));
    routes_init(&server->routes, settings, state, queue, &server->connections);
    server->base = event_base_new();
    int code = server->base ? open_doors(server, error) : error_set(error, CM_EIO, 0, "libevent does not start");
    if (!code)
        code = make_events(server, error);
    if (code)
        server_free(server);
    else
        *out = server;
    return code;
}

void server_run(struct server *server, void (*ready)(void))
{
    ready();
    event_base_dispatch(server->base);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    struct event *events[] = {server->done,    server->tick,    server->sweep,
                              server->stop[0], server->stop[1], server->reload};
    if (server->local.http)
        evhttp_free(server->local.http);
    if (server->tls.http)
        evhttp_free(server->tls.http);
    connections_done(&server->connections);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i])
            event_free(events[i]);
    unix_close(&server->socket);
    SSL_CTX_free(server->tls_context);
    if (server->base)
        event_base_free(server->base);
    libevent_global_shutdown();
    free(server);
}
