/* Drives a decoder: bytes of a content in, bytes of another out, one stream behind the other as gzip(1) reads them.
 *
 * Owns the input buffer and the decoder. packed.c makes one for each compressed file. */
#include "scanner/crawl/formats/expand.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { MAGIC_BYTES = 32 /* what an identify() wants to see of a stream that follows */ };

void expand_init(struct expand *expand, struct job *job, struct content *packed, const struct expand_codec *codec)
{
    *expand = (struct expand){.job = job, .packed = packed, .codec = codec};
    expand->in = cm_calloc(1, EXPAND_IN_BYTES);
}

static void end_stream(struct expand *expand)
{
    if (expand->state)
        expand->codec->end(expand->state);
    expand->state = NULL;
}

void expand_done(struct expand *expand)
{
    end_stream(expand);
    OPENSSL_cleanse(expand->in, EXPAND_IN_BYTES); /* what does not pack well is stored as it is */
    free(expand->in);
}

/* At least so many bytes of input, as far as there are; false: there are none. */
static bool fill(struct expand *expand, size_t least)
{
    memmove(expand->in, expand->in + expand->at, expand->filled - expand->at);
    expand->filled -= expand->at;
    expand->at = 0;
    while (expand->filled < least) {
        ssize_t got = content_read(expand->packed, expand->in + expand->filled, EXPAND_IN_BYTES - expand->filled);
        if (got <= 0)
            break;
        expand->filled += (size_t)got;
    }
    return expand->filled > 0;
}

/* Over the zeros with which files are padded; false: nothing follows. */
static bool find_next(struct expand *expand)
{
    while (expand->at < expand->filled || fill(expand, 1)) {
        while (expand->at < expand->filled && !expand->in[expand->at])
            expand->at++;
        if (expand->at < expand->filled)
            return fill(expand, MAGIC_BYTES);
        if (job_pulse(expand->job))
            return false;
    }
    return false;
}

/* The next stream, or the end of the content. */
static int next_stream(struct expand *expand, struct content *content)
{
    bool first = !expand->came_out && !expand->packed->at;
    if (!first && (!find_next(expand) || !expand->codec->identify((struct slice){expand->in, expand->filled}))) {
        expand->ended = true;
        return 0;
    }
    expand->state = expand->codec->begin(memory_room(&expand->job->memory));
    if (!expand->state)
        return (int)content_fail(content, RECORD_ERROR_LIMIT,
                                 "unpacking it takes more memory than is given to one file");
    return 0;
}

/* Some output: how much; 0: call again, or it has ended; -1. */
static ssize_t step(struct expand *expand, struct content *content, void *out, size_t size)
{
    struct expand_flow flow = {.out = out, .out_size = size};
    if (expand->at == expand->filled && !fill(expand, 1)) {
        if (expand->packed->failed)
            return content_fail(content, RECORD_ERROR_NONE, NULL); /* the outer content tells */
        /* Decoders keep some output back; this asks for it. */
    }
    flow.in = expand->in + expand->at;
    flow.in_size = expand->filled - expand->at;
    size_t had = flow.in_size;
    memory_fence(&expand->job->memory);
    enum expand_result result = expand->codec->step(expand->state, &flow);
    memory_unfence(&expand->job->memory);
    expand->at += had - flow.in_size;
    ssize_t got = (ssize_t)(size - flow.out_size);
    if (result == EXPAND_END)
        end_stream(expand);
    else if (result == EXPAND_MEMORY)
        return content_fail(content, RECORD_ERROR_LIMIT, "unpacking it takes more memory than is given to one file");
    expand->damaged = expand->damaged || result == EXPAND_DAMAGED;
    if (!got && result == EXPAND_DAMAGED)
        return content_fail(content, RECORD_ERROR_MALFORMED, "the compressed data are damaged");
    if (!got && !had)
        return content_fail(content, RECORD_ERROR_MALFORMED, "the compressed data are cut off");
    return got;
}

ssize_t expand_source(void *context, struct content *content, void *out, size_t size)
{
    struct expand *expand = context;
    ssize_t got = 0;
    while (!got && !expand->ended) {
        if (job_pulse(expand->job) || !job_memory_left(expand->job))
            return content_fail(content, RECORD_ERROR_NONE, NULL);
        if (!expand->state && next_stream(expand, content))
            return -1;
        if (expand->state)
            got = step(expand, content, out, size);
    }
    if (got <= 0)
        return got;
    expand->came_out += (uint64_t)got;
    if (!job_unpacked(expand->job, (uint64_t)got)) {
        expand->too_much = expand->ended = true;
        return content_fail(content, RECORD_ERROR_NONE, NULL);
    }
    return got;
}

bool expand_rest(struct expand *expand)
{
    return expand->ended && !expand->too_much && !expand->job->stopped && expand->at < expand->filled;
}

ssize_t expand_rest_source(void *context, struct content *content, void *out, size_t size)
{
    struct expand *expand = context;
    if (expand->at == expand->filled && !fill(expand, 1))
        return expand->packed->failed ? content_fail(content, RECORD_ERROR_NONE, NULL) : 0;
    size_t left = expand->filled - expand->at, count = left < size ? left : size;
    memcpy(out, expand->in + expand->at, count);
    expand->at += count;
    return (ssize_t)count;
}
