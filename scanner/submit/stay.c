/* Waiting without missing a signal, and --follow: a spool is looked at every second, segments are delivered as they come, and a collector that is away is asked again with
 * growing pauses. Nothing is lost by ending: what is not delivered stays in the spool. */
#include "scanner/submit/stay.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { BACKOFF_FIRST_MS = 250, BACKOFF_MAX_MS = 15000, LOOK_MS = 1000, FOLLOW_WAIT_MS = 60000 };

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

int64_t stay_backoff(struct delivery *delivery, unsigned attempt, int64_t most_ms)
{
    int64_t pause = attempt < 16 ? (int64_t)BACKOFF_FIRST_MS << attempt : most_ms;
    pause = pause < most_ms ? pause : most_ms;
    delivery->jitter = delivery->jitter * 1664525u + 1013904223u;
    return pause / 2 + (int64_t)(delivery->jitter >> 16) % (pause / 2 + 1);
}

static bool go_on(void *context)
{
    return !stay_stopping(context);
}

int follow(struct outbox *outbox)
{
    struct stay stay;
    unsigned failed = 0;
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
        told = totals.told;
        if (totals.undelivered && failed++ == 0 && !outbox->quiet && !stay_stopping(&stay))
            say_error("%s takes nothing now: %s; it is tried again", outbox->url, totals.reason);
        else if (!totals.undelivered && failed) {
            if (!outbox->quiet)
                say_error("%s takes records again", outbox->url);
            failed = 0;
        }
        if (stay_stopping(&stay))
            return totals.undelivered ? CM_EXIT_FAILED : CM_EXIT_OK;
        stay_wait(&stay, failed ? stay_backoff(&outbox->delivery, failed, BACKOFF_MAX_MS) : LOOK_MS);
    }
}
