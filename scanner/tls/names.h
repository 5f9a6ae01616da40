/* The field's names for TLS numbers, as IANA registers them: protocol versions, named groups, alerts. Cipher suites are
 * named by whoever knows the library at hand. */
#ifndef SCANNER_TLS_NAMES_H
#define SCANNER_TLS_NAMES_H

#include <stdint.h>

/* "TLSv1.2", …; NULL for a number that is no TLS version. */
const char *tls_version_name(uint16_t version);
/* "x25519", "secp256r1", …; NULL when unknown. */
const char *tls_group_name(uint16_t group);
/* RFC 8446 §6 and the older names of RFC 5246 §7.2: "handshake_failure", …; NULL when unknown. */
const char *tls_alert_name(uint8_t alert);

#endif
