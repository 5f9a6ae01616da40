/* Who was told what, and when.
 *
 * The table holds a keyed 128-bit hash per distinct thing told and, once it has been seen again, a summary from which the repeated record can be written without another
 * observation. When memory is short everything is told and forgotten: a place told twice is merged by the collector, a place not told would be lost. */
#include "scanner/watch/tell.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "scanner/watch/hash.h"
#include "scanner/watch/outbox.h"
#include "scanner/watch/pages.h"

enum {
    FIRST_ENTRIES = 1024,
    REMEMBERED = 2048, /* certificates whose digest is kept */
};
#define HOUR_US INT64_C(3600000000)

struct repeats { /* of something, since it was told */
    int64_t since_us, last_us;
    uint64_t count;
    struct summary *summary;
    size_t size; /* of this and the summary */
};

struct entry {       /* half a line of the cache: most are never looked at again */
    uint64_t key[2]; /* both 0: empty */
    int64_t told_us; /* packet clock of the last record */
    struct repeats *repeats;
};

struct tell {
    struct tell_options options;
    pthread_mutex_t lock;
    struct digests *digests;
    uint64_t seed[2];
    struct entry *entries;
    size_t capacity, used, repeated /* bytes of all repeats */;
    struct outbox outbox;
    struct tell_counts counts;                           /* under the lock, but for … */
    uint64_t told, unkept;                               /* … those of the thread that writes */
    uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE]; /* of the observation at hand */
};

int tell_new(const struct tell_options *options, struct tell **out, struct cm_error *error)
{
    struct tell *tell = cm_calloc(1, sizeof *tell);
    int code = digests_new(REMEMBERED, &tell->digests, error);
    if (code) {
        free(tell);
        return code;
    }
    tell->options = *options;
    if (tell->options.interval_us == 0)
        tell->options.interval_us = HOUR_US;
    if (getrandom(tell->seed, sizeof tell->seed, 0) != (ssize_t)sizeof tell->seed)
        tell->seed[0] = (uint64_t)(uintptr_t)tell;
    pthread_mutex_init(&tell->lock, NULL);
    outbox_init(&tell->outbox, options->queue_max);
    tell->capacity = FIRST_ENTRIES;
    tell->entries = pages_new(tell->capacity * sizeof *tell->entries);
    *out = tell;
    return 0;
}

static void free_repeats(struct repeats *repeats)
{
    if (repeats)
        free(repeats->summary);
    free(repeats);
}

void tell_free(struct tell *tell)
{
    if (!tell)
        return;
    for (size_t i = 0; i < tell->capacity; i++)
        free_repeats(tell->entries[i].repeats);
    pages_free(tell->entries, tell->capacity * sizeof *tell->entries);
    outbox_done(&tell->outbox);
    digests_free(tell->digests);
    pthread_mutex_destroy(&tell->lock);
    free(tell);
}

/* --- the table ------------------------------------------------------------------------------------------------------- */

static uint64_t hash(const struct tell *tell, uint64_t secret, const struct observed *observed, const char *name)
{
    bool client = observed->kind == OBSERVED_CLIENT_CHAIN;
    uint64_t sum = hash_word(observed->kind, observed->transport, secret);
    sum = hash_bytes(sum, &observed->server, sizeof observed->server, secret);
    if (client)
        sum = hash_bytes(sum, observed->client.ip, sizeof observed->client.ip, secret);
    sum = hash_bytes(sum, name, strlen(name), secret);
    return hash_bytes(sum, tell->chain, observed->chain_count * CM_SHA256_SIZE, secret);
}

static struct entry *find(const struct tell *tell, const uint64_t key[2])
{
    size_t at = key[0] & (tell->capacity - 1);
    while (tell->entries[at].key[1] && (tell->entries[at].key[0] != key[0] || tell->entries[at].key[1] != key[1]))
        at = (at + 1) & (tell->capacity - 1);
    return &tell->entries[at];
}

static void grow(struct tell *tell)
{
    struct entry *before = tell->entries;
    size_t count = tell->capacity;
    tell->capacity *= 2;
    tell->entries = pages_new(tell->capacity * sizeof *tell->entries);
    for (size_t i = 0; i < count; i++) {
        if (before[i].key[1])
            *find(tell, before[i].key) = before[i];
    }
    pages_free(before, count * sizeof *before);
}

/* --- records --------------------------------------------------------------------------------------------------------- */

/* What cannot be kept now waits in emit; only what will never be kept is lost, and that is a defect of ours. */
static void settle(struct tell *tell, int code, const struct cm_error *error)
{
    if (code != CM_EINVAL)
        return;
    tell->unkept++;
    log_event(LOG_LEVEL_ERROR, "record_refused", "%s", log_error(error));
}

/* By the thread that writes. chain: of what is told for the first time; its certificates go before it. */
static void write_records(struct tell *tell, const struct telling *telling, const struct slice *chain)
{
    const struct summary *summary = telling->summary;
    struct emit *emit = tell->options.emit;
    struct cm_error error = {0};
    for (size_t i = 0; chain && i < summary->chain_count; i++)
        settle(tell, emit_certificate_hashed(emit, chain[i].data, chain[i].size, summary->chain[i], &error), &error);
    tell->told++;
    settle(tell, summary_emit(summary, emit, telling->since_us, telling->at_us, telling->count, &error), &error);
    if (telling->first && tell->options.shown)
        tell->options.shown(summary, chain && summary->chain_count ? chain[0] : (struct slice){0},
                            tell->options.context);
}

/* Writes it, or has it wait for whoever writes. Takes the summary; false, and nothing taken: there is no room. */
static bool hand_on(struct tell *tell, const struct telling *telling, const struct slice *chain)
{
    if (tell->options.queue_max)
        return outbox_put(&tell->outbox, telling, chain);
    write_records(tell, telling, chain);
    free(telling->summary);
    return true;
}

/* Their summary, if they still have it, goes with them. */
static void repeats_are_told(struct tell *tell, struct entry *entry)
{
    tell->repeated -= entry->repeats->size;
    entry->told_us = entry->repeats->last_us;
    free_repeats(entry->repeats);
    entry->repeats = NULL;
}

static struct telling telling_of(const struct repeats *repeats)
{
    return (struct telling){
        .summary = repeats->summary, .since_us = repeats->since_us, .at_us = repeats->last_us, .count = repeats->count};
}

/* Without room they go on being counted, and are told later. */
static void tell_repeats(struct tell *tell, struct entry *entry)
{
    if (!entry->repeats)
        return;
    struct telling telling = telling_of(entry->repeats);
    if (hand_on(tell, &telling, NULL)) {
        entry->repeats->summary = NULL;
        repeats_are_told(tell, entry);
    }
}

static bool tell_first(struct tell *tell, const struct observed *observed)
{
    struct telling telling = {.summary = summary_new(observed, (const uint8_t(*)[CM_SHA256_SIZE])tell->chain),
                              .since_us = observed->at_us,
                              .at_us = observed->at_us,
                              .count = 1,
                              .first = true};
    bool told = hand_on(tell, &telling, observed->chain_count ? observed->chain : NULL);
    if (!told)
        free(telling.summary);
    return told;
}

static struct repeats *begin_repeats(struct tell *tell, const struct observed *observed)
{
    struct repeats *repeats = cm_malloc(sizeof *repeats);
    *repeats = (struct repeats){.since_us = observed->at_us,
                                .last_us = observed->at_us,
                                .summary = summary_new(observed, (const uint8_t(*)[CM_SHA256_SIZE])tell->chain)};
    repeats->size = sizeof *repeats + repeats->summary->size;
    tell->repeated += repeats->size;
    return repeats;
}

static void note_again(struct tell *tell, const struct observed *observed, struct entry *entry)
{
    if (!entry->repeats)
        entry->repeats = begin_repeats(tell, observed);
    struct repeats *repeats = entry->repeats;
    repeats->count++;
    /* Files are read in any order, so time may go back. */
    if (observed->at_us > repeats->last_us)
        repeats->last_us = observed->at_us;
    if (observed->at_us < repeats->since_us)
        repeats->since_us = observed->at_us;
    if (repeats->last_us - entry->told_us >= tell->options.interval_us)
        tell_repeats(tell, entry);
}

static void forget_repeats(struct tell *tell, struct entry *entry)
{
    tell_repeats(tell, entry);
    if (entry->repeats) { /* no room there either: the place was told, how often it was seen is lost */
        tell->counts.postponed += entry->repeats->count;
        repeats_are_told(tell, entry);
    }
}

static void forget_all(struct tell *tell)
{
    for (size_t i = 0; i < tell->capacity; i++)
        forget_repeats(tell, &tell->entries[i]);
    tell->counts.forgotten += tell->used;
    memset(tell->entries, 0, tell->capacity * sizeof *tell->entries);
    tell->used = 0;
}

static void make_room(struct tell *tell)
{
    bool full = tell->used * 4 >= tell->capacity * 3;
    if ((full && tell->capacity * 2 * sizeof *tell->entries + tell->repeated > tell->options.memory_max) ||
        tell->repeated > tell->options.memory_max)
        forget_all(tell);
    else if (full)
        grow(tell);
}

void tell_observed(const struct observed *observed, void *context)
{
    struct tell *tell = context;
    char name[SUMMARY_NAME_SIZE] = "";
    if (observed->client_hello)
        summary_name(observed->client_hello->name, name);
    pthread_mutex_lock(&tell->lock);
    tell->counts.observations++;
    for (size_t i = 0; i < observed->chain_count; i++)
        digests_sha256(tell->digests, observed->chain[i], true, tell->chain[i]);
    uint64_t key[2] = {hash(tell, tell->seed[0], observed, name)};
    __builtin_prefetch(&tell->entries[key[0] & (tell->capacity - 1)]); /* comes nearer meanwhile */
    key[1] = hash(tell, tell->seed[1], observed, name) | 1;
    make_room(tell);
    struct entry *entry = find(tell, key);
    if (entry->key[1]) {
        note_again(tell, observed, entry);
    } else if (tell_first(tell, observed)) {
        memcpy(entry->key, key, sizeof entry->key);
        entry->told_us = observed->at_us;
        tell->used++;
    } else {
        tell->counts.postponed++;
    }
    pthread_mutex_unlock(&tell->lock);
}

/* --- writing --------------------------------------------------------------------------------------------------------- */

static struct telling *take(struct tell *tell)
{
    pthread_mutex_lock(&tell->lock);
    struct telling *telling = outbox_take(&tell->outbox);
    pthread_mutex_unlock(&tell->lock);
    return telling;
}

static void write_and_free(struct tell *tell, struct telling *telling)
{
    write_records(tell, telling, telling->chain);
    telling_free(telling);
}

void tell_deliver(struct tell *tell)
{
    struct telling *telling;
    while (!emit_blocked(tell->options.emit) && (telling = take(tell)))
        write_and_free(tell, telling);
}

/* Writes what is left of a table that nobody else knows any more, and frees it. */
static void write_table(struct tell *tell, struct entry *entries, size_t capacity)
{
    for (size_t i = 0; i < capacity; i++) {
        if (!entries[i].repeats)
            continue;
        struct telling telling = telling_of(entries[i].repeats);
        write_records(tell, &telling, NULL);
        free_repeats(entries[i].repeats);
    }
    pages_free(entries, capacity * sizeof *entries);
}

/* Packets are read on meanwhile: the table and the queue change hands at one moment, and are written afterwards. */
int tell_next_run(struct tell *tell, struct cm_error *error)
{
    if (emit_blocked(tell->options.emit))
        return error_set(error, CM_ELIMIT, 0, "records wait to be kept");
    struct outbox before;
    struct telling *telling;
    pthread_mutex_lock(&tell->lock);
    struct entry *entries = tell->entries;
    size_t capacity = tell->capacity;
    tell->capacity = FIRST_ENTRIES;
    tell->entries = pages_new(tell->capacity * sizeof *tell->entries);
    tell->used = tell->repeated = 0;
    before = tell->outbox;
    outbox_init(&tell->outbox, tell->options.queue_max);
    pthread_mutex_unlock(&tell->lock);
    while ((telling = outbox_take(&before)))
        write_and_free(tell, telling);
    write_table(tell, entries, capacity);
    return emit_next_run(tell->options.emit, error);
}

void tell_tick(struct tell *tell, int64_t packet_now_us)
{
    pthread_mutex_lock(&tell->lock);
    for (size_t i = 0; i < tell->capacity; i++) {
        struct entry *entry = &tell->entries[i];
        if (entry->repeats && packet_now_us - entry->told_us >= tell->options.interval_us)
            tell_repeats(tell, entry);
    }
    pthread_mutex_unlock(&tell->lock);
}

void tell_finish(struct tell *tell)
{
    struct telling *telling;
    while ((telling = take(tell)))
        write_and_free(tell, telling);
    write_table(tell, tell->entries, tell->capacity);
    tell->capacity = FIRST_ENTRIES;
    tell->entries = pages_new(tell->capacity * sizeof *tell->entries);
    tell->used = tell->repeated = 0;
}

struct tell_counts tell_get_counts(struct tell *tell)
{
    pthread_mutex_lock(&tell->lock);
    struct tell_counts counts = tell->counts;
    counts.waiting = tell->outbox.count;
    pthread_mutex_unlock(&tell->lock);
    counts.told = tell->told;
    counts.unkept = tell->unkept;
    return counts;
}
