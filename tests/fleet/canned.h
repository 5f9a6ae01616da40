/* Canned answers for benchmarks: what a server says up to its certificate, at a fraction of a handshake's cost.
 *
 * tls12: ServerHello, Certificate, ServerHelloDone, the same bytes but for the leaf. tls13: a ServerHello with an X25519 share and the
 * sealed EncryptedExtensions, Certificate and CertificateVerify (RFC 8446 §4, §5.2, §7.1). tls13-hrr: the same after a HelloRetryRequest for
 * secp384r1, which costs the client twenty times what it costs the server: the shared secret is computed once per client share, so that a
 * client which reuses its share makes the server pay for the key schedule and sealing alone. Each address has a
 * leaf of its own. Signatures are not made: that in the certificate is a template's, that in CertificateVerify zeros, at which a
 * client which goes that far ends the connection. */
#ifndef CERTMUSTER_FLEET_CANNED_H
#define CERTMUSTER_FLEET_CANNED_H

#include "certmuster/cursor.h"
#include "tests/fleet/stamp.h"

enum canned_kind { CANNED_NONE, CANNED_TLS12, CANNED_TLS13, CANNED_TLS13_HRR };
CM_MUST_CHECK int canned_kind_read(const char *text, enum canned_kind *out); /* CM_EINVAL for an unknown name */

struct canned;
/* The stamp lends to it. */
struct canned *canned_new(enum canned_kind kind, struct stamp *stamp, X509 *intermediate);
void canned_free(struct canned *canned);
enum { CANNED_MORE = 1 };
/* The answer of address `index` to the bytes that a client sent: 0, or CANNED_MORE when a second ClientHello has to come, alone, in another call.
 * CM_ETRUNCATED: the ClientHello is not whole yet; CM_EMALFORMED: it is none; CM_EUNSUPPORTED: it offers not what is canned (TLS 1.2 with
 * ECDHE-ECDSA-AES128-GCM-SHA256; TLS 1.3 with TLS_AES_128_GCM_SHA256 and a share of the group). *out lends until the next call. */
CM_MUST_CHECK int canned_answer(struct canned *canned, uint32_t index, const void *bytes, size_t size,
                                struct slice *out);

#endif
