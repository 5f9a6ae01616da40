/* Object identifiers of certificates: their text, and the keys and signatures that they name. Private to lib. */
#ifndef LIB_CERT_OID_H
#define LIB_CERT_OID_H

#include "certmuster/cert.h"

/* Dotted decimal of an OID's contents, NUL-terminated; "?" when they are no OID; cut at the last whole arc and "..." when it does not fit. */
void oid_write(char *out, size_t size, struct slice contents);
/* "ecdsa-with-SHA256" for "1.2.840.10045.4.3.2"; NULL when unknown. */
const char *cert_oid_signature(const char *dotted);

#endif
