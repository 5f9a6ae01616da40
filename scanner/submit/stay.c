/* Waiting without missing a signal, and --follow: a spool is looked at every second, segments are delivered as they come, and a collector that is away is asked again with
 * growing pauses, and not before it wants to be. Nothing is lost by ending: what is not delivered stays in the spool. */
#include "scanner/submit/stay.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { BACKOFF_MAX_MS = 15000, LOOK_MS = 1000, FOLLOW_WAIT_MS = 60000 };

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGCHLD);
}

void stay_init(struct stay *stay)
{
    sigset_t set;
    our_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *stay = (struct stay){.stopping = false};
}

void stay_wait(struct stay *stay, int64_t ms)
{
    struct timespec time = {.tv_sec = ms > 0 ? ms / 1000 : 0, .tv_nsec = ms > 0 ? ms % 1000 * 1000000 : 0};
    sigset_t set;
    our_signals(&set);
    int number = sigtimedwait(&set, NULL, &time);
    if (number == SIGTERM || number == SIGINT)
        stay->stopping = true;
}

bool stay_stopping(struct stay *stay)
{
    sigset_t waiting;
    if (sigpending(&waiting) == 0 && (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1))
        stay->stopping = true;
    return stay->stopping;
}

static bool go_on(void *context)
{
    return !stay_stopping(context);
}

/* Says when the collector goes away and when it is back. */
static void tell(const struct outbox *outbox, const struct submit_totals *totals, bool *away)
{
    if (totals->away && !*away && !outbox->quiet)
        say_error("%s takes nothing now: %s; it is tried again", outbox->url, totals->reason);
    else if (!totals->away && *away && !outbox->quiet)
        say_error("%s takes records again", outbox->url);
    *away = totals->away;
}

int follow(struct outbox *outbox)
{
    struct stay stay;
    unsigned failed = 0; /* looks in a row at which nothing was taken of what waits */
    bool away = false;
    struct submit_told told = {.count = 0};
    stay_init(&stay);
    outbox->delivery.once = true;
    outbox->delivery.wait_ms = FOLLOW_WAIT_MS;
    outbox->delivery.between = go_on;
    outbox->delivery.context = &stay;
    for (;;) {
        struct submit_totals totals = {.before = &told};
        outbox->delivery.taken_ms = clock_monotonic_ms();
        outbox_drain(outbox, &totals);
        submit_told_keep(&told, &totals);
        if (stay_stopping(&stay))
            return totals.undelivered ? CM_EXIT_FAILED : CM_EXIT_OK;
        tell(outbox, &totals, &away);
        failed = totals.undelivered && !totals.batches ? failed + 1 : 0;
        int64_t pause_ms = failed ? deliver_delay_ms(&outbox->delivery, failed, BACKOFF_MAX_MS) : LOOK_MS;
        stay_wait(&stay, pause_ms > totals.retry_after_ms ? pause_ms : totals.retry_after_ms);
    }
}
