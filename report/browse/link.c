/* The threads of link.h: a worker that owns the connection, and a warden that asks the server to stop what is no longer wanted.
 *
 *     user interface ── submit ──▶ slot[] ──▶ worker ── run(job, db) ──▶ finished ── collect ──▶ user interface
 *                                                ▲
 *                                             warden: PQcancel, which connects and so can hang as anything on a network can
 *
 * A job that neither ends nor heeds a cancel within the grace is ended by shutting its socket down, which the worker sees as a lost
 * connection; link_status, which is called every second, looks after that. One mutex guards all shared fields and is never held across
 * anything that can block. A connection that the warden is still cancelling on is left to it to close. */
#include "report/browse/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/timefmt.h"

enum {
    PAUSE_FIRST_MS = 250,
    PAUSE_MOST_MS = 5000,
    GRACE_MS = 3000,      /* from the deadline to the cancel, from the cancel to the cut */
    HEARTBEAT_MS = 15000, /* an idle connection says whether it still lives */
    FAREWELL_MS = 400,    /* what link_free gives the worker to end */
};

struct finished {
    struct finished *next;
    struct link_job *job;
    int slot, code;
    struct cm_error error;
};

struct link {
    struct link_options options;
    int notify_fd, wake_fd;
    void *context;
    pthread_t worker, warden;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic clock */

    struct db *db;     /* the worker's; cut under the lock, cancelled on by the warden while `cancelling` */
    struct db *orphan; /* given up by the worker while the warden was cancelling on it */
    struct link_job *wanted[LINK_SLOTS];
    struct finished *first, **last;
    bool running, unwanted; /* a job runs; it was replaced or dropped meanwhile */
    int running_slot;
    uint64_t running_number;
    int64_t end_ms;  /* monotonic: from here on what runs is to end: its deadline, or when it became unwanted */
    bool cancelling; /* the warden uses db without the lock */
    bool stop, stop_warden, retry_now;
    struct link_status status;
    int pause_ms;
    int64_t retry_ms, used_ms; /* monotonic: the next attempt, the last use */
};

static void poke(int fd)
{
    uint64_t one = 1;
    ssize_t done = write(fd, &one, sizeof one);
    (void)done; /* full means that it is readable, which is all we want */
}

static void drink(int fd)
{
    uint64_t many;
    ssize_t done = read(fd, &many, sizeof many);
    (void)done;
}

static int next_slot(const struct link *link)
{
    for (int slot = 0; slot < LINK_SLOTS; slot++)
        if (link->wanted[slot])
            return slot;
    return -1;
}

/* --- The worker: connecting ------------------------------------------------------------------------------------------------- */

/* Under the lock. */
static void close_db(struct link *link)
{
    if (link->cancelling)
        link->orphan = link->db;
    else
        db_close(link->db);
    link->db = NULL;
}

/* Under the lock. */
static void lose(struct link *link, int code, const struct cm_error *error)
{
    int64_t now = clock_monotonic_ms(), wall = clock_wall_ms();
    close_db(link);
    if (link->status.state != LINK_AWAY)
        link->status.since_ms = wall;
    link->status.state = LINK_AWAY;
    link->status.refused =
        code == CM_EAUTH || code == CM_EINVAL || code == CM_EVERSION || strstr(error->detail, "FATAL") != NULL;
    link->pause_ms = link->pause_ms == 0                  ? PAUSE_FIRST_MS
                     : link->pause_ms * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS
                                                          : link->pause_ms * 2;
    link->retry_ms = now + link->pause_ms;
    link->status.retry_at_ms = wall + link->pause_ms;
    snprintf(link->status.message, sizeof link->status.message, "%s",
             code == CM_EVERSION ? error->reason : error->detail);
    poke(link->notify_fd);
}

/* Called and left with the lock held; connects without it. */
static void connect_now(struct link *link)
{
    struct db *db = NULL;
    struct cm_error error = {0};
    link->retry_now = false;
    pthread_mutex_unlock(&link->lock);
    int code = db_connect(&link->options.db, &db, &error);
    if (!code && link->options.on_connect)
        code = link->options.on_connect(db, &error);
    pthread_mutex_lock(&link->lock);
    link->db = db;
    if (code) {
        lose(link, code, &error);
        return;
    }
    link->pause_ms = 0;
    link->used_ms = clock_monotonic_ms();
    link->status.state = LINK_UP;
    link->status.refused = false;
    link->status.connects++;
    poke(link->notify_fd);
}

/* --- The worker: working ------------------------------------------------------------------------------------------------------ */

static void finish(struct link *link, int slot, struct link_job *job, int code, const struct cm_error *error)
{
    struct finished *done = cm_calloc(1, sizeof *done);
    *done = (struct finished){.job = job, .slot = slot, .code = code, .error = *error};
    *link->last = done;
    link->last = &done->next;
    poke(link->notify_fd);
}

/* Called and left with the lock held; runs without it. */
static void run_slot(struct link *link, int slot)
{
    struct link_job *job = link->wanted[slot];
    struct cm_error error = {0};
    int64_t began = clock_monotonic_ms();

    link->wanted[slot] = NULL;
    link->running = true;
    link->unwanted = false;
    link->running_slot = slot;
    link->running_number++;
    link->end_ms = began + link->options.db.statement_timeout_ms + GRACE_MS;
    pthread_cond_signal(&link->changed);
    pthread_mutex_unlock(&link->lock);
    int code = job->run(job, link->db, &error);
    bool lost = !db_alive(link->db);
    pthread_mutex_lock(&link->lock);
    link->running = false;
    link->used_ms = clock_monotonic_ms();
    if (lost)
        lose(link, code, &error);
    /* A cancel that was meant for the one before and came late: the job itself did nothing wrong. */
    bool astray = code == CM_ETIMEOUT && link->used_ms - began < link->options.db.statement_timeout_ms / 2;
    if (link->unwanted || ((lost || astray) && link->wanted[slot]))
        job->discard(job);
    else if (lost || astray)
        link->wanted[slot] = job;
    else
        finish(link, slot, job, code, &error);
}

/* With the lock held. Something arrived on an idle connection, or it is time to ask: is it alive? */
static void heartbeat(struct link *link)
{
    struct cm_error error = {0};
    link->end_ms = clock_monotonic_ms() + GRACE_MS;
    link->running = true;
    link->unwanted = false;
    link->running_slot = -1;
    link->running_number++;
    pthread_cond_signal(&link->changed);
    pthread_mutex_unlock(&link->lock);
    int code = db_exec(link->db, "SELECT 1", &error);
    bool lost = !db_alive(link->db);
    pthread_mutex_lock(&link->lock);
    link->running = false;
    link->used_ms = clock_monotonic_ms();
    if (lost)
        lose(link, code, &error);
}

/* Waits, with the lock given up, until there may be something to do. True: the idle connection wants to be looked at. */
static bool wait_for_work(struct link *link)
{
    int64_t now = clock_monotonic_ms();
    bool keep = link->options.idle_close_ms <= 0;
    int64_t until = link->db                       ? link->used_ms + (keep ? HEARTBEAT_MS : link->options.idle_close_ms)
                    : keep || next_slot(link) >= 0 ? link->retry_ms
                                                   : now + HEARTBEAT_MS;
    struct pollfd fds[2] = {{.fd = link->wake_fd, .events = POLLIN},
                            {.fd = link->db ? db_socket(link->db) : -1, .events = POLLIN}};
    pthread_mutex_unlock(&link->lock);
    int ready = poll(fds, 2, until > now ? (int)(until - now) : 0);
    pthread_mutex_lock(&link->lock);
    if (ready > 0 && fds[0].revents)
        drink(link->wake_fd);
    if (!link->db)
        return false;
    return (ready > 0 && fds[1].revents) || clock_monotonic_ms() >= until;
}

static void *work(void *argument)
{
    struct link *link = argument;
    pthread_mutex_lock(&link->lock);
    while (!link->stop) {
        int slot = next_slot(link);
        bool needed = link->options.idle_close_ms <= 0 || slot >= 0;
        if (!link->db && needed && (link->retry_now || clock_monotonic_ms() >= link->retry_ms)) {
            connect_now(link);
        } else if (link->db && slot >= 0) {
            run_slot(link, slot);
        } else if (wait_for_work(link) && !link->stop && next_slot(link) < 0) {
            if (link->options.idle_close_ms <= 0) {
                heartbeat(link);
            } else {
                close_db(link);
                link->status.state = LINK_CONNECTING;
            }
        }
    }
    close_db(link);
    pthread_mutex_unlock(&link->lock);
    return NULL;
}

/* --- The warden ----------------------------------------------------------------------------------------------------------------- */

static void sleep_until(struct link *link, int64_t when_ms)
{
    struct timespec until = {.tv_sec = when_ms / 1000, .tv_nsec = (when_ms % 1000) * 1000000};
    if (when_ms == INT64_MAX)
        pthread_cond_wait(&link->changed, &link->lock);
    else
        pthread_cond_timedwait(&link->changed, &link->lock, &until);
}

/* With the lock held, given up meanwhile. */
static void cancel(struct link *link)
{
    struct db *db = link->db;
    link->cancelling = true;
    pthread_mutex_unlock(&link->lock);
    db_cancel(db);
    pthread_mutex_lock(&link->lock);
    link->cancelling = false;
    db_close(link->orphan);
    link->orphan = NULL;
}

static void *guard(void *argument)
{
    struct link *link = argument;
    uint64_t cancelled = 0; /* the job that was asked to end */

    pthread_mutex_lock(&link->lock);
    while (!link->stop_warden) {
        bool candidate = link->running && cancelled != link->running_number;
        if (candidate && clock_monotonic_ms() >= link->end_ms) {
            cancelled = link->running_number;
            cancel(link);
        } else {
            sleep_until(link, candidate ? link->end_ms : INT64_MAX);
        }
    }
    pthread_mutex_unlock(&link->lock);
    return NULL;
}

/* Under the lock: what should have ended long ago, and heeds no cancel, loses its connection. */
static void cut_what_is_stuck(struct link *link)
{
    if (link->running && link->db && clock_monotonic_ms() >= link->end_ms + GRACE_MS)
        shutdown(db_socket(link->db), SHUT_RDWR);
}

/* --- The user interface's side ---------------------------------------------------------------------------------------------------- */

/* Signals belong to the user interface's thread: a resize must interrupt its poll. */
static void start_thread(pthread_t *thread, void *(*main)(void *), struct link *link)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(thread, NULL, main, link) != 0)
        abort(); /* two threads at the start of a process: nothing works without */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct link *link_new(const struct link_options *options, int notify_fd, void *context)
{
    struct link *link = cm_calloc(1, sizeof *link);
    pthread_condattr_t clock;
    link->options = *options;
    link->notify_fd = notify_fd;
    link->context = context;
    link->last = &link->first;
    link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&link->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&link->changed, &clock);
    pthread_condattr_destroy(&clock);
    start_thread(&link->worker, work, link);
    start_thread(&link->warden, guard, link);
    return link;
}

/* True when the thread ended within ms. */
static bool join_within(pthread_t thread, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void free_finished(struct link *link)
{
    for (struct finished *done = link->first, *next; done; done = next) {
        next = done->next;
        done->job->discard(done->job);
        free(done);
    }
}

void link_free(struct link *link)
{
    if (!link)
        return;
    pthread_mutex_lock(&link->lock);
    link->stop = link->unwanted = true;
    link->end_ms = 0;
    pthread_cond_signal(&link->changed);
    pthread_mutex_unlock(&link->lock);
    poke(link->wake_fd);
    bool ended = join_within(link->worker, FAREWELL_MS);
    if (!ended) {
        pthread_mutex_lock(&link->lock);
        if (link->db)
            shutdown(db_socket(link->db), SHUT_RDWR);
        pthread_mutex_unlock(&link->lock);
        ended = join_within(link->worker, FAREWELL_MS);
    }
    pthread_mutex_lock(&link->lock);
    link->stop_warden = true;
    pthread_cond_signal(&link->changed);
    pthread_mutex_unlock(&link->lock);
    if (!ended || !join_within(link->warden, FAREWELL_MS))
        return; /* one hangs in a connect, the other in a cancel: the process ends without them */
    free_finished(link);
    for (int slot = 0; slot < LINK_SLOTS; slot++)
        if (link->wanted[slot])
            link->wanted[slot]->discard(link->wanted[slot]);
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->lock);
    close(link->wake_fd);
    free(link);
}

/* Under the lock: nothing of this slot is wanted any longer, be it waiting or running. */
static void forget(struct link *link, int slot)
{
    if (link->wanted[slot])
        link->wanted[slot]->discard(link->wanted[slot]);
    link->wanted[slot] = NULL;
    if (link->running && link->running_slot == slot && !link->unwanted) {
        link->unwanted = true;
        link->end_ms = clock_monotonic_ms();
        pthread_cond_signal(&link->changed);
    }
}

void link_submit(struct link *link, int slot, struct link_job *job)
{
    pthread_mutex_lock(&link->lock);
    forget(link, slot);
    link->wanted[slot] = job;
    if (link->options.idle_close_ms > 0 && link->status.state == LINK_AWAY) {
        /* Made on demand: what an earlier demand ran into may be over. */
        link->status.state = LINK_CONNECTING;
        link->retry_now = true;
        link->pause_ms = 0;
    }
    pthread_mutex_unlock(&link->lock);
    poke(link->wake_fd);
}

/* Also of what was finished and not collected yet: it would answer a question that was taken back. */
void link_drop(struct link *link, int slot)
{
    pthread_mutex_lock(&link->lock);
    forget(link, slot);
    link->last = &link->first;
    for (struct finished *done = link->first, *next; done; done = next) {
        next = done->next;
        if (done->slot == slot) {
            done->job->discard(done->job);
            free(done);
        } else {
            *link->last = done;
            link->last = &done->next;
        }
    }
    *link->last = NULL;
    pthread_mutex_unlock(&link->lock);
}

void link_collect(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    struct finished *first = link->first;
    link->first = NULL;
    link->last = &link->first;
    pthread_mutex_unlock(&link->lock);
    for (struct finished *done = first, *next; done; done = next) {
        next = done->next;
        done->job->done(done->job, done->code, &done->error, link->context);
        done->job->discard(done->job);
        free(done);
    }
}

void link_status(struct link *link, struct link_status *out)
{
    pthread_mutex_lock(&link->lock);
    cut_what_is_stuck(link);
    *out = link->status;
    out->busy = next_slot(link) >= 0 || (link->running && link->running_slot >= 0 && !link->unwanted);
    pthread_mutex_unlock(&link->lock);
}

void link_retry(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    link->retry_now = true;
    pthread_mutex_unlock(&link->lock);
    poke(link->wake_fd);
}
