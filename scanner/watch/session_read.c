/* Records and handshake messages of a conversation that is read along, one direction at a time.
 *
 * Up to TLS 1.2 the server's flight ends at ServerHelloDone and each direction at its ChangeCipherSpec. In 1.3 nothing can be read behind
 * ServerHello; ChangeCipherSpec means nothing there, and a HelloRetryRequest lets both hellos come twice. */
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/names.h"
#include "scanner/watch/certificate_unpack.h"
#include "scanner/watch/session_private.h"

static uint8_t *copy(struct slice bytes)
{
    uint8_t *kept = cm_malloc(bytes.size ? bytes.size : 1);
    if (bytes.size)
        memcpy(kept, bytes.data, bytes.size);
    return kept;
}

void session_set_client(struct session *session, int direction, bool guessed)
{
    if (session->client >= 0 && (guessed || !session->guessed))
        return;
    session->client = (int8_t)direction;
    session->guessed = guessed;
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

static void refuse(struct session *session, int direction)
{
    session->options.counts->refused++;
    session->directions[direction].reading->doubtful = !session_has_hello(session, direction);
}

static void on_client_hello(struct session *session, int direction, struct slice body)
{
    struct client_part *part = cm_malloc(sizeof *part + body.size);
    memcpy(part->body, body.data, body.size);
    if (tls_read_client_hello((struct slice){part->body, body.size}, &part->hello)) {
        refuse(session, direction);
        free(part);
        return;
    }
    session_set_client(session, direction, false);
    free(session->client_part); /* the second one, after a HelloRetryRequest */
    session->client_part = part;
    part->size = body.size;
}

static void on_server_hello(struct session *session, int direction, struct slice body)
{
    struct server_part *part = cm_malloc(sizeof *part + body.size);
    *part = (struct server_part){0};
    memcpy(part->body, body.data, body.size);
    if (tls_read_server_hello((struct slice){part->body, body.size}, &part->hello)) {
        refuse(session, direction);
        free(part);
        return;
    }
    session_set_client(session, !direction, false);
    if (!session->server_part)
        session->options.counts->handshakes++;
    session_free_server(session);
    session->server_part = part;
    part->size = body.size;
    if (part->hello.group)
        session->group = part->hello.group;
}

/* Without a hello before it, a Certificate may be none. False: it is not; doubtful: it is not of DER. */
static bool is_certificate(struct slice body, bool *doubtful)
{
    enum { TWO_LENGTHS = 6, SEQUENCE = 0x30 };
    static _Thread_local struct tls_chain chain;
    *doubtful = body.size <= TWO_LENGTHS || body.data[TWO_LENGTHS] != SEQUENCE;
    return tls_read_certificate(body, TLS_VERSION_1_2, &chain) == 0;
}

static void on_certificate(struct session *session, int direction, struct slice body)
{
    struct reading *reading = session->directions[direction].reading;
    bool doubtful;
    if (!session_has_hello(session, direction) && !session_is_13(session)) {
        if (!is_certificate(body, &doubtful)) {
            refuse(session, direction);
            return;
        }
        reading->doubtful |= doubtful;
    }
    free(reading->certificate);
    reading->certificate = copy(body);
    reading->opened = session_is_13(session);
    reading->certificate_size = body.size;
}

static void on_compressed_certificate(struct session *session, int direction, struct slice body)
{
    struct buf plain;
    if (!session_is_13(session))
        return;
    buf_init(&plain, CM_LIMIT_FLIGHT_BYTES);
    if (certificate_unpack(body, &plain))
        on_certificate(session, direction, buf_slice(&plain));
    else
        session->options.counts->refused++;
    buf_done(&plain);
}

static void on_server_key_exchange(struct session *session, struct slice body)
{
    uint16_t group;
    if (session->server_part && tls_suite_key_exchange(session->server_part->hello.cipher) == TLS_KX_ECDHE &&
        tls_read_ecdhe_group(body, &group) == 0)
        session->group = group;
}

static void on_encrypted_extensions(struct session *session, struct slice body)
{
    struct slice alpn;
    struct server_part *part = session->server_part;
    if (!part || part->alpn || tls_read_encrypted_extensions(body, &alpn) || alpn.size == 0)
        return;
    part->alpn = copy(alpn);
    part->hello.alpn = (struct slice){part->alpn, alpn.size};
}

static void on_status(struct session *session, struct slice body)
{
    struct server_part *part = session->server_part;
    if (!part || part->status)
        return;
    part->status = copy(body);
    part->status_size = body.size;
}

void session_message(struct session *session, int direction, const struct tls_message *message)
{
    struct direction *side = &session->directions[direction];
    switch (message->type) {
    case TLS_CLIENT_HELLO:
        on_client_hello(session, direction, message->body);
        break;
    case TLS_SERVER_HELLO:
        on_server_hello(session, direction, message->body);
        break;
    case TLS_CERTIFICATE:
        on_certificate(session, direction, message->body);
        break;
    case TLS_COMPRESSED_CERTIFICATE:
        on_compressed_certificate(session, direction, message->body);
        break;
    case TLS_CERTIFICATE_STATUS:
        on_status(session, message->body);
        break;
    case TLS_ENCRYPTED_EXTENSIONS:
        on_encrypted_extensions(session, message->body);
        break;
    case TLS_SERVER_KEY_EXCHANGE:
        session_set_client(session, !direction, true);
        on_server_key_exchange(session, message->body);
        break;
    case TLS_CERTIFICATE_REQUEST:
        session_set_client(session, !direction, true);
        session->asked = true;
        break;
    case TLS_SERVER_HELLO_DONE:
        session_set_client(session, !direction, true);
        session->flight_over = true;
        break;
    case TLS_CLIENT_KEY_EXCHANGE:
    case TLS_CERTIFICATE_VERIFY:
        session_set_client(session, direction, true);
        break;
    default:
        break;
    }
    if (!side->reading->doubtful) {
        side->heard = true;
        if (session_has_hello(session, direction))
            session_look_again(session, !direction);
    }
    session_tell(session, false);
}

/* --- records ------------------------------------------------------------------------------------------------------- */

void session_go_dark(struct session *session, int direction)
{
    session->directions[direction].encrypted = true;
    session_stop_reading(session, direction, PHASE_OVER);
    session_tell(session, false);
}

static bool read_handshake(struct session *session, int direction, struct slice fragment)
{
    struct reading *reading = session->directions[direction].reading;
    struct tls_message message;
    int code;
    tls_messages_feed(&reading->messages, fragment);
    while ((code = tls_messages_next(&reading->messages, &message)) == 0) {
        session_message(session, direction, &message);
        if (session_is_over(session))
            return true;
    }
    if (code == CM_ETRUNCATED)
        return true;
    session->options.counts->refused++;
    if (!session_has_hello(session, direction))
        return false;
    session_stop_reading(session, direction, PHASE_OVER);
    return true;
}

/* After ChangeCipherSpec a handshake record is encrypted, unless this is 1.3 with its two meaningless ones: there a hello may follow in clear. */
static bool is_in_clear(const struct session *session, const struct reading *reading, struct slice fragment)
{
    if (!reading->changed)
        return true;
    if (session->server_part && !session_is_13(session))
        return false;
    return fragment.size >= 4 && (fragment.data[0] == TLS_CLIENT_HELLO || fragment.data[0] == TLS_SERVER_HELLO) &&
           fragment.data[1] == 0;
}

static bool is_odd(const struct tls_record *record)
{
    return record->fragment.size == 0 || record->type == TLS_ALERT || record->type == TLS_CHANGE_CIPHER_SPEC;
}

/* Between the parts of a message nothing else may come (RFC 8446 §5.1) but, behind a hello, an alert. */
static bool is_interruption(const struct session *session, int direction, const struct tls_record *record)
{
    const struct reading *reading = session->directions[direction].reading;
    return !tls_messages_at_boundary(&reading->messages) && record->type != TLS_HANDSHAKE &&
           (record->type != TLS_ALERT || !session_has_hello(session, direction));
}

/* False: no TLS after all. */
static bool on_record(struct session *session, int direction, const struct tls_record *record)
{
    struct reading *reading = session->directions[direction].reading;
    if (is_interruption(session, direction, record))
        return false;
    if (is_odd(record) && ++reading->odd_records > ODD_RECORDS_MAX) {
        if (!session_has_hello(session, direction))
            return false;
        session_stop_reading(session, direction, PHASE_OVER);
        return true;
    }
    switch (record->type) {
    case TLS_HANDSHAKE:
        if (is_in_clear(session, reading, record->fragment))
            return read_handshake(session, direction, record->fragment);
        session_go_dark(session, direction);
        break;
    case TLS_CHANGE_CIPHER_SPEC:
        reading->changed = true;
        session_tell(session, false);
        break;
    case TLS_APPLICATION_DATA:
        if (!session_secret_record(session, direction, record))
            session_go_dark(session, direction);
        break;
    default: /* an alert: what follows it, if anything does, will tell */
        break;
    }
    return true;
}

/* A record has ended, and a message with it. False: that makes no sense, and something else is in there. */
static bool settle(struct session *session, int direction, struct slice *since)
{
    struct reading *reading = session->directions[direction].reading;
    struct slice rest = reading->records.input;
    if (reading->doubtful) {
        session_keep(session, direction, (struct slice){since->data, (size_t)(rest.data - since->data)});
        *since = rest;
        if (!reading->certificate || session_hides_another(session, direction, false))
            return false;
        reading->doubtful = false;
        session->directions[direction].heard = true;
    }
    *since = rest;
    buf_done(&reading->kept);
    reading->looked = reading->another = 0;
    return true;
}

/* After a record. Behind a hello each is for itself; before one, nothing is left behind that may still turn out to be none. */
static bool is_sound(struct session *session, int direction, bool sound, struct slice *since)
{
    struct reading *reading = session->directions[direction].reading;
    if (session_has_hello(session, direction)) {
        *since = reading->records.input;
        buf_done(&reading->kept);
        reading->doubtful = false;
        return sound;
    }
    return sound && (!tls_messages_at_boundary(&reading->messages) || settle(session, direction, since));
}

bool session_read(struct session *session, int direction, struct slice bytes)
{
    struct direction *side = &session->directions[direction];
    struct reading *reading = side->reading;
    struct slice since = bytes; /* the last sound message */
    struct tls_record record;
    int code = 0;
    tls_records_feed(&reading->records, bytes.data, bytes.size);
    while (side->phase == PHASE_READING && (code = tls_records_next(&reading->records, &record)) == 0) {
        bool sound = on_record(session, direction, &record);
        if (session_is_over(session) || side->phase != PHASE_READING) /* what lies behind is not looked at */
            return true;
        if (!is_sound(session, direction, sound, &since)) {
            code = CM_EMALFORMED;
            break;
        }
    }
    if (code != CM_EMALFORMED)
        return session_keep_some(session, direction, since);
    session_keep(session, direction, since);
    return false;
}
