/* One file of the disk: opens contents, keeps the depth and the ceilings, and calls the readers.
 *
 * Owns what all levels of one file share. main.c makes one job for all files; the readers come back here for what lies inside. A ceiling is told once,
 * where it was hit, with its name and value; what was found before stays told, and so is what can be told after it. */
#include "scanner/crawl/job.h"

#include <inttypes.h>
#include <stdio.h>

#include <openssl/crypto.h>

#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/image.h"
#include "scanner/crawl/formats/pem.h"

enum {
    RATIO_FREE_BYTES =
        16 * 1024 * 1024, /* until so much has come out, no ratio is suspicious: a page of zeros packs well */
    ABANDONED_MAX = 8,    /* entries given up as too large; each costs as much as a file may */
    DETAIL_BYTES = 160,
};

const struct job_limits job_default_limits = {
    .depth = 16,
    .unpacked_bytes = UINT64_C(64) << 30,
    .entries = 4000000,
    .ratio = 250, /* deflate packs zeros at 1030; real trees stay below 20 */
    .time_ms = 60 * 1000,
    .memory_bytes = 96 * 1024 * 1024,
    .max_iterations = 5000000, /* about two seconds; real files use up to 1,000,000 */
};

void job_init(struct job *job, const struct job_options *options, const struct found_ops *ops)
{
    *job = (struct job){.options = options, .ops = ops};
    memory_init(&job->memory);
    buf_init(&job->scratch, PEM_BLOCK_MAX);
    buf_init(&job->decoded, PEM_BLOCK_MAX);
}

void job_done(struct job *job)
{
    buf_done(&job->scratch);
    buf_done(&job->decoded);
    memory_done(&job->memory);
}

static void begin(struct job *job, const char *path, uint64_t file_bytes)
{
    job->depth = job->abandoned = 0;
    job->path = path;
    job->file_bytes = file_bytes;
    job->unpacked_bytes = job->entries = 0;
    job->memory_left = job->options->limits.memory_bytes;
    job->began_ms = clock_monotonic_ms();
    job->stopped = job->late = job->interrupted = job->unfinished = job->too_deep = false;
    memory_mark(&job->memory);
}

static void read_content(struct job *job, struct content *content)
{
    if (content_open(content) == 0 && content->head.size)
        format_read(job, content);
    if (content->failed && content->error != RECORD_ERROR_NONE)
        job_problem(job, NULL, NULL, content->error, content->detail);
    content_done(content);
}

static void tell_limit(struct job *job, const char *what, const char *name, uint64_t value)
{
    char detail[DETAIL_BYTES];
    snprintf(detail, sizeof detail, "%s (%s=%" PRIu64 ")", what, name, value);
    job_problem(job, NULL, NULL, RECORD_ERROR_LIMIT, detail);
}

/* Which file was not read to its end; readers have said it of what they were at. */
static void tell_end(struct job *job)
{
    if (job->late)
        tell_limit(job, "the file takes more time than is given to 64 MiB of one; the rest was not read",
                   "max-time in seconds", job->options->limits.time_ms / 1000);
    else if (job->interrupted && !job->unfinished)
        job_problem(job, NULL, NULL, RECORD_ERROR_TIMEOUT, "interrupted; the rest was not read");
}

/* A layer of an image whose blobs are files of the disk: its digest is a step of the path, as in an image that is one file. */
static bool is_layer(const struct job *job, struct content *content, char digest[static IMAGE_DIGEST_SIZE])
{
    return job->path && image_blob_digest(job->path, digest) && content_open(content) == 0 &&
           (format_archive.identify(content->head) || format_packed.identify(content->head));
}

void job_file(struct job *job, int fd, const char *path, uint64_t size_bytes)
{
    struct content content;
    char digest[IMAGE_DIGEST_SIZE];
    begin(job, path, size_bytes);
    content_from_fd(&content, fd, size_bytes, &job->memory_left);
    bool layer = is_layer(job, &content, digest);
    if (layer)
        job->ops->enter(job->ops->context, digest, digest);
    read_content(job, &content);
    if (layer)
        job->ops->leave(job->ops->context);
    tell_end(job);
}

void job_memory(struct job *job, uint8_t *bytes, size_t size)
{
    struct content content;
    begin(job, NULL, size);
    content_from_memory(&content, bytes, size);
    read_content(job, &content);
    tell_end(job);
}

void job_inside(struct job *job, const char *name, const char *layer, struct content *content)
{
    const struct job_limits *limits = &job->options->limits;
    job->ops->enter(job->ops->context, name, layer);
    if (++job->depth > limits->depth && limits->depth) {
        if (!job->too_deep) /* an archive that lies too deep may have thousands of entries */
            tell_limit(job,
                       "containers are nested more deeply than is looked into, here and maybe elsewhere in the file",
                       "max-depth", limits->depth);
        job->too_deep = true;
        content_done(content);
    } else {
        read_content(job, content);
    }
    job->depth--;
    job->ops->leave(job->ops->context);
}

void job_inside_memory(struct job *job, const char *name, uint8_t *bytes, size_t size)
{
    struct content content;
    content_from_memory(&content, bytes, size);
    job_inside(job, name, NULL, &content);
}

bool job_unpacked(struct job *job, uint64_t bytes)
{
    const struct job_limits *limits = &job->options->limits;
    job->unpacked_bytes += bytes;
    if (job->stopped)
        return false;
    bool too_much = limits->unpacked_bytes && job->unpacked_bytes > limits->unpacked_bytes;
    bool too_tight = limits->ratio && job->unpacked_bytes > RATIO_FREE_BYTES &&
                     job->unpacked_bytes / limits->ratio > job->file_bytes;
    if (too_much)
        tell_limit(job, "more comes out of the file than is unpacked", "max-unpacked", limits->unpacked_bytes);
    else if (too_tight)
        tell_limit(job, "more comes out of each byte of the file than is unpacked", "max-ratio", limits->ratio);
    return !too_much && !too_tight;
}

void job_abandon(struct job *job, uint64_t bytes)
{
    job->unpacked_bytes -= bytes;
    if (!job->stopped && ++job->abandoned == ABANDONED_MAX) {
        job->stopped = true;
        tell_limit(job, "too many entries had to be given up; no more are unpacked", "entries", ABANDONED_MAX);
    }
}

bool job_entry(struct job *job)
{
    const struct job_limits *limits = &job->options->limits;
    if (!job->stopped && limits->entries && ++job->entries > limits->entries) {
        job->stopped = true;
        tell_limit(job, "the file has more entries than are read", "max-entries", limits->entries);
    }
    return !job->stopped;
}

bool job_memory_left(struct job *job)
{
    bool left = memory_left(&job->memory);
    if (!left && !job->stopped)
        tell_limit(job, "unpacking takes more memory than is given to it", "bytes", MEMORY_GROWTH_BYTES);
    return left;
}

bool job_late(const struct job *job)
{
    uint64_t parts = 1 + job->file_bytes / JOB_TIME_BYTES, limit_ms = job->options->limits.time_ms;
    return limit_ms && (uint64_t)(clock_monotonic_ms() - job->began_ms) / parts >= limit_ms;
}

bool job_pulse(struct job *job)
{
    bool interrupted = job->ops->pulse(job->ops->context);
    job->late = job->late || job_late(job);
    job->interrupted = job->interrupted || interrupted;
    job->stopped = job->stopped || job->late || interrupted;
    return job->late || interrupted;
}

void job_problem(struct job *job, const char *format, const char *entry, enum record_error error, const char *detail)
{
    job->unfinished = job->unfinished || error == RECORD_ERROR_TIMEOUT;
    job->ops->problem(job->ops->context, &(struct found_problem){format, entry, error, detail});
}
