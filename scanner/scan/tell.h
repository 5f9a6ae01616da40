/* What a person reads of a sweep: one row per probe, and a summary. Knows nothing of records. */
#ifndef SCANNER_SCAN_TELL_H
#define SCANNER_SCAN_TELL_H

#include "scanner/scan/probe.h"

struct tell;

struct tell *tell_new(void); /* to standard output, which never makes it wait; NULL stands for none, in all of these */
void tell_tick(struct tell *tell); /* writes what the reader takes by now */
/* So much waits for the reader that no new work should be started. */
bool tell_stalled(const struct tell *tell);
/* Writes everything, however long the reader pauses. CM_EIO as table_flush. */
CM_MUST_CHECK int tell_flush(struct tell *tell, struct cm_error *error);
void tell_free(struct tell *tell);
void tell_probe(struct tell *tell, const struct probe_ask *ask, const struct probe_result *result);
void tell_unresolved(struct tell *tell, const char *name, enum record_error error, const char *detail);

#endif
