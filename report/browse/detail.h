/* One certificate: how long it lasts, whom to call, what it was sent with, where it is. */
#ifndef REPORT_BROWSE_DETAIL_H
#define REPORT_BROWSE_DETAIL_H

#include "report/browse/browse.h"
#include "report/browse/detail_job.h"
#include "report/browse/pages.h"

struct detail {
    char fingerprint[65];
    char name[256];             /* from the list, until the rest is there */
    struct detail_facts *facts; /* NULL until the first answer */
    struct rows owners;         /* exact once owners_exact */
    bool owners_exact;
    struct pages places;
    struct rows checked; /* when those on and near the screen were last looked at, by id */
    size_t scrolled;     /* lines of the upper part that are scrolled away */
    size_t lines;        /* of the upper part, as last drawn */
    bool all_names, all_events;
    bool failed; /* the last answer was an error */
};

struct detail *detail_new(struct browse *browse, const char *fingerprint, const char *name);
void detail_free(struct detail *detail);
void detail_back(struct browse *browse, int argument);
void detail_names(struct browse *browse, int argument);
void detail_events(struct browse *browse, int argument);
void detail_neighbour(struct browse *browse, int step); /* the next or previous of the list */

#endif
