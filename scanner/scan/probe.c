/* The life of one probe, see probe.h for its states.
 *
 * Owns one descriptor at a time and two timers (the deadline; how long a greeting is waited for). A handshake is made only once the
 * connection stands, so that a probe that waits for an answer to its SYN costs a few hundred bytes. Connections end with RST (SO_LINGER 0):
 * nothing is left in TIME_WAIT, and a hundred thousand probes do not use up the ports of this host. */
#include "scanner/scan/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scanner/scan/connect.h"
#include "scanner/scan/negotiate.h"
#include "scanner/tls/sniff.h"

enum { READ_BYTES = 64 * 1024, SHORTAGE_RETRY_MS = 100, DETAIL_SIZE = 256 };

enum state { WAITING, CONNECTING, LISTENING, DIALOGUE, HANDSHAKE };

struct probe {
    const struct probe_shared *shared;
    struct probe_ask ask;
    struct probe_links links;
    struct watch watch;
    struct timer deadline, pause; /* pause: a greeting is waited for, or a descriptor */
    enum state state;
    enum starttls protocol; /* of the present try; STARTTLS_AUTO while listening */
    unsigned tried;         /* bits 1 << enum starttls */
    bool known_port, greeted, without_alpn, guessing;
    int64_t deadline_ms, connect_began_ms, connected_ms, handshake_began_ms;
    struct dialogue *dialogue;
    struct handshake *handshake;
    enum sniffed greeting;
    struct attempts attempts;
    size_t told; /* of the attempts, the one that is the result when guesses come to nothing: 1-based, 0: none */
    const char *told_stage;
    enum starttls told_protocol;
};

/* A try's failure, until it becomes the result or an attempt. */
struct failure {
    const char *stage;
    enum record_error error;
    const char *detail;
};

static int64_t now(const struct probe *probe)
{
    return loop_now(probe->shared->loop);
}

/* --- ending ---------------------------------------------------------------------------------------------------------- */

static void close_connection(struct probe *probe)
{
    if (probe->watch.fd < 0)
        return;
    loop_unwatch(probe->shared->loop, &probe->watch);
    close(probe->watch.fd);
    probe->watch.fd = -1;
}

static void drop_try(struct probe *probe)
{
    close_connection(probe);
    loop_cancel_timer(probe->shared->loop, &probe->pause);
    if (probe->dialogue) {
        dialogue_done(probe->dialogue);
        free(probe->dialogue);
        probe->dialogue = NULL;
    }
    handshake_free(probe->handshake);
    probe->handshake = NULL;
}

static void probe_free(struct probe *probe)
{
    drop_try(probe);
    loop_cancel_timer(probe->shared->loop, &probe->deadline);
    attempts_done(&probe->attempts);
    free(probe);
}

static void tell(struct probe *probe, struct probe_result *result)
{
    close_connection(probe);
    loop_cancel_timer(probe->shared->loop, &probe->pause);
    loop_cancel_timer(probe->shared->loop, &probe->deadline);
    result->attempts = &probe->attempts;
    probe->shared->done(probe, &probe->ask, result, probe->shared->context);
    probe_free(probe);
}

static void succeed(struct probe *probe)
{
    struct probe_result result = {
        .ok = true,
        .starttls = probe->protocol,
        .handshake = handshake_get_result(probe->handshake),
        .connect_ms = probe->connected_ms - probe->connect_began_ms,
        .handshake_ms = now(probe) - probe->handshake_began_ms,
    };
    tell(probe, &result);
}

/* Guesses came to nothing: the failure before them is the probe's, and stands no longer among the attempts. */
static void tell_earlier(struct probe *probe)
{
    struct attempt earlier = attempts_take(&probe->attempts, probe->told - 1);
    struct probe_result result = {
        .stage = probe->told_stage,
        .error = earlier.error,
        .detail = earlier.detail,
        .starttls = probe->told_protocol,
        .connect_ms = -1,
        .handshake_ms = -1,
    };
    tell(probe, &result);
    free(earlier.detail);
}

/* --- tries ----------------------------------------------------------------------------------------------------------- */

static void keep_attempt(struct probe *probe, const struct failure *failure)
{
    attempts_add(&probe->attempts, probe->protocol, failure->error, failure->detail);
}

static void begin_try(struct probe *probe);

/* What --starttls auto does after a failure: true when another try is under way. */
static bool try_another(struct probe *probe, const struct failure *failure)
{
    struct negotiate_past past = {
        .tried = probe->tried,
        .last = probe->protocol,
        .error = failure->error,
        .greeting = probe->greeting,
        .known_port = probe->known_port,
    };
    enum starttls next;
    bool guess;
    if (probe->ask.mode != STARTTLS_AUTO || probe->protocol == STARTTLS_AUTO || !negotiate_next(&past, &next, &guess))
        return false;
    keep_attempt(probe, failure);
    if (guess && !probe->told) {
        probe->told = probe->attempts.count;
        probe->told_stage = failure->stage;
        probe->told_protocol = probe->protocol;
    }
    probe->guessing = guess;
    drop_try(probe);
    probe->protocol = next;
    begin_try(probe);
    return true;
}

/* ALPN is a courtesy that a strict server punishes (RFC 7301 §3.2): once more without. */
static bool try_without_alpn(struct probe *probe, const struct failure *failure)
{
    if (probe->without_alpn || failure->error != RECORD_ERROR_ALERT || !failure->detail ||
        strcmp(failure->detail, "no_application_protocol") != 0)
        return false;
    keep_attempt(probe, failure);
    probe->without_alpn = true;
    drop_try(probe);
    begin_try(probe);
    return true;
}

/* Ends the present try: the result, unless another one is worth it. final: whatever is left, this is the end. */
static void end_try(struct probe *probe, const struct failure *failure, bool final)
{
    if (!final && (try_without_alpn(probe, failure) || try_another(probe, failure)))
        return;
    if (probe->guessing && failure->error != RECORD_ERROR_CANCELLED) {
        keep_attempt(probe, failure);
        tell_earlier(probe);
        return;
    }
    struct probe_result result = {
        .stage = failure->stage,
        .error = failure->error,
        .detail = failure->detail,
        .starttls = probe->protocol == STARTTLS_AUTO ? STARTTLS_NONE : probe->protocol,
        .handshake = probe->handshake ? handshake_get_result(probe->handshake) : NULL,
        .connect_ms = probe->connected_ms ? probe->connected_ms - probe->connect_began_ms : -1,
        .handshake_ms = -1,
    };
    tell(probe, &result);
}

/* The connection ended under us (or the time did): what that means depends on how far we came. */
static void end_of_connection(struct probe *probe, enum handshake_end end, bool final)
{
    struct failure failure = {"connect", handshake_end_error(end), NULL};
    if (probe->state == HANDSHAKE) {
        if (handshake_finish(probe->handshake, end) == HANDSHAKE_CHAIN) {
            succeed(probe);
            return;
        }
        const struct handshake_result *result = handshake_get_result(probe->handshake);
        failure = (struct failure){result->stage, result->error, result->detail};
    } else if (probe->state == DIALOGUE) {
        failure.stage = "starttls";
    } else if (probe->state == LISTENING) {
        failure.stage = "hello";
    } else if (probe->state == WAITING && end == HANDSHAKE_END_DEADLINE) {
        failure.error = RECORD_ERROR_LOCAL;
        failure.detail = "no descriptor, port or memory to spare on this host";
    }
    end_try(probe, &failure, final);
}

static void deadline_passed(struct timer *timer)
{
    end_of_connection(timer->owner, HANDSHAKE_END_DEADLINE, true);
}

void probe_cancel(struct probe *probe)
{
    end_of_connection(probe, HANDSHAKE_END_CANCELLED, true);
}

/* --- bytes ----------------------------------------------------------------------------------------------------------- */

static struct slice output(const struct probe *probe)
{
    if (probe->state == DIALOGUE)
        return dialogue_output(probe->dialogue);
    if (probe->state == HANDSHAKE)
        return handshake_output(probe->handshake);
    return (struct slice){NULL, 0};
}

/* Sends what there is to send and asks the loop for what comes next. A connection that no longer takes bytes is not judged here: an answer
 * that came before the reset may still be there to be read, and the read side ends the probe. */
static void flush(struct probe *probe)
{
    struct slice bytes = output(probe);
    while (bytes.size > 0) {
        ssize_t sent = send(probe->watch.fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            break;
        if (probe->state == DIALOGUE)
            dialogue_sent(probe->dialogue, (size_t)sent);
        else
            handshake_sent(probe->handshake, (size_t)sent);
        bytes = output(probe);
    }
    if (loop_watch(probe->shared->loop, &probe->watch, LOOP_READ | (bytes.size ? LOOP_WRITE : 0))) {
        struct failure failure = {"connect", RECORD_ERROR_LOCAL, strerror(errno)};
        end_try(probe, &failure, true);
    }
}

static void go_on(struct probe *probe, enum handshake_state state)
{
    if (state == HANDSHAKE_CHAIN) {
        succeed(probe);
    } else if (state == HANDSHAKE_FAILED) {
        const struct handshake_result *result = handshake_get_result(probe->handshake);
        struct failure failure = {result->stage, result->error, result->detail};
        end_try(probe, &failure, false);
    } else {
        flush(probe);
    }
}

static void begin_handshake(struct probe *probe)
{
    struct handshake_ask ask = {.name = probe->ask.name,
                                .alpn = !probe->without_alpn && probe->protocol == STARTTLS_NONE};
    probe->state = HANDSHAKE;
    probe->tried |= 1u << probe->protocol;
    probe->handshake_began_ms = now(probe);
    probe->handshake = handshake_new(probe->shared->engine, &ask);
    go_on(probe, handshake_feed(probe->handshake, NULL, 0));
}

static void feed_handshake(struct probe *probe, const void *bytes, size_t size)
{
    probe->greeting = sniff((struct slice){bytes, size});
    go_on(probe, handshake_feed(probe->handshake, bytes, size));
}

static void begin_dialogue(struct probe *probe)
{
    probe->state = DIALOGUE;
    probe->tried |= 1u << probe->protocol;
    probe->dialogue = cm_malloc(sizeof *probe->dialogue);
    dialogue_init(probe->dialogue, probe->protocol, probe->shared->client_name);
}

static void feed_dialogue(struct probe *probe, const void *bytes, size_t size)
{
    probe->greeted = true;
    switch (dialogue_feed(probe->dialogue, bytes, size)) {
    case DIALOGUE_READY:
        loop_cancel_timer(probe->shared->loop, &probe->pause);
        begin_handshake(probe);
        break;
    case DIALOGUE_FAILED: {
        char detail[DETAIL_SIZE];
        snprintf(detail, sizeof detail, "%s", probe->dialogue->detail);
        struct failure failure = {"starttls", probe->dialogue->error, detail};
        end_try(probe, &failure, false);
        break;
    }
    case DIALOGUE_GOING:
        flush(probe);
        break;
    }
}

/* A server spoke while we listened: its greeting chooses the dialogue. */
static void feed_listening(struct probe *probe, const void *bytes, size_t size)
{
    struct slice first = {bytes, size};
    loop_cancel_timer(probe->shared->loop, &probe->pause);
    enum starttls protocol = negotiate_by_greeting(sniff(first));
    if (protocol != STARTTLS_NONE && starttls_server_first(protocol)) {
        probe->protocol = protocol;
        begin_dialogue(probe);
        feed_dialogue(probe, bytes, size);
        return;
    }
    struct buf text;
    buf_init(&text, DETAIL_SIZE);
    sniff_describe(first, &text);
    struct failure failure = {"hello", RECORD_ERROR_NOT_TLS, text.data};
    end_try(probe, &failure, true);
    buf_done(&text);
}

static void receive(struct probe *probe)
{
    static _Thread_local uint8_t bytes[READ_BYTES];
    ssize_t size = recv(probe->watch.fd, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (size < 0) {
        struct failure failure = {"connect", RECORD_ERROR_NONE, NULL};
        if (errno == ECONNRESET || errno == EPIPE) {
            end_of_connection(probe, HANDSHAKE_END_RESET, false);
            return;
        }
        failure.detail = strerror(errno);
        failure.error = connect_error_of(errno);
        failure.stage = probe->state == DIALOGUE ? "starttls" : "hello";
        end_try(probe, &failure, true);
        return;
    }
    if (size == 0)
        end_of_connection(probe, HANDSHAKE_END_CLOSED, false);
    else if (probe->state == LISTENING)
        feed_listening(probe, bytes, (size_t)size);
    else if (probe->state == DIALOGUE)
        feed_dialogue(probe, bytes, (size_t)size);
    else
        feed_handshake(probe, bytes, (size_t)size);
}

/* --- connecting ------------------------------------------------------------------------------------------------------ */

static int64_t left_ms(const struct probe *probe)
{
    return probe->deadline_ms - now(probe);
}

static void connected(struct probe *probe)
{
    struct loop *loop = probe->shared->loop;
    probe->connected_ms = now(probe);
    if (probe->protocol == STARTTLS_AUTO) {
        int64_t wait = left_ms(probe) / NEGOTIATE_GREETING_SHARE;
        probe->state = LISTENING;
        loop_set_timer(loop, &probe->pause, now(probe) + (wait < NEGOTIATE_GREETING_MS ? wait : NEGOTIATE_GREETING_MS));
        flush(probe);
    } else if (probe->protocol == STARTTLS_NONE) {
        begin_handshake(probe);
    } else {
        /* A port that is known for a greeting, and keeps silent: perhaps it waits for TLS. A slow greeting (postscreen's 6 s) must fit. */
        if (probe->ask.mode == STARTTLS_AUTO && starttls_server_first(probe->protocol) &&
            !(probe->tried & 1u << STARTTLS_NONE))
            loop_set_timer(loop, &probe->pause, now(probe) + left_ms(probe) * 3 / 4);
        begin_dialogue(probe);
        flush(probe);
    }
}

static void ready(struct watch *watch, unsigned events)
{
    struct probe *probe = watch->owner;
    if (probe->state == CONNECTING) {
        int trouble = 0;
        socklen_t size = sizeof trouble;
        if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &trouble, &size))
            trouble = errno;
        if (trouble) {
            enum record_error error = connect_error_of(trouble);
            struct failure failure = {"connect", error, connect_detail_of(trouble)};
            end_try(probe, &failure, error != RECORD_ERROR_RESET);
        } else if (events & LOOP_WRITE) {
            connected(probe);
        }
        return;
    }
    if (events & (LOOP_READ | LOOP_FAILED))
        receive(probe);
    else
        flush(probe);
}

/* Opens a connection: 0 on its way, CM_ELIMIT for a shortage of this host (errno), CM_EIO for a failure that is the result (errno). */
static int open_connection(struct probe *probe)
{
    int fd;
    int code = connect_start(&probe->ask.ip, probe->ask.scope, probe->ask.port, &fd);
    if (code)
        return code;
    probe->watch.fd = fd;
    probe->state = CONNECTING;
    probe->connect_began_ms = now(probe);
    probe->connected_ms = 0;
    if (loop_watch(probe->shared->loop, &probe->watch, LOOP_WRITE) == 0)
        return 0;
    int trouble = errno;
    close_connection(probe);
    errno = trouble;
    return CM_ELIMIT;
}

/* A further try, which waits for what this host lacks. */
static void begin_try(struct probe *probe)
{
    int code = open_connection(probe);
    if (code == CM_ELIMIT) {
        probe->state = WAITING;
        loop_set_timer(probe->shared->loop, &probe->pause, now(probe) + SHORTAGE_RETRY_MS);
    } else if (code) {
        struct failure failure = {"connect", connect_error_of(errno), connect_detail_of(errno)};
        end_try(probe, &failure, true);
    }
}

static void pause_over(struct timer *timer)
{
    struct probe *probe = timer->owner;
    if (probe->state == WAITING) {
        begin_try(probe);
    } else if (probe->state == LISTENING) {
        probe->protocol = STARTTLS_NONE;
        begin_handshake(probe);
    } else if (probe->state == DIALOGUE && !probe->greeted) {
        struct failure failure = {"starttls", RECORD_ERROR_TIMEOUT, "no greeting"};
        keep_attempt(probe, &failure);
        dialogue_done(probe->dialogue);
        free(probe->dialogue);
        probe->dialogue = NULL;
        probe->protocol = STARTTLS_NONE;
        begin_handshake(probe);
    }
}

int probe_start(const struct probe_shared *shared, const struct probe_ask *ask, struct probe **out, int *shortage)
{
    struct probe *probe = cm_calloc(1, sizeof *probe);
    probe->shared = shared;
    probe->ask = *ask;
    probe->watch = (struct watch){.fd = -1, .ready = ready, .owner = probe};
    probe->deadline = (struct timer){.fire = deadline_passed, .owner = probe};
    probe->pause = (struct timer){.fire = pause_over, .owner = probe};
    probe->deadline_ms = now(probe) + ask->budget_ms;
    probe->protocol = ask->mode;
    if (ask->mode == STARTTLS_AUTO) {
        probe->protocol = negotiate_by_port(ask->port);
        probe->known_port = probe->protocol != STARTTLS_AUTO;
    }
    int code = open_connection(probe);
    if (code == CM_ELIMIT) {
        *shortage = errno;
        free(probe);
        return code;
    }
    if (code) {
        struct failure failure = {"connect", connect_error_of(errno), connect_detail_of(errno)};
        *out = NULL;
        end_try(probe, &failure, true);
        return 0;
    }
    loop_set_timer(shared->loop, &probe->deadline, probe->deadline_ms);
    *out = probe;
    return 0;
}

struct probe_links *probe_get_links(struct probe *probe)
{
    return &probe->links;
}
