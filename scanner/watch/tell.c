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
#include "scanner/watch/summary.h"

enum {
    FIRST_ENTRIES = 1024,
    REMEMBERED = 2048,                            /* certificates whose digest is kept */
    SUMMARY_BYTES = sizeof(struct summary) + 256, /* a usual one */
};
#define HOUR_US INT64_C(3600000000)

struct entry {
    uint64_t key[2]; /* both 0: empty */
    int64_t told_us; /* packet clock of the last record */
    int64_t since_us, last_us;
    uint64_t count;          /* observations since then */
    struct summary *summary; /* NULL while count is 0 */
};

struct tell {
    struct tell_options options;
    pthread_mutex_t lock;
    struct digests *digests;
    uint64_t seed[2];
    struct entry *entries;
    size_t capacity, used, summaries;
    struct tell_counts counts;
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
    tell->capacity = FIRST_ENTRIES;
    tell->entries = cm_calloc(tell->capacity, sizeof *tell->entries);
    *out = tell;
    return 0;
}

void tell_free(struct tell *tell)
{
    if (!tell)
        return;
    for (size_t i = 0; i < tell->capacity; i++)
        free(tell->entries[i].summary);
    free(tell->entries);
    digests_free(tell->digests);
    pthread_mutex_destroy(&tell->lock);
    free(tell);
}

/* --- the table ------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (hash = mix(hash, size); size > 0;) {
        uint64_t word = 0;
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, at, part);
        hash = mix(hash, word);
        at += part;
        size -= part;
    }
    return hash;
}

static uint64_t hash(const struct tell *tell, uint64_t seed, const struct observed *observed, const char *name)
{
    bool client = observed->kind == OBSERVED_CLIENT_CHAIN;
    uint64_t sum = mix(mix(seed, observed->kind), observed->transport);
    sum = mix_bytes(sum, &observed->server, sizeof observed->server);
    if (client)
        sum = mix_bytes(sum, observed->client.ip, sizeof observed->client.ip);
    sum = mix_bytes(sum, name, strlen(name));
    return mix_bytes(sum, tell->chain, observed->chain_count * CM_SHA256_SIZE);
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
    tell->entries = cm_calloc(tell->capacity, sizeof *tell->entries);
    for (size_t i = 0; i < count; i++) {
        if (before[i].key[1])
            *find(tell, before[i].key) = before[i];
    }
    free(before);
}

/* --- records --------------------------------------------------------------------------------------------------------- */

/* What cannot be kept now waits in emit; only what will never be kept is lost, and that is a defect of ours. */
static void settle(struct tell *tell, int code, const struct cm_error *error)
{
    if (code != CM_EINVAL)
        return;
    tell->counts.unkept++;
    log_event(LOG_LEVEL_ERROR, "record_refused", "%s", log_error(error));
}

static void emit_summary(struct tell *tell, const struct summary *summary, int64_t since_us, int64_t at_us,
                         uint64_t count)
{
    struct cm_error error = {0};
    tell->counts.told++;
    settle(tell, summary_emit(summary, tell->options.emit, since_us, at_us, count, &error), &error);
}

static void emit_repeats(struct tell *tell, struct entry *entry)
{
    if (entry->count == 0)
        return;
    emit_summary(tell, entry->summary, entry->since_us, entry->last_us, entry->count);
    free(entry->summary);
    entry->summary = NULL;
    tell->summaries--;
    entry->told_us = entry->last_us;
    entry->count = 0;
}

static void emit_chain(struct tell *tell, const struct observed *observed)
{
    struct cm_error error = {0};
    for (size_t i = 0; i < observed->chain_count; i++)
        settle(tell,
               emit_certificate_hashed(tell->options.emit, observed->chain[i].data, observed->chain[i].size,
                                       tell->chain[i], &error),
               &error);
}

static void emit_first(struct tell *tell, const struct observed *observed, struct entry *entry)
{
    struct summary *summary = summary_new(observed, (const uint8_t(*)[CM_SHA256_SIZE])tell->chain);
    emit_chain(tell, observed);
    emit_summary(tell, summary, observed->at_us, observed->at_us, 1);
    free(summary);
    entry->told_us = observed->at_us;
    if (tell->options.shown)
        tell->options.shown(observed, tell->options.context);
}

static void note_again(struct tell *tell, const struct observed *observed, struct entry *entry)
{
    if (entry->count++ == 0) {
        entry->since_us = observed->at_us;
        entry->summary = summary_new(observed, (const uint8_t(*)[CM_SHA256_SIZE])tell->chain);
        tell->summaries++;
    }
    /* Files are read in any order, so time may go back. */
    if (entry->count == 1 || observed->at_us > entry->last_us)
        entry->last_us = observed->at_us;
    if (observed->at_us < entry->since_us)
        entry->since_us = observed->at_us;
    if (entry->last_us - entry->told_us >= tell->options.interval_us)
        emit_repeats(tell, entry);
}

static void forget_all(struct tell *tell)
{
    for (size_t i = 0; i < tell->capacity; i++)
        emit_repeats(tell, &tell->entries[i]);
    tell->counts.forgotten += tell->used;
    memset(tell->entries, 0, tell->capacity * sizeof *tell->entries);
    tell->used = 0;
}

static void make_room(struct tell *tell)
{
    size_t summaries = tell->summaries * SUMMARY_BYTES;
    bool full = tell->used * 4 >= tell->capacity * 3;
    if ((full && tell->capacity * 2 * sizeof *tell->entries + summaries > tell->options.memory_max) ||
        summaries > tell->options.memory_max)
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
    uint64_t key[2] = {hash(tell, tell->seed[0], observed, name), hash(tell, tell->seed[1], observed, name) | 1};
    make_room(tell);
    struct entry *entry = find(tell, key);
    if (entry->key[1]) {
        note_again(tell, observed, entry);
    } else {
        memcpy(entry->key, key, sizeof entry->key);
        tell->used++;
        emit_first(tell, observed, entry);
    }
    pthread_mutex_unlock(&tell->lock);
}

void tell_tick(struct tell *tell, int64_t packet_now_us)
{
    pthread_mutex_lock(&tell->lock);
    for (size_t i = 0; i < tell->capacity; i++) {
        struct entry *entry = &tell->entries[i];
        if (entry->count && packet_now_us - entry->told_us >= tell->options.interval_us)
            emit_repeats(tell, entry);
    }
    pthread_mutex_unlock(&tell->lock);
}

void tell_finish(struct tell *tell)
{
    pthread_mutex_lock(&tell->lock);
    for (size_t i = 0; i < tell->capacity; i++)
        emit_repeats(tell, &tell->entries[i]);
    pthread_mutex_unlock(&tell->lock);
}

struct tell_counts tell_get_counts(struct tell *tell)
{
    pthread_mutex_lock(&tell->lock);
    struct tell_counts counts = tell->counts;
    pthread_mutex_unlock(&tell->lock);
    return counts;
}
