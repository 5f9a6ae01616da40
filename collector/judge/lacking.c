/* Every chain has a verdict by each trust store, or is on the docket. Verdicts that are lacking all the same, because somebody deleted them
 * or restored a part of the inventory, are looked for a slice of the chains at a time (verdicts_lacking() of sql/0022_stores.sql), by one
 * collector however many there are. Where the last slice ended is nobody else's business. */
#include <stdio.h>

#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "collector/judge/judge.h"

enum { SLICES_MAX = 20 /* in a turn: one is the rule, the others come while verdicts are lacking */ };

#define SLICE       "5000"
#define FIRST_CHAIN "00000000-0000-0000-0000-000000000000"

static int look_on(struct db *db, int64_t *lacking, struct cm_error *error)
{
    static char after[CM_UUID_TEXT_SIZE] = FIRST_CHAIN;
    struct db_result *rows = NULL;
    const char *params[] = {after, SLICE};
    int code =
        db_query(db, "SELECT upto, lacking FROM verdicts_lacking($1::uuid, $2::integer)", params, 2, &rows, error);
    bool more = !code && db_rows(rows) == 1 && !db_is_null(rows, 0, 0);
    *lacking = !code && db_rows(rows) == 1 ? db_integer(rows, 0, 1) : 0;
    if (!code)
        snprintf(after, sizeof after, "%s", more ? db_text(rows, 0, 0) : FIRST_CHAIN);
    db_result_free(rows);
    return code;
}

static int look(struct db *db, struct cm_error *error)
{
    int64_t lacking = 1, total = 0;
    int code = 0;
    for (int i = 0; !code && lacking && i < SLICES_MAX; i++) {
        code = look_on(db, &lacking, error);
        total += lacking;
    }
    if (!code && total)
        log_event(LOG_LEVEL_WARN, "verdicts_lacking", "judged_again=%lld", (long long)total);
    return code;
}

int lacking_round(struct db *db, struct cm_error *error)
{
    static const struct upkeep_task task = {"verdicts", "50 seconds", look};
    return upkeep_task(db, &task, error);
}
