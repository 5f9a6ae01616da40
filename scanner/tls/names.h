/* The field's names for TLS numbers, as IANA registers them: protocol versions, cipher suites, named groups, alerts; and what a suite's name
 * says of its key exchange. */
#ifndef SCANNER_TLS_NAMES_H
#define SCANNER_TLS_NAMES_H

#include <stdint.h>

/* "TLSv1.2", …; NULL for a number that is no TLS version. */
const char *tls_version_name(uint16_t version);
/* "x25519", "secp256r1", …; NULL when unknown. */
const char *tls_group_name(uint16_t group);
/* "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": every suite that IANA lists, and those of GOST and of old browsers that are met in the field; NULL when unknown. */
const char *tls_suite_name(uint16_t suite);
/* How a suite below TLS 1.3 agrees on keys and who signs. TLS_KX_UNKNOWN for a suite without a name; TLS 1.3's are TLS_KX_TLS13. */
enum tls_key_exchange {
    TLS_KX_UNKNOWN,
    TLS_KX_RSA,     /* static: nothing is signed */
    TLS_KX_DH,      /* static DH and ECDH: the certificate holds the value */
    TLS_KX_DHE,     /* signed ServerDHParams */
    TLS_KX_ECDHE,   /* signed ServerECDHParams */
    TLS_KX_ANON,    /* no certificate (DH_anon, ECDH_anon) */
    TLS_KX_PSK,     /* no certificate (PSK, DHE_PSK, ECDHE_PSK, SRP without a certificate, KRB5) */
    TLS_KX_RSA_PSK, /* a certificate, nothing signed */
    TLS_KX_TLS13,
    TLS_KX_SRP, /* a certificate that signs SRP parameters (RFC 5054) */
};
enum tls_key_exchange tls_suite_key_exchange(uint16_t suite);
/* RFC 8446 §6 and the older names of RFC 5246 §7.2: "handshake_failure", …; NULL when unknown. */
const char *tls_alert_name(uint8_t alert);

#endif
