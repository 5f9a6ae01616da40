/* The shared source of probes. */
#include "scanner/scan/places.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "scanner/scan/capacity.h"
#include "scanner/scan/ring.h"
#include "scanner/scan/seen.h"

enum {
    SKIPS_MAX = 1024, /* places passed over, as asked for already, before others have their turn at the lock */
    HELD_MAX = 64,    /* more than these that wait for this host hold up those behind them */
};

struct held { /* a place whose probe this host could not start yet */
    struct place place;
    int64_t again_ms; /* when it is tried again; the list is in this order */
    struct held *after;
};

struct places {
    struct places_options options;
    pthread_mutex_t lock;
    struct ring ring;
    struct seen seen;
    struct capacity capacity;
    struct held *held, **held_end;
    uint64_t held_count, key;
    unsigned under_way;
    int lingering;
    bool closed;
    bool low; /* the main thread was told that more targets are welcome */
    bool hungry[PLACES_THREADS_MAX];
};

struct places *places_new(const struct places_options *options, int64_t now_ms)
{
    struct places *places = cm_calloc(1, sizeof *places);
    places->options = *options;
    places->held_end = &places->held;
    pthread_mutex_init(&places->lock, NULL);
    seen_init(&places->seen);
    capacity_init(&places->capacity, options->parallel, options->rate, now_ms);
    if (getrandom(&places->key, sizeof places->key, 0) != (ssize_t)sizeof places->key)
        places->key = (uint64_t)now_ms;
    return places;
}

void places_free(struct places *places)
{
    if (!places)
        return;
    for (struct held *held = places->held, *after; held; held = after) {
        after = held->after;
        spread_release(held->place.spread);
        free(held);
    }
    ring_done(&places->ring);
    seen_done(&places->seen);
    pthread_mutex_destroy(&places->lock);
    free(places);
}

/* --- adding ---------------------------------------------------------------------------------------------------------- */

static void wake_hungry(struct places *places)
{
    for (unsigned i = 0; i < places->options.threads; i++) {
        if (places->hungry[i])
            loop_wake(places->options.loops[i]);
        places->hungry[i] = false;
    }
}

/* What servers at these addresses may insist on being asked for. */
static void learn_names(const struct places *places, const struct target *target, const struct ipaddr *addresses,
                        size_t count)
{
    bool one = target->has_address && target_addresses(target) == 1;
    if (target->name[0] && one)
        names_add(places->options.names, &target->base, target->name, NAMES_OF_RUN);
    for (size_t i = 0; i < count; i++)
        names_add(places->options.names, &addresses[i], target->name, NAMES_OF_RUN);
}

void places_add(struct places *places, struct target *target, const struct ipaddr *addresses, size_t count,
                int64_t took_ms)
{
    const struct places_options *options = &places->options;
    enum starttls mode = target->local ? options->starttls_local : options->starttls;
    int64_t budget_ms = options->timeout_ms - took_ms;
    learn_names(places, target, addresses, count);
    struct spread *spread = spread_new(target, options->ports, addresses, count, places->key++);
    spread->mode = (uint8_t)mode;
    spread->budget_ms = budget_ms < 1 ? 1 : budget_ms;
    pthread_mutex_lock(&places->lock);
    ring_add(&places->ring, spread);
    wake_hungry(places);
    pthread_mutex_unlock(&places->lock);
}

bool places_want_more(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    bool want = places->ring.count < PLACES_AHEAD_MAX;
    if (!want)
        places->low = false;
    pthread_mutex_unlock(&places->lock);
    return want;
}

bool places_first_time(struct places *places, const char *name)
{
    pthread_mutex_lock(&places->lock);
    bool first = seen_add(&places->seen, NULL, 0, name);
    pthread_mutex_unlock(&places->lock);
    return first;
}

void places_close(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    if (!places->closed)
        wake_hungry(places);
    places->closed = true;
    pthread_mutex_unlock(&places->lock);
}

uint64_t places_left(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    uint64_t left = places->ring.left + places->held_count + places->under_way;
    pthread_mutex_unlock(&places->lock);
    return left;
}

bool places_are_over(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    bool over = places->closed && places->ring.left == 0 && !places->held;
    pthread_mutex_unlock(&places->lock);
    return over;
}

bool places_are_short(struct places *places, int64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    bool is_short = places->held || capacity_is_short(&places->capacity, now_ms);
    pthread_mutex_unlock(&places->lock);
    return is_short;
}

/* --- taking ---------------------------------------------------------------------------------------------------------- */

static bool take_held(struct places *places, int64_t now_ms, struct place *out)
{
    struct held *held = places->held;
    if (!held || now_ms < held->again_ms)
        return false;
    places->held = held->after;
    if (!places->held)
        places->held_end = &places->held;
    places->held_count--;
    *out = held->place;
    free(held);
    return true;
}

static enum places_answer take_next(struct places *places, unsigned thread, struct place *out)
{
    for (unsigned skipped = 0; skipped < SKIPS_MAX; skipped++) {
        struct spread *spread = ring_next(&places->ring, &out->ip, &out->port);
        if (!spread) {
            places->hungry[thread] = true;
            return places->closed ? PLACES_END : PLACES_LATER;
        }
        if (!seen_add(&places->seen, &out->ip, out->port, spread->name))
            continue;
        out->spread = spread_hold(spread);
        out->since_ms = 0;
        return PLACES_ONE;
    }
    return PLACES_BUSY;
}

static bool has_room(struct places *places, unsigned own, int64_t now_ms)
{
    unsigned threads = places->options.threads;
    unsigned share = (places->capacity.allowed + threads - 1) / threads;
    return capacity_room(&places->capacity, places->under_way + (unsigned)places->lingering, now_ms) > 0 && own < share;
}

/* Held ones first, once it is their time. Until then others go on: a destination that no port is left for is nobody else's trouble. */
static enum places_answer take_any(struct places *places, unsigned thread, int64_t now_ms, struct place *out,
                                   int64_t *wait_ms)
{
    if (take_held(places, now_ms, out))
        return PLACES_ONE;
    enum places_answer answer = places->held_count < HELD_MAX ? take_next(places, thread, out) : PLACES_LATER;
    if (places->held && (answer == PLACES_LATER || answer == PLACES_END)) {
        *wait_ms = places->held->again_ms - now_ms;
        return PLACES_FULL;
    }
    return answer;
}

static enum places_answer take(struct places *places, unsigned thread, unsigned own, int64_t now_ms, struct place *out,
                               int64_t *wait_ms)
{
    if (!places->held && places->ring.count == 0) {
        places->hungry[thread] = true;
        return places->closed ? PLACES_END : PLACES_LATER;
    }
    if (!has_room(places, own, now_ms)) {
        *wait_ms = capacity_wait_ms(&places->capacity, now_ms);
        return PLACES_FULL;
    }
    enum places_answer answer = take_any(places, thread, now_ms, out, wait_ms);
    if (answer == PLACES_ONE) {
        places->under_way++;
        capacity_started(&places->capacity);
    }
    return answer;
}

enum places_answer places_take(struct places *places, unsigned thread, unsigned own, int64_t now_ms, struct place *out,
                               int64_t *wait_ms)
{
    *wait_ms = -1;
    pthread_mutex_lock(&places->lock);
    enum places_answer answer = take(places, thread, own, now_ms, out, wait_ms);
    bool low = !places->closed && !places->low && places->ring.count < PLACES_AHEAD_MAX / 2;
    places->low = places->low || low;
    pthread_mutex_unlock(&places->lock);
    if (low)
        loop_wake(places->options.loops[0]);
    return answer;
}

static bool is_hopeless(const struct places *places, const struct place *place, int64_t now_ms)
{
    return place->since_ms && now_ms - place->since_ms >= places->options.timeout_ms && places->under_way == 0;
}

void places_shortage(struct places *places, int trouble, int64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    capacity_shortage(&places->capacity, trouble, places->under_way, now_ms);
    pthread_mutex_unlock(&places->lock);
}

bool places_put_back(struct places *places, const struct place *place, int trouble, int64_t now_ms)
{
    pthread_mutex_lock(&places->lock);
    places->under_way--;
    capacity_shortage(&places->capacity, trouble, places->under_way, now_ms);
    bool waits = !is_hopeless(places, place, now_ms);
    if (waits) {
        struct held *held = cm_malloc(sizeof *held);
        *held = (struct held){.place = *place, .again_ms = now_ms + CAPACITY_PAUSE_MS};
        if (!held->place.since_ms)
            held->place.since_ms = now_ms;
        *places->held_end = held;
        places->held_end = &held->after;
        places->held_count++;
    }
    pthread_mutex_unlock(&places->lock);
    return waits;
}

void places_ended(struct places *places)
{
    pthread_mutex_lock(&places->lock);
    places->under_way--;
    pthread_mutex_unlock(&places->lock);
}

void places_count_lingering(struct places *places, int change)
{
    pthread_mutex_lock(&places->lock);
    places->lingering += change;
    pthread_mutex_unlock(&places->lock);
}
