/* The upper part of the detail view as text: everything known of a certificate but its places. Pure. */
#ifndef REPORT_BROWSE_DETAIL_DOC_H
#define REPORT_BROWSE_DETAIL_DOC_H

#include <stdint.h>

#include "report/browse/detail_job.h"
#include "report/browse/doc.h"

struct detail_show {
    const char *fingerprint;
    const struct detail_facts *facts; /* with a certificate */
    const struct rows *owners;
    bool all_names, all_events;
    int64_t now;
};

void detail_doc(struct doc *doc, const struct detail_show *show);

#endif
