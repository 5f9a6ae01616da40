/* The Certificate in a CompressedCertificate of TLS 1.3 (RFC 8879 §4), as browsers and large servers send it. */
#ifndef SCANNER_WATCH_CERTIFICATE_UNPACK_H
#define SCANNER_WATCH_CERTIFICATE_UNPACK_H

#include "certmuster/buf.h"

/* True with the body of the Certificate message in out, in place of what was there. False: an algorithm that is none of zlib, brotli and zstd, damaged, not as
 * long as it says, or longer than a Certificate may be. */
CM_MUST_CHECK bool certificate_unpack(struct slice body, struct buf *out);

#endif
