/* Anonymous mappings, which are zero without anybody having written zeros. */
#include "scanner/watch/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void *pages_new(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        fputs("out of memory\n", stderr);
        abort(); /* as after any failed allocation: sizes are capped by --memory */
    }
    (void)madvise(pages, size, MADV_HUGEPAGE);
    return pages;
}

void pages_free(void *pages, size_t size)
{
    if (pages)
        munmap(pages, size);
}
