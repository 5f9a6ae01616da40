/* Any bytes as a file of the disk: through the table of formats with ceilings that keep a run short. What is told is checked for sense. */
#ifndef TESTS_FUZZ_CRAWL_FUZZED_JOB_H
#define TESTS_FUZZ_CRAWL_FUZZED_JOB_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/crawl/job.h"

static int fuzzed_depth;

static void fuzzed_chain(void *context, const struct found_chain *chain)
{
    (void)context;
    if (!chain->count || !chain->format || !chain->entry)
        abort();
    for (size_t i = 0; i < chain->count; i++)
        if (!chain->der[i].size || chain->der[i].data[0] != 0x30)
            abort();
}
static void fuzzed_key(void *context, const struct found_key *key)
{
    (void)context;
    if (!key->kind || !key->entry[0])
        abort();
}
static void fuzzed_der(void *context, const struct found_der *found)
{
    (void)context;
    if (!found->der.size || found->der.data[0] != 0x30)
        abort();
}
static void fuzzed_ssh(void *context, const struct found_ssh_certificate *certificate)
{
    (void)context;
    if (!certificate->blob.size)
        abort();
}
static void fuzzed_store(void *context, const struct found_store *store)
{
    (void)context;
    if (!store->format || !store->integrity)
        abort();
}
static void fuzzed_problem(void *context, const struct found_problem *problem)
{
    (void)context;
    if (!problem->detail || problem->error == RECORD_ERROR_NONE)
        abort();
}
static void fuzzed_enter(void *context, const char *name, const char *layer)
{
    (void)context;
    (void)layer;
    fuzzed_depth++;
    if (name && strlen(name) > 1 << 20)
        abort();
}
static void fuzzed_leave(void *context)
{
    (void)context;
    if (--fuzzed_depth < 0)
        abort();
}
static bool fuzzed_beside(void *context, const char *ending)
{
    (void)context;
    return ending[0] == '.';
}
static bool fuzzed_pulse(void *context)
{
    (void)context;
    return false;
}

static const struct found_ops fuzzed_ops = {.chain = fuzzed_chain,
                                            .key = fuzzed_key,
                                            .request = fuzzed_der,
                                            .crl = fuzzed_der,
                                            .ssh_certificate = fuzzed_ssh,
                                            .store = fuzzed_store,
                                            .problem = fuzzed_problem,
                                            .enter = fuzzed_enter,
                                            .leave = fuzzed_leave,
                                            .beside = fuzzed_beside,
                                            .pulse = fuzzed_pulse};

static char *fuzzed_words[] = {NULL, (char *)"", (char *)"changeit"};
static const struct passwords fuzzed_passwords = {fuzzed_words, 3};
static const struct job_options fuzzed_options = {&fuzzed_passwords,
                                                  {.depth = 6,
                                                   .unpacked_bytes = 1 << 24,
                                                   .entries = 1000,
                                                   .ratio = 1000,
                                                   .memory_bytes = 1 << 24,
                                                   .max_iterations = 64}};

/* bytes are copied: readers may overwrite them. */
static inline void fuzzed_job(const uint8_t *data, size_t size)
{
    struct job job;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    job_memory(&job, copy, size);
    job_done(&job);
    free(copy);
    if (fuzzed_depth)
        abort();
}

#endif
