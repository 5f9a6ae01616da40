/* The queue between the event loop and the workers, and the workers. */
#include "collector/ingest/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { ANSWER_MAX = 80 << 20, RETRY_AFTER_S = 2 };

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
    size_t max;
    bool stopping;
    int event;
    pthread_t *threads;
    unsigned thread_count;
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

static struct job *list_take(struct list *list)
{
    struct job *job = list->first;
    if (job) {
        list->first = job->next;
        if (!list->first)
            list->last = NULL;
        list->count--;
    }
    return job;
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
    if (code == CM_EIO || code == CM_ETIMEOUT) {
        session_drop(session);
        if (had_connection && code == CM_EIO)
            code = store(session, request, job, error);
        if (code == CM_EIO)
            session_drop(session);
    }
    return code;
}

static void work(struct queue *queue, struct session *session, struct job *job)
{
    struct cm_error error = {0};
    struct buf body;
    bool was_up = true;
    int64_t began = clock_monotonic_ms();
    buf_init(&body, CM_LIMIT_BATCH_BYTES);
    int code = body_decode(job->body, job->encoding, &body, &error);
    evbuffer_free(job->body);
    job->body = NULL;
    if (code) {
        answer(job, code == CM_ELIMIT ? 413 : 400, error.reason);
        code = 0;
    } else {
        const struct delivery_request request = {.peer = job->peer,
                                                 .key = job->key,
                                                 .body = body.data,
                                                 .size = body.size,
                                                 .sent_ms = job->sent_ms,
                                                 .received_ms = job->received_ms};
        code = store_twice(session, &request, job, &error);
        was_up = atomic_load(&queue->state->database_up);
        state_database(queue->state, code != CM_EIO);
        job->retry_after_s = job->answer.retry_after_s;
    }
    buf_done(&body);
    if (code == CM_EIO || code == CM_ETIMEOUT || code == CM_ECONFLICT) {
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

static void hand_back(struct queue *queue, struct job *job)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&queue->lock);
    list_put(&queue->done, job);
    pthread_mutex_unlock(&queue->lock);
    ssize_t written = write(queue->event, &one, sizeof one); /* an eventfd refuses only when it is readable already */
    (void)written;
}

static void *worker(void *context)
{
    struct queue *queue = context;
    struct session session;
    session_init(&session, queue->settings);
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        while (!queue->stopping && !queue->waiting.first)
            pthread_cond_wait(&queue->wake, &queue->lock);
        struct job *job = queue->stopping ? NULL : list_take(&queue->waiting);
        atomic_store(&queue->state->queue_depth, (unsigned)queue->waiting.count);
        pthread_mutex_unlock(&queue->lock);
        if (!job)
            break;
        atomic_fetch_add(&queue->state->working, 1);
        work(queue, &session, job);
        atomic_fetch_sub(&queue->state->working, 1);
        hand_back(queue, job);
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

bool queue_put(struct queue *queue, struct job *job)
{
    pthread_mutex_lock(&queue->lock);
    bool room = !queue->stopping && queue->waiting.count < queue->max;
    if (room) {
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
    pthread_mutex_unlock(&queue->lock);
    for (unsigned i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    queue->thread_count = 0;
    for (struct job *job; (job = list_take(&queue->waiting)) != NULL;)
        list_put(&queue->done, job);
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
    free(queue->threads);
    free(queue);
}
