/* The life of a conversation: bytes come in, gaps come in, and at some point nothing more is wanted. */
#include "scanner/watch/session.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/watch/memory_cost.h"
#include "scanner/watch/session_private.h"

struct session *session_new(const struct session_options *options, const struct place places[2], int64_t at_us)
{
    struct session *session = cm_malloc(sizeof *session);
    *session = (struct session){
        .options = *options,
        .places = {places[0], places[1]},
        .at_us = at_us,
        .client = -1,
    };
    return session;
}

static void free_reading(struct direction *side)
{
    struct reading *reading = side->reading;
    if (!reading)
        return;
    tls_records_done(&reading->records);
    tls_messages_done(&reading->messages);
    buf_done(&reading->kept);
    free(reading->certificate);
    free(reading);
    side->reading = NULL;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    free_reading(&session->directions[0]);
    free_reading(&session->directions[1]);
    session_secret_free(session);
    free(session->client_part);
    session_free_server(session);
    free(session);
}

void session_free_server(struct session *session)
{
    if (session->server_part) {
        free(session->server_part->alpn);
        free(session->server_part->status);
    }
    free(session->server_part);
    session->server_part = NULL;
}

void session_begin_reading(struct session *session, int direction)
{
    struct direction *side = &session->directions[direction];
    side->phase = PHASE_READING;
    if (side->reading)
        return;
    side->reading = cm_malloc(sizeof *side->reading);
    *side->reading = (struct reading){0};
    tls_records_init(&side->reading->records);
    tls_messages_init(&side->reading->messages, CM_LIMIT_FLIGHT_BYTES);
    buf_init(&side->reading->kept, HELD_MAX);
}

/* In the middle of a message, or of a record that carries some. */
static bool is_inside(const struct reading *reading)
{
    return !tls_messages_at_boundary(&reading->messages) ||
           (!reading->changed && tls_records_inside_handshake(&reading->records));
}

/* Lets go of what was begun; a Certificate that is whole stays until it is told. */
void session_stop_reading(struct session *session, int direction, enum phase phase)
{
    struct direction *side = &session->directions[direction];
    side->phase = (uint8_t)phase;
    if (!side->reading)
        return;
    if (side->heard && is_inside(side->reading)) /* else it may never have been one */
        session->options.counts->truncated++;
    tls_records_done(&side->reading->records);
    tls_messages_done(&side->reading->messages);
    buf_done(&side->reading->kept);
    side->reading->looked = side->reading->another = 0;
    side->reading->doubtful = false;
    tls_records_init(&side->reading->records);
    tls_messages_init(&side->reading->messages, CM_LIMIT_FLIGHT_BYTES);
    side->reading->changed = side->reading->changed && phase == PHASE_OVER;
}

bool session_is_over(const struct session *session)
{
    const struct direction *sides = session->directions;
    if (sides[0].phase == PHASE_OVER && sides[1].phase == PHASE_OVER)
        return true;
    if (session->told & 1u << OBSERVED_HIDDEN)
        return true;
    bool server = session->told & 1u << OBSERVED_SERVER_CHAIN, client = session->told & 1u << OBSERVED_CLIENT_CHAIN;
    if (server && client)
        return true;
    return server && !session->asked && (session->flight_over || session_is_13(session));
}

/* What looked like TLS was none, and left nothing: as if it had never been. */
static void forget_false_start(struct session *session, struct direction *side)
{
    if (side->phase == PHASE_SEARCHING && side->reading && !side->reading->certificate && !session->client_part &&
        !session->server_part)
        free_reading(side);
}

/* In one piece; either may lend from what was held. */
static struct slice join(struct buf *held, struct slice first, struct slice second)
{
    struct buf both;
    buf_init(&both, HELD_MAX);
    buf_append(&both, first.data, first.size);
    buf_append(&both, second.data, second.size);
    buf_done(held);
    *held = both;
    return buf_slice(held);
}

bool session_has_hello(const struct session *session, int direction)
{
    if (session->client < 0 || session->guessed)
        return false;
    return session->client == direction ? session->client_part != NULL : session->server_part != NULL;
}

void session_follow(struct session *session, int direction, struct slice bytes)
{
    struct direction *side = &session->directions[direction];
    struct slice beginning;
    struct buf held;
    buf_init(&held, HELD_MAX);
    while (bytes.size && side->phase != PHASE_OVER && !session_is_over(session)) {
        if (side->phase == PHASE_READING) {
            if (session_read(session, direction, bytes))
                break;
            bytes = session_begin_again(session, direction, &held);
        } else if (session_find(side, &bytes, &beginning)) {
            session_begin_reading(session, direction);
            if (beginning.size)
                bytes = join(&held, beginning, bytes);
        } else {
            break;
        }
    }
    buf_done(&held);
}

bool session_bytes(struct session *session, int direction, struct slice bytes, int64_t at_us)
{
    session->at_us = at_us;
    if (session_is_over(session))
        return false;
    session_follow(session, direction, bytes);
    if (session_is_over(session))
        return false;
    forget_false_start(session, &session->directions[direction]);
    return true;
}

bool session_gap(struct session *session, int direction, uint32_t missing)
{
    struct direction *side = &session->directions[direction];
    if (missing > 0)
        session_look_again(session, direction);
    side->heard |= missing > 0;
    side->tail_size = 0;
    if (side->phase == PHASE_READING || missing == 0)
        session_stop_reading(session, direction, PHASE_SEARCHING);
    return !session_is_over(session);
}

void session_end(struct session *session)
{
    for (int direction = 0; direction < 2; direction++)
        session_look_again(session, direction);
    for (int direction = 0; direction < 2; direction++) {
        const struct reading *reading = session->directions[direction].reading;
        if (reading && is_inside(reading))
            session->options.counts->truncated++;
    }
    session_tell(session, true);
}

int session_client(const struct session *session)
{
    return session->client;
}

size_t session_memory(const struct session *session)
{
    const struct server_part *server = session->server_part;
    size_t sum = memory_cost(sizeof *session) + session_secret_memory(session);
    if (session->client_part)
        sum += memory_cost(sizeof *session->client_part + session->client_part->size);
    if (server)
        sum += memory_cost(sizeof *server + server->size) + memory_cost(server->status_size) +
               memory_cost(server->alpn ? server->hello.alpn.size : 0);
    for (int direction = 0; direction < 2; direction++) {
        const struct reading *reading = session->directions[direction].reading;
        if (reading)
            sum += memory_cost(sizeof *reading) + memory_cost(reading->records.partial.capacity) +
                   memory_cost(reading->messages.partial.capacity) + memory_cost(reading->kept.capacity) +
                   memory_cost(reading->certificate ? reading->certificate_size : 0);
    }
    return sum;
}

int session_usefulness(const struct session *session)
{
    /* A hello costs a liar one packet; that both sides speak of one handshake costs him more. */
    if (session->client_part && session->server_part && (!session->told || session->asked))
        return 3;
    if (session->client_part || session->server_part)
        return 2;
    return session->directions[0].reading || session->directions[1].reading ? 1 : 0;
}
