/* Direct-mapped caches of (hash, value): what is looked up often, may be forgotten, and must never cost more memory than was given. The hash is keyed, so
 * that nobody can choose what he overwrites. Also the memory of such tables. */
#include <stdlib.h>
#include <sys/mman.h>

#include "scanner/watch/flow_private.h"

void *flow_pages_new(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        abort(); /* as any allocation: sizes are capped by --memory */
    (void)madvise(pages, size, MADV_HUGEPAGE);
    return pages;
}

void flow_pages_free(void *pages, size_t size)
{
    if (pages)
        munmap(pages, size);
}

void flow_cache_init(struct flow_cache *cache, size_t memory_max)
{
    uint64_t entries = 1024;
    while (entries * 2 * sizeof *cache->entries <= memory_max && entries < 1 << 20)
        entries *= 2;
    cache->entries = flow_pages_new(entries * sizeof *cache->entries);
    cache->mask = entries - 1;
}

void flow_cache_done(struct flow_cache *cache)
{
    flow_pages_free(cache->entries, (cache->mask + 1) * sizeof *cache->entries);
    cache->entries = NULL;
}
