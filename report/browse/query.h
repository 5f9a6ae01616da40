/* What the user chose to see, as SQL. The text is made of constants of this program only; everything typed is a bound parameter. */
#ifndef REPORT_BROWSE_QUERY_H
#define REPORT_BROWSE_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/buf.h"
#include "certmuster/filter.h"
#include "certmuster/limits.h"
#include "report/browse/line.h"
#include "report/browse/pages.h"

enum scope { SCOPE_ALL, SCOPE_VALID, SCOPE_MONTH, SCOPE_EXPIRED, SCOPE_CHAIN, SCOPE_TO_DO, SCOPE_COUNT_ };
enum order { ORDER_EXPIRY, ORDER_NAME, ORDER_COUNT_ };

struct choice {
    enum scope scope;
    enum order order;
    bool trust;                  /* trust stores as well */
    char filter[LINE_BYTES_MAX]; /* as typed, known to parse */
};

const char *scope_name(enum scope scope); /* "everything in use" */
const char *order_name(enum order order); /* "soonest first" */

/* The fields of a row of the list; ROW_SORT and ROW_ID (the fingerprint in hex) come first. Times are seconds. */
enum list_field {
    LIST_NAME = ROW_FIRST,
    LIST_ISSUER,
    LIST_NOT_BEFORE,
    LIST_NOT_AFTER,
    LIST_PLACES, /* LIST_PLACES_MOST: as many or more */
    LIST_OWNER,  /* "": nobody */
    LIST_OWNERS,
    LIST_VERDICT,
    LIST_ACKNOWLEDGED, /* "t", "f", or "" without an alert */
    LIST_KEY,
    LIST_ENVIRONMENT,
    LIST_CRITICALITY,
    LIST_NAMES,
    LIST_FIELDS
};
enum { LIST_PLACES_MOST = 1001 };

struct query {
    struct buf sql;
    const char *parameters[3 + CM_LIMIT_FILTER_TERMS]; /* lent from the request and the filter */
    size_t count;
    struct filter filter;
};

/* The page asked for: `behind` the rows after (or, AROUND, from) the key on, else those before it, nearest first. Unless `sure`, rows of what is in
 * use nowhere any more may be among them, which show no place: what the collector has not marked yet. Only query_may_hope() may ask so. */
CM_MUST_CHECK int query_list(struct query *query, const struct choice *choice, const struct pages_request *request,
                             bool behind, bool sure, struct cm_error *error);
bool query_may_hope(const struct choice *choice);
/* One row: all, expired, due in 7 days, in 30 days, and how many stand before the key (sort, id). */
CM_MUST_CHECK int query_totals(struct query *query, const struct choice *choice, const char *sort, const char *id,
                               struct cm_error *error);
/* The places of one certificate (hex), paged by their own key; the fields are enum place_field. */
enum place_field {
    PLACE_TEXT = ROW_FIRST,
    PLACE_RESULT,
    PLACE_DETAIL,
    PLACE_LAST_SEEN,
    PLACE_OWNER,
    PLACE_TLS,
    PLACE_STARTTLS,
    PLACE_ROLE,
    PLACE_OTHER_NAME, /* "t": a name was asked that the certificate is not for */
    PLACE_FIELDS
};
void query_places(struct query *query, const char *fingerprint, const struct pages_request *request, bool behind);
void query_done(struct query *query);

#endif
