/* The second attempt at a chain that leads nowhere as it was served: every way upwards over its own members and over the CA certificates that the inventory knows from
 * elsewhere, until one ends at an anchor. */
#ifndef COLLECTOR_JUDGE_SEARCH_H
#define COLLECTOR_JUDGE_SEARCH_H

#include "collector/judge/build.h"
#include "collector/judge/issuers.h"
#include "collector/judge/shelf.h"

enum {
    SEARCH_STEPS_MAX = 8,       /* above the leaf */
    SEARCH_NAMES_MAX = 16,      /* looked up for one chain */
    SEARCH_SIGNATURES_MAX = 96, /* checked for one chain */
    SEARCH_BUILDS_MAX = 32,
};

struct search {
    bool found;
    bool
        from_served; /* found: with nothing that was not served; OpenSSL does not go back once it has chosen between issuers of one name */
    struct build build; /* found: the path; for build_done() */
    int64_t
        next_change; /* not found: when one of the certificates that were looked at begins or ends; INT64_MAX: never */
    /* Not found: why the path that came nearest is refused, and for which certificate of it; X509_V_OK: because an issuer is lacking. */
    int error, depth;
    /* Not found: the names that were looked up, and the first of which there is no certificate with the key that signed, neither served nor known nor in
     * the store, or NULL. Lent by issuers. */
    const struct issuers_name *names[SEARCH_NAMES_MAX], *missing;
    size_t name_count;
    /* Not found, and the same for every leaf that leaf_issuer (NULL: for every leaf of that name) issued. Lent by served and issuers. */
    bool general;
    X509 *leaf_issuer;
};

/* Negative: as issuers_of() says. */
CM_MUST_CHECK int search_path(X509_STORE *store, const struct served *served, struct issuers *issuers, int64_t now,
                              struct search *out);

#endif
