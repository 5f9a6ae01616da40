/* One-pass reading of certificate revocation lists (RFC 5280 §5) with our own cursor: who, since when, until when, how many. */
#ifndef CERTMUSTER_CRL_H
#define CERTMUSTER_CRL_H

#include "certmuster/cert.h"

struct crl {
    struct slice der;              /* exactly the CertificateList, trailing bytes cut */
    unsigned version;              /* 1 or 2 */
    struct slice issuer;           /* a whole Name */
    int64_t this_update;           /* seconds since the epoch, UTC */
    int64_t next_update;           /* INT64_MIN when absent */
    uint64_t entries;              /* revoked certificates */
    struct slice number;           /* cRLNumber's content octets, empty when absent */
    struct slice delta_of;         /* BaseCRLNumber of a delta CRL, empty when it is none */
    struct slice authority_key_id; /* the keyIdentifier's contents, empty when absent */
    const char *sig_alg;           /* static; NULL when unknown, see sig_oid */
    char sig_oid[64];
};

/* Fills *out with views into der. CM_ETRUNCATED or CM_EMALFORMED with the offset; out untouched then. */
CM_MUST_CHECK int crl_parse(const void *der, size_t size, struct crl *out, struct cm_error *error);

#endif
