/* A permutation of 0 … count-1 that needs no memory: so that a sweep walks a large range in an order that spreads over it, each
 * number once. A keyed Feistel network over the next even power of two, walked until it lands inside (cycle walking). */
#ifndef SCANNER_SCAN_PERMUTE_H
#define SCANNER_SCAN_PERMUTE_H

#include <stdint.h>

struct permute {
    uint64_t count;
    uint64_t key;
    unsigned half_bits;
};

/* count from 1 to 2^62. */
void permute_init(struct permute *permute, uint64_t count, uint64_t key);
uint64_t permute_at(const struct permute *permute, uint64_t index); /* index < count */

/* A well-mixed 64-bit value of two (the finaliser of MurmurHash3 over both); not secret-proof on its own, so give it a random key. */
uint64_t mix64(uint64_t value, uint64_t key);

#endif
