/* alert_tick: the order of alert work. Everything it knows stands in the database; only the time of the next look is kept here. */
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

enum { LOOK_SHARE = 20 }; /* looking goes over every open span: it may take a twentieth of the time, not more */

int alert_tick(struct db *db, const struct config *config, struct cm_error *error)
{
    static int64_t next_look_ms; /* one thread calls; a restart looks at once, which is never wrong */
    int64_t now = clock_monotonic_ms();
    int code = 0;
    if (now >= next_look_ms) {
        code = alert_sync(db, error);
        if (!code)
            code = alert_queue(db, config, error);
        int64_t interval = config_integer(config, "alerts.interval"), took = clock_monotonic_ms() - now;
        if (!code)
            next_look_ms = now + (took * LOOK_SHARE > interval ? took * LOOK_SHARE : interval);
    }
    return code ? code : alert_deliver(db, config, now + ALERT_TICK_MS, error);
}
