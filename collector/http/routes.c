/* Requests: a table of paths, identity and rate before anything else, then either an answer from memory or a job. */
#include "collector/http/routes.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { METRICS_MAX = 1 << 20, BUSY_RETRY_S = 1 };

struct exchange { /* one request and what is known of who asks */
    struct routes *routes;
    struct evhttp_request *request;
    struct connection *connection;
    struct peer peer;
};

void routes_init(struct routes *routes, const struct settings *settings, struct state *state, struct queue *queue,
                 struct connections *connections)
{
    *routes = (struct routes){.settings = settings, .state = state, .queue = queue, .connections = connections};
    rate_init(&routes->rate, (unsigned)config_integer(settings->config, "collector.client_rate"));
}

/* --- Answers -------------------------------------------------------------------------------------------------------------------------- */

static void set_header(struct evhttp_request *request, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static void free_body(const void *data, size_t size, void *context)
{
    struct buf *body = context;
    (void)data, (void)size;
    buf_done(body);
    free(body);
}

/* Takes the body's bytes: an answer may be as large as a batch, and one copy of it is enough. */
static struct evbuffer *wrap(struct buf *body)
{
    struct evbuffer *out = evbuffer_new();
    struct buf *kept = cm_malloc(sizeof *kept);
    *kept = *body;
    buf_init(body, body->max);
    if (!out || evbuffer_add_reference(out, kept->data, kept->size, free_body, kept) != 0)
        abort(); /* out of memory */
    return out;
}

/* libevent 2.1 leaves the length out of an answer to HEAD, and sends the bytes that such an answer must not have (RFC 9110, 9.3.2). */
static void keep_length_only(struct evhttp_request *request, struct evbuffer *out)
{
    char length[24];
    size_t size = evbuffer_get_length(out);
    snprintf(length, sizeof length, "%zu", size);
    set_header(request, "Content-Length", length);
    evbuffer_drain(out, size);
}

static void reply(struct routes *routes, struct evhttp_request *request, int status, const char *type, struct buf *body,
                  int retry_after_s)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    struct connection *connection = connections_find(routes->connections, evhttp_connection_get_bufferevent(http));
    struct evbuffer *out = wrap(body);
    char seconds[16];
    set_header(request, "Content-Type", type);
    set_header(request, "Cache-Control", "no-store");
    set_header(request, "X-Content-Type-Options", "nosniff");
    if (retry_after_s) {
        snprintf(seconds, sizeof seconds, "%d", retry_after_s);
        set_header(request, "Retry-After", seconds);
    }
    /* Who is not let in may have another certificate by now: that takes another connection. */
    if (status == 403 || atomic_load(&routes->state->stopping))
        set_header(request, "Connection", "close");
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        keep_length_only(request, out);
    if (connection)
        connection_answered(routes->connections, connection, clock_monotonic_ms());
    evhttp_connection_set_closecb(http, NULL, NULL);
    evhttp_send_reply(request, status, NULL, out); /* last: it may free the request */
    evbuffer_free(out);
}

/* text is ours, without anything to escape. */
static void refuse(const struct exchange *exchange, int status, const char *text, int retry_after_s)
{
    struct buf body;
    buf_init(&body, 256);
    buf_appendf(&body, "{\"error\":\"%s\"}\n", text);
    reply(exchange->routes, exchange->request, status, "application/json", &body, retry_after_s);
}

/* --- Who asks ------------------------------------------------------------------------------------------------------------------------- */

static void deny(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    atomic_fetch_add(&exchange->routes->state->requests_denied, 1);
    log_event(LOG_LEVEL_WARN, "denied", "uid=%d certificate=%s",
              connection && connection->is_local ? (int)connection->uid : -1,
              connection && connection->peer ? connection->peer->fingerprint : "");
    refuse(exchange, 403, "this user or certificate may not speak here; see collector.allow_uids and scanner enrol", 0);
}

/* Who was let in by a certificate that has ended since is told so, and shows another on a connection of its own. */
static void send_away(const struct exchange *exchange)
{
    atomic_fetch_add(&exchange->routes->state->requests_denied, 1);
    log_event(LOG_LEVEL_WARN, "expired", "certificate=%s", exchange->connection->peer->fingerprint);
    refuse(exchange, 403, "the client certificate, or one that it was issued by, has expired", 0);
}

/* Fills peer, or answers. What is stored or given out the workers ask the database for, which knows also what was enrolled this second;
 * what is answered from memory is for those on the list. */
static bool identify(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    bool proven = connection && connection_prove(connection),
         asks = evhttp_request_get_command(exchange->request) != EVHTTP_REQ_POST;
    if (connection && connection_is_over(connection)) {
        send_away(exchange);
        return false;
    }
    if (!proven && (!connection || !connection->peer || asks)) {
        deny(exchange);
        return false;
    }
    if (asks && connection->peer && roster_edition(connection->all->roster) == 0) {
        refuse(exchange, 503, "which certificates are enrolled could not be read yet", BUSY_RETRY_S);
        return false;
    }
    if (connection->peer)
        exchange->peer = *connection->peer;
    else
        exchange->peer = (struct peer){.is_local = true, .uid = connection->uid};
    return true;
}

/* --- Answers from memory -------------------------------------------------------------------------------------------------------------- */

static void get_health(struct exchange *exchange)
{
    struct buf body;
    buf_init(&body, METRICS_MAX);
    bool well = state_health(exchange->routes->state, clock_wall_ms(), &body);
    reply(exchange->routes, exchange->request, well ? 200 : 503, "application/json", &body, 0);
}

static void get_metrics(struct exchange *exchange)
{
    struct buf body;
    buf_init(&body, METRICS_MAX);
    state_metrics(exchange->routes->state, clock_wall_ms(), &body);
    reply(exchange->routes, exchange->request, 200, "text/plain; version=0.0.4; charset=utf-8", &body, 0);
}

/* --- Jobs ------------------------------------------------------------------------------------------------------------------------------ */

/* The client went away while a worker has its job: what is stored stays stored, and the key will say so. */
static void on_close(struct evhttp_connection *connection, void *context)
{
    struct job *job = context;
    (void)connection;
    job->context = NULL;
}

static bool is_key(const char *key)
{
    size_t size = strlen(key);
    if (size == 0 || size > DELIVERY_KEY_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7F)
            return false;
    return true;
}

/* False: refused already. */
static bool read_headers(const struct exchange *exchange, struct job *job)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(exchange->request);
    const char *key = evhttp_find_header(headers, DELIVERY_KEY_HEADER),
               *sent = evhttp_find_header(headers, DELIVERY_SENT_HEADER);
    if (body_encoding_read(evhttp_find_header(headers, "Content-Encoding"), &job->encoding) != 0) {
        set_header(exchange->request, "Accept-Encoding", "zstd, gzip, identity");
        refuse(exchange, 415, "Content-Encoding must be zstd, gzip or identity", 0);
        return false;
    }
    if (job->kind == JOB_BATCH && (!key || !is_key(key))) {
        refuse(exchange, 400, "a batch takes an Idempotency-Key of 1 to 820 printable ASCII characters", 0);
        return false;
    }
    if (sent && timefmt_read_ms(sent, &job->sent_ms) != 0) {
        refuse(exchange, 400, "Certmuster-Sent is no time in RFC 3339", 0);
        return false;
    }
    if (job->kind == JOB_BATCH)
        job->key = cm_strdup(key);
    return true;
}

/* key: of a job that is not a batch; NULL: none. */
static void enqueue(struct exchange *exchange, enum job_kind kind, const char *key)
{
    struct routes *routes = exchange->routes;
    struct job *job = job_new(kind, &exchange->peer);
    job->key = key ? cm_strdup(key) : NULL;
    struct evbuffer *input = evhttp_request_get_input_buffer(exchange->request);
    if (!read_headers(exchange, job)) {
        job_free(job);
        return;
    }
    job->received_ms = clock_monotonic_ms();
    job->client = exchange->connection->client_key;
    job->context = exchange->request;
    job->body = evbuffer_new();
    if (!job->body)
        abort();
    atomic_fetch_add(&routes->state->body_bytes, evbuffer_get_length(input));
    evbuffer_add_buffer(job->body, input); /* moves, does not copy */
    exchange->connection->deadline_ms = 0;
    evhttp_connection_set_closecb(evhttp_request_get_connection(exchange->request), on_close, job);
    enum queue_room room = queue_put(routes->queue, job);
    if (room == QUEUE_ROOM)
        return;
    if (room == QUEUE_STOPPING) {
        routes_answer(routes, job); /* it was never begun */
        return;
    }
    atomic_fetch_add(&routes->state->requests_limited, 1);
    refuse(exchange, 429, room == QUEUE_FULL ? "the queue is full" : "too many requests of yours wait already",
           BUSY_RETRY_S);
    job_free(job);
}

static void post_batches(struct exchange *exchange)
{
    enqueue(exchange, JOB_BATCH, NULL);
}

static void post_missing(struct exchange *exchange)
{
    enqueue(exchange, JOB_MISSING, NULL);
}

static void post_leases(struct exchange *exchange)
{
    enqueue(exchange, JOB_LEASE, NULL);
}

static const char *path_of(struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    return uri ? evhttp_uri_get_path(uri) : NULL;
}

static void post_lease(struct exchange *exchange)
{
    const char *lease = path_of(exchange->request) + sizeof DELIVERY_LEASES; /* its slash is where the NUL is counted */
    uint8_t id[CM_UUID_SIZE];
    if (uuid_read(lease, id) != 0)
        refuse(exchange, 404, "a lease is named by a UUID", 0);
    else
        enqueue(exchange, JOB_LEASE_REPORT, lease);
}

void routes_answer(struct routes *routes, struct job *job)
{
    struct evhttp_request *request = job->context;
    if (job->answer.status == 0) { /* it was never begun */
        job->answer.status = 503;
        job->retry_after_s = BUSY_RETRY_S;
        buf_append_str(&job->answer.body, "{\"error\":\"the collector is stopping\"}\n");
    }
    if (request)
        reply(routes, request, job->answer.status, "application/json", &job->answer.body, job->retry_after_s);
    job_free(job);
}

void routes_give_up(void *context, struct job *job)
{
    struct routes *routes = context;
    struct evhttp_request *request = job->context;
    struct buf body;
    job->context = NULL;
    if (!request)
        return;
    buf_init(&body, 256);
    buf_append_str(&body, "{\"error\":\"the collector is stopping, and the database takes too long\"}\n");
    reply(routes, request, 503, "application/json", &body, BUSY_RETRY_S);
}

/* --- Dispatch --------------------------------------------------------------------------------------------------------------------------- */

static const struct route {
    const char *path;
    enum evhttp_cmd_type method;
    const char *allow;
    void (*serve)(struct exchange *exchange);
} table[] = {
    {DELIVERY_BATCHES, EVHTTP_REQ_POST, "POST", post_batches},
    {DELIVERY_MISSING, EVHTTP_REQ_POST, "POST", post_missing},
    {DELIVERY_LEASES, EVHTTP_REQ_POST, "POST", post_leases},
    {"/v1/leases/{lease}", EVHTTP_REQ_POST, "POST", post_lease},
    {"/healthz", EVHTTP_REQ_GET, "GET, HEAD", get_health},
    {"/metrics", EVHTTP_REQ_GET, "GET, HEAD", get_metrics},
};

/* Braces at a path's end stand for what the route reads itself. */
static bool is_path(const char *pattern, const char *path)
{
    size_t fixed = strcspn(pattern, "{");
    return pattern[fixed] ? strncmp(pattern, path, fixed) == 0 : strcmp(pattern, path) == 0;
}

static const struct route *find_route(struct evhttp_request *request)
{
    const char *path = path_of(request);
    for (size_t i = 0; path && i < sizeof table / sizeof table[0]; i++)
        if (is_path(table[i].path, path))
            return &table[i];
    return NULL;
}

void routes_on_request(struct evhttp_request *request, void *context)
{
    struct routes *routes = context;
    struct bufferevent *stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
    struct exchange exchange = {
        .routes = routes, .request = request, .connection = connections_find(routes->connections, stream)};
    if (!identify(&exchange))
        return;
    if (!rate_take(&routes->rate, exchange.connection->client_key, clock_monotonic_ms())) {
        atomic_fetch_add(&routes->state->requests_limited, 1);
        refuse(&exchange, 429, "too many requests; see collector.client_rate", BUSY_RETRY_S);
        return;
    }
    const struct route *route = find_route(request);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (!route) {
        refuse(&exchange, 404, "no such path", 0);
    } else if (method != route->method && !(method == EVHTTP_REQ_HEAD && route->method == EVHTTP_REQ_GET)) {
        set_header(request, "Allow", route->allow);
        refuse(&exchange, 405, "this path does not take that method", 0);
    } else {
        route->serve(&exchange);
    }
}

void routes_close_idle(struct routes *routes)
{
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < routes->connections->count; i++) {
        struct connection *connection = routes->connections->list[i];
        /* What is worked on is waited for, and what is being written; the rest has nothing to wait for. */
        if (connection->deadline_ms != 0 && evbuffer_get_length(bufferevent_get_output(connection->stream)) == 0)
            connection->deadline_ms = now - 1;
    }
}
