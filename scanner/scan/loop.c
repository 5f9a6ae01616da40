/* The event loop over epoll.
 *
 * Owns the epoll descriptor and the table of slots. An event carries its slot and the slot's generation, not the watch: an event of a watch
 * that is gone meanwhile no longer fits and is passed over. Such events are met in the rest of a batch, and whenever a closed descriptor
 * lives on for a moment in a child that has not called exec() yet, for only the last close ends a registration. */
#include "scanner/scan/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 256,
    FIRST_SLOTS = 64,
    SIGNALS_MS = 50,     /* a loop that never waits looks for signals this often */
    GATHER_BELOW = 32,   /* fewer events than this in a turn of many watches: the next ones are let gather … */
    GATHER_SLOTS = 128,  /* … once there were so many watches at once … */
    GATHER_NS = 1000000, /* … for so long */
    LATE_MS = 1000,      /* what is due waits so long at most for what has come already */
};

struct slot {
    struct watch *watch; /* NULL: free */
    uint32_t generation; /* odd numbers and even ones: each use has its own */
    uint32_t wants;      /* by level: what is asked for; EDGES; in a free slot, the next free one */
};

enum { EDGES = 1 << 16 };

struct loop {
    int epoll;
    int64_t now_ms, now_us, signals_ms, waited_us;
    int met;           /* events of the latest turn */
    int64_t behind_ms; /* since when each turn met as many as it can; 0: it did not */
    struct timers timers;
    struct slot *slots; /* slot 0 is never given out */
    uint32_t slot_count, slot_capacity, free_slot;
    uint64_t *again; /* tags to be called at the next turn */
    size_t again_count, again_capacity;
    struct watch waker; /* an eventfd */
};

static uint64_t tag_of(const struct loop *loop, uint32_t slot)
{
    return (uint64_t)loop->slots[slot].generation << 32 | slot;
}

static struct watch *watch_of(const struct loop *loop, uint64_t tag)
{
    const struct slot *slot = &loop->slots[(uint32_t)tag];
    return slot->generation == (uint32_t)(tag >> 32) ? slot->watch : NULL;
}

static uint32_t take_slot(struct loop *loop, struct watch *watch, uint32_t wants)
{
    uint32_t at = loop->free_slot;
    if (at) {
        loop->free_slot = loop->slots[at].wants;
    } else {
        if (loop->slot_count == loop->slot_capacity) {
            loop->slot_capacity = loop->slot_capacity ? loop->slot_capacity * 2 : FIRST_SLOTS;
            loop->slots = cm_realloc(loop->slots, loop->slot_capacity * sizeof *loop->slots);
        }
        at = loop->slot_count++;
        loop->slots[at].generation = 0;
    }
    loop->slots[at].watch = watch;
    loop->slots[at].wants = wants;
    return at;
}

static void give_slot(struct loop *loop, uint32_t at)
{
    struct slot *slot = &loop->slots[at];
    *slot = (struct slot){.generation = slot->generation + 1, .wants = loop->free_slot};
    loop->free_slot = at;
}

static void woken(struct watch *watch, unsigned events)
{
    uint64_t count;
    (void)events;
    if (read(watch->fd, &count, sizeof count) < 0)
        return; /* somebody else's wake-up was read already */
}

int loop_new(struct loop **out, struct cm_error *error)
{
    struct loop *loop = cm_calloc(1, sizeof *loop);
    loop_refresh_clock(loop);
    timers_init(&loop->timers);
    take_slot(loop, NULL, 0);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->waker = (struct watch){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = woken};
    if (loop->epoll < 0 || loop->waker.fd < 0 || loop_watch(loop, &loop->waker, LOOP_READ)) {
        int trouble = errno;
        loop_free(loop);
        return error_setf(error, CM_EIO, 0, "cannot make an event loop", "%s", strerror(trouble));
    }
    *out = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    timers_done(&loop->timers);
    if (loop->waker.fd >= 0)
        close(loop->waker.fd);
    if (loop->epoll >= 0)
        close(loop->epoll);
    free(loop->slots);
    free(loop->again);
    free(loop);
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now_ms;
}

void loop_refresh_clock(struct loop *loop)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    loop->now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    loop->now_ms = loop->now_us / 1000;
}

/* Registers what stands in the watch's slot; a slot that was taken for it is given back when that fails. */
static int control(struct loop *loop, int operation, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = tag_of(loop, watch->slot)};
    if (epoll_ctl(loop->epoll, operation, watch->fd, &event) == 0)
        return 0;
    int trouble = errno;
    if (operation == EPOLL_CTL_ADD) {
        give_slot(loop, watch->slot);
        watch->slot = 0;
    }
    errno = trouble;
    return trouble == EPERM ? CM_EUNSUPPORTED : CM_EIO;
}

int loop_watch(struct loop *loop, struct watch *watch, unsigned wants)
{
    uint32_t events = (wants & LOOP_READ ? EPOLLIN : 0) | (wants & LOOP_WRITE ? EPOLLOUT : 0);
    int operation = watch->slot ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!watch->slot)
        watch->slot = take_slot(loop, watch, wants);
    else if (loop->slots[watch->slot].wants == wants)
        return 0;
    int code = control(loop, operation, watch, events);
    if (!code)
        loop->slots[watch->slot].wants = wants;
    return code;
}

int loop_watch_edges(struct loop *loop, struct watch *watch)
{
    watch->slot = take_slot(loop, watch, EDGES);
    return control(loop, EPOLL_CTL_ADD, watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void loop_again(struct loop *loop, struct watch *watch)
{
    if (loop->again_count == loop->again_capacity) {
        loop->again_capacity = loop->again_capacity ? loop->again_capacity * 2 : FIRST_SLOTS;
        loop->again = cm_realloc(loop->again, loop->again_capacity * sizeof *loop->again);
    }
    loop->again[loop->again_count++] = tag_of(loop, watch->slot);
}

void loop_hand_over(struct loop *loop, struct watch *from, struct watch *to)
{
    to->fd = from->fd;
    to->slot = from->slot;
    loop->slots[to->slot].watch = to;
    from->fd = -1;
    from->slot = 0;
    loop_again(loop, to);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (!watch->slot)
        return;
    if (loop->slots[watch->slot].wants != EDGES)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, &(struct epoll_event){0});
    give_slot(loop, watch->slot);
    watch->slot = 0;
}

void loop_set_timer(struct loop *loop, struct timer *timer, int64_t due_ms)
{
    timers_set(&loop->timers, timer, due_ms);
}

void loop_cancel_timer(struct loop *loop, struct timer *timer)
{
    timers_cancel(&loop->timers, timer);
}

void loop_wake(struct loop *loop)
{
    const uint64_t one = 1;
    if (write(loop->waker.fd, &one, sizeof one) < 0)
        return; /* the counter is full: it is awake */
}

static int wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
    int64_t due = timers_next_due(&loop->timers);
    int64_t wait = loop->again_count ? 0 : max_wait_ms;
    if (due >= 0 && due - loop->now_ms < wait)
        wait = due - loop->now_ms;
    return wait < 0 ? 0 : (int)wait;
}

/* epoll_pwait that need not sleep does not look at pending signals: a busy sweep would never end. */
static void look_for_signals(struct loop *loop, const sigset_t *open)
{
    sigset_t closed;
    if (loop->now_ms - loop->signals_ms < SIGNALS_MS)
        return;
    loop->signals_ms = loop->now_ms;
    pthread_sigmask(SIG_SETMASK, open, &closed);
    pthread_sigmask(SIG_SETMASK, &closed, NULL);
}

/* To be woken for each answer of a slow network costs more than the answer. A thread that has nothing else to do sleeps a millisecond first, and finds
 * a handful of them; nothing that is due falls into it, and single connections are not held up. */
static void gather(const struct loop *loop, int wait)
{
    static const struct timespec pause = {.tv_nsec = GATHER_NS};
    if (wait > 0 && loop->met > 0 && loop->met < GATHER_BELOW && loop->slot_count > GATHER_SLOTS)
        nanosleep(&pause, NULL);
}

/* After a time in which we did not run (stopped, or held up by a write), what is due has perhaps come already: that goes first, or our
 * lateness would look like theirs. A wait that SIGCONT ended has not looked yet. */
static bool may_fire(struct loop *loop)
{
    if (loop->met >= 0 && loop->met < BATCH) {
        loop->behind_ms = 0;
        return true;
    }
    if (!loop->behind_ms)
        loop->behind_ms = loop->now_ms;
    return loop->now_ms - loop->behind_ms >= LATE_MS;
}

/* Those who asked to be called again; who asks meanwhile waits for the next turn. */
static void call_again(struct loop *loop)
{
    uint64_t *tags = loop->again;
    size_t count = loop->again_count;
    loop->again = NULL;
    loop->again_count = loop->again_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        struct watch *watch = watch_of(loop, tags[i]);
        if (watch)
            watch->ready(watch, LOOP_READ | LOOP_AGAIN);
    }
    free(tags);
}

static void call_ready(struct loop *loop, const struct epoll_event *event)
{
    static const struct {
        uint32_t epoll;
        unsigned events;
    } meanings[] = {{EPOLLIN, LOOP_READ},
                    {EPOLLOUT, LOOP_WRITE},
                    {EPOLLERR | EPOLLHUP, LOOP_FAILED | LOOP_ENDED},
                    {EPOLLRDHUP, LOOP_ENDED}};
    struct watch *watch = watch_of(loop, event->data.u64);
    unsigned events = 0;
    if (!watch)
        return;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        events |= event->events & meanings[i].epoll ? meanings[i].events : 0;
    watch->ready(watch, events);
}

int64_t loop_waited_us(const struct loop *loop)
{
    return loop->waited_us;
}

bool loop_turn(struct loop *loop, int64_t max_wait_ms, const sigset_t *open)
{
    struct epoll_event batch[BATCH];
    struct timer *timer;
    loop_refresh_clock(loop);
    int wait = wait_ms(loop, max_wait_ms);
    if (wait == 0 && open)
        look_for_signals(loop, open);
    int64_t began_ms = loop->now_ms;
    loop->waited_us = -loop->now_us;
    gather(loop, wait);
    int count = epoll_pwait(loop->epoll, batch, BATCH, wait, open);
    loop_refresh_clock(loop);
    loop->waited_us += loop->now_us;
    loop->met = count;
    if (loop->again_count)
        call_again(loop);
    for (int i = 0; i < count; i++) /* -1: EINTR, a signal; the caller looks at its flag */
        call_ready(loop, &batch[i]);
    /* What was due before we looked, and no later: we may have been stopped between the look and here. */
    while (may_fire(loop) && (timer = timers_pop(&loop->timers, began_ms)))
        timer->fire(timer);
    return count == BATCH;
}
