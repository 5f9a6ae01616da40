/* Writes the records of probes. Owns the rule that each probe is one sighting or one failure, never both and never none. */
#include "scanner/scan/outcome.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"

struct outcome {
    pthread_mutex_t lock;
    struct emit *emit;
    struct tell *tell;
    uint64_t ok, failed;
    uint64_t by_error[RECORD_ERROR_COUNT_];
    atomic_bool blocked, stalled;
};

/* What the records of one probe share, with the text that they lend. */
struct common {
    char ip[IPADDR_TEXT_SIZE];
    struct record_endpoint endpoint;
    struct record_tls tls;
    struct record_attempt attempts[ATTEMPTS_MAX];
    size_t attempt_count;
};

struct outcome *outcome_new(struct emit *emit, struct tell *tell)
{
    struct outcome *outcome = cm_calloc(1, sizeof *outcome);
    pthread_mutex_init(&outcome->lock, NULL);
    outcome->emit = emit;
    outcome->tell = tell;
    return outcome;
}

void outcome_free(struct outcome *outcome)
{
    if (!outcome)
        return;
    pthread_mutex_destroy(&outcome->lock);
    free(outcome);
}

static struct record_tls tls_of(const struct handshake_result *handshake)
{
    return (struct record_tls){
        .version = handshake->version,
        .cipher = handshake->cipher,
        .group = handshake->group,
        .alpn = handshake->alpn,
        .client_auth = handshake->client_auth,
        .client_ca = handshake->client_ca,
        .client_ca_count = handshake->client_ca_count,
        .staple_status = handshake->staple.status,
        .staple_this_update = handshake->staple.this_update,
        .staple_next_update = handshake->staple.next_update,
        .scts_known = handshake->scts >= 0,
        .scts = handshake->scts >= 0 ? (unsigned)handshake->scts : 0,
        .ja3s = handshake->ja3s,
        .proof = proof_name(handshake->proof),
    };
}

static void fill_common(const struct outcome *outcome, const struct probe_ask *ask, const struct probe_result *result,
                        struct common *out)
{
    ipaddr_write(out->ip, &ask->ip);
    out->endpoint = (struct record_endpoint){
        .realm = emit_realm(outcome->emit, &ask->ip),
        .transport = "tcp",
        .ip = out->ip,
        .port = ask->port,
        .name = result->name,
        .starttls = result->starttls == STARTTLS_NONE ? NULL : starttls_name(result->starttls),
    };
    out->tls = result->handshake ? tls_of(result->handshake) : (struct record_tls){.client_auth = -1};
    out->attempt_count = result->attempts ? result->attempts->count : 0;
    for (size_t i = 0; i < out->attempt_count; i++) {
        const struct attempt *attempt = &result->attempts->list[i];
        out->attempts[i] = (struct record_attempt){attempt->what, attempt->error, attempt->detail};
    }
}

/* emit holds back what it cannot keep now and says so itself; what it refuses for good would be a defect of ours, and is said here. */
static void kept(int code, const struct cm_error *error)
{
    if (code == CM_EINVAL)
        log_event(LOG_LEVEL_ERROR, "record_refused", "%s", log_error(error));
}

/* --- under the lock -------------------------------------------------------------------------------------------------- */

static void unlock(struct outcome *outcome)
{
    bool unread = tell_stalled(outcome->tell);
    atomic_store_explicit(&outcome->blocked, unread || emit_blocked(outcome->emit), memory_order_relaxed);
    atomic_store_explicit(&outcome->stalled, unread || emit_stalled(outcome->emit), memory_order_relaxed);
    pthread_mutex_unlock(&outcome->lock);
}

static void emit_chain(struct outcome *outcome, const struct record_sighting *sighting, const struct slice *ders)
{
    struct cm_error error;
    for (size_t i = 0; i < sighting->chain_count; i++)
        kept(emit_certificate_hashed(outcome->emit, ders[i].data, ders[i].size, sighting->chain[i], &error), &error);
    kept(emit_sighting(outcome->emit, sighting, &error), &error);
}

static void count_failure(struct outcome *outcome, enum record_error error)
{
    outcome->failed++;
    outcome->by_error[error]++;
}

/* --- probes ---------------------------------------------------------------------------------------------------------- */

static void tell_sighting(struct outcome *outcome, struct digests *digests, const struct probe_ask *ask,
                          const struct common *common, const struct probe_result *result)
{
    uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    const struct handshake_result *handshake = result->handshake;
    for (size_t i = 0; i < handshake->chain_count; i++)
        digests_sha256(digests, handshake->chain[i], i > 0, chain[i]);
    struct record_sighting sighting = {
        .seen = {.endpoint = &common->endpoint},
        .role = "server",
        .chain = chain,
        .chain_count = handshake->chain_count,
        .tls = &common->tls,
        .connect_ms = result->connect_ms,
        .handshake_ms = result->handshake_ms,
        .attempts = common->attempts,
        .attempt_count = common->attempt_count,
    };
    pthread_mutex_lock(&outcome->lock);
    outcome->ok++;
    if (outcome->tell)
        tell_probe(outcome->tell, ask, result);
    emit_chain(outcome, &sighting, handshake->chain);
    unlock(outcome);
}

static void tell_failure(struct outcome *outcome, const struct probe_ask *ask, const struct common *common,
                         const struct probe_result *result)
{
    struct cm_error error;
    struct record_failure failure = {
        .seen = {.endpoint = &common->endpoint},
        .stage = result->stage,
        .error = result->error,
        .detail = result->detail,
        .tls = result->handshake && result->handshake->version ? &common->tls : NULL,
        .attempts = common->attempts,
        .attempt_count = common->attempt_count,
    };
    pthread_mutex_lock(&outcome->lock);
    count_failure(outcome, result->error);
    if (outcome->tell)
        tell_probe(outcome->tell, ask, result);
    kept(emit_failure(outcome->emit, &failure, &error), &error);
    unlock(outcome);
}

void outcome_probe(struct outcome *outcome, struct digests *digests, const struct probe_ask *ask,
                   const struct probe_result *result)
{
    struct common common;
    fill_common(outcome, ask, result, &common);
    if (result->ok)
        tell_sighting(outcome, digests, ask, &common, result);
    else
        tell_failure(outcome, ask, &common, result);
}

void outcome_unresolved(struct outcome *outcome, const char *name, enum record_error reason, const char *detail)
{
    struct record_endpoint endpoint = {.realm = emit_realm(outcome->emit, NULL), .transport = "tcp", .name = name};
    struct cm_error error;
    struct record_failure failure = {
        .seen = {.endpoint = &endpoint}, .stage = "resolve", .error = reason, .detail = detail};
    pthread_mutex_lock(&outcome->lock);
    count_failure(outcome, reason);
    if (outcome->tell)
        tell_unresolved(outcome->tell, name, reason, detail);
    kept(emit_failure(outcome->emit, &failure, &error), &error);
    unlock(outcome);
}

/* --- looking after --------------------------------------------------------------------------------------------------- */

void outcome_tick(struct outcome *outcome, int64_t now_monotonic_ms)
{
    pthread_mutex_lock(&outcome->lock);
    emit_tick(outcome->emit, now_monotonic_ms);
    tell_tick(outcome->tell);
    unlock(outcome);
}

bool outcome_blocked(const struct outcome *outcome)
{
    return atomic_load_explicit(&outcome->blocked, memory_order_relaxed);
}

bool outcome_stalled(const struct outcome *outcome)
{
    return atomic_load_explicit(&outcome->stalled, memory_order_relaxed);
}

void outcome_counts(struct outcome *outcome, uint64_t *ok, uint64_t *failed)
{
    pthread_mutex_lock(&outcome->lock);
    *ok = outcome->ok;
    *failed = outcome->failed;
    pthread_mutex_unlock(&outcome->lock);
}

void outcome_failures(struct outcome *outcome, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    pthread_mutex_lock(&outcome->lock);
    for (int error = 0; error < RECORD_ERROR_COUNT_; error++) {
        if (outcome->by_error[error] == 0 || used >= size)
            continue;
        int more = snprintf(text + used, size - used, "%s%llu %s", used ? ", " : "",
                            (unsigned long long)outcome->by_error[error], record_error_name(error));
        used += more > 0 ? (size_t)more : 0;
    }
    pthread_mutex_unlock(&outcome->lock);
}
