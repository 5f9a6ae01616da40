/* --prove: is the private key of the leaf really there? Checks the signature that the server makes over the handshake: CertificateVerify
 * (RFC 8446 §4.4.3) or the ServerKeyExchange of a DHE or ECDHE suite (RFC 5246 §7.4.3, RFC 4492 §5.4; MD5 + SHA-1 before 1.2).
 *
 * The only place of the scanner where OpenSSL decodes a key, and only with --prove. Says nothing about trust. */
#ifndef SCANNER_TLS_PROVE_H
#define SCANNER_TLS_PROVE_H

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum proof {
    PROOF_NONE,        /* not asked for */
    PROOF_GOOD,        /* the signature is the leaf's key's over this handshake */
    PROOF_BAD,         /* it is not */
    PROOF_UNAVAILABLE, /* nothing was signed (static RSA, static DH, SSLv2), it did not arrive, or the key or algorithm cannot be used here; detail says */
};
const char *proof_name(enum proof proof); /* "good", "bad", "unavailable"; NULL for PROOF_NONE */

/* CertificateVerify: body is the message's; transcript the hash up to and including Certificate. *detail: static, NULL when good. */
enum proof prove_certificate_verify(struct slice leaf, struct slice body, const uint8_t *transcript,
                                    size_t transcript_size, const char **detail);
/* ServerKeyExchange: version and suite as negotiated, the two randoms of 32 bytes each. */
enum proof prove_server_key_exchange(struct slice leaf, struct slice body, uint16_t version, uint16_t suite,
                                     const uint8_t *client_random, const uint8_t *server_random, const char **detail);

#endif
