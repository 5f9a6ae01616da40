/* The dialogue about one batch: ask which certificates are missing, send, and act on the answer.
 *
 *     ask ──401, 403──→ DENIED    429, 5xx, no answer: pause, ask again
 *      ↓
 *     send ──200──→ TAKEN
 *      │ ↑ └──4xx──→ REFUSED, DENIED
 *      │ └── 409: add the certificates asked for (at most ROUNDS_MAX times, else LACKING)
 *      └──── 429, 5xx, no answer: pause, send the same again; patience over: LATER
 *
 * Sending twice is harmless: the key names the batch. */
#include "scanner/submit/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "certmuster/delivery.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum {
    ROUNDS_MAX = 3,
    BACKOFF_FIRST_MS = 250,
    BACKOFF_MAX_MS = 15000,
    TIMEOUT_MIN_MS = 5000, /* a request under way may be longer than what patience is left */
    TIMEOUT_MAX_MS = 120000,
    ZSTD_LEVEL = 3,
};

static int64_t patience_left_ms(const struct delivery *delivery)
{
    return delivery->taken_ms + delivery->wait_ms - clock_monotonic_ms();
}

static int64_t request_timeout_ms(const struct delivery *delivery)
{
    int64_t left = patience_left_ms(delivery);
    return left < TIMEOUT_MIN_MS ? TIMEOUT_MIN_MS : left > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : left;
}

int64_t deliver_delay_ms(struct delivery *delivery, unsigned attempt, int64_t most_ms)
{
    int64_t pause = attempt < 16 ? (int64_t)BACKOFF_FIRST_MS << attempt : most_ms;
    pause = pause < most_ms ? pause : most_ms;
    delivery->jitter = delivery->jitter * 1664525u + 1013904223u;
    return pause / 2 + ((pause - pause / 2) * (int64_t)(delivery->jitter >> 16) >> 16);
}

bool deliver_pause(struct delivery *delivery, unsigned attempt, int64_t at_least_ms)
{
    int64_t left = patience_left_ms(delivery);
    if (delivery->once || left <= 0)
        return false;
    int64_t pause = deliver_delay_ms(delivery, attempt, BACKOFF_MAX_MS);
    pause = pause > at_least_ms ? pause : at_least_ms;
    if (pause > left)
        pause = left; /* the last try falls on the end of patience */
    log_event(LOG_LEVEL_DEBUG, "pause", "ms=%lld", (long long)pause);
    struct timespec time = {.tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000};
    nanosleep(&time, NULL);
    return true;
}

static bool is_later(long status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500 || status < 200 ||
           (status >= 300 && status < 400);
}

static bool is_denied(long status)
{
    return status == 401 || status == 403;
}

struct package { /* a body as it is sent */
    void *bytes;
    size_t size;
};

/* The state of one dialogue. */
struct dialogue {
    struct delivery *delivery;
    struct lines *lines;
    const char *key;
    deliver_find_fn find;
    void *context;
    struct outcome *out;
    struct digests wanted;
    struct package package;
    struct http_answer answer;
    bool all;        /* certificates are sent, whatever wanted holds */
    unsigned rounds; /* of 409 */
};

enum asked {
    ASKED_KNOWN,  /* wanted holds the certificates to send */
    ASKED_ALL,    /* no use asking, or a collector that does not know the question: send all of them */
    ASKED_LATER,  /* not the moment to send anything; the outcome's reason says why */
    ASKED_DENIED, /* neither will what follows be let in */
};

static enum asked judge_question(struct dialogue *dialogue)
{
    const struct http_answer *answer = &dialogue->answer;
    struct outcome *out = dialogue->out;
    struct cm_error error = {.code = CM_OK};
    if (answer->status == 200) {
        if (answer_read_missing(&answer->body, &dialogue->wanted, &error) == CM_OK)
            return ASKED_KNOWN;
        snprintf(out->reason, sizeof out->reason, "200 but %s: %.200s", error.reason, error.detail);
        return ASKED_LATER;
    }
    answer_read_error(&answer->body, answer->status, out->reason, sizeof out->reason);
    if (is_later(answer->status))
        return ASKED_LATER;
    /* 404 and 405: it is not known there. What else it may have against the question, the batch has an answer of its own. */
    return is_denied(answer->status) ? ASKED_DENIED : ASKED_ALL;
}

static enum asked ask_missing(struct dialogue *dialogue)
{
    const struct lines *lines = dialogue->lines;
    struct digests told = {.list = NULL};
    struct buf question;
    struct cm_error error;
    enum asked result = ASKED_ALL;
    for (size_t i = 0; i < lines->count && told.count < DELIVERY_MISSING_MAX; i++)
        if (lines->list[i].certificate)
            digests_add(&told, lines->list[i].sha256);
    digests_sort(&told);
    buf_init(&question, (size_t)DELIVERY_MISSING_MAX * (2 * CM_SHA256_SIZE + 3) + 64);
    if (told.count && told.count < DELIVERY_MISSING_MAX) {
        answer_write_question(&told, &question);
        struct http_request request = {.path = DELIVERY_MISSING,
                                       .type = "application/json",
                                       .body = question.data,
                                       .size = question.size,
                                       .timeout_ms = request_timeout_ms(dialogue->delivery)};
        if (http_post(dialogue->delivery->http, &request, &dialogue->answer, &error) == CM_OK) {
            result = judge_question(dialogue);
            log_event(LOG_LEVEL_DEBUG, "question", "key=%s certificates=%zu status=%ld missing=%zu",
                      log_quote(dialogue->key), told.count, dialogue->answer.status, dialogue->wanted.count);
        } else {
            snprintf(dialogue->out->reason, sizeof dialogue->out->reason, "%s: %s", error.reason, error.detail);
            result = ASKED_LATER;
        }
    }
    buf_done(&question);
    digests_done(&told);
    return result;
}

static bool pack(const struct lines *lines, const struct digests *wanted, struct package *package, struct outcome *out)
{
    struct buf body;
    free(out->map);
    free(package->bytes);
    *package = (struct package){NULL, 0};
    buf_init(&body, CM_LIMIT_BATCH_BYTES);
    out->map_count = lines_body(lines, wanted, &body, &out->map);
    if (!body.failed) {
        size_t bound = ZSTD_compressBound(body.size);
        package->bytes = cm_malloc(bound);
        package->size = ZSTD_compress(package->bytes, bound, body.data, body.size, ZSTD_LEVEL);
    }
    bool good = !body.failed && !ZSTD_isError(package->size);
    buf_done(&body);
    return good;
}

/* Adds the certificates that a 409 asks for. False when some cannot be had. */
static bool add_missing(const struct buf *body, struct lines *lines, struct digests *wanted, deliver_find_fn find,
                        void *context, struct outcome *out)
{
    struct digests missing = {.list = NULL};
    struct cm_error error = {.code = CM_OK};
    if (answer_read_missing(body, &missing, &error) != CM_OK) {
        snprintf(out->reason, sizeof out->reason, "409 and %s", error.reason);
        return false;
    }
    struct digests absent = {.list = NULL};
    struct digests here = {.list = NULL};
    for (size_t i = 0; i < lines->count; i++)
        if (lines->list[i].certificate)
            digests_add(&here, lines->list[i].sha256);
    digests_sort(&here);
    for (size_t i = 0; i < missing.count; i++)
        if (!digests_have(&here, missing.list[i]))
            digests_add(&absent, missing.list[i]);
    digests_sort(&absent);
    size_t before = lines->count;
    if (absent.count)
        find(&absent, lines, context);
    size_t found = lines->count - before;
    for (size_t i = 0; i < missing.count; i++)
        digests_add(wanted, missing.list[i]);
    digests_sort(wanted);
    bool all = found >= absent.count;
    if (!all)
        snprintf(out->reason, sizeof out->reason,
                 "the collector lacks %zu certificates that this delivery refers to and that are not here",
                 absent.count - found);
    digests_done(&here);
    digests_done(&absent);
    digests_done(&missing);
    return all;
}

/* An answer that ends the dialogue into out; false: it goes on. */
static bool settle(const struct http_answer *answer, struct outcome *out)
{
    struct cm_error error = {.code = CM_OK};
    if (answer->status == 200) {
        if (answer_read_batch(&answer->body, &out->answer, &error) == CM_OK) {
            out->what = DELIVER_TAKEN;
            return true;
        }
        snprintf(out->reason, sizeof out->reason, "200 but %s: %.200s", error.reason, error.detail);
        return false;
    }
    answer_read_error(&answer->body, answer->status, out->reason, sizeof out->reason);
    if (is_later(answer->status) || answer->status == 409)
        return false;
    out->what = is_denied(answer->status) ? DELIVER_DENIED : DELIVER_REFUSED;
    return true;
}

enum step { STEP_DONE, STEP_AGAIN, STEP_PAUSE };

static enum step repack(struct dialogue *dialogue)
{
    if (pack(dialogue->lines, dialogue->all ? NULL : &dialogue->wanted, &dialogue->package, dialogue->out))
        return STEP_AGAIN;
    dialogue->out->what = DELIVER_REFUSED;
    snprintf(dialogue->out->reason, sizeof dialogue->out->reason, "a batch of more than %d bytes",
             CM_LIMIT_BATCH_BYTES);
    return STEP_DONE;
}

/* error: NULL where there was an answer. */
static void log_batch(const struct dialogue *dialogue, int64_t began_ms, const struct cm_error *error)
{
    const struct outcome *out = dialogue->out;
    char answer[80] = "";
    if (!error)
        snprintf(answer, sizeof answer, "status=%ld stored=%llu rejected=%zu", dialogue->answer.status,
                 (unsigned long long)out->answer.stored, out->answer.rejected_count);
    log_event(LOG_LEVEL_INFO, "batch", "key=%s lines=%zu bytes=%zu ms=%lld %s", log_quote(dialogue->key),
              out->map_count, dialogue->package.size, (long long)(clock_monotonic_ms() - began_ms),
              error ? log_error(error) : answer);
}

static enum step send_once(struct dialogue *dialogue)
{
    struct outcome *out = dialogue->out;
    struct cm_error error;
    struct http_request request = {.path = DELIVERY_BATCHES,
                                   .type = DELIVERY_BATCH_TYPE,
                                   .encoding = "zstd",
                                   .key = dialogue->key,
                                   .body = dialogue->package.bytes,
                                   .size = dialogue->package.size,
                                   .timeout_ms = request_timeout_ms(dialogue->delivery)};
    int64_t began_ms = clock_monotonic_ms();
    if (http_post(dialogue->delivery->http, &request, &dialogue->answer, &error) != CM_OK) {
        snprintf(out->reason, sizeof out->reason, "%s: %s", error.reason, error.detail);
        log_batch(dialogue, began_ms, &error);
        return STEP_PAUSE;
    }
    bool settled = settle(&dialogue->answer, out);
    log_batch(dialogue, began_ms, NULL);
    if (settled)
        return STEP_DONE;
    if (dialogue->answer.status != 409)
        return STEP_PAUSE;
    if (++dialogue->rounds > ROUNDS_MAX || !add_missing(&dialogue->answer.body, dialogue->lines, &dialogue->wanted,
                                                        dialogue->find, dialogue->context, out)) {
        out->what = DELIVER_LACKING;
        return STEP_DONE;
    }
    return repack(dialogue);
}

static enum step one_step(struct dialogue *dialogue)
{
    if (dialogue->package.bytes)
        return send_once(dialogue);
    enum asked asked = ask_missing(dialogue);
    if (asked == ASKED_LATER)
        return STEP_PAUSE;
    if (asked == ASKED_DENIED) {
        dialogue->out->what = DELIVER_DENIED;
        return STEP_DONE;
    }
    dialogue->all = asked == ASKED_ALL;
    return repack(dialogue);
}

void deliver(struct delivery *delivery, struct lines *lines, const char *key, deliver_find_fn find, void *context,
             struct outcome *out)
{
    struct dialogue dialogue = {
        .delivery = delivery, .lines = lines, .key = key, .find = find, .context = context, .out = out};
    *out = (struct outcome){.what = DELIVER_LATER};
    http_answer_init(&dialogue.answer);
    for (unsigned attempt = 0;;) {
        enum step step = one_step(&dialogue);
        if (step == STEP_DONE)
            break;
        if (step == STEP_PAUSE && !deliver_pause(delivery, attempt++, dialogue.answer.retry_after_ms))
            break;
    }
    out->retry_after_ms = out->what == DELIVER_LATER ? dialogue.answer.retry_after_ms : 0;
    if (out->what == DELIVER_TAKEN)
        delivery->taken_ms = clock_monotonic_ms();
    http_answer_done(&dialogue.answer);
    digests_done(&dialogue.wanted);
    free(dialogue.package.bytes);
}

void outcome_done(struct outcome *outcome)
{
    answer_done(&outcome->answer);
    free(outcome->map);
    outcome->map = NULL;
    outcome->map_count = 0;
}
