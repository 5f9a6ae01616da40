/* Jobs for the ingest workers: bounded, so that what waits is what the connections hold. Each worker is a thread with a database connection
 * of its own; the event loop hands jobs in and takes them back when an eventfd says so. */
#ifndef COLLECTOR_INGEST_QUEUE_H
#define COLLECTOR_INGEST_QUEUE_H

#include "collector/http/body.h"
#include "collector/ingest/store.h"
#include "collector/state.h"

enum job_kind { JOB_BATCH, JOB_MISSING, JOB_LEASE, JOB_LEASE_REPORT };

struct job {
    struct job *next; /* private to the queue */
    enum job_kind kind;
    struct peer peer;
    uint64_t client; /* whose it is: any number, the same for the same client */
    char *key;       /* owned; of a batch, or a lease's id; else NULL */
    enum body_encoding encoding;
    struct evbuffer *body;        /* owned; gone when the job comes back */
    int64_t sent_ms, received_ms; /* of the sender's clock; monotonic */

    struct delivery_answer answer;
    int retry_after_s; /* 0: none */
    void *context;     /* the event loop's; touched by nobody else */
};

struct job *job_new(enum job_kind kind, const struct peer *peer);
void job_free(struct job *job);

struct queue;
struct queue *queue_new(const struct settings *settings, struct state *state, size_t max, unsigned workers);
int queue_fd(const struct queue *queue); /* readable when jobs are done */
/* Only with QUEUE_ROOM the job is no longer the caller's. One client may fill half of the queue; when it is full, the last job of the
 * client that has most in it makes room for one who has less, and comes back answered with 429. Of those that wait, that of the client
 * goes first whom the fewest workers serve. */
enum queue_room { QUEUE_ROOM, QUEUE_FULL, QUEUE_SHARE_FULL, QUEUE_STOPPING };
enum queue_room queue_put(struct queue *queue, struct job *job);
struct job *queue_take_done(struct queue *queue); /* NULL: none */
/* Workers finish what they have; what waits comes back unanswered (status 0). */
void queue_stop(struct queue *queue);
/* After queue_stop: whether all workers ended, within timeout_ms (whole seconds). */
CM_MUST_CHECK bool queue_ended(struct queue *queue, int timeout_ms);
/* Of a statement that takes too long nobody waits for the end: each job that a worker has still is shown, whose context alone may be touched. */
void queue_give_up(struct queue *queue, void (*tell)(void *context, struct job *job), void *context);
void queue_free(struct queue *queue); /* only once the workers ended */

#endif
