/* The kernel's own count (RLIMIT_DATA bounds the same figure), since counting in malloc(3) would see our memory and not that of libraries.
 *
 * Under AddressSanitizer the kernel's count means nothing; its allocator is asked, and there is no fence. */
#include "scanner/crawl/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
size_t __sanitizer_get_current_allocated_bytes(void);
#else
#define SANITIZED 0
#endif

enum { MMAP_BYTES = 4 * 1024 * 1024, STATM_BYTES = 128, UNMARKED_FILES = 64 };

/* Bytes of data and stack, 0 when nobody tells. */
static uint64_t taken(const struct memory *memory)
{
#if SANITIZED
    (void)memory;
    return __sanitizer_get_current_allocated_bytes();
#else
    char text[STATM_BYTES];
    unsigned long long pages = 0;
    ssize_t got = memory->fd < 0 ? -1 : pread(memory->fd, text, sizeof text - 1, 0);
    if (got > 0) {
        text[got] = '\0';
        if (sscanf(text, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
            pages = 0;
    }
    return pages * memory->page_bytes;
#endif
}

void memory_init(struct memory *memory)
{
    *memory = (struct memory){.fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
                              .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)};
    /* What is large goes back to the system at once. Left alone, the C library would keep up to 64 MiB after the first large file. */
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * MMAP_BYTES);
    if (getrlimit(RLIMIT_DATA, &memory->bound))
        memory->bound.rlim_max = RLIM_INFINITY;
    memory->base_bytes = taken(memory);
}

void memory_done(struct memory *memory)
{
    if (memory->fd >= 0)
        close(memory->fd);
    memory->fd = -1;
}

/* Files that unpack nothing leave what they found: asking the kernel for each would be a third of what a small file costs. */
void memory_mark(struct memory *memory)
{
    if (!memory->used && ++memory->unmarked < UNMARKED_FILES)
        return;
    memory->base_bytes = taken(memory);
    memory->used = false;
    memory->unmarked = 0;
}

uint64_t memory_room(const struct memory *memory)
{
    uint64_t most = memory->base_bytes + MEMORY_GROWTH_BYTES, now = taken(memory);
    return now < most ? most - now : 0;
}

bool memory_left(const struct memory *memory)
{
    return memory_room(memory) > 0;
}

static void limit(const struct memory *memory, bool fenced)
{
    struct rlimit bound = memory->bound;
    if (SANITIZED)
        return;
    bound.rlim_cur = fenced ? memory->base_bytes + MEMORY_FENCE_BYTES : bound.rlim_max;
    if (bound.rlim_cur > bound.rlim_max)
        bound.rlim_cur = bound.rlim_max;
    setrlimit(RLIMIT_DATA, &bound); /* cannot fail: the soft limit of our own, below the hard one */
}

void memory_fence(struct memory *memory)
{
    memory->used = true;
    if (memory->fenced++ == 0)
        limit(memory, true);
}

void memory_unfence(struct memory *memory)
{
    if (--memory->fenced == 0)
        limit(memory, false);
}

unsigned memory_pause(struct memory *memory)
{
    unsigned fenced = memory->fenced;
    if (fenced)
        limit(memory, false);
    memory->fenced = 0;
    return fenced;
}

void memory_resume(struct memory *memory, unsigned fenced)
{
    memory->fenced = fenced;
    if (fenced)
        limit(memory, true);
}
