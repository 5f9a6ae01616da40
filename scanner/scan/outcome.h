/* From what a probe found to the records that say so (emit.h), the row that a person reads, and the counts. Any thread may call; one lock
 * around emit, the table and the counts, and everything that can be computed before it is. */
#ifndef SCANNER_SCAN_OUTCOME_H
#define SCANNER_SCAN_OUTCOME_H

#include "certmuster/emit.h"
#include "scanner/scan/probe.h"
#include "scanner/scan/tell.h"
#include "scanner/tls/digests.h"

struct outcome;

struct outcome *outcome_new(struct emit *emit, struct tell *tell); /* tell NULL: nobody reads a table */
void outcome_free(struct outcome *outcome);

/* Exactly one sighting or failure. A record that cannot be kept now waits inside emit; outcome_blocked then says so. digests: the calling
 * thread's. */
void outcome_probe(struct outcome *outcome, struct digests *digests, const struct probe_ask *ask,
                   const struct probe_result *result);
/* One failure for a name without an address. */
void outcome_unresolved(struct outcome *outcome, const char *name, enum record_error error, const char *detail);

/* As emit_tick, emit_blocked and emit_stalled. */
void outcome_tick(struct outcome *outcome, int64_t now_monotonic_ms);
bool outcome_blocked(const struct outcome *outcome);
bool outcome_stalled(const struct outcome *outcome);

void outcome_counts(struct outcome *outcome, uint64_t *ok, uint64_t *failed);
/* "2 refused, 1 timeout" into text; "" when nothing failed. */
void outcome_failures(struct outcome *outcome, char *text, size_t size);

#endif
