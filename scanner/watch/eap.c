/* EAP packets to TLS bytes. The authentication server sends requests and is the TLS server; the peer answers.
 *
 * A request is repeated with its identifier when no response came, so the same identifier twice in a row in one direction is the same packet. An answer
 * without data acknowledges a fragment. */
#include "scanner/watch/eap.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/watch/session_private.h"

enum {
    CONVERSATIONS_MAX = 512,
    PORT_RADIUS = 1812,
    PORT_RADIUS_OLD = 1645,
    RADIUS_HEADER = 20,
    RADIUS_EAP_MESSAGE = 79,
    EAP_MAX = 4096, /* the largest RADIUS packet (RFC 2865 §3) */
    CODE_REQUEST = 1,
    CODE_RESPONSE = 2,
    FLAG_LENGTH = 0x80,
    FLAG_START = 0x20,
    FLAG_VERSION_LENGTH = 4 /* of the message length that FLAG_LENGTH announces */
};

struct conversation {
    struct place server, client;
    uint64_t last;     /* which packet of all it was */
    int identifier[2]; /* of the last packet; [0] of the client; -1: none */
    bool over;
    struct session *session; /* direction 0: the client's; NULL: a free row */
    size_t memory;           /* of session, as accounted */
};

struct eaps {
    struct session_options options;
    size_t memory, memory_max;
    uint64_t packets;
    struct conversation rows[CONVERSATIONS_MAX];
};

struct eaps *eaps_new(const struct session_options *options, size_t memory_max)
{
    struct eaps *eaps = cm_calloc(1, sizeof *eaps);
    eaps->options = *options;
    eaps->memory_max = memory_max;
    return eaps;
}

static void end(struct eaps *eaps, struct conversation *row)
{
    if (!row->session)
        return;
    if (!row->over)
        session_end(row->session);
    session_free(row->session);
    eaps->memory -= row->memory;
    *row = (struct conversation){0};
}

void eaps_flush(struct eaps *eaps)
{
    for (size_t i = 0; i < CONVERSATIONS_MAX; i++)
        end(eaps, &eaps->rows[i]);
}

void eaps_free(struct eaps *eaps)
{
    if (!eaps)
        return;
    for (size_t i = 0; i < CONVERSATIONS_MAX; i++)
        session_free(eaps->rows[i].session);
    free(eaps);
}

static struct conversation *find_or_begin(struct eaps *eaps, const struct place *server, const struct place *client,
                                          int64_t at_us)
{
    struct conversation *oldest = &eaps->rows[0];
    for (size_t i = 0; i < CONVERSATIONS_MAX; i++) {
        struct conversation *row = &eaps->rows[i];
        if (row->session && place_equal(&row->server, server) && place_equal(&row->client, client))
            return row;
        if (row->last < oldest->last) /* of a free row: 0 */
            oldest = row;
    }
    end(eaps, oldest);
    struct place places[2] = {*client, *server};
    *oldest = (struct conversation){.server = *server, .client = *client, .identifier = {-1, -1}};
    oldest->session = session_new(&eaps->options, places, at_us);
    oldest->session->transport = OBSERVED_EAP;
    return oldest;
}

static bool carries_tls(uint8_t type)
{
    return type == 13 || type == 21 || type == 25 || type == 43 || type == 55;
}

struct eap_packet {
    uint8_t code, identifier, flags;
    struct slice data; /* TLS bytes */
};

/* CM_EUNSUPPORTED for EAP that carries no TLS. */
static int read_eap(struct slice bytes, struct eap_packet *out)
{
    struct cursor at;
    uint8_t type;
    uint16_t length;
    cursor_init_slice(&at, bytes);
    if (cursor_u8(&at, &out->code) || cursor_u8(&at, &out->identifier) || cursor_u16(&at, &length) ||
        length > bytes.size)
        return CM_EMALFORMED;
    cursor_init(&at, bytes.data, length); /* EAPOL pads */
    if (cursor_skip(&at, 4) || cursor_u8(&at, &type) || cursor_u8(&at, &out->flags) || !carries_tls(type) ||
        (out->code != CODE_REQUEST && out->code != CODE_RESPONSE))
        return CM_EUNSUPPORTED;
    if (out->flags & FLAG_LENGTH && cursor_skip(&at, FLAG_VERSION_LENGTH))
        return CM_EMALFORMED;
    out->data = (struct slice){at.at, cursor_left(&at)};
    return 0;
}

static struct conversation *longest_silent(struct eaps *eaps)
{
    struct conversation *found = NULL;
    for (size_t i = 0; i < CONVERSATIONS_MAX; i++) {
        struct conversation *row = &eaps->rows[i];
        if (row->session && (!found || row->last < found->last))
            found = row;
    }
    return found;
}

static void account(struct eaps *eaps, struct conversation *row)
{
    size_t memory = session_memory(row->session);
    eaps->memory += memory - row->memory;
    row->memory = memory;
    while (eaps->memory > eaps->memory_max)
        end(eaps, longest_silent(eaps));
}

static void take(struct eaps *eaps, struct slice bytes, const struct datagram *datagram)
{
    struct eap_packet packet;
    if (read_eap(bytes, &packet))
        return;
    bool request = packet.code == CODE_REQUEST;
    const struct place *server = request ? &datagram->source : &datagram->destination;
    const struct place *client = request ? &datagram->destination : &datagram->source;
    struct conversation *row = find_or_begin(eaps, server, client, datagram->at_us);
    if (request && packet.flags & FLAG_START && row->identifier[1] >= 0) { /* another authentication begins */
        end(eaps, row);
        row = find_or_begin(eaps, server, client, datagram->at_us);
    }
    bool again = row->identifier[request] == packet.identifier;
    row->identifier[request] = packet.identifier;
    row->last = ++eaps->packets;
    if (!again && !row->over && packet.data.size)
        row->over = !session_bytes(row->session, request, packet.data, datagram->at_us);
    account(eaps, row);
}

/* --- RADIUS (RFC 2865 §3, RFC 3579 §3.1) --------------------------------------------------------------------------------- */

bool eaps_is_radius(const struct datagram *datagram)
{
    uint16_t a = datagram->source.port, b = datagram->destination.port;
    return a == PORT_RADIUS || b == PORT_RADIUS || a == PORT_RADIUS_OLD || b == PORT_RADIUS_OLD;
}

/* An EAP packet may be cut into several attributes, in order. Who shares a RADIUS client's port with another authentication at the same time is not told apart from it: the
 * replies do not say whom they are for. */
static void take_radius(struct eaps *eaps, const struct datagram *datagram)
{
    uint8_t code, identifier, type, length;
    uint16_t size;
    struct slice value;
    struct cursor at;
    struct buf eap;
    cursor_init_slice(&at, datagram->payload);
    if (cursor_u8(&at, &code) || cursor_u8(&at, &identifier) || cursor_u16(&at, &size) ||
        size > datagram->payload.size || cursor_skip(&at, RADIUS_HEADER - 4))
        return;
    buf_init(&eap, EAP_MAX);
    while (cursor_u8(&at, &type) == 0 && cursor_u8(&at, &length) == 0 && length >= 2 &&
           cursor_slice(&at, length - 2u, &value) == 0) {
        if (type == RADIUS_EAP_MESSAGE)
            buf_append(&eap, value.data, value.size);
    }
    if (eap.size && !eap.failed)
        take(eaps, buf_slice(&eap), datagram);
    buf_done(&eap);
}

void eaps_add(struct eaps *eaps, const struct datagram *datagram)
{
    if (datagram->protocol == DATAGRAM_EAP)
        take(eaps, datagram->payload, datagram);
    else if (datagram->protocol == DATAGRAM_UDP)
        take_radius(eaps, datagram);
}
