/* The ClientHellos that we send: hand-built, wide, and different from rung to rung of the ladder.
 *
 * Below TLS 1.3 nothing is negotiated for use, so every suite is welcome; only the 1.3 parts are limited to what key_share.h and
 * key_schedule.h can compute. Anonymous and PSK-only suites are never in the first hello: a server that prefers them would hide the
 * certificate that it has. The order puts what old servers need among the first 64 suites (IIS 6 reads no further). */
#ifndef SCANNER_TLS_CLIENT_HELLO_H
#define SCANNER_TLS_CLIENT_HELLO_H

#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum hello_kind {
    HELLO_FULL, /* SSLv3 to TLS 1.3, whatever the server chooses */
    HELLO_WIDE, /* after handshake_failure: what the first did not offer, see below */
    HELLO_TLS12, /* no TLS 1.3 in it and few extensions: for servers that choke on new or unknown ones, or on many suites */
    HELLO_PLAIN, /* legacy_version TLS 1.0, few suites, no extensions at all: for extension- and version-intolerant servers; takes SSLv3 too */
    HELLO_SSLV2, /* the CLIENT-HELLO of SSL 2.0 */
    HELLO_KIND_COUNT
};
/* HELLO_WIDE has the suites of TLS 1.3 and, in place of the others that were refused, all that are left: with a certificate, then without
 * (anonymous, PSK); the usual groups and, behind them and without a share, those that we cannot compute: ML-KEM hybrids 0x11EB to 0x11ED,
 * brainpool and SM2 of TLS 1.3. */

/* "tls", "tls-wide", "tls1.2", "tls1.0-plain", "sslv2": the `what` of an attempt. */
const char *hello_kind_name(enum hello_kind kind);

enum {
    HELLO_RANDOM_SIZE = 32,
    HELLO_NAME_MAX = 255,    /* a longer name is not sent: no host has one */
    HELLO_COOKIE_MAX = 60000 /* what fits beside the rest: the caller refuses a longer one */
};

struct hello_ask {
    enum hello_kind kind;
    const char *name; /* SNI, an A-label; NULL or "": none. HELLO_PLAIN and HELLO_SSLV2 send none */
    bool alpn;        /* h2, http/1.1 */
    const uint8_t *
        random; /* HELLO_RANDOM_SIZE bytes; the session id is made of them too. The same ask gives the same bytes, so that a
                              ClientHello need not be kept for the transcript */
    uint16_t share_group; /* of key_share; the group that a HelloRetryRequest asked for in the second hello */
    struct slice share;   /* its key exchange; empty: no key_share entry (kinds below 1.3) */
    struct slice cookie;  /* of a HelloRetryRequest; empty: none */
};

/* Appends the record (or records: a message with a long cookie needs several), headers included. Their version is 0x0301 for the first
 * hello, 0x0303 for the second (one with a cookie or a group other than x25519), 0x0300 for HELLO_PLAIN; HELLO_SSLV2 has its own
 * framing. Takes 0.1 µs. The first two kinds are 517 to some 900 bytes long (a second hello may be longer), the others less. */
void client_hello_write(const struct hello_ask *ask, struct buf *out);
/* The same message without record headers: what the transcript wants. Nothing for HELLO_SSLV2, which has no transcript. */
void client_hello_message(const struct hello_ask *ask, struct buf *out);
/* Whether a server that got this kind of hello may choose that; the caller refuses anything else in TLS 1.3. */
bool client_hello_offers_group(enum hello_kind kind, uint16_t group);
bool client_hello_offers_suite(enum hello_kind kind, uint16_t suite);

#endif
