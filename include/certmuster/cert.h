/* One-pass certificate reading (RFC 5280 §4.1) with our own cursor: slices into the DER, nothing allocated, nothing verified.
 *
 * Costs about a microsecond where OpenSSL's d2i_X509 costs 160 (it decodes the key eagerly), so scanners may call it once
 * per distinct certificate and the collector for every one that it stores. Checked against OpenSSL over whole corpora. */
#ifndef CERTMUSTER_CERT_H
#define CERTMUSTER_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"
#include "certmuster/encode.h"

enum san_kind { SAN_DNS, SAN_IP, SAN_EMAIL, SAN_URI, SAN_OTHER };

struct cert {
    struct slice der; /* exactly the Certificate SEQUENCE, trailing bytes cut */
    struct slice tbs;
    unsigned version;    /* 1, 2 or 3; others, and 0 for negative ones, are claims that no profile allows */
    struct slice serial; /* the INTEGER's content octets */
    struct slice issuer; /* whole Name elements */
    struct slice subject;
    struct slice spki;               /* whole SubjectPublicKeyInfo */
    struct slice san;                /* contents of GeneralNames, empty when absent */
    struct slice subject_key_id;     /* contents, empty when absent */
    struct slice authority_key_id;   /* the keyIdentifier's contents, empty when absent */
    struct slice extended_key_usage; /* contents of the SEQUENCE OF OID, empty when absent */
    int64_t not_before;              /* seconds since the epoch, UTC */
    int64_t not_after;
    const char
        *key_alg; /* static: RSA, EC, Ed25519, Ed448, DSA, X25519, ML-DSA-65, …; NULL when unknown, see key_oid */
    unsigned key_bits;   /* modulus, field or 0 when unknown */
    const char *curve;   /* static: P-256, … ; NULL when not EC or unknown */
    const char *sig_alg; /* static: ecdsa-with-SHA256, sha256WithRSAEncryption, …; NULL when unknown, see sig_oid */
    char key_oid[64];    /* dotted decimal, always set; "?" when it is no OID, "..." at its end when cut */
    char sig_oid[64];
    bool ca;          /* basicConstraints cA */
    bool self_issued; /* subject equals issuer, byte for byte */
};

/* Fills *out with views into der, which must outlive it. CM_ETRUNCATED or CM_EMALFORMED with the offset; out untouched then. */
CM_MUST_CHECK int cert_parse(const void *der, size_t size, struct cert *out, struct cm_error *error);
/* The same, but *out holds in any case what could be read: slices of the rest are empty, times INT64_MIN, key_oid "". */
CM_MUST_CHECK int cert_parse_broken(const void *der, size_t size, struct cert *out, struct cm_error *error);
/* Fills key_alg, key_bits, curve and key_oid alone, from a whole SubjectPublicKeyInfo: a key that lies about without a certificate. */
CM_MUST_CHECK int cert_read_key(struct slice spki, struct cert *out);
/* Length of the Certificate that starts at bytes (outer SEQUENCE header and contents), without reading inside it. */
CM_MUST_CHECK int cert_length(const void *bytes, size_t size, size_t *length);
/* A Name in RFC 4514 form (most specific RDN first), UTF-8; text from T61/BMP/Universal strings is converted. On a broken Name
 * appends what could be read and returns CM_EMALFORMED. */
int name_rfc4514(struct slice name, struct buf *out);
/* The last commonName of a Name as UTF-8; CM_ENOTFOUND when there is none. */
int name_common_name(struct slice name, struct buf *out);

/* Walks GeneralNames: returns 1 with *kind and *text (a cleared buffer, IPs in RFC 5952 form), 0 at the end, negative on damage. */
struct san_walk {
    struct cursor rest;
    unsigned seen; /* stops with CM_ELIMIT past CM_LIMIT_SAN_NAMES */
};
void san_walk_init(struct san_walk *walk, const struct cert *cert);
int san_walk_next(struct san_walk *walk, enum san_kind *kind, struct buf *text);

void cert_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE]);
void cert_spki_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE]);
void cert_tbs_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE]);
/* True when issuer's subject (and key identifier, where both say one) fits: a hint for ordering, not a verification. */
bool cert_issued_by(const struct cert *cert, const struct cert *issuer);

#endif
