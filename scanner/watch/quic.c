/* QUIC Initial packets of both sides, as far as the hellos in their CRYPTO frames.
 *
 * The keys come from the Destination Connection ID of the client's first packet, or of its first after a Retry. Which side is the client's is known by which keys
 * open a packet. The conversation inside (session_read.c) takes the hellos and tells what they say. */
#include "scanner/watch/quic.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/watch/assembly.h"
#include "scanner/watch/memory_cost.h"
#include "scanner/watch/quic_crypt.h"
#include "scanner/watch/session_private.h"

enum {
    HELLO_MAX = 64 * 1024,
    PACKETS_MAX = 64, /* Initial packets opened of one conversation */
    MISSES_MAX = 16,  /* that no key opens */
    FRAME_PADDING = 0,
    FRAME_PING = 1,
    FRAME_ACK = 2,
    FRAME_ACK_ECN = 3,
    FRAME_CRYPTO = 6,
};

struct quic {
    struct session *session;
    int client;       /* direction; -1 unknown */
    uint32_t version; /* of the last packet that was opened: the one that both agreed on */
    /* What the keys are made from, once a packet of the client was opened. */
    uint8_t id[QUIC_ID_MAX], id_size;
    struct quic_keys keys[2]; /* [0] of the client; [1] of the server, once a packet of his is there */
    uint32_t versions[2];     /* that they are for; 0: not made yet */
    unsigned packets, misses;
    struct assembly crypto[2]; /* by direction */
    uint32_t given[2];         /* bytes of crypto that were read */
};

struct initial { /* the cleartext of a long header (RFC 9000 §17.2) */
    uint32_t version;
    struct slice destination;
    struct slice packet; /* this packet alone; others may be coalesced behind it */
    size_t number_at;
    bool is_initial;
};

/* RFC 9000 §16. */
static int read_varint(struct cursor *at, uint64_t *value)
{
    uint8_t first, next;
    if (cursor_u8(at, &first))
        return CM_ETRUNCATED;
    uint64_t sum = first & 0x3f;
    for (unsigned more = (1u << (first >> 6)) - 1; more > 0; more--) {
        if (cursor_u8(at, &next))
            return CM_ETRUNCATED;
        sum = sum << 8 | next;
    }
    *value = sum;
    return 0;
}

/* 0-RTT, Handshake and Initial packets have a length; Retry has none and ends the datagram. v2 numbers the types anew (RFC 9369 §3.2). */
static int read_long_header(struct cursor *at, struct initial *out)
{
    struct cursor start = *at, destination, source;
    uint8_t first;
    uint64_t token, length;
    if (cursor_u8(at, &first) || !(first & 0x80) || !(first & 0x40) || cursor_u32(at, &out->version) ||
        !quic_version_known(out->version) || cursor_vector8(at, &destination) || cursor_vector8(at, &source) ||
        cursor_left(&destination) > QUIC_ID_MAX || cursor_left(&source) > QUIC_ID_MAX)
        return CM_EMALFORMED;
    unsigned type = first >> 4 & 3, retry = out->version == QUIC_VERSION_2 ? 0 : 3;
    out->is_initial = type == (out->version == QUIC_VERSION_2 ? 1u : 0u);
    out->destination = (struct slice){destination.at, cursor_left(&destination)};
    if (type == retry)
        return CM_EUNSUPPORTED;
    if (out->is_initial && (read_varint(at, &token) || cursor_skip(at, token)))
        return CM_EMALFORMED;
    if (read_varint(at, &length))
        return CM_EMALFORMED;
    out->number_at = (size_t)(at->at - start.at);
    if (length > cursor_left(at) || cursor_skip(at, length))
        return CM_EMALFORMED;
    out->packet = (struct slice){start.at, (size_t)(at->at - start.at)};
    return 0;
}

bool quic_may_be(struct slice payload)
{
    struct cursor at;
    struct initial initial;
    cursor_init_slice(&at, payload);
    return payload.size >= 64 && (payload.data[0] & 0xc0) == 0xc0 && read_long_header(&at, &initial) == 0 &&
           initial.is_initial;
}

bool quic_concerns(struct slice payload)
{
    struct cursor at;
    uint8_t first;
    uint32_t version;
    cursor_init_slice(&at, payload);
    return cursor_u8(&at, &first) == 0 && (first & 0xc0) == 0xc0 && cursor_u32(&at, &version) == 0 &&
           quic_version_known(version);
}

/* --- frames -------------------------------------------------------------------------------------------------------- */

static int skip_ack(struct cursor *at, bool ecn)
{
    uint64_t value, ranges;
    if (read_varint(at, &value) || read_varint(at, &value) || read_varint(at, &ranges) || read_varint(at, &value) ||
        ranges > cursor_left(at))
        return CM_EMALFORMED;
    for (uint64_t i = 0; i < 2 * ranges + (ecn ? 3 : 0); i++) {
        if (read_varint(at, &value))
            return CM_EMALFORMED;
    }
    return 0;
}

static int read_crypto(struct assembly *crypto, struct cursor *at)
{
    uint64_t offset, size;
    struct slice bytes;
    if (read_varint(at, &offset) || read_varint(at, &size) || cursor_slice(at, size, &bytes))
        return CM_EMALFORMED;
    if (offset + size > HELLO_MAX)
        return CM_ELIMIT;
    assembly_put(crypto, (uint32_t)offset, bytes);
    return 0;
}

/* Most of an Initial packet is padding, which are frames of one zero each. */
static void skip_padding(struct cursor *at)
{
    uint64_t word;
    while (cursor_left(at) >= sizeof word && (memcpy(&word, at->at, sizeof word), word == 0))
        at->at += sizeof word;
    while (!cursor_at_end(at) && *at->at == FRAME_PADDING)
        at->at++;
}

static void read_frames(struct quic *quic, int direction, struct slice plain)
{
    struct cursor at;
    uint64_t type;
    int code = 0;
    cursor_init_slice(&at, plain);
    while (!code && !cursor_at_end(&at)) {
        skip_padding(&at);
        if (read_varint(&at, &type))
            return;
        if (type == FRAME_CRYPTO)
            code = read_crypto(&quic->crypto[direction], &at);
        else if (type == FRAME_ACK || type == FRAME_ACK_ECN)
            code = skip_ack(&at, type == FRAME_ACK_ECN);
        else if (type != FRAME_PING)
            return; /* CONNECTION_CLOSE: nothing follows */
    }
}

/* The hellos at the start of a direction's CRYPTO stream, each once it is whole: a HelloRetryRequest makes two of them. */
static void give_hellos(struct quic *quic, int direction)
{
    const struct assembly *crypto = &quic->crypto[direction];
    uint8_t expected = direction == quic->client ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO;
    struct cursor at, body;
    struct tls_message message;
    for (;;) {
        cursor_init(&at, crypto->bytes, assembly_prefix(crypto));
        if (cursor_skip(&at, quic->given[direction]) || cursor_u8(&at, &message.type) || cursor_vector24(&at, &body) ||
            message.type != expected)
            return;
        quic->given[direction] = (uint32_t)cursor_offset(&at);
        message.body = message.whole = (struct slice){body.at, cursor_left(&body)};
        session_message(quic->session, direction, &message);
    }
}

/* --- packets ------------------------------------------------------------------------------------------------------- */

/* A packet of the client that the keys at hand do not open, or his first. */
static bool open_anew(struct quic *quic, int direction, const struct initial *initial, uint8_t *plain, size_t *size)
{
    struct quic_keys keys;
    if (quic_initial_keys(initial->version, initial->destination, false, &keys) ||
        quic_open(&keys, initial->packet, initial->number_at, plain, size))
        return false;
    quic->client = direction;
    quic->id_size = (uint8_t)initial->destination.size;
    memcpy(quic->id, initial->destination.data, initial->destination.size);
    if (quic->version && quic->version != initial->version && !quic->given[direction])
        assembly_done(&quic->crypto[direction]); /* another hello, after a Version Negotiation */
    quic->version = initial->version;
    quic->keys[0] = keys;
    quic->versions[0] = initial->version;
    quic->versions[1] = 0;
    return true;
}

/* Deriving costs more than opening: half of all conversations show the client alone. A server may answer in another version (RFC 9368 §2.3): the same ID makes other keys
 * then, and the client goes on with those too. */
static const struct quic_keys *keys_of(struct quic *quic, bool server, uint32_t version)
{
    if (quic->versions[server] != version)
        quic->versions[server] =
            quic_initial_keys(version, (struct slice){quic->id, quic->id_size}, server, &quic->keys[server]) == 0
                ? version
                : 0;
    return quic->versions[server] ? &quic->keys[server] : NULL;
}

/* True with the plaintext when a key opens it; settles who the client is. */
static bool open_packet(struct quic *quic, int direction, const struct initial *initial, struct slice *plain)
{
    static _Thread_local uint8_t bytes[QUIC_PACKET_MAX];
    bool known = quic->client >= 0, server = known && direction != quic->client;
    size_t size = 0;
    const struct quic_keys *keys = known ? keys_of(quic, server, initial->version) : NULL;
    bool open = keys && quic_open(keys, initial->packet, initial->number_at, bytes, &size) == 0;
    if (!open && !server)
        open = open_anew(quic, direction, initial, bytes, &size);
    if (open)
        quic->version = initial->version;
    *plain = (struct slice){bytes, size};
    return open;
}

struct quic *quic_new(const struct session_options *options, const struct place places[2], int64_t at_us)
{
    struct quic *quic = cm_calloc(1, sizeof *quic);
    quic->session = session_new(options, places, at_us);
    quic->session->transport = OBSERVED_QUIC;
    quic->client = -1;
    session_begin_reading(quic->session, 0);
    session_begin_reading(quic->session, 1);
    return quic;
}

void quic_free(struct quic *quic)
{
    if (!quic)
        return;
    assembly_done(&quic->crypto[0]);
    assembly_done(&quic->crypto[1]);
    session_free(quic->session);
    free(quic);
}

static void read_initial(struct quic *quic, int direction, const struct initial *initial)
{
    struct slice plain;
    if (++quic->packets > PACKETS_MAX)
        return;
    if (!open_packet(quic, direction, initial, &plain)) {
        quic->misses++;
        return;
    }
    quic->session->quic_version = quic->version;
    read_frames(quic, direction, plain);
    give_hellos(quic, direction);
}

bool quic_datagram(struct quic *quic, int direction, struct slice payload, int64_t at_us)
{
    struct cursor at;
    struct initial initial;
    quic->session->at_us = at_us;
    cursor_init_slice(&at, payload);
    while (!cursor_at_end(&at) && read_long_header(&at, &initial) == 0) {
        if (initial.is_initial)
            read_initial(quic, direction, &initial);
    }
    return !session_is_over(quic->session) && quic->misses < MISSES_MAX && quic->packets <= PACKETS_MAX;
}

void quic_end(struct quic *quic)
{
    if (quic->client >= 0 &&
        quic->given[quic->client]) /* the client's hello alone is all that can be had of a capture of one side */
        quic->session->directions[quic->client].encrypted = true;
    session_end(quic->session);
}

size_t quic_memory(const struct quic *quic)
{
    return memory_cost(sizeof *quic) + memory_cost(quic->crypto[0].capacity) + memory_cost(quic->crypto[1].capacity) +
           session_memory(quic->session);
}
