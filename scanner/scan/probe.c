/* The life of one probe, see probe.h for its states.
 *
 * Owns one descriptor at a time and one timer: the deadline, or a pause that ends before it. A handshake is made only once the connection
 * stands, so that a probe that waits for an answer to its SYN costs two hundred bytes. Connections end with RST (SO_LINGER 0): nothing is
 * left in TIME_WAIT, and a hundred thousand probes do not use up the ports of this host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/scan/connect.h"
#include "scanner/scan/negotiate.h"
#include "scanner/scan/probe_private.h"

enum {
    SHORTAGE_RETRY_MS = 100,
    ENOUGH_MS = 250, /* for what may follow the certificates */
};

static int64_t now_ms(const struct probe *probe)
{
    return loop_now(probe->shared->loop);
}

const char *probe_name(const struct probe *probe)
{
    bool without = probe->ladder.hello == HELLO_PLAIN || probe->ladder.hello == HELLO_SSLV2;
    return without ? "" : probe->known_name ? probe->known_name : probe->ask.name;
}

struct probe_links *probe_get_links(struct probe *probe)
{
    return &probe->links;
}

/* --- ending ---------------------------------------------------------------------------------------------------------- */

/* polite: where the operator wishes it, the server is told goodbye and has a moment to close first. */
static void close_connection(struct probe *probe, bool polite)
{
    struct farewells *farewells = probe->shared->farewells;
    if (probe->watch.fd < 0)
        return;
    if (polite && farewells && probe->handshake &&
        farewells_take(farewells, &probe->watch, handshake_farewell(probe->handshake)))
        return;
    loop_unwatch(probe->shared->loop, &probe->watch);
    close(probe->watch.fd);
    probe->watch.fd = -1;
}

static void drop_dialogue(struct probe *probe)
{
    if (!probe->dialogue)
        return;
    dialogue_done(probe->dialogue);
    free(probe->dialogue);
    probe->dialogue = NULL;
}

void probe_drop_try(struct probe *probe)
{
    close_connection(probe, false);
    probe_end_pause(probe);
    drop_dialogue(probe);
    handshake_free(probe->handshake);
    probe->handshake = NULL;
}

void probe_free(struct probe *probe)
{
    tries_free(probe->tries);
    free(probe);
}

/* Told first: a server that takes its time to close holds up nobody's result. */
void probe_tell(struct probe *probe, struct probe_result *result)
{
    bool over = result->error == RECORD_ERROR_ALERT || result->error == RECORD_ERROR_CLOSED ||
                result->error == RECORD_ERROR_RESET || result->error == RECORD_ERROR_CANCELLED;
    loop_cancel_timer(probe->shared->loop, &probe->timer);
    result->attempts = tries_attempts(probe);
    probe->shared->done(probe, &probe->ask, result, probe->shared->context);
    close_connection(probe, !over);
    probe_drop_try(probe);
    probe->finished = true;
    if (!probe->in_call)
        probe_free(probe);
}

static void succeed(struct probe *probe)
{
    struct probe_result result = {
        .ok = true,
        .name = probe_name(probe),
        .starttls = (enum starttls)probe->protocol,
        .handshake = handshake_get_result(probe->handshake),
        .connect_ms = probe->connected_ms - probe->connect_began_ms,
        .handshake_ms = now_ms(probe) - probe->handshake_began_ms,
    };
    probe_tell(probe, &result);
}

/* The time is up, and most of it went by while this host lacked something: that the server did not answer in the rest says nothing of it. */
static bool was_held_up(const struct probe *probe)
{
    return probe->lacked && now_ms(probe) - probe->connect_began_ms < probe->ask.budget_ms / 2;
}

/* What the end of the connection means depends on how far we came. */
void probe_connection_ended(struct probe *probe, enum handshake_end end, bool final)
{
    struct probe_failure failure = {"connect", handshake_end_error(end), NULL};
    switch ((enum probe_state)probe->state) {
    case PROBE_HANDSHAKE:
        if (handshake_finish(probe->handshake, end) == HANDSHAKE_CHAIN) {
            succeed(probe);
            return;
        }
        const struct handshake_result *result = handshake_get_result(probe->handshake);
        failure = (struct probe_failure){result->stage, result->error, result->detail};
        break;
    case PROBE_DIALOGUE:
        failure.stage = "starttls";
        break;
    case PROBE_LISTENING:
        failure.stage = "hello";
        break;
    case PROBE_WAITING:
    case PROBE_CONNECTING:
        break;
    }
    if (end == HANDSHAKE_END_DEADLINE && failure.error == RECORD_ERROR_TIMEOUT &&
        (probe->state == PROBE_WAITING || was_held_up(probe))) {
        failure.error = RECORD_ERROR_LOCAL;
        failure.detail = "no descriptor, port or memory to spare on this host";
    }
    probe_fail(probe, &failure, final);
}

void probe_cancel(struct probe *probe)
{
    probe_connection_ended(probe, HANDSHAKE_END_CANCELLED, true);
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static int64_t left_ms(const struct probe *probe)
{
    return probe->deadline_ms - now_ms(probe);
}

/* Unless the deadline comes before. */
static void pause_until(struct probe *probe, int64_t due_ms)
{
    if (due_ms >= probe->deadline_ms)
        return;
    probe->pausing = true;
    loop_set_timer(probe->shared->loop, &probe->timer, due_ms);
}

void probe_end_pause(struct probe *probe)
{
    if (!probe->pausing)
        return;
    probe->pausing = false;
    if (probe->timer.slot)
        loop_set_timer(probe->shared->loop, &probe->timer, probe->deadline_ms);
}

/* A port that is known for a greeting, and keeps silent: perhaps it waits for TLS. */
static void no_greeting(struct probe *probe)
{
    struct probe_failure failure = {"starttls", RECORD_ERROR_TIMEOUT, "no greeting"};
    tries_keep(probe, &failure);
    drop_dialogue(probe);
    probe->protocol = STARTTLS_NONE;
    probe_begin_handshake(probe);
}

static void guess_was_wrong(struct probe *probe)
{
    struct probe_failure failure = {"starttls", RECORD_ERROR_TIMEOUT, "a guess that nobody answered"};
    probe_fail(probe, &failure, false);
}

static void time_is_up(struct timer *timer)
{
    struct probe *probe = timer->owner;
    if (!probe->pausing) {
        probe_connection_ended(probe, HANDSHAKE_END_DEADLINE, true);
        return;
    }
    probe->pausing = false;
    loop_set_timer(probe->shared->loop, timer, probe->deadline_ms);
    switch ((enum probe_state)probe->state) {
    case PROBE_WAITING:
        probe_begin_try(probe);
        break;
    case PROBE_LISTENING:
        probe->protocol = STARTTLS_NONE;
        probe_begin_handshake(probe);
        break;
    case PROBE_DIALOGUE:
        if (probe->guessing)
            guess_was_wrong(probe);
        else if (!probe->heard)
            no_greeting(probe);
        break;
    case PROBE_HANDSHAKE: /* the result has been there since the pause began */
        probe_connection_ended(probe, HANDSHAKE_END_DEADLINE, false);
        break;
    case PROBE_CONNECTING:
        break;
    }
}

/* --- going on -------------------------------------------------------------------------------------------------------- */

void probe_go_on(struct probe *probe, enum handshake_state state)
{
    switch (state) {
    case HANDSHAKE_CHAIN:
        succeed(probe);
        break;
    case HANDSHAKE_FAILED: {
        const struct handshake_result *result = handshake_get_result(probe->handshake);
        struct probe_failure failure = {result->stage, result->error, result->detail};
        probe_fail(probe, &failure, false);
        break;
    }
    case HANDSHAKE_ENOUGH:
        if (!probe->pausing)
            pause_until(probe, now_ms(probe) + ENOUGH_MS);
        break;
    case HANDSHAKE_GOING:
        probe_flush(probe);
        break;
    }
}

void probe_begin_handshake(struct probe *probe)
{
    struct handshake_ask ask = {
        .hello = (enum hello_kind)probe->ladder.hello,
        .name = probe_name(probe),
        .alpn = !probe->ladder.without_alpn && probe->protocol == STARTTLS_NONE,
        .prove = probe->shared->prove,
        .polite = probe->shared->farewells != NULL,
        .flight_max = probe->shared->flight_max,
    };
    probe->state = PROBE_HANDSHAKE;
    probe->tried |= (uint8_t)(1u << probe->protocol);
    probe->heard = false;
    probe->greeting = SNIFFED_UNKNOWN;
    probe->handshake_began_ms = now_ms(probe);
    probe->handshake = handshake_new(probe->shared->engine, &ask);
    probe_flush(probe);
}

void probe_begin_dialogue(struct probe *probe)
{
    probe->state = PROBE_DIALOGUE;
    probe->tried |= (uint8_t)(1u << probe->protocol);
    probe->heard = false;
    probe->dialogue = cm_malloc(sizeof *probe->dialogue);
    dialogue_init(probe->dialogue, (enum starttls)probe->protocol, probe->shared->client_name);
}

static void pause_at_most(struct probe *probe, int64_t ms, int64_t share)
{
    int64_t part = left_ms(probe) / share;
    pause_until(probe, now_ms(probe) + (part < ms ? part : ms));
}

void probe_connected(struct probe *probe)
{
    enum starttls protocol = (enum starttls)probe->protocol;
    probe->connected_ms = now_ms(probe);
    if (protocol == STARTTLS_AUTO) {
        probe->state = PROBE_LISTENING;
        pause_at_most(probe, NEGOTIATE_GREETING_MS, NEGOTIATE_GREETING_SHARE);
    } else if (protocol == STARTTLS_NONE) {
        probe_begin_handshake(probe);
    } else {
        if (probe->guessing)
            pause_at_most(probe, NEGOTIATE_GUESS_MS, NEGOTIATE_GUESS_SHARE);
        /* A slow greeting (postscreen's 6 s) must fit before TLS is tried instead. */
        if (probe->ask.mode == STARTTLS_AUTO && starttls_server_first(protocol) &&
            !(probe->tried & 1u << STARTTLS_NONE))
            pause_until(probe, now_ms(probe) + left_ms(probe) * 3 / 4);
        probe_begin_dialogue(probe);
        probe_flush(probe);
    }
}

/* --- connecting ------------------------------------------------------------------------------------------------------ */

/* 0 on its way, CM_ELIMIT for a shortage of this host (errno), CM_EIO for a failure that is the result (errno). */
static int open_connection(struct probe *probe)
{
    int code = connect_start(&probe->ask.ip, probe->ask.scope, probe->ask.port, &probe->watch.fd);
    if (code)
        return code;
    probe->state = PROBE_CONNECTING;
    probe->connection++;
    probe->broken = false;
    probe->connect_began_ms = now_ms(probe);
    probe->connected_ms = 0;
    if (loop_watch_edges(probe->shared->loop, &probe->watch) == 0)
        return 0;
    int trouble = errno;
    close_connection(probe, false);
    errno = trouble;
    return CM_ELIMIT;
}

static void fail_to_connect(struct probe *probe, int trouble)
{
    struct probe_failure failure = {"connect", connect_error_of(trouble), connect_detail_of(trouble)};
    probe_fail(probe, &failure, true);
}

/* Not a failure of the server's: the same again, later. */
void probe_wait(struct probe *probe, int trouble)
{
    probe->shared->shortage(trouble, probe->shared->context);
    probe_drop_try(probe);
    probe->lacked = true;
    probe->state = PROBE_WAITING;
    pause_until(probe, now_ms(probe) + SHORTAGE_RETRY_MS);
}

void probe_begin_try(struct probe *probe)
{
    int code = open_connection(probe);
    if (code == CM_ELIMIT) {
        probe_wait(probe, errno);
    } else if (code) {
        fail_to_connect(probe, errno);
    }
}

int probe_start(const struct probe_shared *shared, const struct probe_ask *ask, struct probe **out, int *shortage)
{
    struct probe *probe = cm_calloc(1, sizeof *probe);
    probe->shared = shared;
    probe->ask = *ask;
    probe->watch = (struct watch){.fd = -1, .ready = probe_ready, .owner = probe};
    probe->timer = (struct timer){.fire = time_is_up, .owner = probe};
    probe->deadline_ms = now_ms(probe) + ask->budget_ms;
    probe->ladder.named = ask->name[0] != '\0';
    probe->protocol = ask->mode;
    if (ask->mode == STARTTLS_AUTO) {
        probe->protocol = (uint8_t)negotiate_by_port(ask->port);
        probe->known_port = probe->protocol != STARTTLS_AUTO;
    }
    *out = NULL;
    int code = open_connection(probe);
    if (code == CM_ELIMIT) {
        *shortage = errno;
        free(probe);
        return code;
    }
    if (code) {
        fail_to_connect(probe, errno);
        return 0;
    }
    loop_set_timer(shared->loop, &probe->timer, probe->deadline_ms);
    *out = probe;
    return 0;
}
