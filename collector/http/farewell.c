/* Answers before the request is whole. evhttp knows none: so its callbacks are put aside, the answer is written past it, what still
 * comes in is thrown away for a moment (a socket closed over unread bytes is reset, and takes the answer with it), and evhttp is given
 * back its connection to close.
 *
 *   served ──connection_farewell──► leaving: answer going out ──written──► our side shut, input thrown away
 *                                       │                                        │
 *                                       └──the peer closes, an error, a second over──► farewell_end: evhttp closes */
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "certmuster/timefmt.h"
#include "collector/http/connections.h"

enum { LINGER_MS = 1000 };

static const char *phrase(int status)
{
    return status == 408 ? "Request Timeout" : "Too Many Requests";
}

static void on_read(struct bufferevent *stream, void *context)
{
    struct evbuffer *input = bufferevent_get_input(stream);
    (void)context;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_written(struct bufferevent *stream, void *context)
{
    struct connection *connection = context;
    if (connection->held_in > 0) /* pieces of a body that evhttp keeps until it closes: memory is what this is about */
        connection->deadline_ms = 1;
    else
        shutdown(bufferevent_getfd(stream), SHUT_WR);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    (void)stream, (void)what;
    farewell_end(context);
}

void farewell_end(struct connection *connection)
{
    bufferevent_setcb(connection->stream, NULL, NULL, connection->served.on_event, connection->served.context);
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

void connection_farewell(struct connection *connection, int status, const char *text)
{
    struct bufferevent *stream = connection->stream;
    char body[256], answer[512];
    int size = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", text);
    int total = snprintf(answer, sizeof answer,
                         "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nRetry-After: "
                         "1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
                         status, phrase(status), size, body);
    bufferevent_getcb(stream, NULL, NULL, &connection->served.on_event, &connection->served.context);
    atomic_fetch_add(&connection->all->state->connections_dropped, 1);
    connection->leaving = true;
    connection->deadline_ms = clock_monotonic_ms() + LINGER_MS;
    bufferevent_setcb(stream, on_read, on_written, on_event, connection);
    on_read(stream, connection);
    bufferevent_write(stream, answer, (size_t)total);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
}
