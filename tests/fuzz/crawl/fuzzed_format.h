/* One reader over any bytes: past the table, so that a run is spent on it alone; its identify is asked, and need not agree. */
#ifndef TESTS_FUZZ_CRAWL_FUZZED_FORMAT_H
#define TESTS_FUZZ_CRAWL_FUZZED_FORMAT_H

#include "scanner/crawl/formats/format.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

static inline void fuzzed_format(const struct format *format, const uint8_t *data, size_t size)
{
    struct job job;
    struct content content;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    job.memory_left = fuzzed_options.limits.memory_bytes;
    job.file_bytes = size;
    content_from_memory(&content, copy, size);
    if (content_open(&content) == 0 && size && format->identify(content.head))
        (void)format->read(&job, &content);
    content_done(&content);
    job_done(&job);
    free(copy);
    if (fuzzed_depth)
        abort();
}

#endif
