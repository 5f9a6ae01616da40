/* The event loop of a sweep: readiness of descriptors (epoll, level-triggered), timers, and nothing else. One thread.
 *
 * A watch and a timer live inside their owner's struct and may be removed, and the owner freed, from any callback. */
#ifndef SCANNER_SCAN_LOOP_H
#define SCANNER_SCAN_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "certmuster/error.h"
#include "scanner/scan/timers.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_FAILED = 4 /* error or hang-up; always watched for */ };

struct watch {
    int fd;
    unsigned wants; /* private: what is asked for now; 0: not watched */
    void (*ready)(struct watch *watch, unsigned events);
    void *owner;
};

struct loop;

CM_MUST_CHECK int loop_new(struct loop **out, struct cm_error *error);
void loop_free(struct loop *loop);
/* Monotonic milliseconds, read once per turn; loop_refresh_clock reads it again after work that takes long. */
int64_t loop_now(const struct loop *loop);
void loop_refresh_clock(struct loop *loop);

/* Starts watching or changes what is asked for. CM_EUNSUPPORTED for a descriptor that is always ready (a regular file),
 * CM_EIO otherwise. */
CM_MUST_CHECK int loop_watch(struct loop *loop, struct watch *watch, unsigned wants);
void loop_unwatch(struct loop *loop, struct watch *watch); /* before close(); harmless when not watched */
void loop_set_timer(struct loop *loop, struct timer *timer, int64_t due_ms);
void loop_cancel_timer(struct loop *loop, struct timer *timer);

/* One turn: waits until something is ready, a timer is due, max_wait_ms have passed or a signal of `open` arrived (a mask for
 * epoll_pwait: signals blocked elsewhere and open only here cannot be missed), then runs what is to be run.
 * True when there was more than one turn takes: what came is not all dealt with. */
bool loop_turn(struct loop *loop, int64_t max_wait_ms, const sigset_t *open);

#endif
