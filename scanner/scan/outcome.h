/* From what a probe found to the records that say so (emit.h), the row that a person reads, and the counts. */
#ifndef SCANNER_SCAN_OUTCOME_H
#define SCANNER_SCAN_OUTCOME_H

#include "certmuster/emit.h"
#include "scanner/scan/probe.h"
#include "scanner/scan/tell.h"

struct outcome {
    struct emit *emit;
    struct tell *tell; /* NULL: nobody reads a table */
    uint64_t ok, failed;
    uint64_t by_error[RECORD_ERROR_COUNT_];
};

/* Exactly one sighting or failure. A record that cannot be kept now waits inside emit; emit_blocked then says so. */
void outcome_probe(struct outcome *outcome, const struct probe_ask *ask, const struct probe_result *result);
/* One failure for a name without an address. */
void outcome_unresolved(struct outcome *outcome, const char *name, enum record_error error, const char *detail);
/* "2 refused, 1 timeout" into text; "" when nothing failed. */
void outcome_failures(const struct outcome *outcome, char *text, size_t size);

#endif
