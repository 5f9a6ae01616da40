/* Starts probes as room allows, tells their results, waits. Callbacks of probes only note what came; new work starts in pump(), once per
 * turn of the loop, so that nothing is started from inside something else. */
#include "scanner/scan/worker.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    STARTS_PER_TURN = 256, /* then the loop looks at what came meanwhile */
    STALLED_MS = 5,        /* while the reader of our records pauses */
    WINDOW_LEAST = 64,     /* see struct worker */
    WINDOW_WAIT_MS = 2,
    LONG_WAIT_US = 1000,
    SPAN_MS = 100,
    REMEMBERED = 64, /* certificates above the leaf whose digest is kept: intermediates repeat */
};

struct worker {
    struct worker_options options;
    struct loop *loop;
    struct handshake_engine *engine;
    struct digests *digests;
    struct farewells *farewells; /* NULL unless polite */
    struct probe_shared shared;
    struct probe *probes; /* under way, linked through probe_get_links */
    unsigned count;
    /* No more at once than keeps this thread busy: what answers within a millisecond is done cheaper in small numbers, which stay in the
     * processor's caches. The window doubles whenever the thread had to wait for it, so that thousands of silent hosts hold it up for
     * milliseconds, and halves while the thread hardly waits. */
    unsigned window;
    bool window_full;
    int64_t span_ms, waited_us; /* since when the waits are added up, and the sum */
    size_t lingering;           /* as places knows it */
    bool behind;                /* answers wait for us: they go first, or our slowness would look like theirs */
    bool ended;                 /* places has nothing more */
    bool running;
    pthread_t thread;
    struct loop *over;
    atomic_bool stop, is_over;
};

/* --- probes ---------------------------------------------------------------------------------------------------------- */

static void probe_done(struct probe *probe, const struct probe_ask *ask, const struct probe_result *result,
                       void *context)
{
    struct worker *worker = context;
    struct probe_links *links = probe_get_links(probe);
    outcome_probe(worker->options.outcome, worker->digests, ask, result);
    places_ended(worker->options.places);
    if (!links->owner)
        return; /* it ended before it was under way; start() lets go of the spread */
    if (links->before)
        probe_get_links(links->before)->after = links->after;
    else
        worker->probes = links->after;
    if (links->after)
        probe_get_links(links->after)->before = links->before;
    worker->count--;
    spread_release(links->owner);
}

static void probe_lacks(int trouble, void *context)
{
    struct worker *worker = context;
    places_shortage(worker->options.places, trouble, loop_now(worker->loop));
}

static void keep(struct worker *worker, struct probe *probe, struct spread *spread)
{
    struct probe_links *links = probe_get_links(probe);
    links->owner = spread;
    links->after = worker->probes;
    if (links->after)
        probe_get_links(links->after)->before = probe;
    worker->probes = probe;
    worker->count++;
}

static void cannot_start(struct worker *worker, const struct place *place, const struct probe_ask *ask, int trouble)
{
    struct probe_result result = {.stage = "connect",
                                  .error = RECORD_ERROR_LOCAL,
                                  .detail = strerror(trouble),
                                  .name = ask->name,
                                  .connect_ms = -1,
                                  .handshake_ms = -1};
    if (places_put_back(worker->options.places, place, trouble, loop_now(worker->loop)))
        return;
    outcome_probe(worker->options.outcome, worker->digests, ask, &result);
    spread_release(place->spread);
}

static void start(struct worker *worker, const struct place *place)
{
    struct spread *spread = place->spread;
    struct probe_ask ask = {
        .ip = place->ip,
        .scope = spread->scope,
        .port = place->port,
        .name = spread->name,
        .mode = spread->mode,
        .budget_ms = spread->budget_ms,
    };
    struct probe *probe = NULL;
    int trouble;
    if (probe_start(&worker->shared, &ask, &probe, &trouble))
        cannot_start(worker, place, &ask, trouble);
    else if (probe)
        keep(worker, probe, spread);
    else
        spread_release(spread);
}

/* --- the pump -------------------------------------------------------------------------------------------------------- */

/* Starts what may be started. How long the loop may wait then, -1: for as long as it likes. */
static int64_t pump(struct worker *worker)
{
    struct places *places = worker->options.places;
    struct place place;
    int64_t wait_ms;
    worker->window_full = false;
    if (outcome_blocked(worker->options.outcome)) {
        worker->ended = places_are_over(places);
        return outcome_stalled(worker->options.outcome) ? STALLED_MS : -1;
    }
    if (worker->behind)
        return 0;
    loop_refresh_clock(worker->loop);
    for (unsigned started = 0; started < STARTS_PER_TURN; started++) {
        if (worker->count >= worker->window) {
            worker->window_full = true;
            return WINDOW_WAIT_MS;
        }
        switch (places_take(places, worker->options.number, worker->count, loop_now(worker->loop), &place, &wait_ms)) {
        case PLACES_ONE:
            start(worker, &place);
            break;
        case PLACES_FULL:
            return wait_ms;
        case PLACES_LATER:
            return -1;
        case PLACES_BUSY:
            return 0;
        case PLACES_END:
            worker->ended = true;
            return -1;
        }
    }
    return 0;
}

static void count_lingering(struct worker *worker)
{
    size_t now = worker->farewells ? farewells_count(worker->farewells) : 0;
    if (now != worker->lingering)
        places_count_lingering(worker->options.places, (int)now - (int)worker->lingering);
    worker->lingering = now;
}

/* Every so often by how much of the time was spent waiting; at once where a wait was long. */
static void fit_window(struct worker *worker)
{
    int64_t now_ms = loop_now(worker->loop), waited_us = loop_waited_us(worker->loop),
            span_ms = now_ms - worker->span_ms;
    bool wider = worker->window_full && waited_us >= LONG_WAIT_US, narrower = false;
    worker->waited_us += waited_us;
    if (span_ms >= SPAN_MS) {
        wider = wider || (worker->window_full && worker->waited_us >= span_ms * 1000 / 2);
        narrower = worker->waited_us < span_ms * 1000 / 4 && worker->window > WINDOW_LEAST;
        worker->span_ms = now_ms;
        worker->waited_us = 0;
    }
    if (wider && worker->window <= UINT_MAX / 2)
        worker->window *= 2;
    else if (narrower)
        worker->window /= 2;
}

bool worker_turn(struct worker *worker, int64_t max_wait_ms, const sigset_t *open)
{
    worker->ended = false;
    int64_t wait_ms = pump(worker);
    if (worker->ended && worker->count == 0 && worker->lingering == 0)
        return false;
    worker->behind = loop_turn(worker->loop, wait_ms >= 0 && wait_ms < max_wait_ms ? wait_ms : max_wait_ms, open);
    fit_window(worker);
    count_lingering(worker);
    return true;
}

void worker_cancel(struct worker *worker)
{
    while (worker->probes)
        probe_cancel(worker->probes);
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

int worker_new(const struct worker_options *options, struct worker **out, struct cm_error *error)
{
    struct worker *worker = cm_calloc(1, sizeof *worker);
    worker->options = *options;
    worker->loop = options->loop;
    worker->window = WINDOW_LEAST;
    int code = handshake_engine_new(options->shares, &worker->engine, error);
    if (!code)
        code = digests_new(REMEMBERED, &worker->digests, error);
    if (code) {
        worker_free(worker);
        return code;
    }
    worker->farewells = options->polite ? farewells_new(worker->loop) : NULL;
    worker->shared = (struct probe_shared){
        .loop = worker->loop,
        .engine = worker->engine,
        .names = options->names,
        .farewells = worker->farewells,
        .client_name = options->client_name,
        .prove = options->prove,
        .flight_max = options->flight_max,
        .done = probe_done,
        .shortage = probe_lacks,
        .context = worker,
    };
    *out = worker;
    return 0;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    farewells_free(worker->farewells);
    handshake_engine_free(worker->engine);
    digests_free(worker->digests);
    free(worker);
}

/* --- as a thread ----------------------------------------------------------------------------------------------------- */

enum { IDLE_MS = 200 };

static void *run(void *context)
{
    struct worker *worker = context;
    while (!atomic_load(&worker->stop) && worker_turn(worker, IDLE_MS, NULL))
        ;
    worker_cancel(worker);
    atomic_store(&worker->is_over, true);
    loop_wake(worker->over);
    return NULL;
}

int worker_run(struct worker *worker, struct loop *over, struct cm_error *error)
{
    worker->over = over;
    int trouble = pthread_create(&worker->thread, NULL, run, worker);
    if (trouble)
        return error_setf(error, CM_EIO, 0, "cannot start a thread", "%s", strerror(trouble));
    worker->running = true;
    return 0;
}

bool worker_is_over(const struct worker *worker)
{
    return !worker->running || atomic_load(&worker->is_over);
}

void worker_stop(struct worker *worker)
{
    atomic_store(&worker->stop, true);
    loop_wake(worker->loop);
}

void worker_join(struct worker *worker)
{
    if (worker->running)
        pthread_join(worker->thread, NULL);
    worker->running = false;
}
