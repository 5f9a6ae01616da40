/* The two LDAP messages of StartTLS (RFC 4511 §4.12, §4.14). */
#ifndef SCANNER_SCAN_LDAP_H
#define SCANNER_SCAN_LDAP_H

#include "certmuster/cursor.h"

/* LDAPMessage 1, ExtendedRequest with requestName 1.3.6.1.4.1.1466.20037. */
#define LDAP_STARTTLS_REQUEST                                                                                          \
    "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"                                                                             \
    "1.3.6.1.4.1.1466.20037"
enum { LDAP_STARTTLS_REQUEST_SIZE = 31 };

struct ldap_response {
    uint32_t result;      /* resultCode: 0 success, 2 protocolError, 52 unavailable … */
    struct slice message; /* diagnosticMessage, lent; hostile */
};

/* The first whole LDAPMessage of bytes, which must be an ExtendedResponse; *used is its size. CM_ETRUNCATED when more bytes could make it
 * whole, CM_EMALFORMED, CM_ELIMIT when it claims more than 16 KiB. */
CM_MUST_CHECK int ldap_read_extended_response(struct slice bytes, struct ldap_response *out, size_t *used);

#endif
