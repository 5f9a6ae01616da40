/* sources.h behind a wall: started by root, the files are found and opened by a small process that stays root and hands over descriptors, so that the one that
 * reads them needs no rights at all. Started by anybody else there is no second process. */
#ifndef SCANNER_WATCH_OPENER_H
#define SCANNER_WATCH_OPENER_H

#include "certmuster/error.h"
#include "scanner/watch/sources.h"

struct opener;
/* Takes the sources. apart: in a process of its own, which is made here. */
CM_MUST_CHECK int opener_new(struct sources *sources, bool apart, struct opener **out, struct cm_error *error);
void opener_free(struct opener *opener); /* the process ends */
/* As sources_next, but waits only about a tenth of a second: NONE_YET then. */
enum sources_answer opener_next(struct opener *opener, struct source *out);

#endif
