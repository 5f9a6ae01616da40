/* The filter language of report and browse: what people type to narrow the inventory down. Parsed here into terms; turned into SQL
 * conditions whose text is static and whose values are bound parameters.
 *
 *   filter = term …              every term must hold
 *   term   = [-] [key :] value   "-" turns it around
 *   value  = word | "any text"   in quotes, \" is a quote and \\ a backslash
 *
 * A value is looked for anywhere in the text, upper and lower case alike; with * in it (outside quotes) it is a glob over the whole
 * text, and "*.example.org" means what it looks like. A word without key is looked for in name, subject, issuer, place and
 * owner. Keys: name, issuer, place, owner (owner:none: nobody's), realm, key ("RSA 2048", "EC P-256"), fingerprint (how it starts),
 * status (expired, expiring, failing, ok, gone). Letters with a colon are a key, and one that is not listed is an error, which names
 * those that are: port:443 as well as nosuch:x. Text are mail.example.org:443, fe80::1, dead:beef::1, https://x, host:/etc/x and whatever is in
 * quotes: "localhost:443". */
#ifndef CERTMUSTER_FILTER_H
#define CERTMUSTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

enum filter_key {
    FILTER_ANY, /* a word without key */
    FILTER_NAME,
    FILTER_ISSUER,
    FILTER_PLACE,
    FILTER_OWNER,
    FILTER_REALM,
    FILTER_KEY,
    FILTER_FINGERPRINT,
    FILTER_STATUS,
    FILTER_KEY_COUNT_
};

enum filter_status { FILTER_EXPIRED, FILTER_EXPIRING, FILTER_FAILING, FILTER_OK, FILTER_GONE, FILTER_STATUS_COUNT_ };

struct filter_term {
    enum filter_key key;
    bool negated;
    bool nobody;               /* owner:none */
    enum filter_status status; /* of FILTER_STATUS */
    char *
        like; /* owned: the value as a LIKE pattern in lower case (ASCII), % _ \ escaped by \; NULL for status, nobody */
};

struct filter {
    struct filter_term *terms; /* at most CM_LIMIT_FILTER_TERMS; NULL when count is 0 */
    size_t count;
};

/* While somebody is typing, what is not finished yet does not narrow: an open quote ends at the end, "owner:", "-" and
 * "status:exp" are left out. Everything else stays an error. */
enum filter_mode { FILTER_WHOLE, FILTER_TYPING };

/* CM_EINVAL with offset, reason and detail fit for one line (filter_wrong); CM_ELIMIT past CM_LIMIT_FILTER_BYTES or _TERMS. *out untouched
 * on failure; an empty text is a filter without terms, which everything passes. */
CM_MUST_CHECK int filter_parse(const char *text, enum filter_mode mode, struct filter *out, struct cm_error *error);
void filter_done(struct filter *filter);
/* Whether it asks for what is gone, which nobody is shown unless asked for. */
bool filter_asks_gone(const struct filter *filter);

/* What the terms mean for one query: SQL conditions, each a constant of the program. "$$" stands for the bound pattern and is to be
 * compared as lower(text) LIKE $$. */
struct filter_sql {
    const char *text[FILTER_KEY_COUNT_];      /* by key; [FILTER_STATUS] unused */
    const char *nobody;                       /* of owner:none */
    const char *status[FILTER_STATUS_COUNT_]; /* without parameter */
};
/* Appends " AND (condition)" per term to where, numbering parameters from first_parameter (1: $1), and stores the patterns, lent
 * from the filter, in parameters (room for CM_LIMIT_FILTER_TERMS). Returns how many. A negated term also passes where its text is NULL. */
size_t filter_where(const struct filter *filter, const struct filter_sql *sql, size_t first_parameter,
                    struct buf *where, const char **parameters);

#endif
