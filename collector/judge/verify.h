/* The verdict of one trust store over one chain. */
#ifndef COLLECTOR_JUDGE_VERIFY_H
#define COLLECTOR_JUDGE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/judge/issuers.h"
#include "collector/judge/search.h"
#include "collector/judge/shelf.h"
#include "collector/judge/trust.h"

enum { VERIFY_PATH_MAX = 102, VERIFY_NAME_SIZE = 64 };

struct verdict {
    /* "ok", "incomplete", X509_V_ERR_… in lower case without the prefix, "undecodable" or "unable_to_decode_leaf_public_key" */
    char name[VERIFY_NAME_SIZE];
    int depth;                                     /* of the certificate at fault; 0 the leaf */
    uint8_t path[VERIFY_PATH_MAX][CM_SHA256_SIZE]; /* of ok and incomplete: leaf first, anchor last */
    size_t path_count;
    int64_t effective_not_after; /* earliest in the path, seconds; INT64_MAX: no path */
    int64_t next_change;         /* when time may change the verdict; INT64_MAX: never */
    /* Lent by issuers, until its next round. */
    const char *missing_issuer;
    const char *waits_for[SEARCH_NAMES_MAX];
    size_t waits_count;
};

struct paths;

/* What the verdicts of a round are made with. */
struct bench {
    struct issuers *issuers;
    struct paths *paths;
    int64_t now;                      /* seconds */
    unsigned long long built, cached; /* counted here: paths built by OpenSSL, and leaves under a known one */
};

/* The chain as it was served: leaf, then whatever followed, as untrusted help; where that leads nowhere, with what is known from elsewhere.
 * The store must be loaded. Negative: as issuers_of() says. */
CM_MUST_CHECK int verify_chain(const struct trust *trust, const struct served *served, struct bench *bench,
                               struct verdict *out);
/* The name of an X509_V_ERR code; "unknown_<code>" for one that is not in the table. */
void verdict_name(int code, char out[static VERIFY_NAME_SIZE]);

#endif
