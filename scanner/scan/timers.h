/* Timers of an event loop: a binary heap of what is due when. Knows no clock. A timer lives inside its owner's struct. */
#ifndef SCANNER_SCAN_TIMERS_H
#define SCANNER_SCAN_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_ms;
    size_t slot; /* private: 1-based place in the heap; 0: not set */
    void (*fire)(struct timer *timer);
    void *owner;
};

struct timers {
    struct timer **heap;
    size_t count, capacity;
};

void timers_init(struct timers *timers);
void timers_done(struct timers *timers);                                     /* forgets all; fires none */
void timers_set(struct timers *timers, struct timer *timer, int64_t due_ms); /* or moves one that is set */
void timers_cancel(struct timers *timers, struct timer *timer);              /* harmless when not set */
int64_t timers_next_due(const struct timers *timers);                        /* -1: nothing is set */
/* The earliest timer that is due at now_ms, no longer set; NULL when there is none. */
struct timer *timers_pop(struct timers *timers, int64_t now_ms);

#endif
