/* Names to addresses: every A and AAAA, by way of c-ares on the sweep's event loop. /etc/hosts comes first; then the servers given or
 * those of resolv.conf. A name with a dot is looked up as it is; the search list serves single labels only. */
#ifndef SCANNER_SCAN_RESOLVE_H
#define SCANNER_SCAN_RESOLVE_H

#include "certmuster/ipaddr.h"
#include "certmuster/record.h"
#include "scanner/scan/loop.h"

enum { RESOLVE_ADDRESSES_MAX = 256 /* of one name; real answers have a dozen */ };

struct resolve_answer {
    const struct ipaddr *addresses; /* lent during the call; each once, in the order of the answer */
    size_t count;
    enum record_error error; /* RECORD_ERROR_NONE when there is at least one address */
    const char *detail;      /* static, may be NULL */
};

typedef void (*resolve_fn)(void *context, const struct resolve_answer *answer);

struct resolver;

struct resolver_options {
    const char *const *servers; /* "192.0.2.53", "127.0.0.9:5353", "[::1]:53"; none: the system's */
    size_t server_count;
    int64_t timeout_ms; /* of a whole lookup; the tries share it */
};

/* CM_EINVAL with detail for a server that cannot be understood. */
CM_MUST_CHECK int resolver_new(struct loop *loop, const struct resolver_options *options, struct resolver **out,
                               struct cm_error *error);
void resolver_free(struct resolver *resolver); /* lookups still under way end without an answer */
struct lookup;                                 /* one that is under way; gone once it has answered */
/* Answers exactly once unless cancelled; NULL when it has done so before this returned. */
struct lookup *resolver_start(struct resolver *resolver, const char *name, resolve_fn done, void *context);
/* The answer is no longer wanted. What c-ares still asks goes on until its own time is up, and still counts as under way. */
void resolver_cancel(struct lookup *lookup);
size_t resolver_under_way(const struct resolver *resolver);

/* What a status of c-ares means in a record. Pure. */
enum record_error resolve_error_of(int ares_status);

#endif
