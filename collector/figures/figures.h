/* The figures of /metrics: read from the inventory every few seconds by a thread with a connection of its own, so that neither a scrape nor the judge ever waits
 * for a count of millions. */
#ifndef COLLECTOR_FIGURES_FIGURES_H
#define COLLECTOR_FIGURES_FIGURES_H

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/settings.h"
#include "collector/state.h"

struct figures_reader;
/* Puts into state what it reads. settings and state are lent until it has ended. */
CM_MUST_CHECK int figures_reader_new(const struct settings *settings, struct state *state, struct figures_reader **out,
                                     struct cm_error *error);
/* Asks it to end and waits; false: the server does not answer within timeout_ms, and it must not be freed. */
bool figures_reader_stop(struct figures_reader *reader, int timeout_ms);
void figures_reader_free(struct figures_reader *reader);

/* All of them, once. *out is written when all could be read. */
CM_MUST_CHECK int figures_read(struct db *db, struct figures *out, struct cm_error *error);

#endif
