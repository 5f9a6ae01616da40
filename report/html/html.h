/* A report as one self-contained HTML file: no request leaves it, its policy allows none. The page's own parts (page.html, page.css,
 * page.js) are embedded at build. */
#ifndef REPORT_HTML_HTML_H
#define REPORT_HTML_HTML_H

#include "report/html/chart.h"
#include "report/report.h"

enum {
    HTML_ROWS_MAX = 200 * 1000
}; /* a browser still sorts and searches these in a moment; more is for csv or ndjson */

/* In this order: head, any number of rows, tail. */
CM_MUST_CHECK int html_head(const struct request *request, const struct summary *summary, const struct chart *chart,
                            struct buf *out, struct cm_error *error);
void html_row(const struct request *request, const struct field *fields, bool first, struct buf *out);
CM_MUST_CHECK int html_tail(struct buf *out, struct cm_error *error);

#endif
