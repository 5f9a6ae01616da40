/* A binary min-heap of timers, 1-based so that slot 0 can mean "not set". */
#include "scanner/scan/timers.h"

#include <stdlib.h>

#include "certmuster/error.h"

void timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void timers_done(struct timers *timers)
{
    for (size_t i = 0; i < timers->count; i++)
        timers->heap[i]->slot = 0;
    free(timers->heap);
    timers_init(timers);
}

static void put(struct timers *timers, size_t slot, struct timer *timer)
{
    timers->heap[slot - 1] = timer;
    timer->slot = slot;
}

static void sift_up(struct timers *timers, size_t slot, struct timer *timer)
{
    for (; slot > 1 && timers->heap[slot / 2 - 1]->due_ms > timer->due_ms; slot /= 2)
        put(timers, slot, timers->heap[slot / 2 - 1]);
    put(timers, slot, timer);
}

static void sift_down(struct timers *timers, size_t slot, struct timer *timer)
{
    for (;;) {
        size_t child = slot * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child]->due_ms < timers->heap[child - 1]->due_ms)
            child++;
        if (timers->heap[child - 1]->due_ms >= timer->due_ms)
            break;
        put(timers, slot, timers->heap[child - 1]);
        slot = child;
    }
    put(timers, slot, timer);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t due_ms)
{
    timers_cancel(timers, timer);
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity ? timers->capacity * 2 : 64;
        timers->heap = cm_realloc(timers->heap, timers->capacity * sizeof *timers->heap);
    }
    timer->due_ms = due_ms;
    timers->count++;
    sift_up(timers, timers->count, timer);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    size_t slot = timer->slot;
    if (slot == 0)
        return;
    struct timer *last = timers->heap[--timers->count];
    timer->slot = 0;
    if (last == timer)
        return;
    if (slot > 1 && timers->heap[slot / 2 - 1]->due_ms > last->due_ms)
        sift_up(timers, slot, last);
    else
        sift_down(timers, slot, last);
}

int64_t timers_next_due(const struct timers *timers)
{
    return timers->count ? timers->heap[0]->due_ms : -1;
}

struct timer *timers_pop(struct timers *timers, int64_t now_ms)
{
    if (timers->count == 0 || timers->heap[0]->due_ms > now_ms)
        return NULL;
    struct timer *first = timers->heap[0];
    timers_cancel(timers, first);
    return first;
}
