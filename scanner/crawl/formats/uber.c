/* UBER, BouncyCastle's keystore without anything in the clear:
 *
 *     u32 version (1), data salt, u32 iterations, Twofish-256-CBC (entries (bks_entries.c) | SHA-1 of them)
 *
 * Key and vector come from a password by PKCS#12's derivation. A password is right when the decryption begins as an entry does, or is none with the
 * right digest: so damage further behind costs the entries that it hit and no more, and integrity is then "bad". A store that no password of the list
 * opens is told with what is known of it. bks.c calls it for what begins as BKS and does not go on so. */
#include <stdio.h>
#include <string.h>

#include <nettle/cbc.h>
#include <nettle/twofish.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "scanner/crawl/formats/bks_entries.h"

enum { KEY_BYTES = 32, BLOCK_BYTES = TWOFISH_BLOCK_SIZE, HEAD_BYTES = 64 * BLOCK_BYTES, KEY_ID = 1, VECTOR_ID = 2 };

bool uber_begins(const struct bks_head *head)
{
    enum { ITERATIONS_MAX = 1 << 20 }; /* BouncyCastle takes 1024 to 2047 */
    return head->version <= 1 && head->salt.size == BKS_SALT_BYTES && head->iterations > 0 &&
           head->iterations <= ITERATIONS_MAX;
}

struct opening {
    struct bks_head head;
    uint8_t *sealed; /* whole blocks */
    size_t size;
    bool whole; /* no part of a block trailed them */
    struct twofish_ctx cipher;
    uint8_t vector[BLOCK_BYTES];
};

static void decrypt(const struct opening *opening, uint8_t *out, size_t size)
{
    uint8_t vector[BLOCK_BYTES]; /* nettle moves it on */
    memcpy(vector, opening->vector, sizeof vector);
    cbc_decrypt(&opening->cipher, (nettle_cipher_func *)twofish_decrypt, BLOCK_BYTES, vector, size, out,
                opening->sealed);
}

static bool digest_fits(struct slice entries, const uint8_t *digest)
{
    uint8_t own[EVP_MAX_MD_SIZE];
    return EVP_Digest(entries.data, entries.size, own, NULL, EVP_sha1(), NULL) &&
           CRYPTO_memcmp(own, digest, BKS_DIGEST_BYTES) == 0;
}

static bool fits(void *context, const struct java_password *password)
{
    struct opening *opening = context;
    uint8_t key[KEY_BYTES], begin[HEAD_BYTES];
    size_t size = opening->size < sizeof begin ? opening->size : sizeof begin;
    struct cursor cursor;
    if (!bks_derive(&opening->head, password, KEY_ID, key, sizeof key) ||
        !bks_derive(&opening->head, password, VECTOR_ID, opening->vector, sizeof opening->vector))
        return false;
    twofish256_set_key(&opening->cipher, key);
    decrypt(opening, begin, size);
    cursor_init(&cursor, begin, size);
    bool empty = size > BKS_DIGEST_BYTES && begin[0] == 0 && digest_fits((struct slice){begin, 1}, begin + 1);
    bool right = empty || bks_is_entry(cursor);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(begin, sizeof begin);
    return right;
}

const char *uber_read_opened(struct keystore *store, struct slice plain, bool whole)
{
    struct cursor cursor;
    struct slice digest;
    cursor_init_slice(&cursor, plain);
    if (!whole)
        keystore_damage(store, true, "it is cut");
    if (!bks_read_entries(store, &cursor))
        return "unchecked";
    struct slice entries = {plain.data, cursor_offset(&cursor)};
    if (!cursor_slice(&cursor, BKS_DIGEST_BYTES, &digest) && digest_fits(entries, digest.data))
        return "ok";
    keystore_damage(store, true, "its digest is not that of its entries");
    return "bad";
}

static void tell_closed(struct keystore *store, const struct opening *opening, enum keystore_try tried)
{
    char detail[128];
    if (tried == KEYSTORE_NO_TIME) {
        keystore_problem(store, true, RECORD_ERROR_TIMEOUT, "not all passwords could be tried in time");
        return;
    }
    snprintf(detail, sizeof detail,
             "no password of the list opens it: Twofish-256-CBC, PKCS#12 key derivation with SHA-1, %u iterations",
             (unsigned)opening->head.iterations);
    keystore_problem(store, true, RECORD_ERROR_PASSWORD, detail);
    if (!opening->whole)
        keystore_damage(store, true, "it is cut");
}

static const char *open_store(struct keystore *store, struct opening *opening)
{
    if (opening->head.iterations > store->job->options->limits.max_iterations) {
        keystore_problem(store, true, RECORD_ERROR_TOO_LARGE, "its key derivation asks for too many iterations");
        return "unchecked";
    }
    enum keystore_try tried = keystore_try_passwords(store, fits, opening);
    if (tried != KEYSTORE_FITS) {
        tell_closed(store, opening, tried);
        return "unchecked";
    }
    decrypt(opening, opening->sealed, opening->size);
    return uber_read_opened(store, (struct slice){opening->sealed, opening->size}, opening->whole);
}

void uber_read(struct job *job, uint8_t *bytes, size_t size)
{
    struct keystore store;
    struct opening opening;
    struct cursor cursor;
    const char *integrity = "unchecked";
    cursor_init(&cursor, bytes, size);
    keystore_init(&store, job, "uber");
    if (bks_read_head(&cursor, &opening.head) == 0) {
        size_t sealed = cursor_left(&cursor);
        opening.sealed = bytes + cursor_offset(&cursor);
        opening.size = sealed - sealed % BLOCK_BYTES;
        opening.whole = opening.size == sealed && sealed > BKS_DIGEST_BYTES;
        keystore_weak_iterations(&store, opening.head.iterations);
        integrity = open_store(&store, &opening);
    }
    OPENSSL_cleanse(&opening, sizeof opening);
    keystore_tell(&store, integrity);
    keystore_done(&store);
}
