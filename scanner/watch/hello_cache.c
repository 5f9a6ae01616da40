/* A direct-mapped memory of fingerprints, one per thread. Its key is a keyed hash over everything that either fingerprint is made of: list contents, the types of
 * extensions, and whether there is a server name, not which. */
#include "scanner/watch/hello_cache.h"

#include <string.h>
#include <sys/random.h>

#include "scanner/watch/hash.h"

enum { ROWS = 4096, EXTENSION_NAME = 0 };

struct row {
    uint64_t key; /* 0: empty */
    char ja3[JA3_SIZE], ja4[JA4_SIZE];
};

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
