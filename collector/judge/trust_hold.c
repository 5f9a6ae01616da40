/* How long the inventory keeps a trust store: each collector says every minute which ones it names (table trust_store_named of
 * sql/0022_stores.sql), and a store is forgotten when nobody has named it for a day, or when the last one who did was started without it.
 * A collector that is restarted, cut off or replaced loses nothing that way, and collectors with different stores leave each other's alone. */
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"
#include "collector/judge/trust.h"
#include "collector/transaction.h"

enum {
    HOLD_MS = 60 * 1000,
    NAME_MAX_BYTES = 64 * 1024, /* as the configuration is noted */
};

static int say(struct trust_set *set, struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    struct buf name, names;
    buf_init(&name, NAME_MAX_BYTES);
    buf_init(&names, TRUST_STORES_MAX * (TRUST_NAME_SIZE + 4));
    settings_name(set->settings, &name);
    array_begin(&names);
    for (size_t i = 0; i < set->count; i++)
        array_add_text(&names, trust_name(set->stores[i]));
    array_end(&names);
    const char *params[] = {name.data, names.data, set->held ? "f" : "t"};
    int code = transaction_query(db, "SELECT trust_stores_hold($1, $2::text[], $3::boolean)", params, 3, &rows, error);
    for (size_t row = 0; !code && row < db_rows(rows); row++)
        log_event(LOG_LEVEL_INFO, "trust_store_forgotten", "store=%s", log_quote(db_text(rows, row, 0)));
    db_result_free(rows);
    buf_done(&name);
    buf_done(&names);
    return code;
}

int trust_set_hold(struct trust_set *set, struct db *db, struct cm_error *error)
{
    int64_t now = clock_monotonic_ms();
    if (now < set->hold_due_ms)
        return 0;
    int code = say(set, db, error);
    if (!code) {
        set->held = true;
        set->hold_due_ms = now + HOLD_MS;
    }
    return code;
}
