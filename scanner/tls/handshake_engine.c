/* The engine of handshake.h: what one thread's handshakes share.
 *
 * Owns scratch memory, randoms in stock, the pool of flights, and the one ClientHello that is being sent: a handshake keeps no bytes of
 * its own hello, because the same ask makes the same bytes again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "scanner/tls/handshake_private.h"

enum { HELLO_MAX = 2 * HELLO_COOKIE_MAX /* a cookie, which the hello repeats, and a KiB or two of everything else */ };

static void fill_from_kernel(void *context, uint8_t *out, size_t size)
{
    (void)context;
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom(out + done, size - done, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* no kernel that we run on lacks it */
        done += got > 0 ? (size_t)got : 0;
    }
}

int handshake_engine_new(struct key_shares *shares, struct handshake_engine **out, struct cm_error *error)
{
    struct handshake_engine *engine = cm_calloc(1, sizeof *engine);
    engine->shares = shares;
    engine->fill_random = fill_from_kernel;
    buf_init(&engine->hello, HELLO_MAX);
    buf_init(&engine->message, HELLO_MAX);
    int code = key_schedule_new(&engine->schedule, error);
    if (code == 0 && (code = key_shares_public(shares, TLS_GROUP_X25519, &engine->x25519)) != 0)
        error_set(error, code, 0, "no x25519 key share");
    if (code) {
        handshake_engine_free(engine);
        return code;
    }
    *out = engine;
    return 0;
}

static void flight_done(struct flight *flight)
{
    tls_records_done(&flight->records);
    tls_messages_done(&flight->messages);
    buf_done(&flight->kept);
    buf_done(&flight->retry);
    buf_done(&flight->client_ca);
    free(flight->alpn_text);
}

void handshake_engine_free(struct handshake_engine *engine)
{
    if (!engine)
        return;
    while (engine->spare) {
        struct flight *flight = engine->spare;
        engine->spare = flight->next;
        free(flight);
    }
    key_schedule_free(engine->schedule);
    buf_done(&engine->hello);
    buf_done(&engine->message);
    free(engine);
}

void handshake_engine_set_random(struct handshake_engine *engine,
                                 void (*fill)(void *context, uint8_t *out, size_t size), void *context)
{
    engine->fill_random = fill;
    engine->fill_context = context;
    engine->randoms_left = 0;
}

void handshake_engine_set_hellos(struct handshake_engine *engine, const struct slice *hellos)
{
    engine->hellos_sent = hellos;
}

void handshake_engine_random(struct handshake_engine *engine, uint8_t out[static HELLO_RANDOM_SIZE])
{
    if (engine->randoms_left < HELLO_RANDOM_SIZE) {
        engine->fill_random(engine->fill_context, engine->randoms, sizeof engine->randoms);
        engine->randoms_left = sizeof engine->randoms;
    }
    engine->randoms_left -= HELLO_RANDOM_SIZE;
    memcpy(out, engine->randoms + engine->randoms_left, HELLO_RANDOM_SIZE);
}

/* --- the pool of flights ---------------------------------------------------------------------------------------------- */

struct flight *flight_take(struct handshake_engine *engine, size_t flight_max)
{
    struct flight *flight = engine->spare;
    if (flight) {
        engine->spare = flight->next;
        engine->spares--;
    } else {
        flight = cm_malloc(sizeof *flight);
    }
    *flight = (struct flight){.scts = -1, .warned = -1, .alert_half = -1, .client_auth = -1, .proof = PROOF_NONE};
    tls_records_init(&flight->records);
    tls_messages_init(&flight->messages, flight_max);
    buf_init(&flight->kept, flight_max);
    buf_init(&flight->retry, flight_max);
    buf_init(&flight->client_ca, CLIENT_CA_BYTES_MAX);
    return flight;
}

void flight_release(struct handshake_engine *engine, struct flight *flight)
{
    if (!flight)
        return;
    flight_done(flight);
    if (engine->spares == SPARE_FLIGHTS) {
        free(flight);
        return;
    }
    flight->next = engine->spare;
    engine->spare = flight;
    engine->spares++;
}

/* --- the ClientHello -------------------------------------------------------------------------------------------------- */

struct hello_ask handshake_hello_ask(const struct handshake *handshake, bool second)
{
    struct hello_ask ask = {
        .kind = handshake->kind, .name = handshake->name, .alpn = handshake->alpn, .random = handshake->random};
    if (handshake->kind != HELLO_FULL && handshake->kind != HELLO_WIDE)
        return ask; /* below 1.3 there are no shares */
    ask.share_group = TLS_GROUP_X25519;
    ask.share = handshake->engine->x25519;
    if (second && handshake->flight->retry_group) {
        ask.share_group = handshake->flight->retry_group;
        if (key_shares_public(handshake->engine->shares, ask.share_group, &ask.share))
            ask.share = (struct slice){NULL, 0}; /* cannot be: handshake_retry asked for it already */
    }
    if (second)
        ask.cookie = handshake_retry_cookie(handshake);
    return ask;
}

struct slice handshake_output(const struct handshake *handshake)
{
    static const uint8_t change_cipher_spec[] = {TLS_CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1};
    struct handshake_engine *engine = handshake->engine;
    if (handshake->all_sent || handshake_over(handshake))
        return (struct slice){NULL, 0};
    if (engine->hello_of != handshake) {
        bool second = handshake->flight && handshake->flight->retry.size;
        struct hello_ask ask = handshake_hello_ask(handshake, second);
        buf_reset(&engine->hello);
        if (second) /* keeps middleboxes calm (RFC 8446 §D.4) */
            buf_append(&engine->hello, change_cipher_spec, sizeof change_cipher_spec);
        client_hello_write(&ask, &engine->hello);
        engine->hello_of = handshake;
    }
    struct slice all = buf_slice(&engine->hello);
    return (struct slice){all.data + handshake->sent, all.size - handshake->sent};
}

void handshake_sent(struct handshake *handshake, size_t size)
{
    struct slice left = handshake_output(handshake);
    if (size < left.size)
        handshake->sent += (uint32_t)size;
    else
        handshake->all_sent = true;
}
