/* What the files behind handshake.h share: the engine of a thread, a handshake, and the flight that it is reading.
 *
 * A handshake is small (what a waiting connection costs). All that depends on what a server said stands in a flight, which comes from the
 * engine's pool with the first byte and goes back with handshake_free: the usual flight lies in one feed, is parsed where it lies,
 * and allocates nothing. */
#ifndef SCANNER_TLS_HANDSHAKE_PRIVATE_H
#define SCANNER_TLS_HANDSHAKE_PRIVATE_H

#include "scanner/tls/handshake.h"
#include "scanner/tls/key_schedule.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/records.h"
#include "scanner/tls/sslv2.h"

enum {
    VERSION_SSL2 = 0x0002,
    RANDOMS_SIZE = 4096, /* 128 handshakes for one system call */
    SPARE_FLIGHTS = 4,   /* kept for the next handshakes; more than one only when several wait in mid-flight */
    IDLE_MAX = 64, /* records and messages that say nothing, before it is a flood; honest servers need two or three */
    FAREWELL_MAX = 2 * (TLS_RECORD_HEADER_SIZE + 2 + 1 + 16),
    CLIENT_CA_BYTES_MAX = 64 * 1024, /* text kept of the names that a server asks for */
    JA3S_WORDS = 24,                 /* version, suite and extension types of a ServerHello that is worth remembering */
    JA3S_SLOTS = 64,
    NUMBER_SIZE = 8, /* "0x1234" */
};

enum { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };

struct ja3s_slot {
    uint16_t words[JA3S_WORDS];
    uint32_t count; /* 0: the slot is free */
    char text[JA3_SIZE];
};

/* What has come from a server so far. */
struct flight {
    struct flight *next; /* in the pool */
    struct record_reader records;
    struct message_reader messages;
    struct buf
        kept; /* the Certificate message's body when nothing else holds it; with prove in 1.3 the transcript, which ends in it; SSLv2 and what is no TLS: the beginning */
    struct buf retry;         /* message_hash of the first ClientHello, then the HelloRetryRequest (RFC 8446 §4.4.1) */
    struct buf client_ca;     /* texts, a NUL after each */
    struct slice certificate; /* the Certificate message's body (SSLv2: the certificate), in kept or lent */
    struct staple staple;
    const char *proof_detail;
    const char *alpn; /* static, or alpn_text */
    char *alpn_text;
    struct record_keys keys; /* the server's, from the ServerHello of 1.3 on */
    uint8_t client_secret[TLS_SECRET_MAX];
    uint8_t server_random[HELLO_RANDOM_SIZE];
    char ja3s[JA3_SIZE];
    uint16_t version, suite, group; /* 0: unknown */
    uint16_t retry_group;           /* that the HelloRetryRequest asked for; 0: none */
    uint16_t client_ca_count, idle;
    uint32_t sslv2_cipher;
    int16_t scts;       /* -1: unknown */
    int16_t warned;     /* the latest warning alert; -1: none */
    int16_t alert_half; /* the level of an alert whose number is in the next record; -1: none */
    int8_t client_auth; /* -1: unknown */
    uint8_t proof;
    bool have_hello, have_keys, have_chain, lent; /* lent: certificate is not in kept */
    bool not_tls;                                 /* another protocol: its first bytes stand in kept */
};

struct handshake {
    struct handshake_engine *engine;
    const char *name;
    struct flight *flight; /* NULL until the first byte */
    const char *detail;    /* static, or detail_text */
    char *detail_text;
    size_t flight_max, fed;
    uint32_t sent;
    int16_t alert;
    uint8_t kind, state, error;
    uint8_t first; /* the first byte, when it came alone */
    bool alpn, prove, polite;
    bool all_sent; /* nothing is to be sent: the hello is out */
    bool sslv2;    /* another protocol: SSL 2.0 */
    uint8_t random[HELLO_RANDOM_SIZE];
};

struct handshake_engine {
    struct key_shares *shares;
    struct key_schedule *schedule;
    struct slice x25519;
    void (*fill_random)(void *context, uint8_t *out, size_t size);
    void *fill_context;
    size_t randoms_left;
    struct flight *spare;
    unsigned spares;
    struct buf hello; /* the output of hello_of */
    const struct handshake *hello_of;
    const struct slice *hellos_sent; /* of tests: our two hellos at the time when a flight was recorded; else NULL */
    struct buf message;              /* a ClientHello for a transcript */
    const struct handshake *lender;  /* the handshake fed last: what it lent still stands */
    struct slice fed;                /* what it was fed */
    const struct handshake *chain_of;
    struct tls_chain chain;
    struct handshake_result result;
    const char *client_ca[HANDSHAKE_CLIENT_CA_MAX];
    char numbers[2][NUMBER_SIZE];
    struct ja3s_slot ja3s[JA3S_SLOTS];
    uint8_t farewell[FAREWELL_MAX];
    uint8_t secret[SHARED_SECRET_MAX];
    uint8_t plain[TLS_CIPHERTEXT_MAX];
    uint8_t randoms[RANDOMS_SIZE];
};

/* --- handshake_engine.c ---------------------------------------------------------------------------------------------- */

/* Where randoms come from instead of getrandom: tests that must know the ClientHello before it is made. */
void handshake_engine_set_random(struct handshake_engine *engine,
                                 void (*fill)(void *context, uint8_t *out, size_t size), void *context);
/* What stands in transcripts in place of our two hellos (messages, without record headers), so that a flight recorded once can be
 * replayed when the ClientHello has become another. Lends; NULL: the hellos themselves again. */
void handshake_engine_set_hellos(struct handshake_engine *engine, const struct slice *hellos);
void handshake_engine_random(struct handshake_engine *engine, uint8_t out[static HELLO_RANDOM_SIZE]);
struct flight *flight_take(struct handshake_engine *engine, size_t flight_max);
void flight_release(struct handshake_engine *engine, struct flight *flight);
/* The ask of the first or, after a HelloRetryRequest, of the second ClientHello. Lends from the handshake. */
struct hello_ask handshake_hello_ask(const struct handshake *handshake, bool second);

/* --- handshake.c ------------------------------------------------------------------------------------------------------ */

bool handshake_over(const struct handshake *handshake);
/* Ends it: with the chain when that is there, which nothing that follows can take away, and else with this. detail is static. */
void handshake_fail(struct handshake *handshake, enum record_error error, const char *detail);
void handshake_failf(struct handshake *handshake, enum record_error error, const char *format, ...) CM_PRINTF(3, 4);
/* One more record or message that says nothing: too many of them end it, with this detail. */
void handshake_idle(struct handshake *handshake, const char *detail);
void handshake_alerts(struct handshake *handshake, struct slice fragment);
/* Handshake messages of one fragment; take is called for each while the handshake goes on. */
void handshake_messages(struct handshake *handshake, struct slice fragment,
                        void (*take)(struct handshake *handshake, const struct tls_message *message));

/* --- handshake_13.c --------------------------------------------------------------------------------------------------- */

void handshake_retry(struct handshake *handshake, const struct tls_message *message,
                     const struct tls_server_hello *hello);
void handshake_13_start(struct handshake *handshake, const struct tls_message *message,
                        const struct tls_server_hello *hello);
void handshake_13_record(struct handshake *handshake, const struct tls_record *record);
/* The cookie of the HelloRetryRequest; empty without. */
struct slice handshake_retry_cookie(const struct handshake *handshake);

/* --- handshake_result.c: what the messages say -------------------------------------------------------------------------- */

void take_alpn(struct handshake *handshake, struct slice alpn);
void take_ja3s(struct handshake *handshake, const struct tls_server_hello *hello);
void take_scts(struct handshake *handshake, struct slice list);
/* The Certificate message; false when that was the end. */
bool take_certificate(struct handshake *handshake, struct slice body);
void take_sslv2(struct handshake *handshake, const struct sslv2_server_hello *hello);
void take_certificate_request(struct handshake *handshake, struct slice body);
/* Ends with no_certificate and the suite as its detail: anonymous Diffie-Hellman, or a pre-shared key. */
void take_no_certificate(struct handshake *handshake);
/* Puts the certificates into the engine's chain, reading the message again when another handshake used it since; NULL when what was lent is gone. */
const struct tls_chain *take_chain(const struct handshake *handshake);
/* Copies what lies in memory that is not the handshake's. */
void take_copy(struct handshake *handshake);

#endif
