/* The state machine of handshake.h: from records to messages, from messages to a chain or a reason.
 *
 * Reads in clear what stands in clear: everything up to TLS 1.2, the ServerHello of 1.3, alerts. handshake_13.c goes on from there,
 * handshake_result.c keeps what each message says and tells it. Refuses to be led around: what says nothing is counted, what
 * is announced too large is refused at once, and once a chain was read nothing can take it away. */
#include "scanner/tls/handshake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/tls/handshake_private.h"
#include "scanner/tls/names.h"
#include "scanner/tls/sniff.h"
#include "scanner/tls/sslv2.h"

enum { ALERTS_PER_RECORD = 8, NOT_TLS_ENOUGH = 48 /* as many as sniff_describe shows */ };

/* --- how it ends ------------------------------------------------------------------------------------------------------- */

bool handshake_over(const struct handshake *handshake)
{
    return handshake->state == HANDSHAKE_CHAIN || handshake->state == HANDSHAKE_FAILED;
}

void handshake_fail(struct handshake *handshake, enum record_error error, const char *detail)
{
    if (handshake_over(handshake))
        return; /* the first reason is the one */
    if (handshake->flight && handshake->flight->have_chain) {
        handshake->state = HANDSHAKE_CHAIN;
        return;
    }
    handshake->state = HANDSHAKE_FAILED;
    handshake->error = (uint8_t)error;
    handshake->detail = detail;
}

void handshake_failf(struct handshake *handshake, enum record_error error, const char *format, ...)
{
    char text[HANDSHAKE_DETAIL_SIZE];
    va_list arguments;
    if (handshake_over(handshake))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    handshake->detail_text = cm_strdup(text);
    handshake_fail(handshake, error, handshake->detail_text);
}

static void fail_too_large(struct handshake *handshake)
{
    handshake_failf(handshake, RECORD_ERROR_TOO_LARGE, "more than %zu bytes of handshake, see --flight-limit",
                    handshake->flight_max);
}

void handshake_idle(struct handshake *handshake, const char *detail)
{
    if (++handshake->flight->idle > IDLE_MAX)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, detail);
}

enum record_error handshake_end_error(enum handshake_end end)
{
    static const enum record_error errors[] = {
        [HANDSHAKE_END_CLOSED] = RECORD_ERROR_CLOSED,
        [HANDSHAKE_END_RESET] = RECORD_ERROR_RESET,
        [HANDSHAKE_END_DEADLINE] = RECORD_ERROR_TIMEOUT,
        [HANDSHAKE_END_CANCELLED] = RECORD_ERROR_CANCELLED,
    };
    return errors[end];
}

/* --- alerts ------------------------------------------------------------------------------------------------------------ */

static void fail_by_alert(struct handshake *handshake, uint8_t number)
{
    if (!handshake->flight->have_chain)
        handshake->alert = number;
    if (tls_alert_name(number))
        handshake_fail(handshake, RECORD_ERROR_ALERT, tls_alert_name(number));
    else
        handshake_failf(handshake, RECORD_ERROR_ALERT, "alert %u", number);
}

/* Warnings (unrecognized_name above all) mean nothing yet: see handshake_finish. In 1.3 the level means nothing (RFC 8446 §6). */
static void on_alert(struct handshake *handshake, uint8_t level, uint8_t number)
{
    struct flight *flight = handshake->flight;
    bool warning = level == ALERT_WARNING && number != ALERT_CLOSE_NOTIFY;
    if (level != ALERT_WARNING && level != ALERT_FATAL) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "malformed alert");
        return;
    }
    if (flight->version >= TLS_VERSION_1_3 && number != ALERT_USER_CANCELED)
        warning = false;
    if (!warning) {
        fail_by_alert(handshake, number);
        return;
    }
    flight->warned = number;
    handshake_idle(handshake, "too many warning alerts");
}

/* Two bytes each; several may share a record, and one may lie over two (RFC 5246 §6.2.1 allows both). */
void handshake_alerts(struct handshake *handshake, struct slice fragment)
{
    struct flight *flight = handshake->flight;
    if (fragment.size == 0)
        handshake_idle(handshake, "too many empty records");
    if (fragment.size > 2 * ALERTS_PER_RECORD)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "malformed alert");
    for (size_t i = 0; i < fragment.size && !handshake_over(handshake); i++) {
        if (flight->alert_half < 0) {
            flight->alert_half = fragment.data[i];
            continue;
        }
        uint8_t level = (uint8_t)flight->alert_half;
        flight->alert_half = -1;
        on_alert(handshake, level, fragment.data[i]);
    }
}

/* --- messages in clear -------------------------------------------------------------------------------------------------- */

static bool version_offered(enum hello_kind kind, uint16_t version)
{
    static const uint16_t highest[HELLO_KIND_COUNT] = {
        [HELLO_FULL] = TLS_VERSION_1_3,
        [HELLO_WIDE] = TLS_VERSION_1_3,
        [HELLO_TLS12] = TLS_VERSION_1_2,
        [HELLO_PLAIN] = TLS_VERSION_1_0,
        [HELLO_SSLV2] = 0,
    };
    return version >= TLS_VERSION_SSL3 && version <= highest[kind];
}

static void on_server_hello(struct handshake *handshake, const struct tls_message *message)
{
    struct flight *flight = handshake->flight;
    struct tls_server_hello hello;
    if (flight->have_hello) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a second ServerHello");
        return;
    }
    if (tls_read_server_hello(message->body, &hello)) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "malformed ServerHello");
        return;
    }
    if (flight->retry.size && !hello.retry && (hello.version != flight->version || hello.cipher != flight->suite)) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "ServerHello and HelloRetryRequest differ");
        return;
    }
    flight->version = hello.version;
    flight->suite = hello.cipher;
    if (!version_offered(handshake->kind, hello.version)) {
        handshake_failf(handshake, RECORD_ERROR_PROTOCOL, "version 0x%04x was not offered", hello.version);
        return;
    }
    if (hello.retry) {
        handshake_retry(handshake, message, &hello);
        return;
    }
    flight->have_hello = true;
    take_ja3s(handshake, &hello);
    take_alpn(handshake, hello.alpn);
    if (hello.version >= TLS_VERSION_1_3) {
        handshake_13_start(handshake, message, &hello);
        return;
    }
    take_scts(handshake, hello.scts);
    memcpy(flight->server_random, hello.random.data, HELLO_RANDOM_SIZE);
}

static void on_certificate(struct handshake *handshake, const struct tls_message *message)
{
    if (handshake->flight->have_chain)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a second Certificate");
    else
        take_certificate(handshake, message->body);
}

static void on_certificate_status(struct handshake *handshake, const struct tls_message *message)
{
    struct slice ocsp;
    int code = tls_read_certificate_status(message->body, &ocsp);
    if (code == 0)
        staple_read(ocsp, &handshake->flight->staple);
    else if (code != CM_EUNSUPPORTED)
        handshake->flight->staple = (struct staple){"malformed", INT64_MIN, INT64_MIN};
}

static void on_server_key_exchange(struct handshake *handshake, const struct tls_message *message)
{
    struct flight *flight = handshake->flight;
    uint16_t group;
    if (!flight->have_chain) {
        take_no_certificate(handshake);
        return;
    }
    if (tls_suite_key_exchange(flight->suite) == TLS_KX_ECDHE && tls_read_ecdhe_group(message->body, &group) == 0)
        flight->group = group;
    const struct tls_chain *chain = handshake->prove ? take_chain(handshake) : NULL;
    if (chain && flight->proof == PROOF_NONE)
        flight->proof =
            (uint8_t)prove_server_key_exchange(chain->certs[0], message->body, flight->version, flight->suite,
                                               handshake->random, flight->server_random, &flight->proof_detail);
}

static void on_certificate_request(struct handshake *handshake, const struct tls_message *message)
{
    take_certificate_request(handshake, message->body);
}

static void on_server_hello_done(struct handshake *handshake, const struct tls_message *message)
{
    struct flight *flight = handshake->flight;
    (void)message;
    if (!flight->have_chain) {
        take_no_certificate(handshake);
        return;
    }
    if (flight->client_auth < 0)
        flight->client_auth = 0;
    handshake->state = HANDSHAKE_CHAIN;
}

static void on_message(struct handshake *handshake, const struct tls_message *message)
{
    static const struct {
        uint8_t type;
        void (*take)(struct handshake *handshake, const struct tls_message *message);
    } rows[] = {
        {TLS_SERVER_HELLO, on_server_hello},
        {TLS_CERTIFICATE, on_certificate},
        {TLS_CERTIFICATE_STATUS, on_certificate_status},
        {TLS_SERVER_KEY_EXCHANGE, on_server_key_exchange},
        {TLS_CERTIFICATE_REQUEST, on_certificate_request},
        {TLS_SERVER_HELLO_DONE, on_server_hello_done},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].type != message->type)
            continue;
        if (!handshake->flight->have_hello && message->type != TLS_SERVER_HELLO)
            handshake_failf(handshake, RECORD_ERROR_PROTOCOL, "handshake message %u before ServerHello", message->type);
        else
            rows[i].take(handshake, message);
        return;
    }
    if (message->type == TLS_CLIENT_HELLO)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a ClientHello from the server: perhaps our own, echoed");
    else
        handshake_idle(handshake, "too many messages that are no part of a handshake");
}

/* --- records ------------------------------------------------------------------------------------------------------------ */

void handshake_messages(struct handshake *handshake, struct slice fragment,
                        void (*take)(struct handshake *handshake, const struct tls_message *message))
{
    struct message_reader *reader = &handshake->flight->messages;
    struct tls_message message;
    int code = 0;
    if (fragment.size == 0) {
        handshake_idle(handshake, "too many empty records");
        return;
    }
    tls_messages_feed(reader, fragment);
    while (!handshake_over(handshake) && (code = tls_messages_next(reader, &message)) == 0)
        take(handshake, &message);
    if (code == CM_ELIMIT)
        fail_too_large(handshake);
}

static void on_change_cipher_spec(struct handshake *handshake)
{
    const struct flight *flight = handshake->flight;
    if (!flight->have_hello || flight->version >= TLS_VERSION_1_3) /* for middleboxes (RFC 8446 §5) */
        handshake_idle(handshake, "too many ChangeCipherSpec records");
    else
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "ChangeCipherSpec before Certificate");
}

static void on_record(struct handshake *handshake, const struct tls_record *record)
{
    bool have_keys = handshake->flight->have_keys;
    if (record->type == TLS_CHANGE_CIPHER_SPEC)
        on_change_cipher_spec(handshake);
    else if (record->type == TLS_ALERT)
        handshake_alerts(handshake, record->fragment);
    else if (record->type == TLS_APPLICATION_DATA && have_keys)
        handshake_13_record(handshake, record);
    else if (record->type == TLS_APPLICATION_DATA && record->fragment.size)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "application data before the handshake is over");
    else if (record->type == TLS_APPLICATION_DATA)
        handshake_idle(handshake, "too many empty records");
    else if (have_keys)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a handshake record in clear after ServerHello");
    else
        handshake_messages(handshake, record->fragment, on_message);
}

static void read_records(struct handshake *handshake, struct slice bytes)
{
    struct record_reader *reader = &handshake->flight->records;
    struct tls_record record;
    int code = 0;
    tls_records_feed(reader, bytes.data, bytes.size);
    while (!handshake_over(handshake) && (code = tls_records_next(reader, &record)) == 0)
        on_record(handshake, &record);
    if (code == CM_EMALFORMED)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "no TLS record");
}

/* --- servers that speak something else ----------------------------------------------------------------------------------- */

static void fail_not_tls(struct handshake *handshake, struct slice first)
{
    struct buf text;
    buf_init(&text, HANDSHAKE_DETAIL_SIZE - 1);
    sniff_describe(first, &text);
    handshake->sslv2 = sniff(first) == SNIFFED_SSLV2;
    handshake->detail_text = buf_take(&text, NULL);
    handshake_fail(handshake, RECORD_ERROR_NOT_TLS, handshake->detail_text);
}

/* The protocol is named by its first line, or what comes at once; for the rest of a few bytes it is worth to wait a moment, but no more:
 * they may be all that will ever come. */
static void read_not_tls(struct handshake *handshake, struct slice bytes)
{
    struct buf *kept = &handshake->flight->kept;
    bool at_once = kept->size <= 1 && bytes.size > 1;
    size_t room = kept->size < HANDSHAKE_DETAIL_SIZE ? HANDSHAKE_DETAIL_SIZE - kept->size : 0;
    buf_append(kept, bytes.data, bytes.size < room ? bytes.size : room);
    enum sniffed what = sniff(buf_slice(kept));
    if (kept->size >= NOT_TLS_ENOUGH || memchr(kept->data, '\n', kept->size) || what == SNIFFED_SSLV2 ||
        (at_once && what != SNIFFED_UNKNOWN))
        fail_not_tls(handshake, buf_slice(kept));
}

/* The first two bytes decide, and the first alone may. */
static void look_at_the_first(struct handshake *handshake, struct slice bytes)
{
    uint8_t first[2] = {handshake->first};
    struct slice shown = {first, handshake->fed};
    for (size_t i = 0; i < bytes.size && shown.size < sizeof first; i++)
        first[shown.size++] = bytes.data[i];
    handshake->first = first[0];
    if (sniff_may_be_tls(shown))
        return;
    if (handshake->kind == HELLO_SSLV2 && !sniff_may_be_tls((struct slice){first, 1})) {
        handshake->flight->version = VERSION_SSL2;
        return;
    }
    handshake->flight->not_tls = true;
    buf_append(&handshake->flight->kept, first, handshake->fed);
}

/* The answer to the CLIENT-HELLO of SSL 2.0 is one message, looked at as a whole. */
static void read_sslv2(struct handshake *handshake, struct slice bytes)
{
    struct buf *kept = &handshake->flight->kept;
    struct sslv2_server_hello hello;
    bool in_kept = kept->size > 0;
    if (in_kept) {
        buf_append(kept, bytes.data, bytes.size);
        bytes = buf_slice(kept);
    }
    int code = sslv2_read_server_hello(bytes, &hello);
    if (code == 0) {
        take_sslv2(handshake, &hello);
    } else if (code == CM_EUNSUPPORTED) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "an ERROR message of SSL 2.0");
    } else if (code == CM_EMALFORMED) {
        handshake->flight->not_tls = true;
        read_not_tls(handshake, in_kept ? (struct slice){NULL, 0} : bytes);
    } else if (!in_kept) {
        buf_append(kept, bytes.data, bytes.size);
    }
}

/* --- a handshake ---------------------------------------------------------------------------------------------------------- */

struct handshake *handshake_new(struct handshake_engine *engine, const struct handshake_ask *ask)
{
    struct handshake *handshake = cm_malloc(sizeof *handshake);
    *handshake = (struct handshake){.engine = engine,
                                    .name = ask->name,
                                    .flight_max = ask->flight_max ? ask->flight_max : CM_LIMIT_FLIGHT_BYTES,
                                    .alert = -1,
                                    .kind = (uint8_t)ask->hello,
                                    .alpn = ask->alpn,
                                    .prove = ask->prove,
                                    .polite = ask->polite,
                                    .state = HANDSHAKE_GOING};
    handshake_engine_random(engine, handshake->random);
    return handshake;
}

void handshake_free(struct handshake *handshake)
{
    if (!handshake)
        return;
    struct handshake_engine *engine = handshake->engine;
    if (engine->hello_of == handshake)
        engine->hello_of = NULL;
    if (engine->lender == handshake)
        engine->lender = NULL;
    if (engine->chain_of == handshake)
        engine->chain_of = NULL;
    flight_release(engine, handshake->flight);
    free(handshake->detail_text);
    free(handshake);
}

/* What a call leaves behind when more is to come: a state, and nothing that lies in the caller's memory. */
static enum handshake_state settle(struct handshake *handshake)
{
    const struct flight *flight = handshake->flight;
    bool proof_awaited = handshake->prove && flight->proof == PROOF_NONE;
    if (handshake_over(handshake))
        return handshake->state;
    take_copy(handshake);
    if (flight->not_tls || (flight->have_chain && flight->version < TLS_VERSION_1_3 && !proof_awaited))
        handshake->state = HANDSHAKE_ENOUGH;
    return handshake->state;
}

enum handshake_state handshake_feed(struct handshake *handshake, const void *bytes, size_t size)
{
    struct handshake_engine *engine = handshake->engine;
    size_t allowed = handshake->flight_max - handshake->fed;
    struct slice fed = {bytes, size < allowed ? size : allowed};
    if (handshake_over(handshake) || size == 0)
        return handshake->state;
    engine->lender = handshake;
    engine->fed = fed;
    if (!handshake->flight)
        handshake->flight = flight_take(engine, handshake->flight_max);
    if (handshake->fed < 2 && handshake->flight->version == 0 && !handshake->flight->not_tls)
        look_at_the_first(handshake, fed);
    if (handshake->flight->not_tls)
        read_not_tls(handshake, fed);
    else if (handshake->flight->version == VERSION_SSL2)
        read_sslv2(handshake, fed);
    else
        read_records(handshake, fed);
    handshake->fed += fed.size;
    if (fed.size < size)
        fail_too_large(handshake);
    return settle(handshake);
}

/* A server that warns and hangs up in place of a ServerHello meant the warning. */
enum handshake_state handshake_finish(struct handshake *handshake, enum handshake_end end)
{
    const struct flight *flight = handshake->flight;
    bool hung_up = end == HANDSHAKE_END_CLOSED || end == HANDSHAKE_END_RESET;
    if (hung_up && flight && flight->warned >= 0 && !flight->have_hello && !handshake_over(handshake))
        fail_by_alert(handshake, (uint8_t)flight->warned);
    if (flight && flight->not_tls && end != HANDSHAKE_END_CANCELLED && !handshake_over(handshake))
        fail_not_tls(handshake, buf_slice(&flight->kept));
    handshake_fail(handshake, handshake_end_error(end), NULL);
    return handshake->state;
}
