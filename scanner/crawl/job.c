/* One file of the disk: opens contents, keeps the depth and the ceilings, and calls the readers.
 *
 * Owns what all levels of one file share. main.c makes one job for all files; the readers come back here for what lies inside. A ceiling is told once,
 * where it was hit; what was found before stays told. */
#include "scanner/crawl/job.h"

#include <openssl/crypto.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/pem.h"

/* Until so much has come out, no ratio is suspicious: a page of zeros packs well. */
enum { RATIO_FREE_BYTES = 16 * 1024 * 1024 };

const struct job_limits job_default_limits = {
    .depth = 16,
    .unpacked_bytes = UINT64_C(64) << 30,
    .entries = 4000000,
    .ratio = 1000,
    .memory_bytes = 96 * 1024 * 1024,
    .max_iterations = 5000000, /* about two seconds; real files use up to 1,000,000 */
};

void job_init(struct job *job, const struct job_options *options, const struct found_ops *ops)
{
    *job = (struct job){.options = options, .ops = ops};
    buf_init(&job->scratch, PEM_BLOCK_MAX);
    buf_init(&job->decoded, PEM_BLOCK_MAX);
}

void job_done(struct job *job)
{
    buf_done(&job->scratch);
    buf_done(&job->decoded);
}

static void begin(struct job *job, uint64_t file_bytes)
{
    job->depth = 0;
    job->file_bytes = file_bytes;
    job->unpacked_bytes = job->entries = 0;
    job->memory_left = job->options->limits.memory_bytes;
    job->stopped = false;
}

static void read_content(struct job *job, struct content *content)
{
    if (content_open(content))
        job_problem(job, NULL, NULL, content->error, content->detail);
    else if (content->head.size)
        format_read(job, content);
    content_done(content);
}

void job_file(struct job *job, int fd, uint64_t size_bytes)
{
    struct content content;
    begin(job, size_bytes);
    content_from_fd(&content, fd, size_bytes, &job->memory_left);
    read_content(job, &content);
}

void job_memory(struct job *job, uint8_t *bytes, size_t size)
{
    struct content content;
    begin(job, size);
    content_from_memory(&content, bytes, size);
    read_content(job, &content);
}

void job_inside(struct job *job, const char *name, const char *layer, struct content *content)
{
    job->ops->enter(job->ops->context, name, layer);
    if (++job->depth > job->options->limits.depth)
        job_problem(job, NULL, NULL, RECORD_ERROR_LIMIT, "containers are nested too deeply");
    else
        read_content(job, content);
    content_done(content);
    job->depth--;
    job->ops->leave(job->ops->context);
}

void job_inside_memory(struct job *job, const char *name, uint8_t *bytes, size_t size)
{
    struct content content;
    content_from_memory(&content, bytes, size);
    job_inside(job, name, NULL, &content);
}

static bool stop(struct job *job, const char *detail)
{
    if (!job->stopped)
        job_problem(job, NULL, NULL, RECORD_ERROR_LIMIT, detail);
    job->stopped = true;
    return false;
}

bool job_unpacked(struct job *job, uint64_t bytes)
{
    const struct job_limits *limits = &job->options->limits;
    job->unpacked_bytes += bytes;
    if (job->unpacked_bytes > limits->unpacked_bytes)
        return stop(job, "more comes out of it than is unpacked of one file");
    if (job->unpacked_bytes > RATIO_FREE_BYTES && job->unpacked_bytes / limits->ratio > job->file_bytes)
        return stop(job, "it is packed so tightly that it looks like a bomb");
    return !job->stopped;
}

bool job_entry(struct job *job)
{
    if (++job->entries > job->options->limits.entries)
        return stop(job, "it has more entries than are read of one file");
    return !job->stopped;
}

bool job_pulse(struct job *job)
{
    return job->ops->pulse(job->ops->context);
}

void job_problem(struct job *job, const char *format, const char *entry, enum record_error error, const char *detail)
{
    job->ops->problem(job->ops->context, &(struct found_problem){format, entry, error, detail});
}
