/* Keyed permutations of an index space. */
#include "scanner/scan/permute.h"

enum { ROUNDS = 4 };

uint64_t mix64(uint64_t value, uint64_t key)
{
    value ^= key;
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 33;
    return value;
}

void permute_init(struct permute *permute, uint64_t count, uint64_t key)
{
    permute->count = count;
    permute->key = key;
    permute->half_bits = 1;
    while (permute->half_bits < 31 && 1ULL << 2 * permute->half_bits < count)
        permute->half_bits++;
}

uint64_t permute_at(const struct permute *permute, uint64_t index)
{
    uint64_t mask = (1ULL << permute->half_bits) - 1;
    if (permute->count <= 1)
        return 0;
    do {
        uint64_t left = index >> permute->half_bits, right = index & mask;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint64_t next = left ^ (mix64(right + (round << 32), permute->key) & mask);
            left = right;
            right = next;
        }
        index = left << permute->half_bits | right;
    } while (index >= permute->count);
    return index;
}
