/* What comes after a failure: another protocol, another offer, or the result.
 *
 * Owns what only probes that failed once need: the attempts so far, and the failure among them that will be told should all others come
 * to nothing. In --starttls auto other protocols are tried before other offers: a database that hangs up on TLS is met more often than a TLS
 * server that needs a simpler hello. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/scan/negotiate.h"
#include "scanner/scan/probe_private.h"

struct best {     /* of the attempts, the one to be told */
    size_t place; /* 1-based; 0: none */
    const char *stage, *name;
    enum starttls starttls;
    struct handshake *handshake; /* owned; NULL unless it read a ServerHello */
};

struct tries {
    struct attempts attempts;
    struct best best;
    struct ladder_failure tls; /* of the latest try that was no guess: the ladder goes on from there … */
    uint8_t tls_protocol;      /* … in this protocol, enum starttls; … */
    bool tls_failed;           /* … if there was one */
};

struct plan {
    enum { PLAN_NONE, PLAN_PROTOCOL, PLAN_LADDER } kind;
    enum starttls protocol;
    bool guess;
    struct ladder_failure tls; /* what the present try says to the ladder … */
    bool tls_failed;           /* … if it came to TLS */
    enum ladder_step step;
    struct ladder ladder;
    const char *known_name;
};

void tries_free(struct tries *tries)
{
    if (!tries)
        return;
    attempts_done(&tries->attempts);
    handshake_free(tries->best.handshake);
    free(tries);
}

const struct attempts *tries_attempts(const struct probe *probe)
{
    return probe->tries ? &probe->tries->attempts : NULL;
}

static void forget_best(struct tries *tries)
{
    handshake_free(tries->best.handshake);
    tries->best = (struct best){0};
}

void tries_guess_was_right(struct probe *probe)
{
    if (!probe->guessing)
        return;
    probe->guessing = false;
    forget_best(probe->tries);
    probe->tries->tls_failed = false;
}

/* --- keeping --------------------------------------------------------------------------------------------------------- */

/* "tls", "tls1.2", "sni-none", "alpn-none"; behind STARTTLS "starttls-smtp" or "starttls-smtp+tls1.2". */
static void describe(const struct probe *probe, enum ladder_step step, char out[static ATTEMPT_WHAT_SIZE])
{
    bool behind = probe->protocol != STARTTLS_NONE && probe->protocol != STARTTLS_AUTO;
    const struct ladder *ladder = &probe->ladder;
    const char *offer = step == LADDER_NAME    ? ladder->named ? "sni" : "sni-none"
                        : ladder->without_alpn ? "alpn-none"
                        : ladder->hello        ? hello_kind_name((enum hello_kind)ladder->hello)
                        : probe->known_name    ? "sni-known"
                        : behind               ? ""
                                               : hello_kind_name(HELLO_FULL);
    snprintf(out, ATTEMPT_WHAT_SIZE, "%s%s%s%s", behind ? "starttls-" : "",
             behind ? starttls_name((enum starttls)probe->protocol) : "", behind && *offer ? "+" : "", offer);
}

static size_t keep(struct probe *probe, const struct probe_failure *failure, enum ladder_step step)
{
    char what[ATTEMPT_WHAT_SIZE];
    if (!probe->tries)
        probe->tries = cm_calloc(1, sizeof *probe->tries);
    describe(probe, step, what);
    return attempts_add(&probe->tries->attempts, what, failure->error, failure->detail);
}

void tries_keep(struct probe *probe, const struct probe_failure *failure)
{
    (void)keep(probe, failure, LADDER_END);
}

static bool has_server_hello(struct handshake *handshake)
{
    return handshake && handshake_get_result(handshake)->version;
}

/* Keeps the present try, and remembers it as the one to tell when it got further than those before it. */
static void keep_try(struct probe *probe, const struct probe_failure *failure, const struct plan *plan)
{
    bool about_this = plan->kind == PLAN_LADDER && !probe->guessing;
    size_t place = keep(probe, failure, about_this ? plan->step : LADDER_END);
    struct best *best = &probe->tries->best;
    bool further = has_server_hello(probe->handshake) && !best->handshake;
    if (!place || probe->guessing || (best->place && !further))
        return;
    *best = (struct best){
        .place = place,
        .stage = failure->stage,
        .name = probe_name(probe),
        .starttls = probe->protocol == STARTTLS_AUTO ? STARTTLS_NONE : (enum starttls)probe->protocol,
    };
    if (further) {
        best->handshake = probe->handshake;
        probe->handshake = NULL;
    }
}

/* --- choosing -------------------------------------------------------------------------------------------------------- */

static bool choose_protocol(const struct probe *probe, const struct probe_failure *failure, struct plan *plan)
{
    struct negotiate_past past = {
        .tried = probe->tried,
        .last = (enum starttls)probe->protocol,
        .error = failure->error,
        .greeting = (enum sniffed)probe->greeting,
        .known_port = probe->known_port,
    };
    bool agreed = probe->state == PROBE_HANDSHAKE && probe->protocol != STARTTLS_NONE; /* the server said: go ahead */
    if (probe->ask.mode != STARTTLS_AUTO || probe->protocol == STARTTLS_AUTO || agreed ||
        !negotiate_next(&past, &plan->protocol, &plan->guess))
        return false;
    plan->kind = PLAN_PROTOCOL;
    return true;
}

static struct ladder_failure ladder_failure_of(const struct probe *probe, const struct probe_failure *failure)
{
    return (struct ladder_failure){
        .at_hello = strcmp(failure->stage, "hello") == 0,
        .error = failure->error,
        .alert = failure->error == RECORD_ERROR_ALERT ? handshake_get_result(probe->handshake)->alert : -1,
        .sslv2 = probe->handshake && handshake_get_result(probe->handshake)->sslv2,
    };
}

static bool choose_rung(const struct probe *probe, struct plan *plan)
{
    const struct tries *tries = probe->tries;
    struct ladder_failure of = plan->tls;
    plan->protocol = (enum starttls)probe->protocol;
    if (probe->guessing) { /* the guesses came to nothing: back to what was before them */
        if (!tries->tls_failed)
            return false;
        of = tries->tls;
        plan->protocol = (enum starttls)tries->tls_protocol;
    } else if (!plan->tls_failed) {
        return false;
    }
    if (ladder_wants_name(&probe->ladder, &of))
        plan->known_name = names_get(probe->shared->names, &probe->ask.ip, probe->ladder.names, probe->ask.name);
    plan->step = ladder_next(&probe->ladder, &of, plan->known_name != NULL, &plan->ladder);
    if (plan->step == LADDER_END)
        return false;
    plan->kind = PLAN_LADDER;
    return true;
}

static struct plan choose(const struct probe *probe, const struct probe_failure *failure)
{
    struct plan plan = {.kind = PLAN_NONE, .tls_failed = probe->state == PROBE_HANDSHAKE};
    if (plan.tls_failed)
        plan.tls = ladder_failure_of(probe, failure);
    if (!choose_protocol(probe, failure, &plan))
        (void)choose_rung(probe, &plan);
    return plan;
}

static void begin(struct probe *probe, const struct plan *plan)
{
    struct tries *tries = probe->tries;
    if (plan->kind == PLAN_PROTOCOL) {
        if (plan->guess && !probe->guessing) {
            tries->tls = plan->tls;
            tries->tls_failed = plan->tls_failed;
            tries->tls_protocol = probe->protocol;
        }
        if (!plan->guess)
            forget_best(tries); /* this protocol was chosen for a reason: its failure will tell more */
        probe->guessing = plan->guess;
    } else {
        probe->guessing = false;
        probe->ladder = plan->ladder;
        if (plan->step == LADDER_NAME)
            probe->known_name = plan->known_name;
    }
    probe_drop_try(probe);
    probe->protocol = (uint8_t)plan->protocol;
    probe_begin_try(probe);
}

/* --- telling --------------------------------------------------------------------------------------------------------- */

static void tell_present(struct probe *probe, const struct probe_failure *failure)
{
    struct probe_result result = {
        .stage = failure->stage,
        .error = failure->error,
        .detail = failure->detail,
        .name = probe_name(probe),
        .starttls = probe->protocol == STARTTLS_AUTO ? STARTTLS_NONE : (enum starttls)probe->protocol,
        .handshake = probe->handshake ? handshake_get_result(probe->handshake) : NULL,
        .connect_ms = probe->connected_ms ? probe->connected_ms - probe->connect_began_ms : -1,
        .handshake_ms = -1,
    };
    probe_tell(probe, &result);
}

/* The best failure is the probe's, and stands no longer among the attempts. */
static void tell_best(struct probe *probe)
{
    struct best *best = &probe->tries->best;
    struct attempt told = attempts_take(&probe->tries->attempts, best->place);
    struct probe_result result = {
        .stage = best->stage,
        .error = told.error,
        .detail = told.detail,
        .name = best->name,
        .starttls = best->starttls,
        .handshake = best->handshake ? handshake_get_result(best->handshake) : NULL,
        .connect_ms = -1,
        .handshake_ms = -1,
    };
    probe_tell(probe, &result);
    free(told.detail);
}

void probe_fail(struct probe *probe, const struct probe_failure *failure, bool final)
{
    struct plan plan = final ? (struct plan){.kind = PLAN_NONE} : choose(probe, failure);
    bool nothing_before = !probe->tries || !probe->tries->best.place;
    if (plan.kind == PLAN_NONE && (nothing_before || failure->error == RECORD_ERROR_CANCELLED)) {
        tell_present(probe, failure);
        return;
    }
    keep_try(probe, failure, &plan);
    if (plan.kind == PLAN_NONE)
        tell_best(probe);
    else
        begin(probe, &plan);
}
