/* A keyed hash for tables whose keys others choose: addresses, names, hellos, randoms. Without the secret nobody can tell which keys meet, neither in a bucket nor as a
 * whole; a product alone would not do, because differences in its upper bits never come down. */
#ifndef SCANNER_WATCH_HASH_H
#define SCANNER_WATCH_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All 128 bits of a product, folded, as in wyhash. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* secret: random, the same for a whole hash. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word, uint64_t secret)
{
    return hash_fold(hash ^ word, secret | 1) + secret;
}

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size, uint64_t secret)
{
    const uint8_t *at = bytes;
    for (hash = hash_word(hash, size, secret); size > 0;) {
        uint64_t word = 0;
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, at, part);
        hash = hash_word(hash, word, secret);
        at += part;
        size -= part;
    }
    return hash;
}

#endif
