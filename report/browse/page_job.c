/* Runs the queries of a page: forward, backward, or both for a window around a key. Called by list.c and detail.c. */
#include "report/browse/page_job.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"

struct page_job {
    struct link_job job;
    struct choice choice;
    char *fingerprint; /* places of; NULL: the list */
    struct pages_request request;
    struct pages_answer answer;
    page_fn done;
};

/* The list's rows in one direction, out of what is marked as current. Mostly that is in use, and whether it is shows in its places, which are looked up
 * anyway: only if one has none, each row is asked. */
static int read_list(struct page_job *page, struct db *db, bool behind, struct db_result **out, struct cm_error *error)
{
    struct query query;
    bool again = false, sure = !query_may_hope(&page->choice);
    do {
        int code = query_list(&query, &page->choice, &page->request, behind, sure, error);
        if (code)
            return code;
        /* Without a filter it is asked for all the time, and planning it costs a tenth of it. */
        code = (query.filter.count ? db_query : db_query_again)(db, query.sql.data, query.parameters, query.count, out,
                                                                error);
        query_done(&query);
        if (code)
            return code;
        again = false;
        for (size_t i = 0; !sure && i < db_rows(*out); i++)
            again = again || db_integer(*out, i, LIST_PLACES) == 0;
        if (again) {
            db_result_free(*out);
            *out = NULL;
        }
        sure = true;
    } while (again);
    return CM_OK;
}

static int read_places(struct page_job *page, struct db *db, bool behind, struct db_result **out,
                       struct cm_error *error)
{
    struct query query;
    query_places(&query, page->fingerprint, &page->request, behind);
    int code = db_query_again(db, query.sql.data, query.parameters, query.count, out, error);
    query_done(&query);
    return code;
}

/* One direction; its rows in the list's order are appended, *short_of says that there were fewer than asked for. */
static int run_direction(struct page_job *page, struct db *db, bool behind, bool *short_of, struct cm_error *error)
{
    struct db_result *result = NULL;
    struct rows *rows = &page->answer.rows;
    int code = (page->fingerprint ? read_places : read_list)(page, db, behind, &result, error);
    if (code)
        return code;
    size_t first = rows->count;
    rows_take(rows, result);
    db_result_free(result);
    *short_of = rows->count - first < page->request.limit;
    for (size_t i = first, j = rows->count; !behind && i + 1 < j; i++, j--) {
        struct row *swap = rows->row[i];
        rows->row[i] = rows->row[j - 1];
        rows->row[j - 1] = swap;
    }
    return CM_OK;
}

static int page_run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct page_job *page = (struct page_job *)job;
    struct pages_answer *answer = &page->answer;
    enum pages_from from = page->request.from;
    bool none_before = from == PAGES_START, none_behind = from == PAGES_END;
    int code = CM_OK;

    rows_done(&answer->rows); /* of an attempt that the connection did not survive */
    if (from != PAGES_START && from != PAGES_AFTER)
        code = run_direction(page, db, false, &none_before, error);
    answer->before = answer->rows.count;
    if (!code && from != PAGES_END && from != PAGES_BEFORE)
        code = run_direction(page, db, true, &none_behind, error);
    answer->at_start = none_before;
    answer->at_end = none_behind;
    return code;
}

static void page_done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct page_job *page = (struct page_job *)job;
    page->done(context, &page->request, code, &page->answer, error);
}

static void page_discard(struct link_job *job)
{
    struct page_job *page = (struct page_job *)job;
    rows_done(&page->answer.rows);
    pages_request_done(&page->request);
    free(page->fingerprint);
    free(page);
}

static struct page_job *page_new(const struct pages_request *request, page_fn done)
{
    struct page_job *page = cm_calloc(1, sizeof *page);
    page->job = (struct link_job){page_run, page_done, page_discard};
    pages_request_copy(&page->request, request);
    page->done = done;
    return page;
}

struct link_job *page_job_list(const struct choice *choice, const struct pages_request *request, page_fn done)
{
    struct page_job *page = page_new(request, done);
    page->choice = *choice;
    return &page->job;
}

struct link_job *page_job_places(const char *fingerprint, const struct pages_request *request, page_fn done)
{
    struct page_job *page = page_new(request, done);
    page->fingerprint = cm_strdup(fingerprint);
    return &page->job;
}

struct totals_job {
    struct link_job job;
    struct choice choice;
    char *sort, *id;
    struct totals totals;
    totals_fn done;
};

static int totals_run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct totals_job *totals = (struct totals_job *)job;
    struct query query;
    struct db_result *result = NULL;
    int64_t began = clock_monotonic_ms();
    int code = query_totals(&query, &totals->choice, totals->sort, totals->id, error);
    if (code)
        return code;
    code = db_query(db, query.sql.data, query.parameters, query.count, &result, error);
    query_done(&query);
    if (code)
        return code;
    totals->totals = (struct totals){.all = db_integer(result, 0, 0),
                                     .expired = db_integer(result, 0, 1),
                                     .week = db_integer(result, 0, 2),
                                     .month = db_integer(result, 0, 3),
                                     .before = totals->sort ? db_integer(result, 0, 4) : -1,
                                     .took_ms = clock_monotonic_ms() - began};
    db_result_free(result);
    return CM_OK;
}

static void totals_done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct totals_job *totals = (struct totals_job *)job;
    totals->done(context, totals->id, code, &totals->totals, error);
}

static void totals_discard(struct link_job *job)
{
    struct totals_job *totals = (struct totals_job *)job;
    free(totals->sort);
    free(totals->id);
    free(totals);
}

struct link_job *totals_job(const struct choice *choice, const char *sort, const char *id, totals_fn done)
{
    struct totals_job *totals = cm_calloc(1, sizeof *totals);
    totals->job = (struct link_job){totals_run, totals_done, totals_discard};
    totals->choice = *choice;
    totals->sort = sort ? cm_strdup(sort) : NULL;
    totals->id = id ? cm_strdup(id) : NULL;
    totals->done = done;
    return &totals->job;
}
