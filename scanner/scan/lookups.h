/* The names of a sweep that are under way at the resolver: each ends as places (places.h) or as one failure. The main thread's. */
#ifndef SCANNER_SCAN_LOOKUPS_H
#define SCANNER_SCAN_LOOKUPS_H

#include "scanner/scan/outcome.h"
#include "scanner/scan/places.h"
#include "scanner/scan/resolve.h"

struct lookups;

/* Fails as resolver_new does. All must outlive it. */
CM_MUST_CHECK int lookups_new(struct loop *loop, const struct resolver_options *options, struct places *places,
                              struct outcome *outcome, struct lookups **out, struct cm_error *error);
void lookups_free(struct lookups *lookups);
bool lookups_full(const struct lookups *lookups);
void lookups_begin(struct lookups *lookups, struct target *target); /* takes the target */
uint64_t lookups_count(const struct lookups *lookups);
/* Those under way are told as cancelled. */
void lookups_cancel(struct lookups *lookups);

#endif
