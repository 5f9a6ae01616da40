/* Which places of a batch are as the inventory has them, told by their digests alone: one statement, one look into an index for each
 * place, and no row of a table is read or written. What is not the same is compared in full afterwards (compare.sql). */
#include <stdlib.h>

#include "certmuster/db_array.h"
#include "collector/ingest/work.h"

/* Those that are not the same. The subquery is what keeps the planner from reading all of location_state instead. */
static const char not_same_sql[] =
    "SELECT p.rank - 1"
    "  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS p(location_id, digest, first_at, rank)"
    " WHERE (SELECT st.digest = p.digest AND st.digest_at <= p.first_at FROM location_state st"
    "         WHERE st.location_id = p.location_id) IS NOT TRUE";

int work_mark_same(struct work *work, struct cm_error *error)
{
    struct places *places = &work->places;
    struct buf ids, digests, times;
    struct db_result *rows = NULL;
    size_t *asked = cm_calloc(places->count + 1, sizeof *asked), count = 0;
    buf_init(&ids, WORK_PARAM_MAX);
    buf_init(&digests, WORK_PARAM_MAX);
    buf_init(&times, WORK_PARAM_MAX);
    db_array_begin(&ids, DB_ARRAY_UUID);
    db_array_begin(&digests, DB_ARRAY_UUID);
    db_array_begin(&times, DB_ARRAY_TIME);
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->list[i];
        if (place->kind == LOOK_MIXED)
            continue;
        db_array_add_uuid(&ids, work->batch->looks[places->order[place->start]].location_id);
        db_array_add_uuid(&digests, place->digest);
        db_array_add_time(&times, place->first_ms);
        asked[count++] = i;
    }
    db_array_end(&ids);
    db_array_end(&digests);
    db_array_end(&times);
    const struct db_param params[] = {{.array = &ids}, {.array = &digests}, {.array = &times}};
    int code = count ? db_query_arrays(work->db, not_same_sql, params, 3, &rows, error) : 0;
    for (size_t i = 0; !code && i < count; i++)
        places->list[asked[i]].same = true;
    for (size_t row = 0; !code && count && row < db_rows(rows); row++)
        places->list[asked[db_integer(rows, row, 0)]].same = false;
    db_result_free(rows);
    buf_done(&ids);
    buf_done(&digests);
    buf_done(&times);
    free(asked);
    return code;
}
