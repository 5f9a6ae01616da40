/* One-pass reading of certificate signing requests (PKCS#10, RFC 2986) with our own cursor, as cert.h reads certificates. */
#ifndef CERTMUSTER_CSR_H
#define CERTMUSTER_CSR_H

#include "certmuster/cert.h"

/* Fills *out with views into der: what a request has of a certificate, which is der, tbs, version, subject, spki, the key's and the
 * signature's algorithms and, where it asks for extensions (PKCS#9 extensionRequest or Microsoft's), san and ca. The rest is empty.
 * CM_ETRUNCATED or CM_EMALFORMED with the offset; out untouched then. */
CM_MUST_CHECK int csr_parse(const void *der, size_t size, struct cert *out, struct cm_error *error);

#endif
