/* The record and fragment layer of DTLS; what the messages mean is the business of the conversation inside (session_read.c, session_tell.c).
 *
 * Fragments of a message may come in any order, twice and overlapping; messages too. Each is put together on its own and read as soon as it is whole:
 * nothing that we want depends on their order. Records of epoch 0 are in clear, all others are not.
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
    MESSAGES_MAX = 8, /* being put together at once, of both directions */
    SEALED_MAX = 3, /* datagrams with encrypted records of one direction: what it sent in clear before may come late */
    HELLO_VERIFY_REQUEST = 3,
};

struct pending { /* a handshake message in pieces */
    struct assembly pieces;
    uint32_t size; /* of the whole body */
    uint16_t sequence;
    uint8_t type, direction;
};

struct dtls {
    struct session *session;
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

static size_t find_pending(struct dtls *dtls, int direction, const struct fragment_header *header)
{
    size_t empty = MESSAGES_MAX;
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        const struct pending *there = dtls->pending[i];
        if (!there)
            empty = i;
        else if (there->sequence == header->sequence && there->direction == direction && there->type == header->type &&
                 there->size == header->message_size)
            return i;
    }
    if (empty == MESSAGES_MAX) {
        empty = dtls->next++ % MESSAGES_MAX;
        drop(dtls, empty);
    }
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
    else if (type != HELLO_VERIFY_REQUEST)
        session_message(dtls->session, direction, &message);
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
            give(dtls, direction, header.type, header.bytes);
            continue;
        }
        if (header.bytes.size == 0)
            continue;
        size_t i = find_pending(dtls, direction, &header);
        struct pending *pending = dtls->pending[i];
        assembly_put(&pending->pieces, header.offset, header.bytes);
        if (assembly_prefix(&pending->pieces) < header.message_size)
            continue;
        give(dtls, direction, header.type, (struct slice){pending->pieces.bytes, header.message_size});
        drop(dtls, i);
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
        if (dtls->sealed[direction] < SEALED_MAX && ++dtls->sealed[direction] == SEALED_MAX)
            session_go_dark(dtls->session, direction);
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
