/* Issuer paths judged before. What stands above a leaf is the same for every leaf that names the same issuer in the same way and is served with the same
 * certificates, so the next one costs its own signature. */
#ifndef COLLECTOR_JUDGE_PATHS_H
#define COLLECTOR_JUDGE_PATHS_H

#include "collector/judge/shelf.h"
#include "collector/judge/verify.h"

struct paths;

struct paths_entry {
    uint8_t key[CM_SHA256_SIZE];
    X509 *issuer;         /* of the leaf; NULL: a dead end of which nobody is known */
    struct verdict above; /* path and times without the leaf; next_change: until when this holds */
    bool dead;            /* holds for this round only: a certificate may come that leads on */
    unsigned long round;
    int64_t made; /* seconds; the entry does not hold before, should the clock go back */
};

struct paths *paths_new(void);
void paths_free(struct paths *paths);
void paths_begin_round(struct paths *paths);
/* What a path depends on: the store, the other members, and of the leaf whom it names as its issuer and how it is signed. false: a leaf that OpenSSL looks at more closely
 * (a CA's, self-issued, critical extensions, proxies, RFC 3779), or that is not valid now. */
bool paths_key(const char *store_digest, const struct served *served, int64_t now, uint8_t out[static CM_SHA256_SIZE]);
/* NULL: not known. Lends until the next call. */
const struct paths_entry *paths_find(struct paths *paths, const uint8_t key[static CM_SHA256_SIZE], int64_t now);
/* Copies; takes a reference of issuer. Refuses paths with name constraints, which are about the leaf. */
void paths_keep(struct paths *paths, const uint8_t key[static CM_SHA256_SIZE], X509 *issuer,
                const struct verdict *above, bool dead, int64_t now);
bool path_constrains_names(const STACK_OF(X509) * path);

#endif
