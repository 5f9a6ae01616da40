/* What a stapled OCSP response (RFC 6960 §4.2.1) says of the leaf, and how many SCTs (RFC 6962 §3.3) came beside it. Read with the cursor; no
 * signature is checked, nothing is decoded by OpenSSL. */
#ifndef SCANNER_TLS_STAPLE_H
#define SCANNER_TLS_STAPLE_H

#include "certmuster/cursor.h"
#include "certmuster/error.h"

struct staple {
    const char *
        status; /* "good", "revoked", "unknown" of the first SingleResponse; the OCSPResponseStatus when it is not successful
                                          ("try_later", "unauthorized", "internal_error", …); "malformed". Static. NULL: no staple */
    int64_t this_update, next_update; /* seconds since the epoch; INT64_MIN when absent */
};

/* ocsp: the DER of OCSPResponse. Always fills out; one that cannot be read is "malformed". */
void staple_read(struct slice ocsp, struct staple *out);
/* The SignedCertificateTimestampList of a signed_certificate_timestamp extension: how many. CM_EMALFORMED when damaged. */
CM_MUST_CHECK int sct_count(struct slice list, unsigned *count);

#endif
