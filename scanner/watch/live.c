/* Threads that read, and the one that looks after them.
 *
 * A worker's thread owns its captures and its flows and shares nothing but the teller (which has a lock) and a copy of its counts, which it renews ten times a second. The
 * main thread writes records, answers signals and never touches a packet; signals are its alone. At the end each worker reads what its rings still hold. */
#include "scanner/watch/live.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/signals.h"

enum {
    PACKETS_AT_ONCE = 8192, /* of one capture, before the others have their turn */
    PUBLISH_MS = 100,
    LAST_BLOCK_MS = 2 * CAPTURE_WAIT_MS, /* after it the kernel has handed over what came before the signal */
};

struct counted { /* what a worker lets others see */
    struct worker_counts counts;
    struct capture_drops drops;
    struct stopwatch took;
};

struct thread {
    pthread_t id;
    struct live *live;
    struct worker *worker;
    struct capture *captures[LIVE_INTERFACES_MAX];
    struct pollfd ready[LIVE_INTERFACES_MAX];
    int64_t published_ms;
    struct stopwatch began;
    pthread_mutex_t lock;
    struct counted counted; /* under the lock */
};

struct live {
    struct live_options options;
    struct thread *threads;
    unsigned started;
    atomic_bool stop;
    atomic_uint lost, reading; /* captures gone, threads that still have one */
};

/* --- opening --------------------------------------------------------------------------------------------------------- */

/* All workers open an interface, then share it, in the same order for each: see capture.h. */
static int open_interface(struct live *live, size_t interface, struct cm_error *error)
{
    struct capture *same[LIVE_WORKERS_MAX];
    struct capture_options options = live->options.capture;
    options.interface = live->options.interfaces[interface];
    for (unsigned i = 0; i < live->options.workers; i++) {
        int code = capture_open(&options, &live->threads[i].captures[interface], error);
        if (code)
            return code;
        same[i] = live->threads[i].captures[interface];
    }
    return live->options.workers > 1 ? capture_share(same, live->options.workers, error) : 0;
}

int live_open(const struct live_options *options, struct live **out, struct cm_error *error)
{
    struct live *live = cm_calloc(1, sizeof *live);
    int code = 0;
    live->options = *options;
    live->threads = cm_calloc(options->workers, sizeof *live->threads);
    for (unsigned i = 0; i < options->workers; i++)
        pthread_mutex_init(&live->threads[i].lock, NULL);
    for (size_t i = 0; i < options->interface_count && !code; i++)
        code = open_interface(live, i, error);
    if (code) {
        live_free(live);
        return code;
    }
    *out = live;
    return 0;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    for (unsigned i = 0; i < live->options.workers; i++) {
        struct thread *thread = &live->threads[i];
        for (size_t j = 0; j < live->options.interface_count; j++)
            capture_free(thread->captures[j]);
        worker_free(thread->worker);
        pthread_mutex_destroy(&thread->lock);
    }
    free(live->threads);
    free(live);
}

void live_descriptors(const struct live *live, int *from, int *to)
{
    *from = *to = capture_descriptor(live->threads[0].captures[0]);
    for (unsigned i = 0; i < live->options.workers; i++) {
        for (size_t j = 0; j < live->options.interface_count; j++) {
            int fd = capture_descriptor(live->threads[i].captures[j]);
            *from = fd < *from ? fd : *from;
            *to = fd > *to ? fd : *to;
        }
    }
}

/* --- a worker's thread ------------------------------------------------------------------------------------------------ */

static void publish(struct thread *thread)
{
    struct counted now = {.counts = worker_get_counts(thread->worker)};
    now.took = stopwatch_since(&thread->began);
    for (size_t i = 0; i < thread->live->options.interface_count; i++) {
        struct capture_drops drops;
        capture_get_drops(thread->captures[i], &drops);
        now.drops.kernel += drops.kernel;
        if (thread == &thread->live->threads[0]) /* each of them sees the same interface */
            now.drops.interface += drops.interface;
    }
    pthread_mutex_lock(&thread->lock);
    thread->counted = now;
    pthread_mutex_unlock(&thread->lock);
}

static void lose(struct thread *thread, size_t interface, const struct cm_error *error)
{
    thread->ready[interface].fd = -1;
    if (thread == &thread->live->threads[0]) { /* one says it for all */
        say_error("%s (%s)", error->reason, error->detail);
        thread->live->lost++;
    }
}

/* Every capture has its turn. True when a packet came. */
static bool read_captures(struct thread *thread)
{
    struct cm_error error;
    bool came = false;
    for (size_t i = 0; i < thread->live->options.interface_count; i++) {
        if (thread->ready[i].fd < 0 || thread->ready[i].revents == 0)
            continue;
        int count = capture_read(thread->captures[i], worker_packet, thread->worker, PACKETS_AT_ONCE, &error);
        if (count < 0)
            lose(thread, i, &error);
        came |= count > 0;
    }
    return came;
}

static bool has_captures(const struct thread *thread)
{
    for (size_t i = 0; i < thread->live->options.interface_count; i++) {
        if (thread->ready[i].fd >= 0)
            return true;
    }
    return false;
}

static void turn(struct thread *thread)
{
    int64_t now_ms = clock_monotonic_ms();
    bool came =
        poll(thread->ready, thread->live->options.interface_count, CAPTURE_WAIT_MS) > 0 && read_captures(thread);
    if (!came)
        worker_idle(thread->worker, clock_wall_ms() * 1000);
    if (now_ms - thread->published_ms >= PUBLISH_MS) {
        thread->published_ms = now_ms;
        publish(thread);
    }
}

static void *be_worker(void *context)
{
    struct thread *thread = context;
    struct live *live = thread->live;
    thread->began = stopwatch_now();
    for (size_t i = 0; i < live->options.interface_count; i++)
        thread->ready[i] = (struct pollfd){.fd = capture_descriptor(thread->captures[i]), .events = POLLIN};
    while (!live->stop && has_captures(thread))
        turn(thread);
    for (int64_t end_ms = clock_monotonic_ms() + LAST_BLOCK_MS; has_captures(thread) && clock_monotonic_ms() < end_ms;)
        turn(thread);
    worker_flush(thread->worker);
    publish(thread);
    live->reading--;
    return NULL;
}

/* --- the main thread -------------------------------------------------------------------------------------------------- */

static void gather(void *context, struct statistics *statistics)
{
    struct live *live = context;
    for (unsigned i = 0; i < live->started; i++) {
        struct thread *thread = &live->threads[i];
        pthread_mutex_lock(&thread->lock);
        struct counted now = thread->counted;
        pthread_mutex_unlock(&thread->lock);
        statistics_add(statistics, &now.counts, &now.took);
        statistics_add_drops(statistics, &now.drops);
    }
    statistics->packet_now_us = clock_wall_ms() * 1000; /* also when no packet comes */
}

static void progress(void *context, struct ledger_progress *out)
{
    struct statistics statistics = {0};
    gather(context, &statistics);
    *out = (struct ledger_progress){.done = statistics.packets, .failed = statistics.kernel_drops};
}

/* Threads are born with every signal blocked. */
static int start(struct live *live, const struct worker_options *options, struct cm_error *error)
{
    sigset_t all, before;
    int failed = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < live->options.workers && !failed; i++) {
        struct thread *thread = &live->threads[i];
        thread->live = live;
        thread->worker = worker_new(options);
        live->reading++;
        failed = pthread_create(&thread->id, NULL, be_worker, thread);
        if (!failed)
            live->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? error_setf(error, CM_EIO, 0, "cannot start a thread", "%s", strerror(failed)) : 0;
}

static void look_after(struct live *live, struct ledger *ledger)
{
    while (!signals_stop && live->reading > 0 && !ledger_is_unread(ledger)) {
        struct timespec pause = {.tv_nsec = ledger_pause_ms(ledger) * 1000000L};
        nanosleep(&pause, NULL);
        ledger_tick(ledger);
    }
}

int live_run(struct live *live, const struct worker_options *worker, struct ledger *ledger, unsigned *lost,
             struct cm_error *error)
{
    struct worker_options share = *worker;
    share.memory_max = worker->memory_max / live->options.workers;
    ledger_set_reader(
        ledger,
        &(struct ledger_reader){
            .noun = "packets", .failed_word = "dropped", .gather = gather, .progress = progress, .context = live});
    int code = start(live, &share, error);
    if (!code)
        look_after(live, ledger);
    live->stop = true;
    for (unsigned i = 0; i < live->started; i++)
        pthread_join(live->threads[i].id, NULL);
    *lost = live->lost;
    int finished = ledger_finish(ledger, code ? NULL : error);
    return code ? code : finished;
}
