/* A direct-mapped memory of fingerprints, one per thread. Its key is a keyed hash over everything that either fingerprint is made of: list contents, the types of
 * extensions, and whether there is a server name, not which. */
#include "scanner/watch/hello_cache.h"

#include <string.h>
#include <sys/random.h>

enum { ROWS = 4096, EXTENSION_NAME = 0 };

struct row {
    uint64_t key; /* 0: empty */
    char ja3[JA3_SIZE], ja4[JA4_SIZE];
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, struct slice bytes)
{
    hash = mix(hash, bytes.size);
    for (size_t at = 0; at < bytes.size; at += sizeof hash) {
        uint64_t word = 0;
        size_t left = bytes.size - at;
        memcpy(&word, bytes.data + at, left < sizeof word ? left : sizeof word);
        hash = mix(hash, word);
    }
    return hash;
}

static uint64_t key_of(const struct tls_client_hello *hello, enum observed_transport transport, uint64_t seed)
{
    struct cursor extensions, data;
    uint16_t type;
    uint64_t hash = mix(mix(seed, transport), hello->legacy_version);
    hash = mix_bytes(hash, hello->suites);
    hash = mix_bytes(hash, hello->alpn);
    hash = mix_bytes(hash, hello->groups);
    hash = mix_bytes(hash, hello->point_formats);
    hash = mix_bytes(hash, hello->signature_algorithms);
    hash = mix_bytes(hash, hello->supported_versions);
    cursor_init_slice(&extensions, hello->extensions);
    while (cursor_u16(&extensions, &type) == 0 && cursor_vector16(&extensions, &data) == 0)
        hash = mix(hash, type);
    hash = mix(hash, hello->name.size > 0);
    return hash ? hash : 1;
}

void hello_cache_client(const struct tls_client_hello *hello, enum observed_transport transport,
                        char ja3[static JA3_SIZE], char ja4[static JA4_SIZE])
{
    static _Thread_local struct row rows[ROWS];
    static _Thread_local uint64_t seed;
    if (seed == 0 && (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed || seed == 0))
        seed = (uintptr_t)rows | 1;
    uint64_t key = key_of(hello, transport, seed);
    struct row *row = &rows[key % ROWS];
    if (row->key != key) {
        ja3_write(hello, row->ja3);
        ja4_write(hello, transport == OBSERVED_QUIC ? 'q' : transport == OBSERVED_DTLS ? 'd' : 't', row->ja4);
        row->key = key;
    }
    memcpy(ja3, row->ja3, JA3_SIZE);
    memcpy(ja4, row->ja4, JA4_SIZE);
}
