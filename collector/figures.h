/* The figures of /metrics: read from the inventory every few seconds by a clerk, so that neither a scrape nor the judge ever waits for a count of millions. */
#ifndef COLLECTOR_FIGURES_H
#define COLLECTOR_FIGURES_H

#include "collector/clerk.h"
#include "collector/state.h"

/* Puts into state what it reads; state is lent. */
CM_MUST_CHECK int figures_clerk(const struct settings *settings, struct state *state, struct clerk **out,
                                struct cm_error *error);

#endif
