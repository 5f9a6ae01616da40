/* Manifests and Helm releases of any bytes, through the table as files come; what is told is balanced, and the job's memory comes back. */
#include "scanner/crawl/formats/format.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The readers alone, whatever the table thinks of the bytes. */
static void read_as(const struct format *format, const uint8_t *data, size_t size)
{
    struct job job;
    struct content content;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    job.memory_left = fuzzed_options.limits.memory_bytes;
    content_from_memory(&content, copy, size);
    if (content_open(&content) == 0 && size)
        (void)format->read(&job, &content);
    content_done(&content);
    if (job.memory_left != fuzzed_options.limits.memory_bytes || job.options != &fuzzed_options || fuzzed_depth)
        abort();
    job_done(&job);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_job(data, size);
    read_as(&format_kubernetes, data, size);
    read_as(&format_helm, data, size);
    return 0;
}
