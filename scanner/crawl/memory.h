/* How much memory this process has taken since a file was begun, and a fence around libraries that take what a file tells them to.
 *
 * A 7z archive of 100 bytes may announce a dictionary of 4 GiB or a table of 100 million entries, and no library that reads archives can
 * be told a ceiling. So what they allocate is fenced: beyond it malloc(3) returns NULL to them, which they survive; and before they come
 * near, whoever drives them stops. Together with what a small process has anyway this keeps below 256 MiB. */
#ifndef SCANNER_CRAWL_MEMORY_H
#define SCANNER_CRAWL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

enum {
    MEMORY_GROWTH_BYTES =
        160 * 1024 * 1024, /* of one file's reading, contents held whole included: no more is unpacked */
    MEMORY_FENCE_BYTES = 200 * 1024 * 1024, /* what a single allocation cannot jump over */
};

struct memory {
    int fd; /* of /proc/self/statm; -1: this system has none */
    uint64_t page_bytes;
    uint64_t base_bytes; /* when the file was begun */
    unsigned fenced;     /* calls within calls */
    struct rlimit bound; /* of the process, as we found it */
    bool used;           /* a fence stood since the mark */
    unsigned unmarked;   /* files begun since the mark */
};

void memory_init(struct memory *memory);
void memory_done(struct memory *memory);
/* A file is begun: marks anew where one before it may have left something, and now and then. */
void memory_mark(struct memory *memory);
/* True while less than MEMORY_GROWTH_BYTES were taken since the mark. */
bool memory_left(const struct memory *memory);
/* How many of them are left. */
uint64_t memory_room(const struct memory *memory);
/* Around each call into such a library; they may nest. What a library calls back lowers the fence for its own work with memory_pause(), which
 * returns what memory_resume() wants. */
void memory_fence(struct memory *memory);
void memory_unfence(struct memory *memory);
unsigned memory_pause(struct memory *memory);
void memory_resume(struct memory *memory, unsigned fenced);

#endif
