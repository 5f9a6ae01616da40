/* What a report is, what was asked of it, and the way from one to the other: the contract of main.c, query.c and render.c with
 * expiring.c and inventory.c. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/db.h"
#include "certmuster/filter.h"
#include "certmuster/table.h"
#include "report/sheet.h"

enum format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON, FORMAT_NDJSON, FORMAT_HTML };

/* How the inventory stands at the moment of the snapshot. Times in seconds since the epoch. */
struct summary {
    int64_t at;
    int64_t places, failing, unowned; /* without those that are gone */
    int64_t gone;
    bool looked; /* somebody looked at all */
    int64_t last_looked;
    bool counted; /* the next two are known: they cost a pass over all places */
    int64_t certificates, expired;
};

struct report;

struct request {
    const struct report *report;
    enum format format;
    const char *within; /* as typed: "30d" */
    int64_t within_s;
    const char *filter_text; /* as typed, NULL when none */
    struct filter filter;
    const char *owner; /* NULL: everybody's; "none": nobody's */
    bool include_trust;
};

/* Rows for people: which columns a terminal of at least min_columns shows, as indices into the report's cell_columns. */
enum { TEXT_COLUMNS_MAX = 10 };
struct text_layout {
    int min_columns;
    unsigned char columns[TEXT_COLUMNS_MAX];
    size_t count;
};

struct report {
    const char *name;
    const char *summary; /* one line for `list` and --help */
    const char *title;   /* of the HTML page */
    struct sheet sheet;
    /* The query: select … {filter} order. Parameters: $1 the period as an interval, $2 whether trust anchors are wanted, $3 the
     * owner; those of the filter follow. */
    const char *select, *order;
    const struct filter_sql *filter;
    bool takes_within;
    const struct table_column *cell_columns;
    const struct text_layout *layouts; /* widest first, the last has min_columns 0; output to a file takes the first */
    void (*text_cell)(struct table *table, unsigned column, const struct field *fields, const struct summary *now);
    /* The line under the table, or instead of it when rows is 0. */
    void (*text_foot)(const struct request *request, const struct summary *summary, int64_t rows, struct buf *out);
};

extern const struct report report_expiring, report_inventory;

enum { FIRST_FILTER_PARAMETER = 5 };

/* One snapshot for everything that a report says (REPEATABLE READ, READ ONLY). */
CM_MUST_CHECK int snapshot_begin(struct db *db, struct cm_error *error);
CM_MUST_CHECK int snapshot_end(struct db *db, struct cm_error *error);
CM_MUST_CHECK int summary_read(struct db *db, struct summary *out, struct cm_error *error);
CM_MUST_CHECK int summary_count(struct db *db, struct summary *summary, struct cm_error *error);

/* Calls fn for each row that the request selects, in the report's order, in constant memory. *rows counts them. */
typedef int (*report_row_fn)(const struct field *fields, void *context, struct cm_error *error);
CM_MUST_CHECK int report_each(struct db *db, const struct request *request, report_row_fn fn, void *context,
                              int64_t *rows, struct cm_error *error);

/* Writes the whole report to out in the format asked. *rows counts them. */
CM_MUST_CHECK int report_render(struct db *db, const struct request *request, FILE *out, int64_t *rows,
                                struct cm_error *error);

/* Counts for people: "12,345"; "1 certificate", "12,345 certificates". */
void append_number(struct buf *out, int64_t value);
void append_count(struct buf *out, int64_t count, const char *singular, const char *plural);
/* "30 days", "36h" as it was typed. */
void append_period(struct buf *out, const struct request *request);
/* "last look 3 hours ago", "nobody looked yet". */
void append_last_look(struct buf *out, const struct summary *summary);
/* A JSON string of seconds since the epoch. */
void summary_time(struct buf *out, int64_t seconds);
/* Seconds since the epoch of a COLUMN_TIME field; false when null. */
bool field_seconds(const struct field *field, int64_t *seconds);
/* What colour urgency has: by the threshold that holds ("" for none) and whether not_after has passed. */
enum table_paint urgency_paint(const struct field *threshold, int64_t seconds_left);

#endif
