/* Drains a spool directory: every closed segment to the collector, oldest run first. */
#ifndef CERTMUSTER_SUBMIT_SEGMENTS_H
#define CERTMUSTER_SUBMIT_SEGMENTS_H

#include "scanner/submit/submit.h"

/* Delivers what waits in dir. Segments that are taken go away; refused ones move to dir/refused/, refused lines to dir/rejected/,
 * each with the reason; everything else stays. Adds to *totals. */
void segments_drain(const char *dir, struct delivery *delivery, const char *scanner, bool quiet,
                    struct submit_totals *totals);

#endif
