/* What a person reads of a sweep: one row per probe, and a summary. Knows nothing of records. */
#ifndef SCANNER_SCAN_TELL_H
#define SCANNER_SCAN_TELL_H

#include "scanner/scan/probe.h"

struct tell;

struct tell *tell_new(void);                                             /* to standard output */
CM_MUST_CHECK int tell_flush(struct tell *tell, struct cm_error *error); /* as table_flush; NULL: 0 */
void tell_free(struct tell *tell);
void tell_probe(struct tell *tell, const struct probe_ask *ask, const struct probe_result *result);
void tell_unresolved(struct tell *tell, const char *name, enum record_error error, const char *detail);

#endif
