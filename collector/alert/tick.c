/* alert_tick: the order of alert work. Everything it knows stands in the database; only the time of the next look is kept here. */
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

enum { LOOK_SHARE = 20 }; /* looking goes over every open span: it may take a twentieth of the time, not more */

static int look(struct db *db, const struct config *config, struct cm_error *error)
{
    int code = alert_sync(db, error);
    return code ? code : alert_queue(db, config, error);
}

static int say(struct cm_error *error, const struct cm_error *failure)
{
    if (error)
        *error = *failure;
    return failure->code;
}

/* A look that fails rests as long as one that does not, and what is queued is sent beside it. */
int alert_tick(struct db *db, const struct config *config, struct cm_error *error)
{
    static int64_t next_look_ms; /* one thread calls; a restart looks at once, which is never wrong */
    int64_t now = clock_monotonic_ms();
    struct cm_error failure = {0};
    int looked = 0;
    if (now >= next_look_ms) {
        looked = look(db, config, &failure);
        if (looked && !db_alive(db))
            return say(error, &failure); /* it was none */
        int64_t interval = config_integer(config, "alerts.interval"), took = clock_monotonic_ms() - now;
        next_look_ms = now + (took * LOOK_SHARE > interval ? took * LOOK_SHARE : interval);
    }
    int code = alert_deliver(db, config, now + ALERT_TICK_MS, error);
    return looked ? say(error, &failure) : code;
}
