/* When places were last looked at and found as they were. That stands packed in the batches of the last days, and finding a screenful
 * there takes a hundred times as long as reading the screenful: so it is asked for apart, and shown when it comes. Until then a place
 * shows what is folded into it, which is when it was written last. */
#ifndef REPORT_BROWSE_CHECKED_H
#define REPORT_BROWSE_CHECKED_H

#include "report/browse/link.h"
#include "report/browse/row.h"

enum { CHECKED_MOST = 1000 }; /* places of one question */

/* checked may be taken, when code is 0: one row per place that was found, by id. */
typedef void (*checked_fn)(void *context, int code, struct rows *checked);

/* Asks about count of the rows of a list of places (enum place_field), from `first` on. */
struct link_job *checked_job(const struct rows *places, size_t first, size_t count, checked_fn done);
/* Seconds; 0 when it is not in there. */
int64_t checked_at(const struct rows *checked, const struct row *place);

#endif
