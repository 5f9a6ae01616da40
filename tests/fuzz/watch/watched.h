/* What the fuzz targets of watch share: numbers taken off the input, an observer that reads everything it is lent, and bounds that hold for whatever comes in. */
#ifndef TESTS_FUZZ_WATCH_WATCHED_H
#define TESTS_FUZZ_WATCH_WATCHED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cursor.h"
#include "certmuster/limits.h"
#include "scanner/watch/session.h"
#include "scanner/watch/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct cursor at;
};

static inline struct input input_of(const uint8_t *data, size_t size)
{
    struct input input;
    cursor_init(&input.at, data, size);
    return input;
}

static inline uint8_t take_byte(struct input *input)
{
    uint8_t value = 0;
    return cursor_u8(&input->at, &value) ? 0 : value;
}

static inline uint16_t take_u16(struct input *input)
{
    uint16_t value = 0;
    return cursor_u16(&input->at, &value) ? take_byte(input) : value;
}

/* At most so many bytes, copied to where AddressSanitizer sees what is read past them: free() it. */
static inline uint8_t *take_copy(struct input *input, size_t most, struct slice *out)
{
    size_t size = cursor_left(&input->at) < most ? cursor_left(&input->at) : most;
    struct slice slice = {NULL, 0};
    if (cursor_slice(&input->at, size, &slice))
        abort();
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, slice.data, size);
    *out = (struct slice){copy, size};
    return copy;
}

static inline void hold(bool condition)
{
    if (!condition)
        abort();
}

/* Reads every byte, so that AddressSanitizer sees what lies outside. */
static inline void touch(struct slice bytes)
{
    unsigned sum = 0;
    for (size_t i = 0; i < bytes.size; i++)
        sum += bytes.data[i];
    __asm__ volatile("" : : "r"(sum));
}

/* An observed_fn: goes through all that tell.h would. context: a counter, or NULL. */
static inline void watch_observed(const struct observed *observed, void *context)
{
    static uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    hold(observed->chain_count <= CM_LIMIT_CHAIN_CERTS);
    hold((observed->kind == OBSERVED_HIDDEN) == (observed->chain_count == 0));
    for (size_t i = 0; i < observed->chain_count; i++) {
        hold(observed->chain[i].size > 0 && observed->chain[i].size <= CM_LIMIT_CERT_BYTES);
        touch(observed->chain[i]);
        memset(chain[i], observed->chain[i].data[0], CM_SHA256_SIZE);
    }
    struct summary *summary = summary_new(observed, (const uint8_t(*)[CM_SHA256_SIZE])chain);
    hold(strlen(summary->name) < SUMMARY_NAME_SIZE && summary->size < 65536);
    (void)summary_version(summary);
    free(summary);
    if (context)
        ++*(size_t *)context;
}

static const struct place watch_places[2] = {{.ip = {192, 0, 2, 1}, .port = 40000, .family = 4},
                                             {.ip = {198, 51, 100, 2}, .port = 443, .family = 4}};

#endif
