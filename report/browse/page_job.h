/* Pages and totals as jobs of a link. */
#ifndef REPORT_BROWSE_PAGE_JOB_H
#define REPORT_BROWSE_PAGE_JOB_H

#include "report/browse/link.h"
#include "report/browse/query.h"

/* answer's rows may be taken; they are only there when code is 0. */
typedef void (*page_fn)(void *context, const struct pages_request *request, int code, struct pages_answer *answer,
                        const struct cm_error *error);

struct link_job *page_job_list(const struct choice *choice, const struct pages_request *request, page_fn done);
struct link_job *page_job_places(const char *fingerprint, const struct pages_request *request, page_fn done);

struct totals {
    int64_t all, expired, week, month, before; /* before: -1 when no key was given */
    int64_t took_ms;
};
typedef void (*totals_fn)(void *context, const char *id, int code, const struct totals *totals,
                          const struct cm_error *error);
/* sort and id: the row whose number is wanted as well; NULL: none. */
struct link_job *totals_job(const struct choice *choice, const char *sort, const char *id, totals_fn done);

#endif
