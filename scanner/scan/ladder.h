/* What a TLS try is followed by when it fails: another ClientHello, another name, or nothing. Pure decisions, no I/O.
 *
 *     it did not like our offer:  tls → tls-wide → tls1.2 → tls1.0-plain     (handshake_failure, insufficient_security)
 *     it did not understand us:   tls → tls1.2 → tls1.0-plain → sslv2        (protocol_version, decode_error, a hang-up, garbage …)
 *     it wants another group:     … → tls1.2 → tls1.0-plain      (one that we lack; below TLS 1.3 the same server may do without)
 *     it wants a name:            the next name that is known for its address
 *     it wants no ALPN:           the same without
 *     it speaks SSL 2.0:          sslv2 at once
 *
 * At most LADDER_FURTHER_MAX further tries follow the first. Silence and other protocols are no reason for one. */
#ifndef SCANNER_SCAN_LADDER_H
#define SCANNER_SCAN_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/record.h"
#include "scanner/tls/client_hello.h"

enum { LADDER_FURTHER_MAX = 3 };

struct ladder {      /* the present try, and what came before it; zeroed: the first one */
    uint8_t hello;   /* enum hello_kind */
    uint8_t further; /* tries after the first */
    uint8_t names;   /* known names that were, or are being, tried */
    bool named;      /* a name was asked for, by the target or as a known one */
    bool without_alpn;
};

struct ladder_failure {
    bool at_hello; /* no ServerHello was read */
    enum record_error error;
    int alert;  /* its number; -1: none */
    bool sslv2; /* what came looked like SSL 2.0 */
};

enum ladder_step { LADDER_END, LADDER_HELLO, LADDER_NAME, LADDER_NO_ALPN };

/* name_left: another name is known for the address. On anything but LADDER_END *next is the ladder at the next try. */
enum ladder_step ladder_next(const struct ladder *past, const struct ladder_failure *failure, bool name_left,
                             struct ladder *next);
/* True when a known name would be of use after this failure: whether there is one need not be found out otherwise. */
bool ladder_wants_name(const struct ladder *past, const struct ladder_failure *failure);

#endif
