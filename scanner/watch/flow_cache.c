/* Direct-mapped caches of (hash, value): what is looked up often, may be forgotten, and must never cost more memory than was given. The hash is keyed, so
 * that nobody can choose what he overwrites. */
#include <stdlib.h>

#include "scanner/watch/flow_private.h"

struct flow_cache_entry {
    uint32_t tag; /* the upper half of the hash, never 0; 0: empty */
    uint32_t value;
};

void flow_cache_init(struct flow_cache *cache, size_t memory_max)
{
    uint64_t entries = 1024;
    while (entries * 2 * sizeof *cache->entries <= memory_max && entries < 1 << 20)
        entries *= 2;
    cache->entries = cm_calloc(entries, sizeof *cache->entries); /* zero pages: memory is used as flows come */
    cache->mask = entries - 1;
}

void flow_cache_done(struct flow_cache *cache)
{
    free(cache->entries);
    cache->entries = NULL;
}

static uint32_t tag_of(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    return tag ? tag : 1;
}

void flow_cache_put(struct flow_cache *cache, uint64_t hash, uint32_t value)
{
    cache->entries[hash & cache->mask] = (struct flow_cache_entry){tag_of(hash), value};
}

bool flow_cache_get(const struct flow_cache *cache, uint64_t hash, uint32_t *value)
{
    const struct flow_cache_entry *entry = &cache->entries[hash & cache->mask];
    if (entry->tag != tag_of(hash))
        return false;
    *value = entry->value;
    return true;
}

void flow_cache_drop(struct flow_cache *cache, uint64_t hash)
{
    struct flow_cache_entry *entry = &cache->entries[hash & cache->mask];
    if (entry->tag == tag_of(hash))
        entry->tag = 0;
}

void flow_cache_prefetch(const struct flow_cache *cache, uint64_t hash)
{
    __builtin_prefetch(&cache->entries[hash & cache->mask]);
}
