/* How much of the time that goes by a thread takes for itself, to the
 * microsecond: runs of a few milliseconds are measured by it as well. */
#ifndef SCANNER_WATCH_STOPWATCH_H
#define SCANNER_WATCH_STOPWATCH_H

#include <stdint.h>
#include <time.h>

struct stopwatch {
    int64_t cpu_us, elapsed_us;
};

static inline struct stopwatch stopwatch_now(void)
{
    struct timespec cpu = {0}, now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct stopwatch){(int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000,
                              (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000};
}

/* By the thread that began. */
static inline struct stopwatch stopwatch_since(const struct stopwatch *began)
{
    struct stopwatch now = stopwatch_now();
    return (struct stopwatch){now.cpu_us - began->cpu_us, now.elapsed_us - began->elapsed_us};
}

#endif
