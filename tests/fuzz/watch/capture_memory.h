/* A capture file that stands in memory. */
#ifndef TESTS_FUZZ_WATCH_CAPTURE_MEMORY_H
#define TESTS_FUZZ_WATCH_CAPTURE_MEMORY_H

#include <sys/mman.h>
#include <unistd.h>

#include "scanner/watch/capture_file.h"
#include "tests/fuzz/watch/watched.h"

static inline int memory_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size) || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

#endif
