/* The coordinator: reads targets a little ahead, has names resolved, and lets one worker per thread probe what they stand for.
 *
 *     input ─→ lookups ─→ places ─→ worker (the main thread's) ─→ outcome
 *          └─→ address ─────↑  └──→ worker (a thread of its own) ────↑
 *
 * The main thread owns input, resolver, signals and progress besides its worker. Everything is bounded: targets read ahead, lookups and
 * probes under way. */
#include "scanner/scan/sweep.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "certmuster/progress.h"
#include "scanner/scan/lookups.h"
#include "scanner/scan/worker.h"

enum {
    TICK_MS = 200,       /* emit and progress are looked after this often */
    STALLED_TICK_MS = 5, /* or this often while the reader of our records pauses */
};

struct sweep {
    const struct sweep_options *options;
    struct loop *loop; /* the main thread's */
    struct input *input;
    struct emit *emit;
    struct outcome *outcome;
    struct places *places;
    struct lookups *lookups;
    struct key_shares *shares;
    struct loop *loops[PLACES_THREADS_MAX];
    struct worker *workers[PLACES_THREADS_MAX]; /* the main thread's first */
    struct progress progress;
    bool input_ended;
    bool unread; /* nobody reads our records any more */
    int64_t ticked_ms;
};

static int64_t now(const struct sweep *sweep)
{
    return loop_now(sweep->loop);
}

/* --- setting up ------------------------------------------------------------------------------------------------------ */

static int make_loops(struct sweep *sweep, struct cm_error *error)
{
    int code = 0;
    sweep->loops[0] = sweep->loop;
    for (unsigned i = 1; i < sweep->options->threads && !code; i++)
        code = loop_new(&sweep->loops[i], error);
    return code;
}

static void make_places(struct sweep *sweep)
{
    const struct sweep_options *options = sweep->options;
    struct places_options places = {
        .ports = &options->ports,
        .starttls = options->starttls,
        .starttls_local = options->starttls_local,
        .timeout_ms = options->timeout_ms,
        .parallel = options->parallel,
        .rate = options->rate,
        .names = options->names,
        .loops = sweep->loops,
        .threads = options->threads,
    };
    sweep->places = places_new(&places, now(sweep));
}

static int make_lookups(struct sweep *sweep, struct cm_error *error)
{
    const struct sweep_options *options = sweep->options;
    struct resolver_options resolver = {
        .servers = options->dns_servers, .server_count = options->dns_server_count, .timeout_ms = options->timeout_ms};
    return lookups_new(sweep->loop, &resolver, sweep->places, sweep->outcome, &sweep->lookups, error);
}

static int make_workers(struct sweep *sweep, struct cm_error *error)
{
    const struct sweep_options *options = sweep->options;
    struct worker_options worker = {
        .shares = sweep->shares,
        .places = sweep->places,
        .outcome = sweep->outcome,
        .names = options->names,
        .client_name = emit_host(sweep->emit),
        .polite = options->polite,
        .prove = options->prove,
        .flight_max = options->flight_max,
    };
    int code = 0;
    for (unsigned i = 0; i < options->threads && !code; i++) {
        worker.number = i;
        worker.loop = sweep->loops[i];
        code = worker_new(&worker, &sweep->workers[i], error);
    }
    for (unsigned i = 1; i < options->threads && !code; i++)
        code = worker_run(sweep->workers[i], sweep->loop, error);
    return code;
}

static int sweep_init(struct sweep *sweep, struct tell *tell, struct cm_error *error)
{
    progress_init(&sweep->progress, "probes", sweep->options->quiet);
    sweep->outcome = outcome_new(sweep->emit, tell);
    int code = make_loops(sweep, error);
    if (code)
        return code;
    make_places(sweep);
    if ((code = make_lookups(sweep, error)) || (code = key_shares_new(&sweep->shares, error)))
        return code;
    return make_workers(sweep, error);
}

/* What was started ends as cancelled, if anything is left; what was not started was never a probe. */
static void stop_all(struct sweep *sweep)
{
    for (unsigned i = 1; i < sweep->options->threads; i++) {
        if (sweep->workers[i])
            worker_stop(sweep->workers[i]);
    }
    if (sweep->workers[0])
        worker_cancel(sweep->workers[0]);
    for (unsigned i = 1; i < sweep->options->threads; i++) {
        if (sweep->workers[i])
            worker_join(sweep->workers[i]);
    }
    if (sweep->lookups)
        lookups_cancel(sweep->lookups);
}

static void sweep_done(struct sweep *sweep)
{
    for (unsigned i = 0; i < sweep->options->threads; i++)
        worker_free(sweep->workers[i]);
    lookups_free(sweep->lookups);
    places_free(sweep->places);
    key_shares_free(sweep->shares);
    for (unsigned i = 1; i < sweep->options->threads; i++)
        loop_free(sweep->loops[i]);
    outcome_free(sweep->outcome);
    progress_clear(&sweep->progress);
}

/* --- running --------------------------------------------------------------------------------------------------------- */

static void read_ahead(struct sweep *sweep)
{
    struct target target;
    if (outcome_blocked(sweep->outcome))
        return;
    while (!sweep->input_ended && places_want_more(sweep->places) && !lookups_full(sweep->lookups)) {
        enum input_state state = input_next(sweep->input, &target);
        sweep->input_ended = state == INPUT_END;
        if (state != INPUT_TARGET)
            break;
        if (target.has_address)
            places_add(sweep->places, &target, NULL, 0, 0);
        else
            lookups_begin(sweep->lookups, &target);
    }
    if (sweep->input_ended && lookups_count(sweep->lookups) == 0)
        places_close(sweep->places);
}

static bool others_are_over(const struct sweep *sweep)
{
    for (unsigned i = 1; i < sweep->options->threads; i++) {
        if (!worker_is_over(sweep->workers[i]))
            return false;
    }
    return true;
}

static int64_t tick_ms(const struct sweep *sweep)
{
    return outcome_stalled(sweep->outcome) ? STALLED_TICK_MS : TICK_MS;
}

static void show_progress(struct sweep *sweep)
{
    uint64_t ok, failed, ahead = 0;
    bool known = sweep->input_ended || input_estimate(sweep->input, &ahead);
    outcome_counts(sweep->outcome, &ok, &failed);
    uint64_t left = places_left(sweep->places) + lookups_count(sweep->lookups) + ahead;
    sweep->progress.note = outcome_blocked(sweep->outcome)               ? "waiting for its records to be taken"
                           : places_are_short(sweep->places, now(sweep)) ? "slowed down by this host's limits"
                                                                         : NULL;
    progress_update(&sweep->progress, ok + failed, known ? ok + failed + left : 0, failed);
}

/* A pipe whose reader left, or a stream that was closed from the beginning, takes nothing however long we wait; a full disk may. */
static bool is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLNVAL);
}

static void tick(struct sweep *sweep)
{
    if (now(sweep) - sweep->ticked_ms < tick_ms(sweep))
        return;
    sweep->ticked_ms = now(sweep);
    outcome_tick(sweep->outcome, sweep->ticked_ms);
    sweep->unread = sweep->options->json && outcome_blocked(sweep->outcome) && is_unread();
    show_progress(sweep);
}

static void go(struct sweep *sweep, const volatile sig_atomic_t *stop, const sigset_t *open)
{
    while (!*stop && !sweep->unread) {
        read_ahead(sweep);
        if (!worker_turn(sweep->workers[0], tick_ms(sweep), open)) {
            if (others_are_over(sweep))
                break;
            (void)loop_turn(sweep->loop, tick_ms(sweep), open);
        }
        tick(sweep);
    }
}

int sweep_run(const struct sweep_options *options, struct loop *loop, struct input *input, struct emit *emit,
              struct tell *tell, const volatile sig_atomic_t *stop, const sigset_t *open, struct sweep_counts *counts,
              struct cm_error *error)
{
    struct sweep sweep = {.options = options, .loop = loop, .input = input, .emit = emit};
    int code = sweep_init(&sweep, tell, error);
    if (!code)
        go(&sweep, stop, open);
    counts->interrupted = *stop || sweep.unread;
    stop_all(&sweep);
    outcome_counts(sweep.outcome, &counts->ok, &counts->failed);
    outcome_failures(sweep.outcome, counts->failures, sizeof counts->failures);
    sweep_done(&sweep);
    return code;
}
