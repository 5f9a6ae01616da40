/* Memories of fingerprints, one per thread and side: sets of a few rows, of which a new one takes an empty one or any. Their keys are keyed hashes over everything that a fingerprint is made of: list contents, the
 * types of extensions, and whether there is a server name, not which. */
#include "scanner/watch/hello_cache.h"

#include <string.h>
#include <sys/random.h>

#include "scanner/watch/hash.h"

enum { SETS = 1024, SERVER_SETS = 256, WAYS = 4 };

struct row {
    uint64_t key; /* 0: empty */
    char ja3[JA3_SIZE], ja4[JA4_SIZE];
};

struct server_row {
    uint64_t key;
    char ja3s[JA3_SIZE];
};

static uint64_t get_secret(void)
{
    static _Thread_local uint64_t secret;
    if (secret == 0 && (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret || secret == 0))
        secret = (uintptr_t)&secret | 1;
    return secret;
}

static uint64_t hash_slice(uint64_t hash, struct slice bytes, uint64_t secret)
{
    return hash_bytes(hash, bytes.data, bytes.size, secret);
}

static uint64_t hash_types(uint64_t hash, struct slice list, uint64_t secret)
{
    struct cursor extensions, data;
    uint16_t type;
    cursor_init_slice(&extensions, list);
    while (cursor_u16(&extensions, &type) == 0 && cursor_vector16(&extensions, &data) == 0)
        hash = hash_word(hash, type, secret);
    return hash;
}

static uint64_t key_of(const struct tls_client_hello *hello, enum observed_transport transport)
{
    uint64_t secret = get_secret(), hash = hash_word(transport, hello->legacy_version, secret);
    hash = hash_slice(hash, hello->suites, secret);
    hash = hash_slice(hash, hello->alpn, secret);
    hash = hash_slice(hash, hello->groups, secret);
    hash = hash_slice(hash, hello->point_formats, secret);
    hash = hash_slice(hash, hello->signature_algorithms, secret);
    hash = hash_slice(hash, hello->supported_versions, secret);
    hash = hash_types(hash, hello->extensions, secret);
    hash = hash_word(hash, hello->name.size > 0, secret);
    return hash ? hash : 1;
}

/* Which row of the set to look at: its own, an empty one, or one that somebody else has to leave. Keys stand at the start of rows of `size` bytes. */
static void *row_of(void *set, size_t size, uint64_t key)
{
    uint8_t *rows = set, *empty = NULL;
    for (size_t way = 0; way < WAYS; way++) {
        uint64_t there;
        memcpy(&there, rows + way * size, sizeof there);
        if (there == key)
            return rows + way * size;
        if (there == 0 && !empty)
            empty = rows + way * size;
    }
    return empty ? empty : rows + (key >> 62) % WAYS * size;
}

void hello_cache_client(const struct tls_client_hello *hello, enum observed_transport transport,
                        char ja3[static JA3_SIZE], char ja4[static JA4_SIZE])
{
    static _Thread_local struct row rows[SETS][WAYS];
    uint64_t key = key_of(hello, transport);
    struct row *row = row_of(rows[key % SETS], sizeof **rows, key);
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
    static _Thread_local struct server_row rows[SERVER_SETS][WAYS];
    uint64_t secret = get_secret();
    uint64_t key = hash_types(hash_word(hello->legacy_version, hello->cipher, secret), hello->extensions, secret) | 1;
    struct server_row *row = row_of(rows[(key >> 32) % SERVER_SETS], sizeof **rows, key);
    if (row->key != key) {
        ja3s_write(hello, row->ja3s);
        row->key = key;
    }
    memcpy(ja3s, row->ja3s, JA3_SIZE);
}
