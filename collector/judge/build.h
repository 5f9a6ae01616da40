/* One path, built and verified by OpenSSL at one moment. */
#ifndef COLLECTOR_JUDGE_BUILD_H
#define COLLECTOR_JUDGE_BUILD_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/* Beside OpenSSL's X509_V_ERR codes: all is well but that it cannot read the leaf's key. */
enum { BUILD_LEAF_KEY = -1 };

struct build {
    int error, depth;      /* X509_V_OK, or what is wrong and with which certificate; 0 the leaf */
    STACK_OF(X509) * path; /* the leaf first; of a failure, as far as it came */
    int untrusted;         /* how many of path are not the store's */
    int64_t store_change;  /* when an anchor that goes by a name of the path begins or ends next; INT64_MAX: never */
};

/* For any purpose: a client's or a signer's chain is as good as a server's here; whether names and usages fit is policy. */
void build_path(X509_STORE *store, X509 *leaf, STACK_OF(X509) * others, int64_t now, struct build *out);
void build_done(struct build *build);
/* Whether a path was refused for want of an issuer or of an anchor. */
bool build_leads_nowhere(int error);
/* Whether the store has a certificate that OpenSSL would take for this one's issuer. */
bool build_has_issuer(X509_STORE *store, X509 *certificate);

/* Times in seconds since the epoch. From until just before: RFC 5280 §4.1.2.5 counts the second notAfter as valid, OpenSSL does not, and OpenSSL judges. */
void certificate_times(const X509 *certificate, int64_t *from, int64_t *until);
/* Brings *next forward to the beginning or the end of this certificate, if that lies ahead of now. */
void time_matters(const X509 *certificate, int64_t now, int64_t *next);

#endif
