/* Named trust stores: files of anchors that chains are verified against. 'system' is collector.trust_store; trust.stores names others. */
#ifndef COLLECTOR_JUDGE_TRUST_H
#define COLLECTOR_JUDGE_TRUST_H

#include <openssl/types.h>
#include <stdbool.h>

#include "certmuster/db.h"
#include "certmuster/encode.h"
#include "certmuster/error.h"
#include "collector/settings.h"

enum { TRUST_STORES_MAX = 32, TRUST_NAME_SIZE = 64 };

struct trust; /* one of them */

struct trust *trust_new(const char *name, const char *path);
void trust_free(struct trust *trust);
/* Loads the store when the file has changed since. A file that cannot be read leaves the old store in use: CM_EIO, or CM_EMALFORMED, until it
 * can be. */
CM_MUST_CHECK int trust_refresh(struct trust *trust, struct cm_error *error);
const char *trust_name(const struct trust *trust);
/* NULL until it could be loaded. Lends until the next refresh. */
X509_STORE *trust_anchors(const struct trust *trust);
/* SHA-256 of the store in use, in hex; "" before there is one. */
const char *trust_digest(const struct trust *trust);

/* Notes its anchors in the inventory: how many chains are to be judged again, -1 when they were the same before. */
CM_MUST_CHECK int trust_note(const struct trust *trust, struct db *db, int64_t *chains, struct cm_error *error);

/* All that are configured. */
struct trust_set {
    const struct settings *settings;
    struct trust *stores[TRUST_STORES_MAX];
    bool usable[TRUST_STORES_MAX]; /* loaded, and the one that the inventory's verdicts are by */
    bool told[TRUST_STORES_MAX];   /* that it is not */
    char noted[TRUST_STORES_MAX][CM_SHA256_HEX_SIZE];
    size_t count;
    bool held;           /* it was said since the start that these are in use */
    int64_t hold_due_ms; /* monotonic: when to say so again */
};

/* CM_EINVAL: a line of trust.stores is not NAME=FILE, or says a name twice. Borrows settings. */
CM_MUST_CHECK int trust_set_new(const struct settings *settings, struct trust_set **out, struct cm_error *error);
void trust_set_free(struct trust_set *set);
/* Loads what changed, writes down which file each name stands for, and puts every chain on the docket of one that is new, or that has
 * vanished from the inventory. Stores that this collector cannot read, or that another collector has loaded later from another file, are
 * not usable. */
CM_MUST_CHECK int trust_set_refresh(struct trust_set *set, struct db *db, struct cm_error *error);
/* Once a minute: says that these stores are in use, and forgets those that nobody uses. */
CM_MUST_CHECK int trust_set_hold(struct trust_set *set, struct db *db, struct cm_error *error);

#endif
