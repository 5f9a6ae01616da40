/* Content-addressed identities: what a place, a chain and a run are called on every machine alike.
 *
 * Owns the one fetched SHA-256 of the process and each thread's context. The collector, the scanners and the tests call it. */
#include "certmuster/ids.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "certmuster/timefmt.h"

/* Fetching by name at every call costs more than hashing a certificate does, and making a context nearly as much: the algorithm is kept for
 * the life of the process, a context for that of its thread. */
static EVP_MD *sha256;
static pthread_key_t contexts; /* frees a thread's context when the thread ends */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static _Thread_local EVP_MD_CTX *own_context;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256 || pthread_key_create(&contexts, free_context) != 0)
        abort(); /* an OpenSSL without SHA-256 cannot do anything that we are for */
}

/* One hash at a time in each thread. */
struct hash {
    EVP_MD_CTX *context;
};

static void hash_init(struct hash *hash)
{
    if (!own_context) {
        pthread_once(&sha256_once, fetch_sha256);
        own_context = EVP_MD_CTX_new();
        if (!own_context || pthread_setspecific(contexts, own_context) != 0)
            abort(); /* out of memory */
    }
    hash->context = own_context;
    if (!EVP_DigestInit_ex2(hash->context, sha256, NULL))
        abort();
}

static void hash_add(struct hash *hash, const void *bytes, size_t size)
{
    EVP_DigestUpdate(hash->context, bytes, size);
}

/* A string with its NUL; NULL counts as "". */
static void hash_string(struct hash *hash, const char *text)
{
    text = text ? text : "";
    hash_add(hash, text, strlen(text) + 1);
}

static void hash_done(struct hash *hash, uint8_t *out, size_t size)
{
    uint8_t digest[CM_SHA256_SIZE];
    EVP_DigestFinal_ex(hash->context, digest, NULL);
    memcpy(out, digest, size);
}

void sha256_bytes(const void *bytes, size_t size, uint8_t out[static CM_SHA256_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_add(&hash, bytes, size);
    hash_done(&hash, out, CM_SHA256_SIZE);
}

void location_id_endpoint(const char *realm, const char *transport, const char *ip, unsigned port, const char *name,
                          uint8_t out[static CM_UUID_SIZE])
{
    char port_text[12];
    snprintf(port_text, sizeof port_text, "%u", port);
    struct hash hash;
    hash_init(&hash);
    hash_string(&hash, "endpoint");
    hash_string(&hash, realm);
    hash_string(&hash, transport);
    hash_string(&hash, ip);
    hash_string(&hash, port_text);
    hash_string(&hash, name);
    hash_done(&hash, out, CM_UUID_SIZE);
}

void location_id_file(const char *realm, const char *host, const char *path, const char *inner, const char *entry,
                      uint8_t out[static CM_UUID_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_string(&hash, "file");
    hash_string(&hash, realm);
    hash_string(&hash, host);
    hash_string(&hash, path);
    hash_string(&hash, inner);
    hash_string(&hash, entry);
    hash_done(&hash, out, CM_UUID_SIZE);
}

void chain_id(const uint8_t (*fingerprints)[CM_SHA256_SIZE], size_t count, uint8_t out[static CM_UUID_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    for (size_t i = 0; i < count; i++)
        hash_add(&hash, fingerprints[i], CM_SHA256_SIZE);
    hash_done(&hash, out, CM_UUID_SIZE);
}

void uuid_v7(uint8_t out[static CM_UUID_SIZE])
{
    uint64_t ms = (uint64_t)clock_wall_ms();
    if (getrandom(out, CM_UUID_SIZE, 0) != CM_UUID_SIZE)
        abort(); /* cannot happen for 16 bytes on a booted system; two runs of one name would be worse */
    for (unsigned i = 0; i < 6; i++)
        out[i] = (uint8_t)(ms >> (40 - 8 * i));
    out[6] = (uint8_t)(0x70 | (out[6] & 0x0F));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3F));
}

void uuid_write(char out[static CM_UUID_TEXT_SIZE], const uint8_t id[static CM_UUID_SIZE])
{
    static const unsigned starts[] = {0, 4, 6, 8, 10, 16}; /* bytes of the five groups */
    char *at = out;
    for (unsigned group = 0; group < 5; group++) {
        unsigned size = starts[group + 1] - starts[group];
        if (group)
            *at++ = '-';
        hex_write(at, id + starts[group], size);
        at += (size_t)2 * size;
    }
}

int uuid_read(const char *text, uint8_t out[static CM_UUID_SIZE])
{
    char digits[2 * CM_UUID_SIZE];
    size_t count = 0;
    if (strlen(text) != CM_UUID_TEXT_SIZE - 1)
        return CM_EMALFORMED;
    for (unsigned i = 0; i < CM_UUID_TEXT_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-'))
            return CM_EMALFORMED;
        if (!dash)
            digits[count++] = text[i];
    }
    return hex_read(digits, sizeof digits, out, CM_UUID_SIZE);
}
