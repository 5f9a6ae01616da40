/* The search for texts over any bytes: PEM in its disguises, mail, SSH, PuTTY; once whole and once in windows of a size that the input picks. */
#include "scanner/crawl/formats/search.h"
#include "scanner/crawl/formats/search_private.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search_whole(struct job *job, uint8_t *bytes, size_t size)
{
    struct content content;
    content_from_memory(&content, bytes, size);
    if (content_open(&content))
        abort();
    search_text(job, &content);
    content_done(&content);
}

/* As search.c does with what is too large to hold. */
static void search_windows(struct job *job, uint8_t *bytes, size_t size, size_t step)
{
    struct content_ordinals told = {0};
    struct search search = {.job = job, .told = &told};
    size_t from = 0, to = 0;
    der_items_init(&search.items, job, "pem", &told);
    while (to < size) {
        to = size - to < step ? size : to + step;
        struct window window = {bytes + from, to - from, to == size};
        size_t done = search_window(&search, &window);
        if (done > window.size || (window.last && done < window.size))
            abort();
        from += done;
    }
    der_items_done(&search.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    job.memory_left = 1 << 24;
    memcpy(copy, data, size);
    search_whole(&job, copy, size);
    memcpy(copy, data, size);
    search_windows(&job, copy, size, size ? 1 + data[0] : 1);
    job_done(&job);
    free(copy);
    if (fuzzed_depth)
        abort();
    return 0;
}
