/* The list of certificates, what breaks next first. */
#ifndef REPORT_BROWSE_LIST_H
#define REPORT_BROWSE_LIST_H

#include "report/browse/browse.h"
#include "report/browse/query.h"

struct list_totals {
    bool known;
    int64_t all, expired, week, month;
};

struct list {
    struct pages pages;
    struct choice choice;
    struct list_totals totals;
    int64_t totals_next_ms; /* monotonic: counting again is not worth its cost before */
    bool failed;            /* the last answer was an error */
};

struct list *list_new(struct browse *browse);
void list_free(struct list *list);
void list_open(struct browse *browse);                  /* asks for the first page and the totals by what is chosen */
const char *list_selected(const struct browse *browse); /* the fingerprint in hex, NULL when nothing is */

/* Functions of keys.c. */
void list_enter(struct browse *browse, int argument);
void list_filter(struct browse *browse, int argument);
void list_clear_filter(struct browse *browse, int argument);
void list_scope(struct browse *browse, int step);
void list_order(struct browse *browse, int argument);
void list_trust(struct browse *browse, int argument);
void list_now(struct browse *browse, int argument); /* to the first that has not expired */

#endif
