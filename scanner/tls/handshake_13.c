/* TLS 1.3 in handshake.h: from the ServerHello or HelloRetryRequest to the end of Certificate (RFC 8446 §4, §5.2, §7.1).
 *
 * Owns what is computed: the shared secret, the transcript, the server's handshake keys, and what is said in farewell. Nothing of the
 * transcript is kept but what cannot be made again: our hellos are rebuilt from their random, the server's messages are kept only for
 * CertificateVerify. Refuses everything in clear once there are keys, except alerts and the ChangeCipherSpec for middleboxes. */
#include <string.h>

#include "scanner/tls/handshake_private.h"
#include "scanner/tls/names.h"

enum { MESSAGE_HASH = 254, MESSAGE_HEADER_SIZE = 4 };

/* --- transcripts -------------------------------------------------------------------------------------------------------- */

/* The parts of a transcript that come before the ServerHello; the engine's until the next such call. Returns how many. */
static size_t hello_parts(const struct handshake *handshake, struct slice parts[2])
{
    struct buf *message = &handshake->engine->message;
    struct slice retry = buf_slice(&handshake->flight->retry);
    struct hello_ask ask = handshake_hello_ask(handshake, retry.size > 0);
    const struct slice *sent = handshake->engine->hellos_sent;
    size_t count = 0;
    buf_reset(message);
    client_hello_message(&ask, message);
    if (retry.size)
        parts[count++] = retry;
    parts[count++] = sent ? sent[retry.size > 0] : buf_slice(message);
    return count;
}

/* Hash of our hellos and of what followed. */
static int transcript_hash(const struct handshake *handshake, struct slice rest, uint8_t out[static TLS_HASH_MAX])
{
    struct slice parts[3];
    size_t count = hello_parts(handshake, parts);
    if (rest.size)
        parts[count++] = rest;
    return tls13_transcript(handshake->engine->schedule, handshake->flight->suite, parts, count, out);
}

/* --- HelloRetryRequest (RFC 8446 §4.1.4) --------------------------------------------------------------------------------- */

struct slice handshake_retry_cookie(const struct handshake *handshake)
{
    const struct flight *flight = handshake->flight;
    struct slice retry = buf_slice(&flight->retry);
    struct tls_server_hello hello;
    size_t skipped = MESSAGE_HEADER_SIZE + tls13_hash_size(flight->suite) + MESSAGE_HEADER_SIZE;
    if (retry.size < skipped ||
        tls_read_server_hello((struct slice){retry.data + skipped, retry.size - skipped}, &hello))
        return (struct slice){NULL, 0};
    return hello.cookie;
}

/* A group that we cannot compute ends it, by name. True when the handshake goes on. */
static bool retry_group_is_fine(struct handshake *handshake, uint16_t group)
{
    const char *name = tls_group_name(group);
    if (group == TLS_GROUP_X25519) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "HelloRetryRequest for a group whose share was sent");
    } else if (client_hello_offers_group(handshake->kind, group) && key_shares_knows(group)) {
        return true;
    } else if (name) {
        handshake->flight->have_hello = true; /* it came so far that the certificate is what is missing */
        handshake_failf(handshake, RECORD_ERROR_UNSUPPORTED, "the server insists on %s", name);
    } else {
        handshake_failf(handshake, RECORD_ERROR_PROTOCOL, "HelloRetryRequest for group 0x%04x, which was not offered",
                        group);
    }
    return false;
}

/* The first ClientHello stands in the transcript as its hash (RFC 8446 §4.4.1). */
static int keep_retry(struct handshake *handshake, struct slice whole)
{
    struct flight *flight = handshake->flight;
    uint8_t hash[TLS_HASH_MAX];
    size_t size = tls13_hash_size(flight->suite);
    const uint8_t header[MESSAGE_HEADER_SIZE] = {MESSAGE_HASH, 0, 0, (uint8_t)size};
    int code = transcript_hash(handshake, (struct slice){NULL, 0}, hash);
    if (code)
        return code;
    buf_append(&flight->retry, header, sizeof header);
    buf_append(&flight->retry, hash, size);
    buf_append(&flight->retry, whole.data, whole.size);
    return flight->retry.failed ? CM_ELIMIT : 0;
}

void handshake_retry(struct handshake *handshake, const struct tls_message *message,
                     const struct tls_server_hello *hello)
{
    struct flight *flight = handshake->flight;
    struct slice share;
    flight->group = hello->group;
    if (hello->version != TLS_VERSION_1_3)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "HelloRetryRequest below TLS 1.3");
    else if (flight->retry.size)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a second HelloRetryRequest");
    else if (tls13_hash_size(hello->cipher) == 0)
        handshake_failf(handshake, RECORD_ERROR_PROTOCOL, "suite 0x%04x was not offered", hello->cipher);
    else if (hello->group == 0 && hello->cookie.size == 0)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "HelloRetryRequest that asks for nothing");
    else if (hello->cookie.size > HELLO_COOKIE_MAX)
        handshake_failf(handshake, RECORD_ERROR_TOO_LARGE, "a cookie of more than %d bytes", HELLO_COOKIE_MAX);
    else if (hello->group && !retry_group_is_fine(handshake, hello->group))
        return;
    else if (hello->group && key_shares_public(handshake->engine->shares, hello->group, &share))
        handshake_failf(handshake, RECORD_ERROR_LOCAL, "no key share for group 0x%04x", hello->group);
    else if (keep_retry(handshake, message->whole))
        handshake_fail(handshake, RECORD_ERROR_LOCAL, "the transcript cannot be hashed");
    if (handshake_over(handshake))
        return;
    flight->retry_group = hello->group;
    handshake->engine->hello_of = NULL;
    handshake->sent = 0;
    handshake->all_sent = false;
}

/* --- keys --------------------------------------------------------------------------------------------------------------- */

static const char *refuse_hello(const struct handshake *handshake, const struct tls_server_hello *hello)
{
    const struct flight *flight = handshake->flight;
    uint16_t shared = flight->retry_group ? flight->retry_group : TLS_GROUP_X25519;
    if (!client_hello_offers_suite(handshake->kind, hello->cipher) || tls13_hash_size(hello->cipher) == 0)
        return "the server chose a suite that was not offered";
    if (hello->group == 0 || hello->share.size == 0)
        return "ServerHello without key_share";
    if (hello->group != shared)
        return "the server chose a group for which no share was sent";
    if (!tls_messages_at_boundary(&flight->messages)) /* RFC 8446 §5.1 */
        return "handshake messages on both sides of a key change";
    return NULL;
}

static int derive_keys(struct handshake *handshake, struct slice share, struct slice whole)
{
    struct handshake_engine *engine = handshake->engine;
    struct flight *flight = handshake->flight;
    struct traffic_secrets secrets;
    uint8_t hash[TLS_HASH_MAX];
    size_t size;
    int code = key_shares_derive(engine->shares, flight->group, share, engine->secret, &size);
    if (code == 0)
        code = transcript_hash(handshake, whole, hash);
    if (code == 0)
        code = tls13_handshake_secrets(engine->schedule, flight->suite, (struct slice){engine->secret, size}, hash,
                                       handshake->polite, &secrets);
    if (code == 0)
        code = tls13_record_keys(engine->schedule, flight->suite, secrets.server, &flight->keys);
    if (code == 0 && handshake->polite)
        memcpy(flight->client_secret, secrets.client, sizeof flight->client_secret);
    return code;
}

void handshake_13_start(struct handshake *handshake, const struct tls_message *message,
                        const struct tls_server_hello *hello)
{
    struct flight *flight = handshake->flight;
    const char *refused = refuse_hello(handshake, hello);
    flight->group = hello->group;
    if (refused) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, refused);
        return;
    }
    int code = derive_keys(handshake, hello->share, message->whole);
    if (code == CM_EMALFORMED)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "the server's key share is no value of its group");
    else if (code)
        handshake_fail(handshake, RECORD_ERROR_LOCAL, "the handshake keys cannot be computed");
    else
        flight->have_keys = true;
    if (handshake->prove)
        buf_append(&flight->kept, message->whole.data, message->whole.size);
}

/* --- the messages under the keys ------------------------------------------------------------------------------------------ */

static void on_encrypted_extensions(struct handshake *handshake, struct slice body)
{
    struct slice alpn;
    if (tls_read_encrypted_extensions(body, &alpn) == 0)
        take_alpn(handshake, alpn); /* malformed ones tell no protocol, and are not what we came for */
}

/* The last that is wanted, but for the proof. CertificateRequest came before it (RFC 8446 §4.3.2). */
static void on_certificate(struct handshake *handshake, struct slice body)
{
    struct flight *flight = handshake->flight;
    if (flight->have_chain) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "a second Certificate");
        return;
    }
    if (!take_certificate(handshake, body))
        return;
    if (flight->client_auth < 0)
        flight->client_auth = 0;
    if (!handshake->prove)
        handshake->state = HANDSHAKE_CHAIN;
}

static void on_certificate_verify(struct handshake *handshake, struct slice body)
{
    struct flight *flight = handshake->flight;
    uint8_t hash[TLS_HASH_MAX];
    if (!flight->have_chain) {
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "CertificateVerify before Certificate");
        return;
    }
    const struct tls_chain *chain = take_chain(handshake);
    if (chain && transcript_hash(handshake, buf_slice(&flight->kept), hash) == 0)
        flight->proof = (uint8_t)prove_certificate_verify(chain->certs[0], body, hash, tls13_hash_size(flight->suite),
                                                          &flight->proof_detail);
    handshake->state = HANDSHAKE_CHAIN;
}

static void on_finished(struct handshake *handshake, struct slice body)
{
    (void)body;
    take_no_certificate(handshake);
}

static void on_message(struct handshake *handshake, const struct tls_message *message)
{
    static const struct {
        uint8_t type;
        void (*take)(struct handshake *handshake, struct slice body);
    } rows[] = {
        {TLS_ENCRYPTED_EXTENSIONS, on_encrypted_extensions},
        {TLS_CERTIFICATE_REQUEST, take_certificate_request},
        {TLS_CERTIFICATE, on_certificate},
        {TLS_CERTIFICATE_VERIFY, on_certificate_verify},
        {TLS_FINISHED, on_finished},
    };
    struct flight *flight = handshake->flight;
    struct slice body = message->body;
    if (handshake->prove && !flight->have_chain) {
        buf_append(&flight->kept, message->whole.data, message->whole.size);
        body = (struct slice){(const uint8_t *)flight->kept.data + flight->kept.size - body.size, body.size};
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].type == message->type) {
            rows[i].take(handshake, body);
            return;
        }
    }
    handshake_idle(handshake, "too many messages that are no part of a handshake");
}

void handshake_13_record(struct handshake *handshake, const struct tls_record *record)
{
    struct handshake_engine *engine = handshake->engine;
    size_t size;
    uint8_t type;
    int code = tls13_open(engine->schedule, &handshake->flight->keys, record->header, record->fragment, engine->plain,
                          &size, &type);
    struct slice plain = {engine->plain, size};
    if (code)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL,
                       code == CM_EAUTH ? "record cannot be decrypted" : "malformed encrypted record");
    else if (type == TLS_HANDSHAKE)
        handshake_messages(handshake, plain, on_message);
    else if (type == TLS_ALERT)
        handshake_alerts(handshake, plain);
    else
        handshake_failf(handshake, RECORD_ERROR_PROTOCOL, "a record of type %u before Finished", type);
}

/* --- farewell --------------------------------------------------------------------------------------------------------------- */

static const uint8_t alerts[2][2] = {{ALERT_WARNING, ALERT_USER_CANCELED}, {ALERT_WARNING, ALERT_CLOSE_NOTIFY}};

static size_t sealed_farewell(struct handshake *handshake, uint8_t *out)
{
    struct key_schedule *schedule = handshake->engine->schedule;
    const struct flight *flight = handshake->flight;
    struct record_keys keys;
    size_t total = 0, size;
    if (!handshake->polite || tls13_record_keys(schedule, flight->suite, flight->client_secret, &keys))
        return 0;
    for (size_t i = 0; i < 2; i++) {
        if (tls13_seal(schedule, &keys, TLS_ALERT, (struct slice){alerts[i], 2}, out + total, &size))
            return 0;
        total += size;
    }
    return total;
}

struct slice handshake_farewell(struct handshake *handshake)
{
    const struct flight *flight = handshake->flight;
    uint8_t *out = handshake->engine->farewell;
    if (!flight || flight->version == VERSION_SSL2 || handshake->kind == HELLO_SSLV2)
        return (struct slice){NULL, 0};
    if (flight->have_keys)
        return (struct slice){out, sealed_farewell(handshake, out)};
    uint16_t version = flight->version < TLS_VERSION_1_3 ? flight->version : TLS_VERSION_1_2;
    if (version < TLS_VERSION_SSL3) /* not known yet */
        version = TLS_VERSION_1_0;
    size_t at = 0, first = version == TLS_VERSION_SSL3; /* SSLv3 knows no user_canceled (RFC 6101 §5.4) */
    for (size_t i = first; i < 2; i++) {
        const uint8_t record[] = {TLS_ALERT,   (uint8_t)(version >> 8), (uint8_t)version, 0, 2, alerts[i][0],
                                  alerts[i][1]};
        memcpy(out + at, record, sizeof record);
        at += sizeof record;
    }
    return (struct slice){out, at};
}
