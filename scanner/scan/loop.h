/* The event loop of a thread: readiness of descriptors (epoll), timers, being woken by another thread, and nothing else.
 *
 * A descriptor is watched in one of two ways. By level (loop_watch): called for as long as something is to be done; what is asked for may
 * change. By edge (loop_watch_edges): one registration for the life of the descriptor, called when something new has come; whoever is
 * called reads until a read comes up short, or asks to be called again. A connection to be probed costs one epoll_ctl that way.
 *
 * A watch and a timer live inside their owner's struct and may be removed, and the owner freed, from any callback. */
#ifndef SCANNER_SCAN_LOOP_H
#define SCANNER_SCAN_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "certmuster/error.h"
#include "scanner/scan/timers.h"

enum {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
    LOOP_FAILED = 4, /* error or hang-up; always watched for */
    LOOP_ENDED = 8,  /* by edge only: no bytes will come after those that are there */
    LOOP_AGAIN = 16, /* by edge only: asked for by loop_again */
};

struct watch {
    int fd;
    uint32_t slot; /* private; 0: not watched */
    void (*ready)(struct watch *watch, unsigned events);
    void *owner;
};

struct loop;

CM_MUST_CHECK int loop_new(struct loop **out, struct cm_error *error);
void loop_free(struct loop *loop);
/* Monotonic milliseconds, read once per turn; loop_refresh_clock reads it again after work that takes long. */
int64_t loop_now(const struct loop *loop);
void loop_refresh_clock(struct loop *loop);

/* Starts watching by level or changes what is asked for. CM_EUNSUPPORTED for a descriptor that is always ready (a regular file),
 * CM_EIO otherwise. */
CM_MUST_CHECK int loop_watch(struct loop *loop, struct watch *watch, unsigned wants);
/* Starts watching by edge, for reading and writing. CM_EIO. */
CM_MUST_CHECK int loop_watch_edges(struct loop *loop, struct watch *watch);
/* The registration of one that is watched by edge, and its descriptor, pass to another watch; what may have come before is asked for again. */
void loop_hand_over(struct loop *loop, struct watch *from, struct watch *to);
/* One that is watched by edge is to be called at the next turn, with LOOP_AGAIN and LOOP_READ, though nothing new may come. */
void loop_again(struct loop *loop, struct watch *watch);
/* Harmless when not watched. One that was watched by edge must be closed at once: that ends the registration, and no call is made for it. */
void loop_unwatch(struct loop *loop, struct watch *watch);
void loop_set_timer(struct loop *loop, struct timer *timer, int64_t due_ms);
void loop_cancel_timer(struct loop *loop, struct timer *timer);
/* From any thread: the loop's present or next wait ends at once. */
void loop_wake(struct loop *loop);

/* One turn: waits until something is ready, a timer is due, max_wait_ms have passed, the loop is woken or a signal of `open` arrived (a mask
 * for epoll_pwait: signals blocked elsewhere and open only here cannot be missed; NULL: signals are another thread's), then runs what is to
 * be run. True when there was more than one turn takes: what came is not all dealt with. */
bool loop_turn(struct loop *loop, int64_t max_wait_ms, const sigset_t *open);
/* How long the last turn had nothing to do, in microseconds. */
int64_t loop_waited_us(const struct loop *loop);

#endif
