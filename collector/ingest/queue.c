/* The queue between the event loop and the workers, and the workers. */
#include "collector/ingest/queue.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum {
    ANSWER_MAX = 80 << 20,
    RETRY_AFTER_S = 2,
    RECENT_CLIENTS = 64,
    LARGE_ANSWER_BYTES = 1 << 20,                     /* thousands of rejections */
    LIGHT_BYTES = CM_LIMIT_SEGMENT_BYTES + (1 << 20), /* a segment, and certificates that a 409 asked for */
};

struct list {
    struct job *first, *last;
    size_t count;
};

struct queue {
    const struct settings *settings;
    struct state *state;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct list waiting, done;
    struct job **held; /* by worker: the job that it has; NULL: it waits for one */
    struct {
        uint64_t client, turn;
    } recent[RECENT_CLIENTS]; /* when whose job was taken last, in turns; those not here were longer ago */
    uint64_t turn;
    size_t max;
    bool stopping;
    int event;
    pthread_t *threads;
    unsigned thread_count, numbered;
    pthread_mutex_t
        heavy; /* whoever reads a batch larger than a segment: a batch in work takes a multiple of its size, and one at a time is enough */
};

static void list_put(struct list *list, struct job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->count++;
}

/* before: NULL takes the first. */
static struct job *list_take_after(struct list *list, struct job *before)
{
    struct job *job = before ? before->next : list->first;
    if (!job)
        return NULL;
    if (before)
        before->next = job->next;
    else
        list->first = job->next;
    if (list->last == job)
        list->last = before;
    list->count--;
    return job;
}

static struct job *list_take(struct list *list)
{
    return list_take_after(list, NULL);
}

static uint64_t last_turn(const struct queue *queue, uint64_t client)
{
    for (size_t i = 0; i < RECENT_CLIENTS; i++)
        if (queue->recent[i].turn && queue->recent[i].client == client)
            return queue->recent[i].turn;
    return 0;
}

static void note_turn(struct queue *queue, uint64_t client)
{
    size_t slot = 0;
    for (size_t i = 0; i < RECENT_CLIENTS; i++) {
        if (queue->recent[i].turn && queue->recent[i].client == client) {
            slot = i;
            break;
        }
        if (queue->recent[i].turn < queue->recent[slot].turn)
            slot = i;
    }
    queue->recent[slot].client = client;
    queue->recent[slot].turn = ++queue->turn;
}

static unsigned workers_of(const struct queue *queue, uint64_t client)
{
    unsigned count = 0;
    for (unsigned i = 0; i < queue->numbered; i++)
        count += queue->held[i] && queue->held[i]->client == client;
    return count;
}

/* Takes the job of the client whom the fewest workers serve, of several the one whose turn was longest ago, and of its jobs the first. */
static struct job *take_fairly(struct queue *queue)
{
    struct job *best = NULL, *before_best = NULL, *before = NULL;
    unsigned fewest = UINT_MAX;
    uint64_t oldest = UINT64_MAX;
    for (struct job *job = queue->waiting.first; job; before = job, job = job->next) {
        unsigned count = workers_of(queue, job->client);
        uint64_t turn = last_turn(queue, job->client);
        if (count < fewest || (count == fewest && turn < oldest)) {
            fewest = count;
            oldest = turn;
            best = job;
            before_best = before;
        }
    }
    if (best)
        note_turn(queue, best->client);
    return list_take_after(&queue->waiting, before_best);
}

static size_t count_of_client(const struct list *list, uint64_t client)
{
    size_t count = 0;
    for (const struct job *job = list->first; job; job = job->next)
        count += job->client == client;
    return count;
}

/* In a full queue: the last job of the client that has most in it, if that leaves it no fewer than the newcomer has then. NULL: nobody
 * has so many. */
static struct job *take_from_most(struct queue *queue, uint64_t newcomer)
{
    size_t most = count_of_client(&queue->waiting, newcomer) + 1;
    struct job *found = NULL, *before_found = NULL, *before = NULL;
    for (struct job *job = queue->waiting.first; job; before = job, job = job->next) {
        size_t count = count_of_client(&queue->waiting, job->client);
        if (count > most || (found && job->client == found->client)) {
            most = count;
            found = job;
            before_found = before;
        }
    }
    return found ? list_take_after(&queue->waiting, before_found) : NULL;
}

struct job *job_new(enum job_kind kind, const struct peer *peer)
{
    struct job *job = cm_calloc(1, sizeof *job);
    job->kind = kind;
    job->peer = *peer;
    job->sent_ms = -1;
    buf_init(&job->answer.body, ANSWER_MAX);
    return job;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    if (job->body)
        evbuffer_free(job->body);
    free(job->key);
    buf_done(&job->answer.body);
    free(job);
}

/* --- A worker ---------------------------------------------------------------------------------------------------------------------------- */

static void answer(struct job *job, int status, const char *text)
{
    buf_reset(&job->answer.body);
    job->answer.status = status;
    buf_appendf(&job->answer.body, "{\"error\":\"%s\"}\n", text);
}

static void count(struct state *state, const struct job *job)
{
    if (job->kind != JOB_BATCH)
        return;
    int status = job->answer.status;
    atomic_fetch_add(status == 200   ? job->answer.repeated ? &state->batches_repeated : &state->batches_stored
                     : status == 409 ? &state->batches_lacking
                     : status >= 500 ? &state->batches_failed
                                     : &state->batches_refused,
                     1);
    if (status != 200 || job->answer.repeated)
        return;
    atomic_fetch_add(&state->records_stored, job->answer.stored);
    atomic_fetch_add(&state->records_rejected, job->answer.rejected);
}

static int store(struct session *session, const struct delivery_request *request, struct job *job,
                 struct cm_error *error)
{
    static int (*const stores[])(struct session * session, const struct delivery_request *request,
                                 struct delivery_answer *answer, struct cm_error *error) = {
        [JOB_BATCH] = store_batch,
        [JOB_MISSING] = store_missing,
        [JOB_LEASE] = store_lease,
        [JOB_LEASE_REPORT] = store_lease_report,
    };
    return stores[job->kind](session, request, &job->answer, error);
}

/* A connection that idled while the server restarted is found dead by its next statement: one more try with a new one. What was in doubt is
 * settled by the key. */
static int store_twice(struct session *session, const struct delivery_request *request, struct job *job,
                       struct cm_error *error)
{
    bool had_connection = session->db != NULL;
    int code = store(session, request, job, error);
    if (code == CM_EIO || code == CM_ETIMEOUT || code == CM_EVERSION) {
        session_done(session);
        if (had_connection && code == CM_EIO)
            code = store(session, request, job, error);
        if (code == CM_EIO)
            session_done(session);
    }
    return code;
}

/* A body larger than a segment was met: only one of those is worked on at a time. */
struct turn {
    struct queue *queue;
    bool is_mine;
};

static bool take_turn(void *context)
{
    struct turn *turn = context;
    turn->is_mine =
        pthread_mutex_trylock(&turn->queue->heavy) == 0; /* whoever waited would keep a worker from the others */
    return turn->is_mine;
}

static void end_turn(struct turn *turn, bool was_large)
{
    if (turn->is_mine || was_large)
        malloc_trim(0); /* what such a batch left behind would stay ours until the next of its kind */
    if (turn->is_mine)
        pthread_mutex_unlock(&turn->queue->heavy);
}

static int carry_out(struct queue *queue, struct session *session, struct job *job, const struct buf *body,
                     bool *was_up, struct cm_error *error)
{
    const struct delivery_request request = {.peer = job->peer,
                                             .key = job->key,
                                             .body = body->data,
                                             .size = body->size,
                                             .sent_ms = job->sent_ms,
                                             .received_ms = job->received_ms};
    int code = store_twice(session, &request, job, error);
    *was_up = atomic_load(&queue->state->database_up);
    state_database(queue->state, code != CM_EIO);
    job->retry_after_s = job->answer.retry_after_s;
    return code;
}

static void work(struct queue *queue, struct session *session, struct job *job)
{
    struct cm_error error = {0};
    struct buf body;
    bool was_up = true;
    int64_t began = clock_monotonic_ms();
    struct turn turn = {.queue = queue};
    const struct body_gate gate = {
        .light = LIGHT_BYTES, .max = CM_LIMIT_BATCH_BYTES, .pass = take_turn, .context = &turn};
    int code = body_decode(job->body, job->encoding, &gate, &body, &error);
    evbuffer_free(job->body);
    job->body = NULL;
    if (code == CM_ECONFLICT) {
        answer(job, 429, error.reason);
        job->retry_after_s = RETRY_AFTER_S;
        atomic_fetch_add(&queue->state->requests_limited, 1);
        code = 0;
    } else if (code) {
        answer(job, code == CM_ELIMIT ? 413 : 400, error.reason);
        code = 0;
    } else {
        code = carry_out(queue, session, job, &body, &was_up, &error);
    }
    buf_done(&body);
    end_turn(&turn, job->answer.body.size > LARGE_ANSWER_BYTES);
    if (code == CM_EVERSION) { /* the judge logs it, once */
        answer(job, 503, error.reason);
        job->retry_after_s = RETRY_AFTER_S;
    } else if (code == CM_EIO || code == CM_ETIMEOUT || code == CM_ECONFLICT) {
        /* Once an outage: scanners come again every second. */
        log_event(code == CM_EIO && !was_up ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "batch_put_off", "key=%s %s",
                  log_quote(job->key ? job->key : ""), log_error(&error));
        answer(job, 503, code == CM_EIO ? "the database is away" : "the database is busy");
        job->retry_after_s = RETRY_AFTER_S;
    } else if (code) {
        log_event(LOG_LEVEL_ERROR, "batch_failed", "key=%s %s", log_quote(job->key ? job->key : ""), log_error(&error));
        answer(job, 500, "the request could not be carried out; the collector's log says why");
        job->retry_after_s = 10 * RETRY_AFTER_S;
    }
    count(queue->state, job);
    if (job->kind == JOB_BATCH)
        log_event(LOG_LEVEL_DEBUG, "batch", "key=%s status=%d stored=%llu rejected=%llu ms=%lld", log_quote(job->key),
                  job->answer.status, (unsigned long long)job->answer.stored, (unsigned long long)job->answer.rejected,
                  (long long)(clock_monotonic_ms() - began));
}

/* Under the lock. */
static void hand_back(struct queue *queue, struct job *job)
{
    const uint64_t one = 1;
    list_put(&queue->done, job);
    ssize_t written = write(queue->event, &one, sizeof one); /* an eventfd refuses only when it is readable already */
    (void)written;
}

static void *worker(void *context)
{
    struct queue *queue = context;
    struct session session;
    session_init(&session, queue->settings);
    pthread_mutex_lock(&queue->lock);
    unsigned number = queue->numbered++;
    pthread_mutex_unlock(&queue->lock);
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        while (!queue->stopping && !queue->waiting.first)
            pthread_cond_wait(&queue->wake, &queue->lock);
        struct job *job = queue->stopping ? NULL : take_fairly(queue);
        queue->held[number] = job;
        atomic_store(&queue->state->queue_depth, (unsigned)queue->waiting.count);
        pthread_mutex_unlock(&queue->lock);
        if (!job)
            break;
        atomic_fetch_add(&queue->state->working, 1);
        work(queue, &session, job);
        atomic_fetch_sub(&queue->state->working, 1);
        pthread_mutex_lock(&queue->lock);
        queue->held[number] = NULL;
        hand_back(queue, job);
        pthread_mutex_unlock(&queue->lock);
    }
    session_done(&session);
    return NULL;
}

/* --- The queue --------------------------------------------------------------------------------------------------------------------------- */

struct queue *queue_new(const struct settings *settings, struct state *state, size_t max, unsigned workers)
{
    struct queue *queue = cm_calloc(1, sizeof *queue);
    queue->settings = settings;
    queue->state = state;
    queue->max = max;
    queue->threads = cm_calloc(workers, sizeof *queue->threads);
    queue->held = cm_calloc(workers, sizeof(struct job *));
    pthread_mutex_init(&queue->heavy, NULL);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->wake, NULL);
    queue->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_store(&state->queue_max, (unsigned)max);
    for (unsigned i = 0; queue->event >= 0 && i < workers; i++)
        queue->thread_count += pthread_create(&queue->threads[queue->thread_count], NULL, worker, queue) == 0;
    if (queue->thread_count == 0) {
        queue_free(queue);
        return NULL;
    }
    return queue;
}

int queue_fd(const struct queue *queue)
{
    return queue->event;
}

/* Clients that fill a queue together must not keep out one that asks for little. */
static bool make_room(struct queue *queue, uint64_t newcomer)
{
    struct job *job = take_from_most(queue, newcomer);
    if (!job)
        return false;
    answer(job, 429, "others wait who have less in the queue; come again");
    job->retry_after_s = RETRY_AFTER_S;
    atomic_fetch_add(&queue->state->requests_limited, 1);
    hand_back(queue, job);
    return true;
}

enum queue_room queue_put(struct queue *queue, struct job *job)
{
    enum queue_room room = QUEUE_ROOM;
    pthread_mutex_lock(&queue->lock);
    if (queue->stopping)
        room = QUEUE_STOPPING;
    else if (count_of_client(&queue->waiting, job->client) >= (queue->max + 1) / 2)
        room = QUEUE_SHARE_FULL;
    else if (queue->waiting.count >= queue->max && !make_room(queue, job->client))
        room = QUEUE_FULL;
    if (room == QUEUE_ROOM) {
        list_put(&queue->waiting, job);
        atomic_store(&queue->state->queue_depth, (unsigned)queue->waiting.count);
        pthread_cond_signal(&queue->wake);
    }
    pthread_mutex_unlock(&queue->lock);
    return room;
}

struct job *queue_take_done(struct queue *queue)
{
    uint64_t ignored;
    pthread_mutex_lock(&queue->lock);
    struct job *job = list_take(&queue->done);
    if (!job && read(queue->event, &ignored, sizeof ignored) < 0)
        ignored = 0; /* nothing was announced either */
    pthread_mutex_unlock(&queue->lock);
    return job;
}

void queue_stop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_broadcast(&queue->wake);
    for (struct job *job; (job = list_take(&queue->waiting)) != NULL;)
        hand_back(queue, job);
    atomic_store(&queue->state->queue_depth, 0);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_ended(struct queue *queue, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    while (queue->thread_count &&
           pthread_clockjoin_np(queue->threads[queue->thread_count - 1], NULL, CLOCK_MONOTONIC, &until) == 0)
        queue->thread_count--;
    return queue->thread_count == 0;
}

void queue_give_up(struct queue *queue, void (*tell)(void *context, struct job *job), void *context)
{
    pthread_mutex_lock(&queue->lock);
    for (unsigned i = 0; i < queue->numbered; i++)
        if (queue->held[i])
            tell(context, queue->held[i]);
    pthread_mutex_unlock(&queue->lock);
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    for (struct job *job; (job = list_take(&queue->waiting)) != NULL;)
        job_free(job);
    for (struct job *job; (job = list_take(&queue->done)) != NULL;)
        job_free(job);
    if (queue->event >= 0)
        close(queue->event);
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    pthread_mutex_destroy(&queue->heavy);
    free(queue->held);
    free(queue->threads);
    free(queue);
}
