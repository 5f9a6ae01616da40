/* EAP packets to TLS bytes. The authentication server sends requests and is the TLS server; the peer answers.
 *
 * A request is repeated with its identifier when no response came, so the same identifier twice in a row in one direction is the same packet. An answer
 * without data acknowledges a fragment. A message is given when its last fragment is there: a lost one shows in the identifiers, which authenticators count up, and in the length
 * that the first announced. Where only one of them says so, nothing was lost: not all count by one, and not all announce what they send. */
#include "scanner/watch/eap.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/watch/memory_cost.h"
#include "scanner/watch/session_private.h"

enum {
    CONVERSATIONS_MAX = 512,
    PORT_RADIUS = 1812,
    PORT_RADIUS_OLD = 1645,
    RADIUS_HEADER = 20,
    RADIUS_EAP_MESSAGE = 79,
    EAP_MAX = 4096,          /* the largest RADIUS packet (RFC 2865 §3) */
    MESSAGE_MAX = 64 * 1024, /* that is put together */
    CODE_REQUEST = 1,
    CODE_RESPONSE = 2,
    FLAG_LENGTH = 0x80,
    FLAG_MORE = 0x40,
    FLAG_START = 0x20,
};

struct pieces { /* of the message of one direction that is under way */
    struct buf bytes;
    uint32_t announced; /* 0: nothing */
    size_t broken_at;   /* where an identifier was missing, when broken */
    bool broken;
};

struct conversation {
    struct place server, client;
    uint64_t last;     /* which packet of all it was */
    int identifier[2]; /* of the last packet; [0] of the client; -1: none */
    bool over;
    struct session *session; /* direction 0: the client's; NULL: a free row */
    struct pieces pieces[2];
    size_t memory; /* of session and pieces, as accounted */
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

/* What is there of a message goes to the conversation; a lost fragment is a gap in it. */
static void give(struct conversation *row, int direction, bool whole, int64_t at_us)
{
    struct pieces *pieces = &row->pieces[direction];
    struct slice all = buf_slice(&pieces->bytes);
    bool broken = pieces->broken && (pieces->announced == 0 || pieces->announced != all.size);
    size_t first = broken ? pieces->broken_at : all.size;
    if (!row->over && first)
        row->over = !session_bytes(row->session, direction, (struct slice){all.data, first}, at_us);
    if (!row->over && (broken || !whole))
        row->over = !session_gap(row->session, direction, 1);
    if (!row->over && first < all.size)
        row->over = !session_bytes(row->session, direction, (struct slice){all.data + first, all.size - first}, at_us);
    buf_done(&pieces->bytes);
    *pieces = (struct pieces){0};
    buf_init(&pieces->bytes, MESSAGE_MAX);
}

static void end(struct eaps *eaps, struct conversation *row)
{
    if (!row->session)
        return;
    for (int direction = 0; direction < 2; direction++) {
        if (row->pieces[direction].bytes.size)
            give(row, direction, false, row->session->at_us);
        buf_done(&row->pieces[direction].bytes);
    }
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
    for (size_t i = 0; i < CONVERSATIONS_MAX; i++) {
        session_free(eaps->rows[i].session);
        buf_done(&eaps->rows[i].pieces[0].bytes);
        buf_done(&eaps->rows[i].pieces[1].bytes);
    }
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
    buf_init(&oldest->pieces[0].bytes, MESSAGE_MAX);
    buf_init(&oldest->pieces[1].bytes, MESSAGE_MAX);
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
    uint32_t announced; /* length of the whole message; 0: not said */
    struct slice data;  /* TLS bytes */
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
    out->announced = 0;
    if (out->flags & FLAG_LENGTH && cursor_u32(&at, &out->announced))
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
    size_t memory = session_memory(row->session) + memory_cost(row->pieces[0].bytes.capacity) +
                    memory_cost(row->pieces[1].bytes.capacity);
    eaps->memory += memory - row->memory;
    row->memory = memory;
    while (eaps->memory > eaps->memory_max)
        end(eaps, longest_silent(eaps));
}

/* One fragment; often the only one. */
static void take_fragment(struct conversation *row, int direction, const struct eap_packet *packet, bool jump,
                          int64_t at_us)
{
    struct pieces *pieces = &row->pieces[direction];
    bool first = packet->announced && (!pieces->announced || packet->announced != pieces->announced);
    if (pieces->bytes.size && (first || pieces->bytes.size + packet->data.size > MESSAGE_MAX))
        give(row, direction, !first, at_us); /* the end of the one before was lost, or it is too long for us */
    if (pieces->bytes.size == 0)
        pieces->announced = packet->announced;
    if (jump && !(pieces->bytes.size == 0 && packet->announced)) {
        pieces->broken = true;
        pieces->broken_at = pieces->bytes.size;
    }
    buf_append(&pieces->bytes, packet->data.data, packet->data.size);
    if (!(packet->flags & FLAG_MORE))
        give(row, direction, true, at_us);
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
    int before = row->identifier[request];
    bool again = before == packet.identifier, jump = before >= 0 && (uint8_t)(before + 1) != packet.identifier;
    row->identifier[request] = packet.identifier;
    row->last = ++eaps->packets;
    if (!again && !row->over && packet.data.size)
        take_fragment(row, request, &packet, jump, datagram->at_us);
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
