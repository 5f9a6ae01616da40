/* What a false start hid. Bytes that look like the header of a record and of a hello may be a forgery, or chance, and announce so many more that the real hello stands
 * among them, in the next segments or behind the next headers.
 *
 * So what came since the last sound message is kept, as it came, and gone through again when that beginning turns out to be none: where no record can be, where
 * something else stands between the parts of a message, at a gap and at the end, and when the other direction speaks, who would not in the middle of a hello. The
 * next beginning that may be one takes its place, or, where nobody said that the first one failed, only one with a whole message that makes sense. What all that costs is bounded for each direction. */
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/tls/messages.h"
#include "scanner/watch/session_private.h"

enum {
    KEPT_MIN = 20 * 1024, /* a record, and the next one's header */
    WORK_MAX = 256 * 1024,
    WORK_OF_TRIAL = 32,
    WORK_OF_RECORD = 8,
    SEARCHED_PER_WORK = 16, /* bytes */
    MESSAGE_HEADER_SIZE = 4,
};

/* The handshake message that begins here, over as many records as there are. */
struct trial {
    uint32_t work;
    size_t have, need; /* bytes of the message; need 0: its header is not whole yet */
    uint8_t header[MESSAGE_HEADER_SIZE];
    size_t first; /* so many of them in the first record */
    unsigned empty;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void add_part(struct trial *trial, struct slice part)
{
    for (size_t i = 0; i < part.size && trial->have + i < MESSAGE_HEADER_SIZE; i++)
        trial->header[trial->have + i] = part.data[i];
    if (trial->have == 0)
        trial->first = part.size;
    trial->have += part.size;
    if (trial->need == 0 && trial->have >= MESSAGE_HEADER_SIZE)
        trial->need =
            MESSAGE_HEADER_SIZE + ((size_t)trial->header[1] << 16 | (size_t)trial->header[2] << 8 | trial->header[3]);
}

static bool is_handshake_header(struct slice bytes)
{
    const uint8_t *header = bytes.data;
    if (header[0] != TLS_HANDSHAKE || (bytes.size > 1 && header[1] != 3))
        return false;
    return bytes.size < TLS_RECORD_HEADER_SIZE || ((size_t)header[3] << 8 | header[4]) <= TLS_CIPHERTEXT_MAX;
}

/* Takes one record's part of the message off the bytes. */
static enum verdict add_record(struct trial *trial, struct slice *bytes, struct slice *part)
{
    if (bytes->size == 0)
        return PERHAPS;
    if (!is_handshake_header(*bytes))
        return NO;
    if (bytes->size < TLS_RECORD_HEADER_SIZE)
        return PERHAPS;
    size_t size = (size_t)bytes->data[3] << 8 | bytes->data[4];
    size_t left = bytes->size - TLS_RECORD_HEADER_SIZE;
    *part = (struct slice){bytes->data + TLS_RECORD_HEADER_SIZE, smaller(size, left)};
    trial->work += WORK_OF_RECORD;
    add_part(trial, *part);
    if (trial->need > MESSAGE_HEADER_SIZE + CM_LIMIT_FLIGHT_BYTES || (size == 0 && ++trial->empty > ODD_RECORDS_MAX))
        return NO;
    if (size > left)
        return PERHAPS;
    *bytes = (struct slice){part->data + size, left - size};
    return YES;
}

/* The lengths inside a hello add up to its own: quickly seen, and wrong in nearly all that is none. */
static bool has_shape(uint8_t type, struct slice body)
{
    enum { VERSION_RANDOM = 34, SUITE_COMPRESSION = 3 };
    struct cursor at, skipped;
    uint16_t size;
    cursor_init_slice(&at, body);
    if (type == TLS_CERTIFICATE) /* DER behind two lengths */
        return body.size > 6 && body.data[6] == 0x30;
    if (cursor_skip(&at, VERSION_RANDOM) || cursor_vector8(&at, &skipped))
        return false;
    if (type == TLS_CLIENT_HELLO ? cursor_vector16(&at, &skipped) || cursor_vector8(&at, &skipped)
                                 : cursor_skip(&at, SUITE_COMPRESSION))
        return false;
    return cursor_left(&at) == 0 || (cursor_u16(&at, &size) == 0 && size == cursor_left(&at));
}

static bool makes_sense(uint8_t type, struct slice body)
{
    static _Thread_local struct tls_chain chain;
    struct tls_client_hello client;
    struct tls_server_hello server;
    switch (type) {
    case TLS_CLIENT_HELLO:
        return tls_read_client_hello(body, &client) == 0;
    case TLS_SERVER_HELLO:
        return tls_read_server_hello(body, &server) == 0;
    case TLS_CERTIFICATE:
        return tls_read_certificate(body, TLS_VERSION_1_2, &chain) == 0 && chain.count > 0;
    default:
        return false;
    }
}

/* The message's parts in one piece, of which all are there. */
static void join_parts(struct slice bytes, uint8_t *message, size_t need)
{
    struct trial again = {0};
    struct slice part;
    size_t size = 0;
    while (size < need && add_record(&again, &bytes, &part) == YES) {
        size_t more = smaller(part.size, need - size);
        if (more)
            memcpy(message + size, part.data, more);
        size += more;
    }
}

/* No sense: what else is in the record may still have some. */
static enum verdict judge_whole(struct direction *side, struct slice bytes, const struct trial *found)
{
    const uint8_t *message = bytes.data + TLS_RECORD_HEADER_SIZE;
    uint8_t *joined = NULL;
    enum verdict verdict = found->have > found->need ? PERHAPS : NO;
    if (found->first < found->need) {
        message = joined = cm_malloc(found->need);
        join_parts(bytes, joined, found->need);
        side->work += (uint32_t)found->need;
    }
    struct slice body = {message + MESSAGE_HEADER_SIZE, found->need - MESSAGE_HEADER_SIZE};
    if (message[0] == TLS_CERTIFICATE)
        verdict = PERHAPS;
    if (has_shape(message[0], body)) {
        side->work += message[0] == TLS_CERTIFICATE ? CM_LIMIT_CHAIN_CERTS : (uint32_t)found->need;
        verdict = makes_sense(message[0], body) ? YES : verdict;
    }
    free(joined);
    return verdict;
}

/* NO is what reading would come to with the same bytes. */
static enum verdict try_beginning(struct direction *side, struct slice bytes)
{
    struct trial trial = {.work = WORK_OF_TRIAL};
    struct slice rest = bytes, part;
    enum verdict verdict;
    do
        verdict = add_record(&trial, &rest, &part);
    while (verdict == YES && (trial.need == 0 || trial.have < trial.need) && trial.work < WORK_MAX);
    side->work += trial.work;
    if (verdict != YES || trial.need == 0 || trial.have < trial.need)
        return verdict == NO ? NO : PERHAPS;
    return judge_whole(side, bytes, &trial);
}

/* Where, behind the first byte, a message that makes sense begins; or, unless it must be whole, one that may. All of the bytes' size: nowhere. */
static size_t find_another(struct direction *side, struct slice bytes, bool whole)
{
    if (side->work >= WORK_MAX)
        return bytes.size;
    side->work += (uint32_t)(bytes.size / SEARCHED_PER_WORK);
    for (size_t at = 1; at < bytes.size && side->work < WORK_MAX; at++) {
        const uint8_t *found = memchr(bytes.data + at, TLS_HANDSHAKE, bytes.size - at);
        if (!found)
            break;
        at = (size_t)(found - bytes.data);
        struct slice rest = {found, bytes.size - at};
        if (session_judge(rest.data, rest.size) == YES && try_beginning(side, rest) >= (whole ? YES : PERHAPS))
            return at;
    }
    return bytes.size;
}

bool session_hides_another(struct session *session, int direction, bool whole)
{
    struct direction *side = &session->directions[direction];
    struct slice kept = buf_slice(&side->reading->kept);
    size_t at = find_another(side, kept, whole);
    side->reading->looked = kept.size;
    side->reading->another = at < kept.size ? at : 0;
    return at < kept.size;
}

void session_keep(struct session *session, int direction, struct slice bytes)
{
    buf_append(&session->directions[direction].reading->kept, bytes.data, bytes.size);
}

bool session_keep_some(struct session *session, int direction, struct slice bytes)
{
    struct reading *reading = session->directions[direction].reading;
    if (session_has_hello(session, direction) && reading->kept.size + bytes.size >= TLS_RECORD_HEADER_SIZE) {
        buf_done(&reading->kept);
        return true;
    }
    session_keep(session, direction, bytes);
    if (reading->kept.size < 2 * KEPT_MIN)
        return true;
    if (session_hides_another(session, direction, true))
        return false;
    buf_consume(&reading->kept, reading->kept.size - KEPT_MIN);
    reading->looked = 0;
    return true;
}

struct slice session_begin_again(struct session *session, int direction, struct buf *held)
{
    struct direction *side = &session->directions[direction];
    struct buf kept = side->reading->kept;
    size_t at = side->reading->another;
    buf_init(&side->reading->kept, HELD_MAX);
    session_stop_reading(session, direction, PHASE_SEARCHING);
    side->reading->odd_records = 0;
    buf_done(held);
    *held = kept;
    struct slice bytes = buf_slice(held);
    if (session_has_hello(session, direction)) /* records that were sound are behind us: simply search on */
        at = bytes.size > 0;
    else if (at == 0)
        at = find_another(side, bytes, false);
    if (at == bytes.size && bytes.size > 1) /* what begins at the very end is found with what follows */
        at = bytes.size > FIND_BYTES ? bytes.size - FIND_BYTES + 1 : 1;
    return (struct slice){bytes.data + at, bytes.size - at};
}

static bool may_hide_another(struct session *session, int direction)
{
    const struct direction *side = &session->directions[direction];
    return !session_is_over(session) && side->phase == PHASE_READING &&
           side->reading->kept.size != side->reading->looked && !session_has_hello(session, direction) &&
           session_hides_another(session, direction, true);
}

void session_look_again(struct session *session, int direction)
{
    struct buf held;
    if (session->looking)
        return;
    buf_init(&held, HELD_MAX);
    session->looking = true;
    while (may_hide_another(session, direction))
        session_follow(session, direction, session_begin_again(session, direction, &held));
    session->looking = false;
    buf_done(&held);
}
