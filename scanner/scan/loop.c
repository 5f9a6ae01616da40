/* The event loop over epoll.
 *
 * Owns the epoll descriptor and the batch of events in hand. A callback may remove any watch: its event in the rest of the batch is
 * struck out, so that no freed owner is called. Scanning the batch for that costs little, as batches are small. */
#include "scanner/scan/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "certmuster/timefmt.h"

enum { BATCH = 256 };

struct loop {
    int epoll;
    int64_t now_ms;
    struct timers timers;
    struct epoll_event batch[BATCH];
    int batch_count;
};

int loop_new(struct loop **out, struct cm_error *error)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return error_setf(error, CM_EIO, 0, "cannot make an event loop", "%s", strerror(errno));
    struct loop *loop = cm_calloc(1, sizeof *loop);
    loop->epoll = epoll;
    loop->now_ms = clock_monotonic_ms();
    timers_init(&loop->timers);
    *out = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    timers_done(&loop->timers);
    close(loop->epoll);
    free(loop);
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now_ms;
}

void loop_refresh_clock(struct loop *loop)
{
    loop->now_ms = clock_monotonic_ms();
}

int loop_watch(struct loop *loop, struct watch *watch, unsigned wants)
{
    struct epoll_event event = {.data.ptr = watch};
    event.events = (wants & LOOP_READ ? EPOLLIN : 0) | (wants & LOOP_WRITE ? EPOLLOUT : 0);
    if (watch->wants == wants)
        return 0;
    if (epoll_ctl(loop->epoll, watch->wants ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event))
        return errno == EPERM ? CM_EUNSUPPORTED : CM_EIO;
    watch->wants = wants;
    return 0;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (watch->wants == 0)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, &(struct epoll_event){0});
    watch->wants = 0;
    for (int i = 0; i < loop->batch_count; i++) {
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
    }
}

void loop_set_timer(struct loop *loop, struct timer *timer, int64_t due_ms)
{
    timers_set(&loop->timers, timer, due_ms);
}

void loop_cancel_timer(struct loop *loop, struct timer *timer)
{
    timers_cancel(&loop->timers, timer);
}

static int wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
    int64_t due = timers_next_due(&loop->timers);
    int64_t wait = max_wait_ms;
    if (due >= 0 && due - loop->now_ms < wait)
        wait = due - loop->now_ms;
    return wait < 0 ? 0 : (int)wait;
}

bool loop_turn(struct loop *loop, int64_t max_wait_ms, const sigset_t *open)
{
    struct timer *timer;
    loop_refresh_clock(loop);
    int wait = wait_ms(loop, max_wait_ms);
    if (wait == 0 &&
        open) { /* epoll_pwait that need not sleep does not look at pending signals: a busy sweep would never end */
        sigset_t closed;
        sigprocmask(SIG_SETMASK, open, &closed);
        sigprocmask(SIG_SETMASK, &closed, NULL);
    }
    int count = epoll_pwait(loop->epoll, loop->batch, BATCH, wait, open);
    loop_refresh_clock(loop);
    loop->batch_count = count > 0 ? count : 0; /* EINTR: a signal; the caller looks at its flag */
    for (int i = 0; i < loop->batch_count; i++) {
        struct watch *watch = loop->batch[i].data.ptr;
        uint32_t seen = loop->batch[i].events;
        if (watch)
            watch->ready(watch, (seen & EPOLLIN ? LOOP_READ : 0) | (seen & EPOLLOUT ? LOOP_WRITE : 0) |
                                    (seen & (EPOLLERR | EPOLLHUP) ? LOOP_FAILED : 0));
    }
    loop->batch_count = 0;
    while ((timer = timers_pop(&loop->timers, loop->now_ms)))
        timer->fire(timer);
    return count == BATCH;
}
