/* What a person reads of a watch: a row for every place, name, role and chain, when it is told for the first time. Knows nothing of records. */
#ifndef SCANNER_WATCH_SHOW_H
#define SCANNER_WATCH_SHOW_H

#include "scanner/watch/summary.h"

struct show;
struct show *show_new(void); /* to standard output */
void show_free(struct show *show);
/* The `shown` of tell.h. */
void show_row(const struct summary *summary, struct slice leaf, void *show);
/* As table_flush; NULL: 0. A watch that lasts calls it now and then, or its first rows would wait for hours. */
CM_MUST_CHECK int show_flush(struct show *show, struct cm_error *error);

#endif
