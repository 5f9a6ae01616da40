/* The picture of expiries over time: counts per calendar day (UTC) for the next 90 days, what has expired already apart, stacked by
 * urgency, as inline SVG. */
#ifndef REPORT_HTML_CHART_H
#define REPORT_HTML_CHART_H

#include "report/report.h"

enum { CHART_DAYS = 91 }; /* today and the 90 days after it */
enum urgency { URGENCY_URGENT, URGENCY_SOON, URGENCY_LATER, URGENCY_COUNT };

struct chart {
    int64_t overdue;
    int64_t days[CHART_DAYS][URGENCY_COUNT];
};

/* Counts distinct certificates as the request narrows them (its period apart: the picture always shows 90 days). */
CM_MUST_CHECK int chart_read(struct db *db, const struct request *request, struct chart *out, struct cm_error *error);
/* Certificates that expire today or within `days` days, expired ones not counted. */
int64_t chart_within(const struct chart *chart, int days);
/* Appends an <svg> that says in its title and desc what it shows. at: the moment of the snapshot. */
void chart_svg(const struct chart *chart, int64_t at, struct buf *out);

#endif
