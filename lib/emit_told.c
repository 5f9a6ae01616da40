/* Which certificates a run has told already: 33 bytes each, and a doubling table. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "certmuster/error.h"
#include "lib/emit_private.h"

enum { TOLD_MAX = 1 << 24, TOLD_FIRST = 1 << 10 };

void told_init(struct told *told)
{
    *told = (struct told){.seed = 0x9E3779B97F4A7C15u};
    if (getrandom(&told->seed, sizeof told->seed, GRND_NONBLOCK) < 0)
        told->seed ^= (uint64_t)(uintptr_t)told;
}

void told_done(struct told *told)
{
    free(told->slots);
    free(told->used);
    told->slots = NULL;
    told->used = NULL;
    told->count = told->capacity = 0;
}

static size_t find_slot(const struct told *told, const uint8_t *sha256)
{
    uint64_t a, b;
    memcpy(&a, sha256, sizeof a);
    memcpy(&b, sha256 + 16, sizeof b);
    uint64_t hash = (a ^ told->seed) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ hash >> 32 ^ b) * 0xC4CEB9FE1A85EC53u;
    size_t at = (size_t)(hash ^ hash >> 29) & (told->capacity - 1);
    while (told->used[at] && memcmp(told->slots[at], sha256, CM_SHA256_SIZE) != 0)
        at = (at + 1) & (told->capacity - 1);
    return at;
}

static void grow(struct told *told)
{
    struct told bigger = {.seed = told->seed, .count = told->count};
    bigger.capacity = told->capacity ? told->capacity * 2 : TOLD_FIRST;
    bigger.slots = cm_malloc(bigger.capacity * sizeof *bigger.slots);
    bigger.used = cm_calloc(bigger.capacity, 1);
    for (size_t i = 0; i < told->capacity; i++) {
        if (!told->used[i])
            continue;
        size_t at = find_slot(&bigger, told->slots[i]);
        bigger.used[at] = 1;
        memcpy(bigger.slots[at], told->slots[i], CM_SHA256_SIZE);
    }
    told_done(told);
    *told = bigger;
}

bool told_add(struct told *told, const uint8_t sha256[static CM_SHA256_SIZE])
{
    if (told->count * 2 >= told->capacity && told->count < TOLD_MAX)
        grow(told);
    size_t at = find_slot(told, sha256);
    if (told->used[at])
        return false;
    if (told->count >= TOLD_MAX)
        return true;
    told->used[at] = 1;
    memcpy(told->slots[at], sha256, CM_SHA256_SIZE);
    told->count++;
    return true;
}
