/* The worker's loop, and one shard from its order to its end. See worker.h for the states. */
#include "scanner/submit/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "certmuster/delivery.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/submit/answer.h"
#include "scanner/submit/stay.h"

enum {
    BACKOFF_MAX_MS = 30000,
    REQUEST_TIMEOUT_MS = 15000,
    DELIVER_TIMEOUT_MS = 60000,
    GRACE_MS = 30000,       /* for a scanner to end in order; then it is made to */
    STORE_WAIT_MS = 120000, /* for everything of a run to be stored, once it was delivered; no longer than a lease */
    REQUEST_MAX = 2048,
};

struct worker {
    struct outbox *outbox;
    const char *kind, *config_path, *scanner, *realm;
    struct stay stay;
    const struct order *order; /* under way */
    int64_t lease_ms;          /* how long it lasts from one report to the next */
    int64_t renew_ms, ends_ms; /* monotonic: when to renew it; when it is over, unless somebody answers */
    int64_t put_off_ms;        /* monotonic: until then the collector wants no batches */
    bool lost;                 /* the lease is another's, or over */
    bool quiet;                /* -q */
    unsigned failed;           /* tries in a row that led nowhere */
    char said[400];            /* the last trouble that was told: each is told once */
    struct submit_told told;   /* the same of the spool's */
};

static void say_once(struct worker *worker, const char *what)
{
    if (!worker->quiet && strcmp(worker->said, what) != 0)
        say_error("%s: %s", worker->outbox->url, what);
    snprintf(worker->said, sizeof worker->said, "%s", what);
}

/* POSTs; the answer's status, 0 when there was none. The reason of what is no 2xx is told. */
static long post(struct worker *worker, const char *path, const struct buf *body, struct http_answer *answer)
{
    char reason[400];
    struct cm_error error;
    const struct http_request request = {.path = path,
                                         .type = "application/json",
                                         .body = body->data,
                                         .size = body->size,
                                         .timeout_ms = REQUEST_TIMEOUT_MS};
    if (http_post(worker->outbox->delivery.http, &request, answer, &error) != CM_OK) {
        snprintf(reason, sizeof reason, "%s: %.300s", error.reason, error.detail);
        say_once(worker, reason);
        return 0;
    }
    if (answer->status >= 300 && answer->status != 409 && answer->status != 425) {
        answer_read_error(&answer->body, answer->status, reason, sizeof reason);
        say_once(worker, reason);
    } else {
        worker->said[0] = 0;
    }
    return answer->status;
}

/* --- The lease under way ------------------------------------------------------------------------------------------------------------------- */

/* Says something of the lease; the answer's status. */
static void lose(struct worker *worker, const char *why)
{
    if (!worker->quiet)
        say_error("shard %lld of %s is not ours any more: %s", (long long)worker->order->number,
                  log_quote(worker->order->plan), why);
    worker->lost = true;
}

static long report(struct worker *worker, const char *state)
{
    char path[sizeof DELIVERY_LEASES + CM_UUID_TEXT_SIZE];
    struct http_answer answer;
    struct buf body;
    snprintf(path, sizeof path, "%s/%s", DELIVERY_LEASES, worker->order->lease);
    buf_init(&body, REQUEST_MAX);
    http_answer_init(&answer);
    order_write_report(&body, worker->scanner, state);
    int64_t asked_ms = clock_monotonic_ms(), lease_ms = 0;
    long status = post(worker, path, &body, &answer);
    if ((status == 409 || status == 403) && !worker->lost) {
        char reason[300];
        answer_read_error(&answer.body, status, reason, sizeof reason);
        lose(worker, reason);
    }
    bool answered = status == 200 || status == 425;
    if (status == 200 && (lease_ms = order_read_lease(&answer.body)) != 0)
        worker->lease_ms = lease_ms; /* another collector may give it for longer or shorter */
    if (answered)
        worker->ends_ms = asked_ms + worker->lease_ms;
    /* A third of the lease leaves room for two more tries. */
    worker->renew_ms = clock_monotonic_ms() + worker->lease_ms / (answered ? 3 : 10);
    http_answer_done(&answer);
    buf_done(&body);
    return status;
}

static void renew_when_due(struct worker *worker)
{
    if (!worker->lost && clock_monotonic_ms() >= worker->renew_ms)
        (void)report(worker, "running");
}

/* Between the segments of a delivery. */
static bool go_on(void *context)
{
    struct worker *worker = context;
    if (worker->order)
        renew_when_due(worker);
    return !stay_stopping(&worker->stay);
}

static bool is_put_off(const struct worker *worker)
{
    return clock_monotonic_ms() < worker->put_off_ms;
}

/* What waits in the spool, unless the collector said to come later: nothing then. Leases are another matter. */
static void drain(struct worker *worker, struct submit_totals *totals)
{
    *totals = (struct submit_totals){.before = &worker->told, .run = worker->order ? worker->order->lease : NULL};
    if (is_put_off(worker))
        return;
    worker->outbox->delivery.taken_ms = clock_monotonic_ms();
    outbox_drain(worker->outbox, totals);
    submit_told_keep(&worker->told, totals);
    if (totals->retry_after_ms)
        worker->put_off_ms = clock_monotonic_ms() + totals->retry_after_ms;
}

/* Until the scanner has ended: its wait status. */
static int watch_over(struct worker *worker, pid_t pid)
{
    int status = 0;
    int64_t kill_ms = INT64_MAX;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return got == pid ? status : CM_EXIT_FAILED << 8;
        renew_when_due(worker);
        int64_t now = clock_monotonic_ms();
        /* Somebody else may have it by now. Two at once are harmless, but not in a realm that bears so many probes and no more. */
        if (!worker->lost && worker->order->rate && now >= worker->ends_ms)
            lose(worker, "nobody answered for as long as the lease lasts");
        if ((worker->lost || worker->stay.stopping) && kill_ms == INT64_MAX) {
            kill(pid, SIGTERM);
            kill_ms = now + GRACE_MS;
        } else if (now >= kill_ms) {
            kill(pid, SIGKILL);
            kill_ms = now + GRACE_MS;
        }
        int64_t until = kill_ms < worker->renew_ms || worker->lost ? kill_ms : worker->renew_ms;
        now = clock_monotonic_ms();
        stay_wait(&worker->stay, until - now < GRACE_MS ? until - now : GRACE_MS);
    }
}

/* Nobody answered who could say what is stored: that is not the run's fault. */
static bool nobody(long status)
{
    return status == 0 || status == 429 || status >= 500;
}

/* Delivers until the collector says that all of the run is stored, or that it is no matter any more. Only the collector knows: what waits in the
 * spool may be of another run, and what is missing may never come. */
static void finish(struct worker *worker)
{
    struct submit_totals totals;
    int64_t lease_ms = worker->lease_ms, wait_ms = lease_ms < STORE_WAIT_MS ? lease_ms : STORE_WAIT_MS;
    int64_t give_up_ms = clock_monotonic_ms() + wait_ms;
    for (unsigned attempt = 0; !worker->lost; attempt++) {
        drain(worker, &totals);
        if (stay_stopping(&worker->stay))
            break;
        int64_t now = clock_monotonic_ms();
        long status = report(worker, "done");
        if (status == 200)
            return;
        if (totals.cleared || nobody(status) || is_put_off(worker))
            give_up_ms = now + wait_ms;
        else if (now >= give_up_ms)
            break;
        stay_wait(&worker->stay, deliver_delay_ms(&worker->outbox->delivery, attempt, lease_ms / 3));
    }
    if (worker->lost)
        return;
    if (!worker->stay.stopping)
        say_error("not everything of shard %lld of %s was taken; see rejected/ and refused/ of the spool",
                  (long long)worker->order->number, log_quote(worker->order->plan));
    /* What is in the spool stays there. Should all of it have come meanwhile, this is refused and harmless. */
    if (report(worker, "done") != 200 && !worker->lost)
        (void)report(worker, worker->stay.stopping ? "given_back" : "failed");
}

static void work_off(struct worker *worker, const struct order *order)
{
    struct submit_totals totals;
    worker->order = order;
    worker->lost = false;
    worker->lease_ms = order->lease_ms;
    worker->renew_ms = clock_monotonic_ms() + order->lease_ms / 3;
    worker->ends_ms = clock_monotonic_ms() + order->lease_ms;
    pid_t pid = worker_spawn(worker->outbox, worker->kind, order, worker->config_path);
    int status = pid ? watch_over(worker, pid) : 127 << 8;
    bool whole = WIFEXITED(status) && (WEXITSTATUS(status) == CM_EXIT_OK || WEXITSTATUS(status) == CM_EXIT_PARTIAL);
    if (whole && !worker->lost) {
        worker->failed = 0;
        finish(worker);
    } else {
        drain(worker, &totals); /* what it found is not lost */
        if (!worker->lost)
            (void)report(worker, worker->stay.stopping ? "given_back" : "failed");
        if (!worker->lost && !worker->stay.stopping) {
            say_error("certmuster-%s ended with status %d; the shard is given back", worker->kind,
                      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
            stay_wait(&worker->stay, deliver_delay_ms(&worker->outbox->delivery, worker->failed++, BACKOFF_MAX_MS));
        }
    }
    worker->order = NULL;
}

/* --- The loop -------------------------------------------------------------------------------------------------------------------------------- */

/* Asks for a shard. 0 with an order; else how long to wait, in ms. */
static int64_t take(struct worker *worker, struct order *order)
{
    struct http_answer answer;
    struct cm_error error;
    struct buf body;
    int64_t pause_ms = 0;
    buf_init(&body, REQUEST_MAX);
    http_answer_init(&answer);
    order_write_question(&body, worker->kind, worker->scanner, worker->realm);
    long status = post(worker, DELIVERY_LEASES, &body, &answer);
    if (status == 204) {
        worker->failed = 0;
        pause_ms = answer.retry_after_ms ? answer.retry_after_ms : 5000;
        pause_ms = pause_ms / 2 + deliver_delay_ms(&worker->outbox->delivery, 16, pause_ms);
    } else if (status != 200) {
        pause_ms = deliver_delay_ms(&worker->outbox->delivery, worker->failed++, BACKOFF_MAX_MS);
        pause_ms = pause_ms > answer.retry_after_ms ? pause_ms : answer.retry_after_ms;
    } else if (order_read(&answer.body, worker->kind, order, &error) != CM_OK) {
        say_error("%s: %s: %s", worker->outbox->url, error.reason, error.detail);
        worker->order = order;
        if (order->lease[0])
            (void)report(worker, "failed");
        worker->order = NULL;
        order_done(order);
        pause_ms = deliver_delay_ms(&worker->outbox->delivery, worker->failed++, BACKOFF_MAX_MS);
    }
    http_answer_done(&answer);
    buf_done(&body);
    return pause_ms;
}

int worker(struct outbox *outbox, const char *kind, const char *config_path)
{
    struct worker worker = {.outbox = outbox,
                            .kind = kind,
                            .config_path = config_path,
                            .scanner = config_scanner(outbox->config),
                            .realm = config_string(outbox->config, "realm"),
                            .quiet = outbox->quiet};
    stay_init(&worker.stay);
    outbox->quiet = true; /* of deliveries: a worker tells troubles only */
    outbox->delivery.once = true;
    outbox->delivery.wait_ms = DELIVER_TIMEOUT_MS;
    outbox->delivery.between = go_on;
    outbox->delivery.context = &worker;
    while (!stay_stopping(&worker.stay)) {
        struct submit_totals totals;
        struct order order = {.lease = ""};
        drain(&worker, &totals); /* what an earlier one left */
        int64_t pause_ms = stay_stopping(&worker.stay) ? 0 : take(&worker, &order);
        if (pause_ms)
            stay_wait(&worker.stay, pause_ms);
        else if (order.lease[0])
            work_off(&worker, &order);
        order_done(&order);
    }
    return CM_EXIT_OK;
}
