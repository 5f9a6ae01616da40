/* Whether a batch whose repeating lines were skimmed says what the same batch says with every line read whole. Used by fuzz_skim and
 * test_skim. */
#ifndef TESTS_FUZZ_COLLECTD_BATCH_COMPARE_H
#define TESTS_FUZZ_COLLECTD_BATCH_COMPARE_H

#include <stdbool.h>
#include <string.h>

#include "collector/ingest/batch.h"

static const uint8_t compare_run[CM_UUID_SIZE];

static inline int compare_read(const char *body, size_t size, bool read_whole, struct batch *out)
{
    const struct batch_options options = {
        .scanner = "s", .run = compare_run, .skew_ms = 7, .now_ms = INT64_C(1800000000000), .read_whole = read_whole};
    return batch_read(body, size, &options, out, NULL);
}

static inline bool same_text(const struct batch *a, text_ref left, const struct batch *b, text_ref right)
{
    return !left == !right && strcmp(batch_text(a, left), batch_text(b, right)) == 0;
}

static inline bool same_saying(const struct batch *a, const struct look *left, const struct batch *b,
                               const struct look *right)
{
    const struct saying *one = &a->sayings[left->saying], *two = &b->sayings[right->saying];
    return same_text(a, one->role, b, two->role) && same_text(a, one->result, b, two->result) &&
           same_text(a, one->detail, b, two->detail) && same_text(a, one->tail, b, two->tail) &&
           memcmp(one->digest, two->digest, sizeof one->digest) == 0;
}

static inline bool same_look(const struct batch *a, const struct batch *b, size_t i)
{
    const struct look *left = &a->looks[i], *right = &b->looks[i];
    return memcmp(left->location_id, right->location_id, CM_UUID_SIZE) == 0 &&
           memcmp(left->run, right->run, CM_UUID_SIZE) == 0 && memcmp(left->chain, right->chain, CM_UUID_SIZE) == 0 &&
           left->first_ms == right->first_ms && left->last_ms == right->last_ms && left->line == right->line &&
           left->line_at == right->line_at && left->kind == right->kind && left->origin == right->origin &&
           left->run_index == right->run_index && left->chain_count == right->chain_count &&
           memcmp(a->fingerprints.data + left->chain_start * CM_SHA256_SIZE,
                  b->fingerprints.data + right->chain_start * CM_SHA256_SIZE,
                  left->chain_count * CM_SHA256_SIZE) == 0 &&
           same_saying(a, left, b, right);
}

static inline bool same_rejection(const struct batch *a, const struct batch *b, size_t i)
{
    return a->rejections[i].line == b->rejections[i].line &&
           strcmp(batch_text(a, a->rejections[i].reason), batch_text(b, b->rejections[i].reason)) == 0;
}

static inline bool same_batch(const struct batch *a, const struct batch *b)
{
    bool same = a->lines == b->lines && a->skipped == b->skipped && a->look_count == b->look_count &&
                a->asset_count == b->asset_count && a->certificate_count == b->certificate_count &&
                a->run_count == b->run_count && a->origin_count == b->origin_count &&
                a->rejection_count == b->rejection_count && a->claimed_count == b->claimed_count;
    for (size_t i = 0; same && i < a->look_count; i++)
        same = same_look(a, b, i);
    for (size_t i = 0; same && i < a->rejection_count; i++)
        same = same_rejection(a, b, i);
    for (size_t i = 0; same && i < a->run_count; i++)
        same = memcmp(a->runs[i].run, b->runs[i].run, CM_UUID_SIZE) == 0 && a->runs[i].origin == b->runs[i].origin &&
               same_text(a, a->runs[i].source, b, b->runs[i].source);
    return same;
}

#endif
