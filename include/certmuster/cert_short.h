/* Names of certificates as people know them, for tables. */
#ifndef CERTMUSTER_CERT_SHORT_H
#define CERTMUSTER_CERT_SHORT_H

#include "certmuster/cert.h"

/* The common name; the whole name (RFC 4514) when it has none. out is set anew. */
void cert_short_name(struct slice name, struct buf *out);
/* That of the subject; for an empty subject the first name that the certificate is for. */
void cert_short_subject(const struct cert *cert, struct buf *out);

#endif
