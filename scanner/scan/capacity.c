/* The limits of a sweep: descriptors, a token bucket for --rate, and backing off after a shortage. */
#include "scanner/scan/capacity.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "certmuster/log.h"

enum {
    RESERVED = 24,  /* spool segments, DNS sockets, target files, the submit child's pipes */
    GROW_MS = 1000, /* then room grows by an eighth each second */
    BURST_MS = 50,  /* tokens that may pile up */
};

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count > 3 ? count - 3 : 3; /* less ".", ".." and the directory itself */
}

static unsigned descriptors_for(unsigned parallel)
{
    struct rlimit limit;
    rlim_t fixed = open_descriptors() + RESERVED, needed = parallel + fixed;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return parallel;
    if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = limit;
        raised.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur >= needed)
        return parallel;
    return limit.rlim_cur > fixed ? (unsigned)(limit.rlim_cur - fixed) : 1;
}

void capacity_init(struct capacity *capacity, unsigned parallel, double rate, int64_t now_ms)
{
    *capacity =
        (struct capacity){.wanted = parallel, .rate = rate, .tokens = 1, .refilled_ms = now_ms, .grown_ms = now_ms};
    capacity->ceiling = capacity->allowed = descriptors_for(parallel);
}

static void grow_back(struct capacity *capacity, int64_t now_ms)
{
    if (capacity->allowed == capacity->ceiling || now_ms - capacity->grown_ms < GROW_MS)
        return;
    capacity->grown_ms = now_ms;
    capacity->allowed += capacity->allowed / 8 + 1;
    if (capacity->allowed > capacity->ceiling)
        capacity->allowed = capacity->ceiling;
}

static unsigned tokens(struct capacity *capacity, int64_t now_ms)
{
    double burst = capacity->rate * BURST_MS / 1000;
    if (capacity->rate <= 0)
        return UINT32_MAX;
    capacity->tokens += (double)(now_ms - capacity->refilled_ms) * capacity->rate / 1000;
    capacity->refilled_ms = now_ms;
    if (capacity->tokens > (burst > 1 ? burst : 1))
        capacity->tokens = burst > 1 ? burst : 1;
    return (unsigned)capacity->tokens;
}

unsigned capacity_room(struct capacity *capacity, uint64_t under_way, int64_t now_ms)
{
    grow_back(capacity, now_ms);
    if (now_ms < capacity->resume_ms)
        return 0;
    if (under_way >= capacity->allowed) {
        if (capacity->ceiling < capacity->wanted && under_way >= capacity->ceiling && !capacity->said_ceiling) {
            capacity->said_ceiling = true;
            say_error("slowed down: %u probes at once instead of %u, more descriptors are not allowed (ulimit -n)",
                      capacity->ceiling, capacity->wanted);
        }
        return 0;
    }
    unsigned room = capacity->allowed - (unsigned)under_way, may = tokens(capacity, now_ms);
    return room < may ? room : may;
}

void capacity_started(struct capacity *capacity)
{
    if (capacity->rate > 0)
        capacity->tokens -= 1;
}

void capacity_shortage(struct capacity *capacity, int trouble, uint64_t under_way, int64_t now_ms)
{
    if (trouble != EADDRNOTAVAIL) { /* ports run out per destination: others may go on */
        capacity->resume_ms = now_ms + CAPACITY_PAUSE_MS;
        capacity->grown_ms = now_ms;
        capacity->allowed = under_way < 1 ? 1 : under_way < capacity->allowed ? (unsigned)under_way : capacity->allowed;
    }
    if (capacity->said_shortage)
        return;
    capacity->said_shortage = true;
    say_error("slowed down with %llu probes under way: %s; the rest waits, nothing is skipped",
              (unsigned long long)under_way, strerror(trouble));
}

bool capacity_is_short(const struct capacity *capacity, int64_t now_ms)
{
    return now_ms < capacity->resume_ms || capacity->allowed < capacity->ceiling;
}

int64_t capacity_wait_ms(const struct capacity *capacity, int64_t now_ms)
{
    if (now_ms < capacity->resume_ms)
        return capacity->resume_ms - now_ms;
    if (capacity->rate > 0 && capacity->tokens < 1)
        return (int64_t)((1 - capacity->tokens) * 1000 / capacity->rate) + 1;
    return -1;
}
