/* Threads of work that comes again: the judge's, and who reads the figures. */
#include "collector/rounds.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/log.h"

struct rounds {
    int (*round)(void *context);
    void (*end)(void *context);
    void *context;
    pthread_t thread;
    int stop; /* eventfd: ends a rest */
    atomic_bool stopping;
};

static void *run(void *argument)
{
    struct rounds *rounds = argument;
    struct pollfd stop = {.fd = rounds->stop, .events = POLLIN};
    do {
        int rest_ms = rounds->round(rounds->context);
        if (rest_ms > 0)
            (void)poll(&stop, 1, rest_ms);
    } while (!atomic_load(&rounds->stopping));
    if (rounds->end)
        rounds->end(rounds->context);
    return NULL;
}

struct rounds *rounds_new(int (*round)(void *context), void (*end)(void *context), void *context)
{
    struct rounds *rounds = cm_calloc(1, sizeof *rounds);
    rounds->round = round;
    rounds->end = end;
    rounds->context = context;
    rounds->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rounds->stop >= 0 && pthread_create(&rounds->thread, NULL, run, rounds) == 0)
        return rounds;
    rounds_free(rounds);
    return NULL;
}

bool rounds_stop(struct rounds *rounds, int timeout_ms)
{
    const uint64_t one = 1;
    struct timespec until;
    atomic_store(&rounds->stopping, true);
    if (write(rounds->stop, &one, sizeof one) < 0)
        log_event(LOG_LEVEL_WARN, "rounds", "it cannot be woken");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return pthread_timedjoin_np(rounds->thread, NULL, &until) == 0;
}

void rounds_free(struct rounds *rounds)
{
    if (!rounds)
        return;
    if (rounds->stop >= 0)
        close(rounds->stop);
    free(rounds);
}
