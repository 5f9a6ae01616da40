/* Direct-mapped memories of fingerprints, one per thread and side. Their keys are keyed hashes over everything that a fingerprint is made of: list contents, the
 * types of extensions, and whether there is a server name, not which. */
#include "scanner/watch/hello_cache.h"

#include <string.h>
#include <sys/random.h>

<<<<<<< HEAD
enum { ROWS = 4096, SERVER_ROWS = 1024 };
=======
#include "scanner/watch/hash.h"

enum { ROWS = 4096, EXTENSION_NAME = 0 };
>>>>>>> fe2977d1af0a8c8e7521cdf5d8de29c83eed45b2

struct row {
    uint64_t key; /* 0: empty */
    char ja3[JA3_SIZE], ja4[JA4_SIZE];
};

<<<<<<< HEAD
struct server_row {
    uint64_t key;
    char ja3s[JA3_SIZE];
};

static uint64_t get_seed(void)
{
    static _Thread_local uint64_t seed;
    if (seed == 0 && (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed || seed == 0))
        seed = (uintptr_t)&seed | 1;
    return seed;
}

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

static uint64_t mix_types(uint64_t hash, struct slice list)
{
    struct cursor extensions, data;
    uint16_t type;
    cursor_init_slice(&extensions, list);
    while (cursor_u16(&extensions, &type) == 0 && cursor_vector16(&extensions, &data) == 0)
        hash = mix(hash, type);
    return hash;
}

static uint64_t key_of(const struct tls_client_hello *hello, enum observed_transport transport)
{
    uint64_t hash = mix(mix(get_seed(), transport), hello->legacy_version);
    hash = mix_bytes(hash, hello->suites);
    hash = mix_bytes(hash, hello->alpn);
    hash = mix_bytes(hash, hello->groups);
    hash = mix_bytes(hash, hello->point_formats);
    hash = mix_bytes(hash, hello->signature_algorithms);
    hash = mix_bytes(hash, hello->supported_versions);
    hash = mix(mix_types(hash, hello->extensions), hello->name.size > 0);
=======
static uint64_t key_of(const struct tls_client_hello *hello, enum observed_transport transport, uint64_t secret)
{
    struct cursor extensions, data;
    uint16_t type;
    uint64_t hash = hash_word(transport, hello->legacy_version, secret);
    hash = hash_bytes(hash, hello->suites.data, hello->suites.size, secret);
    hash = hash_bytes(hash, hello->alpn.data, hello->alpn.size, secret);
    hash = hash_bytes(hash, hello->groups.data, hello->groups.size, secret);
    hash = hash_bytes(hash, hello->point_formats.data, hello->point_formats.size, secret);
    hash = hash_bytes(hash, hello->signature_algorithms.data, hello->signature_algorithms.size, secret);
    hash = hash_bytes(hash, hello->supported_versions.data, hello->supported_versions.size, secret);
    cursor_init_slice(&extensions, hello->extensions);
    while (cursor_u16(&extensions, &type) == 0 && cursor_vector16(&extensions, &data) == 0)
        hash = hash_word(hash, type, secret);
    hash = hash_word(hash, hello->name.size > 0, secret);
>>>>>>> fe2977d1af0a8c8e7521cdf5d8de29c83eed45b2
    return hash ? hash : 1;
}

void hello_cache_client(const struct tls_client_hello *hello, enum observed_transport transport,
                        char ja3[static JA3_SIZE], char ja4[static JA4_SIZE])
{
    static _Thread_local struct row rows[ROWS];
    uint64_t key = key_of(hello, transport);
    struct row *row = &rows[key % ROWS];
    if (row->key != key) {
        ja3_write(hello, row->ja3);
        ja4_write(hello, transport == OBSERVED_QUIC ? 'q' : transport == OBSERVED_DTLS ? 'd' : 't', row->ja4);
        row->key = key;
    }
    memcpy(ja3, row->ja3, JA3_SIZE);
    memcpy(ja4, row->ja4, JA4_SIZE);
}

void hello_cache_server(const struct tls_server_hello *hello, char ja3s[static JA3_SIZE])
{
    static _Thread_local struct server_row rows[SERVER_ROWS];
    uint64_t words = (uint64_t)hello->legacy_version << 16 | hello->cipher;
    uint64_t key = mix_types(mix(get_seed(), words), hello->extensions) | 1;
    struct server_row *row = &rows[(key >> 32) % SERVER_ROWS];
    if (row->key != key) {
        ja3s_write(hello, row->ja3s);
        row->key = key;
    }
    memcpy(ja3s, row->ja3s, JA3_SIZE);
}
