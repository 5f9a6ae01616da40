/* The coordinator: reads targets a little ahead, has names resolved, starts probes as room allows, has each outcome told, and waits.
 *
 *     input ─→ name ─→ lookup ─→ ring of spreads ─→ probe ─→ outcome
 *          └─→ address or prefix ──↑      └→ held ──↑   (held: this host lacked something; goes first later)
 *
 * Everything is bounded: spreads in the ring, lookups and probes under way. Callbacks of lookups and probes only note what came;
 * new work starts in pump(), once per turn of the loop, so that nothing is started from inside something else. */
#include "scanner/scan/sweep.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "certmuster/progress.h"
#include "scanner/scan/capacity.h"
#include "scanner/scan/outcome.h"
#include "scanner/scan/resolve.h"
#include "scanner/scan/ring.h"
#include "scanner/scan/seen.h"

enum {
    RING_MAX = 1024,      /* targets read ahead */
    LOOKUPS_MAX = 256,    /* names under way at the resolver, two queries each */
    TICK_MS = 200,        /* emit and progress are looked after this often */
    STALLED_TICK_MS = 5,  /* or this often while the reader of our records pauses */
    STARTS_PER_TURN = 256 /* then the loop looks at what came meanwhile */
};

struct name { /* a name under way at the resolver */
    struct sweep *sweep;
    struct target target;
    struct lookup *lookup;
    struct timer deadline;
    int64_t began_ms;
    struct name *before, *after;
};

struct held { /* a probe that this host could not start yet */
    struct spread *spread;
    struct ipaddr ip;
    uint16_t port;
    int64_t since_ms;
    int trouble;
    struct held *after;
};

struct sweep {
    const struct sweep_options *options;
    struct loop *loop;
    struct input *input;
    struct outcome outcome;
    struct resolver *resolver;
    struct handshake_engine *engine;
    struct probe_shared shared;
    struct capacity capacity;
    struct progress progress;
    struct seen seen;
    struct ring ring;
    struct name *names;
    struct probe *probes; /* under way, linked through probe_get_links */
    uint64_t probe_count;
    struct held *held, **held_end;
    uint64_t held_count;
    uint64_t key;
    bool input_ended, input_later; /* input_later: a pipe has nothing yet */
    bool unread;                   /* nobody reads our records any more */
    bool behind;                   /* answers wait for us: they go first, or our slowness would look like theirs */
    int64_t ticked_ms;
};

static int64_t now(const struct sweep *sweep)
{
    return loop_now(sweep->loop);
}

/* --- names ----------------------------------------------------------------------------------------------------------- */

static void name_end(struct name *name)
{
    struct sweep *sweep = name->sweep;
    loop_cancel_timer(sweep->loop, &name->deadline);
    if (name->lookup)
        resolver_cancel(name->lookup);
    if (name->before)
        name->before->after = name->after;
    else
        sweep->names = name->after;
    if (name->after)
        name->after->before = name->before;
    target_done(&name->target);
    free(name);
}

/* A name that has no address is one probe, however many ports were asked for and however often it is named. */
static void name_failed(struct name *name, enum record_error error, const char *detail)
{
    struct sweep *sweep = name->sweep;
    if (seen_add(&sweep->seen, NULL, 0, name->target.name))
        outcome_unresolved(&sweep->outcome, name->target.name, error, detail);
    name_end(name);
}

static void name_deadline(struct timer *timer)
{
    name_failed(timer->owner, RECORD_ERROR_TIMEOUT, NULL);
}

static struct spread *make_spread(struct sweep *sweep, struct target *target, const struct resolve_answer *answer)
{
    bool local = target->local;
    struct spread *spread = spread_new(target, &sweep->options->ports, answer ? answer->addresses : NULL,
                                       answer ? answer->count : 0, sweep->key++);
    spread->mode = local ? sweep->options->starttls_local : sweep->options->starttls;
    spread->budget_ms = sweep->options->timeout_ms;
    return spread;
}

static void name_answered(void *context, const struct resolve_answer *answer)
{
    struct name *name = context;
    struct sweep *sweep = name->sweep;
    name->lookup = NULL;
    if (answer->error) {
        name_failed(name, answer->error, answer->detail);
        return;
    }
    /* The deadline is the target's: what the lookup took, its probes no longer have. */
    loop_refresh_clock(sweep->loop);
    struct spread *spread = make_spread(sweep, &name->target, answer);
    spread->budget_ms -= now(sweep) - name->began_ms;
    if (spread->budget_ms < 1)
        spread->budget_ms = 1;
    ring_add(&sweep->ring, spread);
    name_end(name);
}

static void name_begin(struct sweep *sweep, struct target *target)
{
    struct name *name = cm_calloc(1, sizeof *name);
    name->sweep = sweep;
    name->target = *target;
    *target = (struct target){0};
    name->began_ms = now(sweep);
    name->deadline = (struct timer){.fire = name_deadline, .owner = name};
    name->after = sweep->names;
    if (name->after)
        name->after->before = name;
    sweep->names = name;
    loop_set_timer(sweep->loop, &name->deadline, name->began_ms + sweep->options->timeout_ms);
    struct lookup *lookup = resolver_start(sweep->resolver, name->target.name, name_answered, name);
    if (lookup) /* else it has been answered, and name is gone */
        name->lookup = lookup;
}

/* --- probes ---------------------------------------------------------------------------------------------------------- */

static void hold(struct sweep *sweep, struct spread *spread, const struct probe_ask *ask, int64_t since_ms, int trouble)
{
    struct held *held = cm_calloc(1, sizeof *held);
    *held = (struct held){.spread = spread, .ip = ask->ip, .port = ask->port, .since_ms = since_ms, .trouble = trouble};
    *sweep->held_end = held;
    sweep->held_end = &held->after;
    sweep->held_count++;
}

static void probe_done(struct probe *probe, const struct probe_ask *ask, const struct probe_result *result,
                       void *context)
{
    struct sweep *sweep = context;
    struct probe_links *links = probe_get_links(probe);
    outcome_probe(&sweep->outcome, ask, result);
    if (!links->owner)
        return; /* it ended before it was under way; start_probe lets go of the spread */
    if (links->before)
        probe_get_links(links->before)->after = links->after;
    else
        sweep->probes = links->after;
    if (links->after)
        probe_get_links(links->after)->before = links->before;
    sweep->probe_count--;
    spread_release(links->owner);
}

/* What was short for the whole time that a target has, with nothing of ours in the way, is not going to come. */
static bool is_hopeless(const struct sweep *sweep, int64_t since_ms, int trouble)
{
    return now(sweep) - since_ms >= sweep->options->timeout_ms && (sweep->probe_count == 0 || trouble == EADDRNOTAVAIL);
}

/* Takes the reference to spread. since_ms: when it was first tried, 0 for the first time. */
static void start_probe(struct sweep *sweep, struct spread *spread, const struct ipaddr *ip, uint16_t port,
                        int64_t since_ms)
{
    struct probe_ask ask = {
        .ip = *ip,
        .scope = spread->target.scope,
        .port = port,
        .name = spread->target.name,
        .mode = spread->mode,
        .budget_ms = spread->budget_ms,
    };
    struct probe *probe = NULL;
    int trouble;
    if (probe_start(&sweep->shared, &ask, &probe, &trouble)) {
        capacity_shortage(&sweep->capacity, trouble, sweep->probe_count, now(sweep));
        if (since_ms && is_hopeless(sweep, since_ms, trouble)) {
            struct probe_result result = {.stage = "connect",
                                          .error = RECORD_ERROR_LOCAL,
                                          .detail = strerror(trouble),
                                          .connect_ms = -1,
                                          .handshake_ms = -1};
            outcome_probe(&sweep->outcome, &ask, &result);
            spread_release(spread);
        } else {
            hold(sweep, spread, &ask, since_ms ? since_ms : now(sweep), trouble);
        }
        return;
    }
    capacity_started(&sweep->capacity);
    if (!probe) {
        spread_release(spread);
        return;
    }
    struct probe_links *links = probe_get_links(probe);
    links->owner = spread;
    links->after = sweep->probes;
    if (links->after)
        probe_get_links(links->after)->before = probe;
    sweep->probes = probe;
    sweep->probe_count++;
}

static bool start_held(struct sweep *sweep)
{
    struct held *held = sweep->held;
    if (!held)
        return false;
    sweep->held = held->after;
    if (!sweep->held)
        sweep->held_end = &sweep->held;
    sweep->held_count--;
    start_probe(sweep, held->spread, &held->ip, held->port, held->since_ms);
    free(held);
    return true;
}

static bool start_next(struct sweep *sweep)
{
    struct ipaddr ip;
    uint16_t port;
    struct spread *spread = ring_next(&sweep->ring, &ip, &port);
    if (!spread)
        return false;
    if (seen_add(&sweep->seen, &ip, port, spread->target.name))
        start_probe(sweep, spread_hold(spread), &ip, port, 0);
    return true;
}

/* --- the pump -------------------------------------------------------------------------------------------------------- */

static void read_ahead(struct sweep *sweep)
{
    struct target target;
    while (!sweep->input_ended && sweep->ring.count < RING_MAX && resolver_under_way(sweep->resolver) < LOOKUPS_MAX) {
        enum input_state state = input_next(sweep->input, &target);
        sweep->input_ended = state == INPUT_END;
        sweep->input_later = state == INPUT_LATER;
        if (state != INPUT_TARGET)
            return;
        if (target.has_address)
            ring_add(&sweep->ring, make_spread(sweep, &target, NULL));
        else
            name_begin(sweep, &target);
    }
}

static void pump(struct sweep *sweep)
{
    if (sweep->behind || emit_blocked(sweep->outcome.emit))
        return;
    read_ahead(sweep);
    loop_refresh_clock(sweep->loop);
    for (unsigned started = 0; started < STARTS_PER_TURN; started++) {
        /* Spreads that have given all their places leave the ring only when asked again, and a full ring reads no further. */
        bool waiting = sweep->held || sweep->ring.count > 0;
        if (!waiting || capacity_room(&sweep->capacity, sweep->probe_count, now(sweep)) == 0)
            break;
        if (!start_held(sweep) && !start_next(sweep))
            break;
    }
}

static bool is_over(const struct sweep *sweep)
{
    return sweep->input_ended && sweep->ring.left == 0 && !sweep->held && sweep->probe_count == 0 && !sweep->names;
}

static void show_progress(struct sweep *sweep)
{
    uint64_t done = sweep->outcome.ok + sweep->outcome.failed, ahead = 0;
    bool known = sweep->input_ended || input_estimate(sweep->input, &ahead);
    uint64_t under_way = sweep->probe_count + sweep->held_count + sweep->ring.left;
    for (const struct name *name = sweep->names; name; name = name->after)
        under_way++;
    sweep->progress.note = emit_blocked(sweep->outcome.emit)                 ? "waiting for its records to be taken"
                           : capacity_is_short(&sweep->capacity, now(sweep)) ? "slowed down by this host's limits"
                                                                             : NULL;
    progress_update(&sweep->progress, done, known ? done + under_way + ahead : 0, sweep->outcome.failed);
}

/* A closed pipe takes nothing any more, however long we wait; a full disk may. */
static bool is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

static void tick(struct sweep *sweep)
{
    if (now(sweep) - sweep->ticked_ms < (emit_stalled(sweep->outcome.emit) ? STALLED_TICK_MS : TICK_MS))
        return;
    sweep->ticked_ms = now(sweep);
    emit_tick(sweep->outcome.emit, sweep->ticked_ms);
    sweep->unread = sweep->options->json && emit_blocked(sweep->outcome.emit) && is_unread();
    show_progress(sweep);
}

static int64_t wait_ms(const struct sweep *sweep)
{
    if (emit_stalled(sweep->outcome.emit))
        return STALLED_TICK_MS;
    bool waiting = sweep->held || sweep->ring.left > 0;
    bool more_input = !sweep->input_ended && !sweep->input_later && resolver_under_way(sweep->resolver) < LOOKUPS_MAX;
    if (emit_blocked(sweep->outcome.emit) || (!waiting && !more_input))
        return TICK_MS;
    int64_t wait = capacity_wait_ms(&sweep->capacity, now(sweep));
    if (wait < 0 && sweep->probe_count < sweep->capacity.allowed)
        wait = 0; /* pump() only paused to let the loop look */
    return wait >= 0 && wait < TICK_MS ? wait : TICK_MS;
}

/* What was started ends as cancelled; what was not started was never a probe. */
static void cancel_all(struct sweep *sweep)
{
    while (sweep->probes)
        probe_cancel(sweep->probes);
    while (sweep->names)
        name_failed(sweep->names, RECORD_ERROR_CANCELLED, NULL);
}

static void sweep_done(struct sweep *sweep)
{
    for (struct held *held = sweep->held, *after; held; held = after) {
        after = held->after;
        spread_release(held->spread);
        free(held);
    }
    ring_done(&sweep->ring);
    seen_done(&sweep->seen);
    resolver_free(sweep->resolver);
    handshake_engine_free(sweep->engine);
    progress_clear(&sweep->progress);
}

int sweep_run(const struct sweep_options *options, struct loop *loop, struct input *input, struct emit *emit,
              struct tell *tell, const volatile sig_atomic_t *stop, const sigset_t *open, struct sweep_counts *counts,
              struct cm_error *error)
{
    struct sweep sweep = {.options = options, .loop = loop, .input = input, .outcome = {.emit = emit, .tell = tell}};
    struct resolver_options resolver = {
        .servers = options->dns_servers, .server_count = options->dns_server_count, .timeout_ms = options->timeout_ms};
    sweep.held_end = &sweep.held;
    progress_init(&sweep.progress, "probes", options->quiet);
    seen_init(&sweep.seen);
    if (getrandom(&sweep.key, sizeof sweep.key, 0) != (ssize_t)sizeof sweep.key)
        sweep.key = (uint64_t)now(&sweep);
    int code = handshake_engine_new(&sweep.engine, error);
    if (!code)
        code = resolver_new(loop, &resolver, &sweep.resolver, error);
    if (code) {
        sweep_done(&sweep);
        return code;
    }
    sweep.shared = (struct probe_shared){
        .loop = loop, .engine = sweep.engine, .client_name = emit_host(emit), .done = probe_done, .context = &sweep};
    capacity_init(&sweep.capacity, options->parallel, options->rate, now(&sweep));
    while (!*stop && !sweep.unread) {
        pump(&sweep);
        if (is_over(&sweep))
            break;
        sweep.behind = loop_turn(loop, wait_ms(&sweep), open);
        tick(&sweep);
    }
    counts->interrupted = *stop || sweep.unread;
    cancel_all(&sweep);
    counts->ok = sweep.outcome.ok;
    counts->failed = sweep.outcome.failed;
    outcome_failures(&sweep.outcome, counts->failures, sizeof counts->failures);
    sweep_done(&sweep);
    return 0;
}
