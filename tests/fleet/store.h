/* The fleet's directory: keys and certificates are made once and read afterwards, so that fingerprints stay between starts.
 *
 *   ca.pem               the root, the trust anchor of the whole fleet
 *   keys/KIND.pem        private keys (0600), made when first needed
 *   certs/NAME.pem       the intermediates, and each behaviour's chain as it is sent
 *   MANIFEST.tsv         what is served where: behaviour, ip, port, leaf, chain, expect, name
 *
 * The root's notBefore tells when the directory was born; every validity counts from there. Delete the directory to start anew. */
#ifndef CERTMUSTER_FLEET_STORE_H
#define CERTMUSTER_FLEET_STORE_H

#include <stdint.h>

#include "certmuster/buf.h"
#include "tests/fleet/behaviour.h"

struct store {
    const char *dir; /* lends from the command line */
    int lock;        /* held while files are made, so that two starts at once agree */
    EVP_PKEY *keys[KEY_COUNT];
    X509 *root;
    X509 *intermediates[KEY_COUNT]; /* by the key that signs: KEY_CA_… */
    int64_t birth;                  /* seconds since the epoch */
};

/* Makes dir when missing, takes the lock, reads or makes the root. */
CM_MUST_CHECK int store_open(struct store *store, const char *dir, struct cm_error *error);
void store_unlock(struct store *store);
void store_done(struct store *store);

EVP_PKEY *store_key(struct store *store, enum fleet_key key);     /* lends */
X509 *store_intermediate(struct store *store, enum fleet_key ca); /* lends */

/* The certificates as a behaviour sends them, leaf first; free with sk_X509_pop_free(…, X509_free). key: the leaf's kind. */
STACK_OF(X509) * store_chain(struct store *store, const struct behaviour *behaviour, enum fleet_key key, int generation,
                             const char *ip);
/* Replaces DIR/name by these bytes, all or nothing. */
CM_MUST_CHECK int store_write(const struct store *store, const char *name, const struct buf *text, unsigned mode,
                              struct cm_error *error);

#endif
