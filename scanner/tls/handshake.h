/* The certificate-only handshake: a client that goes as far as the server's certificates and no further. Bytes in, bytes out, a result.
 *
 * Does no I/O and knows no clock: whoever owns the connection feeds what arrived, sends what handshake_output lends, and says
 * when the connection or the time has ended. Nothing is verified (but the possession of the key, when asked to) and nothing is trusted: the
 * chain is the Certificate message's bytes, in the order sent, duplicates and bytes that are no certificate included.
 *
 * One connection takes whatever the server chooses between SSLv3 and TLS 1.3 (or, for HELLO_SSLV2, that). Up to TLS 1.2 the Certificate
 * stands in clear; 1.3 takes one key agreement and an AEAD. States of a try:
 *
 *     GOING ──→ CHAIN       1.3: Certificate (with prove: CertificateVerify); before: ServerHelloDone
 *       │  └──→ ENOUGH ──→ CHAIN   before 1.3, between Certificate and ServerHelloDone: worth a short wait, not a long one
 *       ├─────→ ENOUGH ──→ FAILED  a few bytes of another protocol: the next ones may name it
 *       └─────→ FAILED
 *
 * Memory: what a handshake keeps between two feeds is a few hundred bytes until a server sends an incomplete message; then it grows
 * with what has arrived. Everything that is needed only during a call lives in the engine. */
#ifndef SCANNER_TLS_HANDSHAKE_H
#define SCANNER_TLS_HANDSHAKE_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"
#include "certmuster/record.h"
#include "scanner/tls/client_hello.h"
#include "scanner/tls/fingerprint.h"
#include "scanner/tls/key_share.h"
#include "scanner/tls/prove.h"
#include "scanner/tls/staple.h"

enum { HANDSHAKE_CLIENT_CA_MAX = 100, HANDSHAKE_DETAIL_SIZE = 256 };

struct handshake_engine; /* a thread's: scratch memory and fetched algorithms */
struct handshake;        /* one connection's */

struct handshake_ask {
    enum hello_kind hello;
    const char *name;  /* SNI, an A-label; NULL or "": none is sent. Lends until handshake_free */
    bool alpn;         /* offer h2 and http/1.1 */
    bool prove;        /* go on to CertificateVerify or ServerKeyExchange and check it */
    bool polite;       /* handshake_farewell will be asked for: in 1.3 that takes one more secret */
    size_t flight_max; /* bytes read from the server before giving up; 0: CM_LIMIT_FLIGHT_BYTES */
};

enum handshake_state {
    HANDSHAKE_GOING,  /* send the output, feed what comes */
    HANDSHAKE_ENOUGH, /* the result is there (a chain, or that this is no TLS); what may follow soon (CertificateRequest, the rest of a greeting) is welcome: handshake_finish after a short wait */
    HANDSHAKE_CHAIN,  /* done: the chain is there */
    HANDSHAKE_FAILED, /* done: error and detail say why */
};

enum handshake_end { HANDSHAKE_END_CLOSED, HANDSHAKE_END_RESET, HANDSHAKE_END_DEADLINE, HANDSHAKE_END_CANCELLED };
enum record_error handshake_end_error(enum handshake_end end);

struct handshake_result { /* lends until the engine's next call, or handshake_free */
    const char *version, *cipher,
        *group; /* NULL while unknown; known ones stand in failures too. An unassigned suite or group stands as "0x1234" */
    const char *alpn;
    int client_auth; /* 1 asked for, 0 not, -1 unknown */
    const char *const *client_ca;
    size_t client_ca_count;
    const struct slice *chain;
    size_t chain_count;
    struct staple staple; /* status NULL: none was sent */
    int scts;             /* signed certificate timestamps sent in the handshake; -1 unknown */
    const char *ja3s;     /* NULL before a ServerHello */
    enum proof proof;
    const char *proof_detail; /* static, NULL when there is nothing to say */
    const char *stage;        /* "hello" until a ServerHello was read, then "certificate" */
    enum record_error error;
    const char
        *detail; /* alert: its RFC 8446 name; not_tls: the first bytes, escaped; NULL when there is nothing to say */
    int alert;   /* of a failure by alert: its number; else -1 */
    bool sslv2;  /* of a not_tls failure: the first bytes are SSL 2.0's, so HELLO_SSLV2 may get an answer */
};

/* shares is the process's and must outlive the engine. */
CM_MUST_CHECK int handshake_engine_new(struct key_shares *shares, struct handshake_engine **out,
                                       struct cm_error *error);
void handshake_engine_free(struct handshake_engine *engine);

/* The ClientHello is in the output at once. The engine must outlive it. */
struct handshake *handshake_new(struct handshake_engine *engine, const struct handshake_ask *ask);
void handshake_free(struct handshake *handshake);
/* What the server sent; any cut is fine. Once done, further bytes are ignored. */
enum handshake_state handshake_feed(struct handshake *handshake, const void *bytes, size_t size);
/* No more bytes will come, for this reason. Never answers HANDSHAKE_GOING or HANDSHAKE_ENOUGH. */
enum handshake_state handshake_finish(struct handshake *handshake, enum handshake_end end);
/* What is yet to be sent: lends from the engine until its next call (a ClientHello is made again from its random when asked for again). */
struct slice handshake_output(const struct handshake *handshake);
void handshake_sent(struct handshake *handshake, size_t size); /* that many bytes of the output are on their way */
/* The alert that ends the connection politely (--polite): user_canceled and close_notify, under the handshake keys where the server already uses
 * them. Lends from the engine; empty when nothing can be said (SSLv2, nothing received yet). */
struct slice handshake_farewell(struct handshake *handshake);
const struct handshake_result *handshake_get_result(const struct handshake *handshake);

#endif
