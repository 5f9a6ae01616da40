/* sources.h behind a wall: files are found and opened by a small process that keeps the rights that we were started with and hands over descriptors, so that
 * the one that reads them may do without any, and without open(2) itself. */
#ifndef SCANNER_WATCH_OPENER_H
#define SCANNER_WATCH_OPENER_H

#include "certmuster/error.h"
#include "scanner/watch/sources.h"

struct opener;
/* Takes the sources. Makes the process. */
CM_MUST_CHECK int opener_new(struct sources *sources, struct opener **out, struct cm_error *error);
void opener_free(struct opener *opener); /* the process ends */
/* As sources_next, but waits only about a tenth of a second: NONE_YET then. */
enum sources_answer opener_next(struct opener *opener, struct source *out);

#endif
