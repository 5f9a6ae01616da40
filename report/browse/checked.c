/* The question of checked.h, and the look-up in its answer. Called by detail.c. */
#include "report/browse/checked.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"

enum { CHECKED_ID, CHECKED_AT };

struct checked_job {
    struct link_job job;
    struct buf ids; /* as an array literal */
    struct rows rows;
    checked_fn done;
};

/* As far as observation knows; the rest is folded. */
static const char checked_sql[] = "SELECT t.location_id, extract(epoch FROM t.ok_at)::bigint FROM "
                                  "places_found($1::uuid[]) t WHERE t.ok_at IS NOT NULL"
                                  "  ORDER BY t.location_id";

static int run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct checked_job *checked = (struct checked_job *)job;
    struct db_result *result = NULL;
    const char *parameters[] = {checked->ids.data};
    rows_done(&checked->rows);
    int code = db_query(db, checked_sql, parameters, 1, &result, error);
    if (!code)
        rows_take(&checked->rows, result);
    db_result_free(result);
    return code;
}

static void done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct checked_job *checked = (struct checked_job *)job;
    (void)error; /* what is folded stays on the screen; the next refresh asks again */
    checked->done(context, code, &checked->rows);
}

static void discard(struct link_job *job)
{
    struct checked_job *checked = (struct checked_job *)job;
    rows_done(&checked->rows);
    buf_done(&checked->ids);
    free(checked);
}

/* A place's row is known by its location's id and its role. */
static int compare_id(const char *a, const char *b)
{
    return strncmp(a, b, CM_UUID_TEXT_SIZE - 1);
}

struct link_job *checked_job(const struct rows *places, size_t first, size_t count, checked_fn done_fn)
{
    struct checked_job *checked = cm_calloc(1, sizeof *checked);
    checked->job = (struct link_job){run, done, discard};
    checked->done = done_fn;
    buf_init(&checked->ids, (size_t)CHECKED_MOST * CM_UUID_TEXT_SIZE + 8);
    buf_append_char(&checked->ids, '{');
    for (size_t i = first; i < places->count && i - first < count && i - first < CHECKED_MOST; i++) {
        const char *id = places->row[i]->field[ROW_ID];
        if (i > first && compare_id(id, places->row[i - 1]->field[ROW_ID]) == 0)
            continue; /* the same place in another role */
        if (checked->ids.size > 1)
            buf_append_char(&checked->ids, ',');
        buf_append(&checked->ids, id, CM_UUID_TEXT_SIZE - 1);
    }
    buf_append_char(&checked->ids, '}');
    return &checked->job;
}

static int compare_key(const void *key, const void *element)
{
    const struct row *const *row = element;
    return compare_id(key, (*row)->field[CHECKED_ID]);
}

int64_t checked_at(const struct rows *checked, const struct row *place)
{
    struct row *const *found =
        checked->count ? bsearch(place->field[ROW_ID], checked->row, checked->count, sizeof(struct row *), compare_key)
                       : NULL;
    return found ? row_integer(*found, CHECKED_AT, 0) : 0;
}
