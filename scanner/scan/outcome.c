/* Writes the records of probes. Owns the rule that each probe is one sighting or one failure, never both and never none. */
#include "scanner/scan/outcome.h"

#include <stdio.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"

/* What the records of one probe share, with the text that they lend. */
struct common {
    char ip[IPADDR_TEXT_SIZE];
    struct record_endpoint endpoint;
    struct record_tls tls;
    struct record_attempt attempts[ATTEMPTS_MAX];
    size_t attempt_count;
};

static void fill_common(const struct outcome *outcome, const struct probe_ask *ask, const struct probe_result *result,
                        struct common *out)
{
    ipaddr_write(out->ip, &ask->ip);
    out->endpoint = (struct record_endpoint){
        .realm = emit_realm(outcome->emit, &ask->ip),
        .transport = "tcp",
        .ip = out->ip,
        .port = ask->port,
        .name = ask->name,
        .starttls = result->starttls == STARTTLS_NONE ? NULL : starttls_name(result->starttls),
    };
    out->tls = (struct record_tls){.client_auth = -1};
    if (result->handshake) {
        out->tls = (struct record_tls){
            .version = result->handshake->version,
            .cipher = result->handshake->cipher,
            .group = result->handshake->group,
            .alpn = result->handshake->alpn,
            .client_auth = result->handshake->client_auth,
            .client_ca = result->handshake->client_ca,
            .client_ca_count = result->handshake->client_ca_count,
        };
    }
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

static void tell_sighting(struct outcome *outcome, const struct common *common, const struct probe_result *result)
{
    uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    const struct handshake_result *handshake = result->handshake;
    struct cm_error error;
    for (size_t i = 0; i < handshake->chain_count; i++)
        kept(emit_certificate(outcome->emit, handshake->chain[i].data, handshake->chain[i].size, chain[i], &error),
             &error);
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
    kept(emit_sighting(outcome->emit, &sighting, &error), &error);
}

static void count_failure(struct outcome *outcome, enum record_error error)
{
    outcome->failed++;
    outcome->by_error[error]++;
}

void outcome_probe(struct outcome *outcome, const struct probe_ask *ask, const struct probe_result *result)
{
    struct common common;
    struct cm_error error;
    fill_common(outcome, ask, result, &common);
    if (outcome->tell)
        tell_probe(outcome->tell, ask, result);
    if (result->ok) {
        outcome->ok++;
        tell_sighting(outcome, &common, result);
        return;
    }
    count_failure(outcome, result->error);
    struct record_failure failure = {
        .seen = {.endpoint = &common.endpoint},
        .stage = result->stage,
        .error = result->error,
        .detail = result->detail,
        .tls = result->handshake && result->handshake->version ? &common.tls : NULL,
        .attempts = common.attempts,
        .attempt_count = common.attempt_count,
    };
    kept(emit_failure(outcome->emit, &failure, &error), &error);
}

void outcome_unresolved(struct outcome *outcome, const char *name, enum record_error reason, const char *detail)
{
    struct record_endpoint endpoint = {.realm = emit_realm(outcome->emit, NULL), .transport = "tcp", .name = name};
    struct cm_error error;
    count_failure(outcome, reason);
    if (outcome->tell)
        tell_unresolved(outcome->tell, name, reason, detail);
    struct record_failure failure = {
        .seen = {.endpoint = &endpoint}, .stage = "resolve", .error = reason, .detail = detail};
    kept(emit_failure(outcome->emit, &failure, &error), &error);
}

void outcome_failures(const struct outcome *outcome, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int error = 0; error < RECORD_ERROR_COUNT_; error++) {
        if (outcome->by_error[error] == 0 || used >= size)
            continue;
        int more = snprintf(text + used, size - used, "%s%llu %s", used ? ", " : "",
                            (unsigned long long)outcome->by_error[error], record_error_name(error));
        used += more > 0 ? (size_t)more : 0;
    }
}
