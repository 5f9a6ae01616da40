/* alert_tick: the order of alert work. Everything it knows stands in the database; only the time of the next look is kept here. */
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

int alert_tick(struct db *db, const struct config *config, struct cm_error *error)
{
    static int64_t next_look_ms; /* one thread calls; a restart looks at once, which is never wrong */
    int64_t now = clock_monotonic_ms();
    int code = 0;
    if (now >= next_look_ms) {
        code = alert_sync(db, error);
        if (!code)
            code = alert_queue(db, config, error);
        if (!code)
            next_look_ms = now + config_integer(config, "alerts.interval");
    }
    return code ? code : alert_deliver(db, config, now + ALERT_TICK_MS, error);
}
