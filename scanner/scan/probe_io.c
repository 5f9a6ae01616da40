/* The bytes of a probe: what the loop reports, what is received and whom it is given to, what is sent.
 *
 * Owns the thread's one receive buffer. The descriptor is watched by edge: each call reads until a read comes up short, and a
 * server that sends faster than we read has to wait for its next turn like everybody else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "scanner/scan/connect.h"
#include "scanner/scan/negotiate.h"
#include "scanner/scan/probe_private.h"

enum { READ_BYTES = 64 * 1024, READS_PER_TURN = 4 };

/* --- out ------------------------------------------------------------------------------------------------------------- */

static struct slice output(const struct probe *probe)
{
    if (probe->state == PROBE_DIALOGUE)
        return dialogue_output(probe->dialogue);
    if (probe->state == PROBE_HANDSHAKE)
        return handshake_output(probe->handshake);
    return (struct slice){NULL, 0};
}

/* A connection that no longer takes bytes is not judged here: an answer that came before the reset may still be there to be read, and the
 * read side ends the probe. */
void probe_flush(struct probe *probe)
{
    struct slice bytes = output(probe);
    while (bytes.size > 0) {
        ssize_t sent = send(probe->watch.fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == ENOBUFS || errno == ENOMEM)) {
            probe_wait(probe, errno);
            return;
        }
        if (sent < 0) {
            probe->broken = errno == ECONNRESET || errno == EPIPE;
            return;
        }
        if (probe->state == PROBE_DIALOGUE)
            dialogue_sent(probe->dialogue, (size_t)sent);
        else
            handshake_sent(probe->handshake, (size_t)sent);
        bytes = output(probe);
    }
}

/* --- in -------------------------------------------------------------------------------------------------------------- */

static void feed_handshake(struct probe *probe, struct slice bytes)
{
    if (!probe->heard && !sniff_may_be_tls(bytes))
        probe->greeting = (uint8_t)sniff(bytes);
    probe->heard = true;
    probe_go_on(probe, handshake_feed(probe->handshake, bytes.data, bytes.size));
}

static void feed_dialogue(struct probe *probe, struct slice bytes)
{
    probe->heard = true;
    switch (dialogue_feed(probe->dialogue, bytes.data, bytes.size)) {
    case DIALOGUE_READY:
        probe_end_pause(probe);
        tries_guess_was_right(probe);
        probe_begin_handshake(probe);
        break;
    case DIALOGUE_FAILED: {
        char detail[PROBE_DETAIL_SIZE]; /* the dialogue goes with its try */
        snprintf(detail, sizeof detail, "%s", probe->dialogue->detail);
        struct probe_failure failure = {"starttls", probe->dialogue->error, detail};
        probe_fail(probe, &failure, false);
        break;
    }
    case DIALOGUE_GOING:
        probe_flush(probe);
        break;
    }
}

/* A server spoke while we listened: its greeting chooses the dialogue. */
static void feed_listening(struct probe *probe, struct slice bytes)
{
    probe_end_pause(probe);
    if (sniff_may_be_tls(bytes)) { /* an alert, before we said a word */
        probe->protocol = STARTTLS_NONE;
        probe_begin_handshake(probe);
        if (probe->state == PROBE_HANDSHAKE)
            feed_handshake(probe, bytes);
        return;
    }
    enum starttls protocol = negotiate_by_greeting(sniff(bytes));
    if (protocol != STARTTLS_NONE && starttls_server_first(protocol)) {
        probe->protocol = (uint8_t)protocol;
        probe_begin_dialogue(probe);
        feed_dialogue(probe, bytes);
        return;
    }
    struct buf text;
    buf_init(&text, PROBE_DETAIL_SIZE);
    sniff_describe(bytes, &text);
    struct probe_failure failure = {"hello", RECORD_ERROR_NOT_TLS, text.data};
    probe_fail(probe, &failure, true);
    buf_done(&text);
}

static void feed(struct probe *probe, struct slice bytes)
{
    switch ((enum probe_state)probe->state) {
    case PROBE_LISTENING:
        feed_listening(probe, bytes);
        break;
    case PROBE_DIALOGUE:
        feed_dialogue(probe, bytes);
        break;
    case PROBE_HANDSHAKE:
        feed_handshake(probe, bytes);
        break;
    case PROBE_WAITING:
    case PROBE_CONNECTING:
        break;
    }
}

static void receive_failed(struct probe *probe, int trouble)
{
    if (trouble == ECONNRESET || trouble == EPIPE) {
        probe_connection_ended(probe, HANDSHAKE_END_RESET, false);
        return;
    }
    if (connect_is_shortage(trouble)) {
        probe_wait(probe, trouble);
        return;
    }
    struct probe_failure failure = {probe->state == PROBE_DIALOGUE ? "starttls" : "hello", connect_error_of(trouble),
                                    strerror(trouble)};
    probe_fail(probe, &failure, true);
}

/* The connection that a call is about has ended, and perhaps the probe with it. */
static bool is_gone(const struct probe *probe, uint32_t connection)
{
    return probe->finished || probe->watch.fd < 0 || probe->connection != connection;
}

/* ended: the server has closed or reset, so a short read is not the last word. */
static void receive(struct probe *probe, bool ended)
{
    static _Thread_local uint8_t bytes[READ_BYTES];
    uint32_t connection = probe->connection;
    for (int reads = 0; reads < READS_PER_TURN; reads++) {
        ssize_t size = recv(probe->watch.fd, bytes, sizeof bytes, 0);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            receive_failed(probe, errno);
        else if (size == 0)
            probe_connection_ended(probe, probe->broken ? HANDSHAKE_END_RESET : HANDSHAKE_END_CLOSED, false);
        else
            feed(probe, (struct slice){bytes, (size_t)size});
        if (size <= 0 || is_gone(probe, connection) || (!ended && (size_t)size < sizeof bytes))
            return;
    }
    loop_again(probe->shared->loop, &probe->watch);
}

/* --- readiness ------------------------------------------------------------------------------------------------------- */

static void connection_stands_or_failed(struct probe *probe, unsigned events)
{
    int trouble = 0;
    socklen_t size = sizeof trouble;
    if (events & LOOP_FAILED && getsockopt(probe->watch.fd, SOL_SOCKET, SO_ERROR, &trouble, &size))
        trouble = errno;
    if (trouble == ECONNRESET && events & LOOP_READ)
        trouble = 0; /* it stood, and the server said something before it reset it */
    if (connect_is_shortage(trouble)) {
        probe_wait(probe, trouble);
    } else if (trouble) {
        enum record_error error = connect_error_of(trouble);
        struct probe_failure failure = {"connect", error, connect_detail_of(trouble)};
        probe_fail(probe, &failure, error != RECORD_ERROR_RESET);
    } else if (events & LOOP_WRITE) {
        probe_connected(probe);
    }
}

void probe_ready(struct watch *watch, unsigned events)
{
    struct probe *probe = watch->owner;
    uint32_t connection = probe->connection;
    probe->in_call = true;
    if (probe->state == PROBE_CONNECTING)
        connection_stands_or_failed(probe, events);
    else if (events & LOOP_WRITE)
        probe_flush(probe);
    if (events & (LOOP_READ | LOOP_FAILED | LOOP_ENDED) && !is_gone(probe, connection) &&
        probe->state != PROBE_CONNECTING)
        receive(probe, events & (LOOP_ENDED | LOOP_AGAIN));
    probe->in_call = false;
    if (probe->finished)
        probe_free(probe);
}
