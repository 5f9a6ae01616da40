/* The record and fragment layer of DTLS; what the messages mean is the business of the conversation inside (session_read.c, session_tell.c).
 *
 * Fragments of a message may come in any order, twice and overlapping; messages too. Each is put together on its own, and read in the order of message_seq from the
 * hello of its direction on: a ServerHelloDone that overtakes a CertificateRequest would end the conversation before the client's chain. What is missing is given up
 * when the direction goes dark, at the end, or when too many wait for it. Records of epoch 0 are in clear, all others are not.
 *
 * DTLS also comes behind a few bytes of something else (CAPWAP, TURN channels, UDT): a datagram is searched for a record's header near its start. */
#include "scanner/watch/dtls.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/watch/assembly.h"
#include "scanner/watch/memory_cost.h"
#include "scanner/watch/session_private.h"

enum {
    RECORD_HEADER = 13,
    FRAGMENT_HEADER = 12,
    SEARCH_BYTES = 80, /* a TURN Send indication with its attributes, and a little more */
    MESSAGE_MAX = 128 * 1024,
    MESSAGES_MAX = 16,           /* being put together, or waiting for others, at once, of both directions … */
    ANNOUNCED_MAX = 1024 * 1024, /* … and so long by what their headers say */
    SEQUENCES_MAX = 64,          /* of message_seq that are kept in order; no handshake has as many */
    SEALED_MAX = 16, /* datagrams with encrypted records of one direction: what it sent in clear before may come late */
    HELLO_VERIFY_REQUEST = 3,
};

struct pending { /* a handshake message in pieces, or whole and before its turn */
    struct assembly pieces;
    uint32_t size; /* of the whole body */
    uint16_t sequence;
    uint8_t type, direction;
};

struct order {  /* of the messages of one direction */
    bool known; /* its hello was there */
    uint16_t next;
    uint64_t given; /* bit per message_seq */
};

struct dtls {
    struct session *session;
    struct order orders[2];
    struct pending *pending[MESSAGES_MAX];
    size_t next; /* the one to give up when all are taken */
    uint8_t sealed[2];
};

/* --- finding it ---------------------------------------------------------------------------------------------------- */

static bool is_version(const uint8_t *at)
{
    return at[0] == 0xfe && (at[1] == 0xff || at[1] == 0xfd);
}

/* A handshake record of epoch 0 with a message that fits it. */
static bool is_handshake_record(const uint8_t *at, size_t size)
{
    if (size < RECORD_HEADER + FRAGMENT_HEADER || at[0] != TLS_HANDSHAKE || !is_version(at + 1) || at[3] || at[4])
        return false;
    size_t record = (size_t)at[11] << 8 | at[12], fragment = (size_t)at[22] << 16 | (size_t)at[23] << 8 | at[24];
    size_t message = (size_t)at[14] << 16 | (size_t)at[15] << 8 | at[16];
    return record >= FRAGMENT_HEADER && record <= size - RECORD_HEADER && fragment + FRAGMENT_HEADER <= record &&
           fragment <= message && message <= MESSAGE_MAX && at[13] <= TLS_CERTIFICATE_STATUS;
}

/* Where the first record is; payload.size when there is none. */
static size_t find_record(struct slice payload)
{
    size_t end = payload.size < SEARCH_BYTES ? payload.size : SEARCH_BYTES;
    for (size_t at = 0; at < end; at++) {
        const uint8_t *here = memchr(payload.data + at, TLS_HANDSHAKE, end - at);
        if (!here)
            break;
        at = (size_t)(here - payload.data);
        if (is_handshake_record(here, payload.size - at))
            return at;
    }
    return payload.size;
}

bool dtls_may_be(struct slice payload)
{
    return find_record(payload) < payload.size;
}

static bool begins_with_record(struct slice payload)
{
    return payload.size > 2 && payload.data[0] >= TLS_CHANGE_CIPHER_SPEC && is_version(payload.data + 1);
}

bool dtls_concerns(struct slice payload)
{
    return begins_with_record(payload) || dtls_may_be(payload);
}

/* --- putting messages together --------------------------------------------------------------------------------------- */

static void drop(struct dtls *dtls, size_t i)
{
    struct pending *pending = dtls->pending[i];
    if (!pending)
        return;
    assembly_done(&pending->pieces);
    free(pending);
    dtls->pending[i] = NULL;
}

struct fragment_header {
    uint8_t type;
    uint32_t message_size, offset;
    uint16_t sequence;
    struct slice bytes;
};

static bool is_whole(const struct pending *pending)
{
    return assembly_prefix(&pending->pieces) >= pending->size;
}

static void give_up_order(struct dtls *dtls, int direction);

/* A free row, when that many bytes more may be put together; otherwise MESSAGES_MAX. */
static size_t find_place(const struct dtls *dtls, size_t size)
{
    size_t found = MESSAGES_MAX;
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        if (dtls->pending[i])
            size += dtls->pending[i]->size;
        else
            found = i;
    }
    return size > ANNOUNCED_MAX ? MESSAGES_MAX : found;
}

/* Where this message is put together; a new place for its first piece. */
static size_t find_pending(struct dtls *dtls, int direction, const struct fragment_header *header)
{
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        const struct pending *there = dtls->pending[i];
        if (there && there->sequence == header->sequence && there->direction == direction &&
            there->type == header->type && there->size == header->message_size)
            return i;
    }
    size_t empty = find_place(dtls, header->message_size);
    if (empty == MESSAGES_MAX) { /* they wait for what will not come */
        give_up_order(dtls, 0);
        give_up_order(dtls, 1);
    }
    while ((empty = find_place(dtls, header->message_size)) == MESSAGES_MAX)
        drop(dtls, dtls->next++ % MESSAGES_MAX);
    struct pending *pending = cm_calloc(1, sizeof *pending);
    pending->sequence = header->sequence;
    pending->direction = (uint8_t)direction;
    pending->type = header->type;
    pending->size = header->message_size;
    dtls->pending[empty] = pending;
    return empty;
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

/* A ClientHello of DTLS has a cookie behind the session id (RFC 6347 §4.2.1); without it, it is TLS's. */
static void give_client_hello(struct dtls *dtls, int direction, struct slice body)
{
    struct cursor at, session, cookie;
    struct buf plain;
    cursor_init_slice(&at, body);
    if (cursor_skip(&at, 34) || cursor_vector8(&at, &session))
        return;
    size_t before = cursor_offset(&at);
    if (cursor_vector8(&at, &cookie))
        return;
    buf_init(&plain, MESSAGE_MAX);
    buf_append(&plain, body.data, before);
    buf_append(&plain, at.at, cursor_left(&at));
    struct tls_message message = {.type = TLS_CLIENT_HELLO, .body = buf_slice(&plain)};
    session_message(dtls->session, direction, &message);
    buf_done(&plain);
}

static void give(struct dtls *dtls, int direction, uint8_t type, struct slice body)
{
    struct tls_message message = {.type = type, .body = body};
    if (type == TLS_CLIENT_HELLO)
        give_client_hello(dtls, direction, body);
    else
        session_message(dtls->session, direction, &message);
}

/* --- their order ----------------------------------------------------------------------------------------------------- */

static bool was_given(const struct order *order, uint16_t sequence)
{
    return sequence < SEQUENCES_MAX && order->given >> sequence & 1;
}

static void give_and_note(struct dtls *dtls, int direction, uint16_t sequence, uint8_t type, struct slice body)
{
    struct order *order = &dtls->orders[direction];
    if (sequence < SEQUENCES_MAX)
        order->given |= UINT64_C(1) << sequence;
    if (sequence >= order->next)
        order->next = (uint16_t)(sequence + 1);
    give(dtls, direction, type, body);
}

/* The whole message with the lowest message_seq that waits; MESSAGES_MAX: none. */
static size_t find_first(const struct dtls *dtls, int direction)
{
    size_t first = MESSAGES_MAX;
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        const struct pending *there = dtls->pending[i];
        if (there && there->direction == direction && is_whole(there) &&
            (first == MESSAGES_MAX || there->sequence < dtls->pending[first]->sequence))
            first = i;
    }
    return first;
}

/* Gives what waits: at its turn, or all of it, whatever is missing. */
static void give_waiting(struct dtls *dtls, int direction, bool all)
{
    const struct order *order = &dtls->orders[direction];
    size_t i;
    while ((i = find_first(dtls, direction)) < MESSAGES_MAX) {
        struct pending *first = dtls->pending[i];
        if (!all && !(order->known && first->sequence <= order->next))
            return;
        dtls->pending[i] = NULL;
        if (!was_given(order, first->sequence))
            give_and_note(dtls, direction, first->sequence, first->type,
                          (struct slice){first->pieces.bytes, first->size});
        assembly_done(&first->pieces);
        free(first);
    }
}

static void give_up_order(struct dtls *dtls, int direction)
{
    give_waiting(dtls, direction, true);
}

/* Another random than that of the ClientHello before: another handshake between the same ports. */
static bool begins_anew(const struct dtls *dtls, const struct fragment_header *header)
{
    const struct client_part *part = dtls->session->client_part;
    return header->type == TLS_CLIENT_HELLO && part && part->size >= 34 && header->bytes.size >= 34 &&
           memcmp(part->body + 2, header->bytes.data + 2, 32) != 0;
}

/* True when a whole message is to be given at once. */
static bool is_its_turn(struct dtls *dtls, int direction, const struct fragment_header *header)
{
    struct order *order = &dtls->orders[direction];
    bool hello = header->type == TLS_CLIENT_HELLO || header->type == TLS_SERVER_HELLO;
    if (begins_anew(dtls, header))
        dtls->orders[0] = dtls->orders[1] = (struct order){0};
    if (hello && !order->known)
        *order = (struct order){.known = true, .next = header->sequence};
    return header->sequence >= SEQUENCES_MAX || (order->known && header->sequence <= order->next);
}

/* A message that is whole; one that was there before is dropped. */
static void take_whole(struct dtls *dtls, int direction, const struct fragment_header *header)
{
    if (header->type == HELLO_VERIFY_REQUEST) /* its message_seq may be that of the ServerHello (RFC 6347 §4.2.2) */
        return;
    bool turn = is_its_turn(dtls, direction, header), late = header->sequence < dtls->orders[direction].next;
    if (was_given(&dtls->orders[direction], header->sequence))
        return;
    if (!turn) {
        struct pending *pending = dtls->pending[find_pending(dtls, direction, header)];
        assembly_put(&pending->pieces, 0, header->bytes);
        return;
    }
    if (late && (header->type == TLS_CLIENT_HELLO || header->type == TLS_SERVER_HELLO))
        return; /* the one before a HelloVerifyRequest or HelloRetryRequest, overtaken */
    give_and_note(dtls, direction, header->sequence, header->type, header->bytes);
    give_waiting(dtls, direction, false);
}

static int read_header(struct cursor *at, struct fragment_header *header)
{
    uint32_t size;
    if (cursor_u8(at, &header->type) || cursor_u24(at, &header->message_size) || cursor_u16(at, &header->sequence) ||
        cursor_u24(at, &header->offset) || cursor_u24(at, &size) || cursor_slice(at, size, &header->bytes))
        return CM_EMALFORMED;
    if (header->message_size > MESSAGE_MAX || header->offset > header->message_size ||
        size > header->message_size - header->offset)
        return CM_EMALFORMED;
    return 0;
}

static void read_handshake(struct dtls *dtls, int direction, struct cursor *at)
{
    struct fragment_header header;
    while (!cursor_at_end(at)) {
        if (read_header(at, &header)) {
            dtls->session->options.counts->refused++;
            return;
        }
        if (header.bytes.size == header.message_size) {
            take_whole(dtls, direction, &header);
            continue;
        }
        if (header.bytes.size == 0 ||
            (header.type != TLS_CLIENT_HELLO && was_given(&dtls->orders[direction], header.sequence)))
            continue;
        size_t i = find_pending(dtls, direction, &header);
        struct pending *pending = dtls->pending[i];
        assembly_put(&pending->pieces, header.offset, header.bytes);
        if (!is_whole(pending))
            continue;
        dtls->pending[i] = NULL;
        header.bytes = (struct slice){pending->pieces.bytes, header.message_size};
        take_whole(dtls, direction, &header);
        assembly_done(&pending->pieces);
        free(pending);
    }
}

/* --- datagrams ----------------------------------------------------------------------------------------------------- */

struct dtls *dtls_new(const struct session_options *options, const struct place places[2], int64_t at_us)
{
    struct dtls *dtls = cm_calloc(1, sizeof *dtls);
    dtls->session = session_new(options, places, at_us);
    dtls->session->transport = OBSERVED_DTLS;
    session_begin_reading(dtls->session, 0);
    session_begin_reading(dtls->session, 1);
    return dtls;
}

void dtls_free(struct dtls *dtls)
{
    if (!dtls)
        return;
    for (size_t i = 0; i < MESSAGES_MAX; i++)
        drop(dtls, i);
    session_free(dtls->session);
    free(dtls);
}

/* One record; false at the end of what makes sense. */
static bool read_record(struct dtls *dtls, int direction, struct cursor *at)
{
    uint8_t type;
    uint16_t version, epoch;
    struct slice sequence;
    struct cursor fragment;
    if (cursor_u8(at, &type) || cursor_u16(at, &version) || cursor_u16(at, &epoch) || cursor_slice(at, 6, &sequence) ||
        cursor_vector16(at, &fragment) || version >> 8 != 0xfe || type < TLS_CHANGE_CIPHER_SPEC || type > 25)
        return false;
    if (epoch != 0 || type == TLS_APPLICATION_DATA) {
        if (dtls->sealed[direction] < SEALED_MAX && ++dtls->sealed[direction] == SEALED_MAX) {
            give_up_order(dtls, direction);
            session_go_dark(dtls->session, direction);
        }
        return false;
    }
    if (type == TLS_HANDSHAKE && dtls->session->directions[direction].phase == PHASE_READING)
        read_handshake(dtls, direction, &fragment);
    else if (type == TLS_CHANGE_CIPHER_SPEC && dtls->session->directions[direction].reading)
        dtls->session->directions[direction].reading->changed = true;
    return true;
}

bool dtls_datagram(struct dtls *dtls, int direction, struct slice payload, int64_t at_us)
{
    struct cursor at;
    cursor_init_slice(&at, payload);
    dtls->session->at_us = at_us;
    if (!begins_with_record(payload) && cursor_skip(&at, find_record(payload)))
        return true;
    while (!cursor_at_end(&at) && read_record(dtls, direction, &at)) {
    }
    return !session_is_over(dtls->session);
}

void dtls_end(struct dtls *dtls)
{
    give_up_order(dtls, 0);
    give_up_order(dtls, 1);
    for (size_t i = 0; i < MESSAGES_MAX; i++)
        dtls->session->options.counts->truncated += dtls->pending[i] != NULL;
    session_end(dtls->session);
}

size_t dtls_memory(const struct dtls *dtls)
{
    size_t sum = memory_cost(sizeof *dtls) + session_memory(dtls->session);
    for (size_t i = 0; i < MESSAGES_MAX; i++)
        sum += dtls->pending[i] ? memory_cost(sizeof *dtls->pending[i]) + memory_cost(dtls->pending[i]->pieces.capacity)
                                : 0;
    return sum;
}
