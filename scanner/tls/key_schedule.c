/* The TLS 1.3 key schedule over SHA-256 and SHA-384, and the AEADs of its five suites (see key_schedule.h).
 *
 * A handshake takes some eight HMACs and one or two openings, so what counts is what surrounds them: algorithms are fetched and
 * contexts made once, HMAC (RFC 2104) is laid over a plain hash whose context is reused (0.2 µs; EVP_MAC takes twice that), and the
 * constant beginning of the schedule, up to the salt of the Handshake Secret, is computed at the start. */
#include "scanner/tls/key_schedule.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MAX = 128, LABEL_MAX = 16, TAG_MAX = 16, INNER_MAX = 16384 + 1, CONTENT_DATA = 23 };
enum hash_index { SHA_256, SHA_384, HASHES };

struct suite_row {
    uint16_t suite;
    enum hash_index hash;
    const char *cipher;
    size_t key_size, tag_size;
    bool ccm;
};

static const struct suite_row rows[] = {
    {TLS_AES_128_GCM_SHA256, SHA_256, "AES-128-GCM", 16, 16, false},
    {TLS_AES_256_GCM_SHA384, SHA_384, "AES-256-GCM", 32, 16, false},
    {TLS_CHACHA20_POLY1305_SHA256, SHA_256, "ChaCha20-Poly1305", 32, 16, false},
    {TLS_AES_128_CCM_SHA256, SHA_256, "AES-128-CCM", 16, 16, true},
    {TLS_AES_128_CCM_8_SHA256, SHA_256, "AES-128-CCM", 16, 8, true},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

struct hash {
    EVP_MD *md;
    EVP_MD_CTX *context; /* initialised once with md */
    size_t size, block;
    uint8_t salt[TLS_HASH_MAX]; /* Derive-Secret(Early Secret, "derived", "") */
};

struct key_schedule {
    struct hash hashes[HASHES];
    EVP_CIPHER_CTX *ciphers[ROWS];
};

static const struct suite_row *find_row(uint16_t suite)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].suite == suite)
            return &rows[i];
    }
    return NULL;
}

size_t tls13_hash_size(uint16_t suite)
{
    const struct suite_row *row = find_row(suite);
    return row == NULL ? 0 : row->hash == SHA_384 ? 48 : 32;
}

/* --- hash, HMAC, HKDF (RFC 2104, RFC 5869) ------------------------------------------------------------------------------------ */

/* Fails only where OpenSSL runs out of memory. */
static bool digest(struct hash *hash, const struct slice *parts, size_t count, uint8_t *out)
{
    bool good = EVP_DigestInit_ex2(hash->context, NULL, NULL) == 1;
    for (size_t i = 0; i < count; i++)
        good = good && EVP_DigestUpdate(hash->context, parts[i].data, parts[i].size) == 1;
    return good && EVP_DigestFinal_ex(hash->context, out, NULL) == 1;
}

/* Keys are hashes or shorter, never longer than a block. out may be key. */
static bool hmac(struct hash *hash, const uint8_t *key, size_t key_size, struct slice message, uint8_t *out)
{
    uint8_t inner[BLOCK_MAX], outer[BLOCK_MAX + TLS_HASH_MAX];
    memset(inner, 0x36, hash->block);
    memset(outer, 0x5c, hash->block);
    for (size_t i = 0; i < key_size; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
    const struct slice first[] = {{inner, hash->block}, message};
    const struct slice second = {outer, hash->block + hash->size};
    bool good = digest(hash, first, 2, outer + hash->block) && digest(hash, &second, 1, out);
    OPENSSL_cleanse(inner, hash->block);
    OPENSSL_cleanse(outer, hash->block);
    return good;
}

/* HKDF-Expand-Label (RFC 8446 §7.1) for up to one hash of output; context is empty or a hash. */
static bool expand_label(struct hash *hash, const uint8_t *secret, const char *label, const uint8_t *context,
                         uint8_t *out, size_t size)
{
    uint8_t info[2 + 1 + 6 + LABEL_MAX + 1 + TLS_HASH_MAX + 1], block[TLS_HASH_MAX];
    size_t label_size = strlen(label), context_size = context != NULL ? hash->size : 0, at = 0;
    info[at++] = 0;
    info[at++] = (uint8_t)size;
    info[at++] = (uint8_t)(6 + label_size);
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, label_size);
    at += 6 + label_size;
    info[at++] = (uint8_t)context_size;
    if (context != NULL)
        memcpy(info + at, context, context_size);
    at += context_size;
    info[at++] = 1; /* the counter of HKDF-Expand */
    if (!hmac(hash, secret, hash->size, (struct slice){info, at}, block))
        return false;
    memcpy(out, block, size);
    OPENSSL_cleanse(block, sizeof block);
    return true;
}

/* --- made once ------------------------------------------------------------------------------------------------------------- */

static bool hash_init(struct hash *hash, const char *name, size_t block)
{
    static const uint8_t zeros[TLS_HASH_MAX];
    uint8_t early[TLS_HASH_MAX], empty[TLS_HASH_MAX];
    hash->md = EVP_MD_fetch(NULL, name, NULL);
    hash->context = EVP_MD_CTX_new();
    if (hash->md == NULL || hash->context == NULL || EVP_DigestInit_ex2(hash->context, hash->md, NULL) != 1)
        return false;
    hash->size = (size_t)EVP_MD_get_size(hash->md);
    hash->block = block;
    return hmac(hash, zeros, hash->size, (struct slice){zeros, hash->size}, early) && digest(hash, NULL, 0, empty) &&
           expand_label(hash, early, "derived", empty, hash->salt, hash->size);
}

static EVP_CIPHER_CTX *cipher_new(const struct suite_row *row)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, row->cipher, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    /* CCM wants the sizes of nonce and tag before the key: both are inside its first block (RFC 3610 §2.2). */
    bool good = cipher != NULL && context != NULL && EVP_DecryptInit_ex2(context, cipher, NULL, NULL, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, TLS_IV_SIZE, NULL) == 1 &&
                (!row->ccm || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)row->tag_size, NULL) == 1);
    EVP_CIPHER_free(cipher);
    if (good)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

int key_schedule_new(struct key_schedule **out, struct cm_error *error)
{
    struct key_schedule *schedule = cm_calloc(1, sizeof *schedule);
    const char *missing = NULL;
    if (!hash_init(&schedule->hashes[SHA_256], "SHA256", 64))
        missing = "SHA256";
    else if (!hash_init(&schedule->hashes[SHA_384], "SHA384", 128))
        missing = "SHA384";
    for (size_t i = 0; i < ROWS && missing == NULL; i++) {
        schedule->ciphers[i] = cipher_new(&rows[i]);
        if (schedule->ciphers[i] == NULL)
            missing = rows[i].cipher;
    }
    if (missing != NULL) {
        key_schedule_free(schedule);
        ERR_clear_error();
        return error_setf(error, CM_EUNSUPPORTED, 0, "this OpenSSL lacks an algorithm of TLS 1.3", "%s", missing);
    }
    *out = schedule;
    return 0;
}

void key_schedule_free(struct key_schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (size_t i = 0; i < HASHES; i++) {
        EVP_MD_CTX_free(schedule->hashes[i].context);
        EVP_MD_free(schedule->hashes[i].md);
    }
    for (size_t i = 0; i < ROWS; i++)
        EVP_CIPHER_CTX_free(schedule->ciphers[i]);
    free(schedule);
}

/* --- the schedule (RFC 8446 §7.1) --------------------------------------------------------------------------------------------- */

int tls13_transcript(struct key_schedule *schedule, uint16_t suite, const struct slice *parts, size_t count,
                     uint8_t *out)
{
    const struct suite_row *row = find_row(suite);
    return row != NULL && digest(&schedule->hashes[row->hash], parts, count, out) ? 0 : CM_EUNSUPPORTED;
}

int tls13_extract(struct key_schedule *schedule, uint16_t suite, struct slice salt, struct slice secret, uint8_t *out)
{
    const struct suite_row *row = find_row(suite);
    if (row == NULL || salt.size > schedule->hashes[row->hash].block)
        return CM_EUNSUPPORTED;
    return hmac(&schedule->hashes[row->hash], salt.data, salt.size, secret, out) ? 0 : CM_EUNSUPPORTED;
}

int tls13_expand(struct key_schedule *schedule, uint16_t suite, const uint8_t *secret, const char *label, uint8_t *out,
                 size_t size)
{
    const struct suite_row *row = find_row(suite);
    if (row == NULL || size > schedule->hashes[row->hash].size || strlen(label) > LABEL_MAX)
        return CM_EUNSUPPORTED;
    return expand_label(&schedule->hashes[row->hash], secret, label, NULL, out, size) ? 0 : CM_EUNSUPPORTED;
}

int tls13_handshake_secrets(struct key_schedule *schedule, uint16_t suite, struct slice shared,
                            const uint8_t *transcript, bool want_client, struct traffic_secrets *out)
{
    const struct suite_row *row = find_row(suite);
    if (row == NULL)
        return CM_EUNSUPPORTED;
    struct hash *hash = &schedule->hashes[row->hash];
    uint8_t secret[TLS_HASH_MAX];
    bool good = hmac(hash, hash->salt, hash->size, shared, secret) && /* HKDF-Extract */
                expand_label(hash, secret, "s hs traffic", transcript, out->server, hash->size) &&
                (!want_client || expand_label(hash, secret, "c hs traffic", transcript, out->client, hash->size));
    OPENSSL_cleanse(secret, sizeof secret);
    return good ? 0 : CM_EUNSUPPORTED;
}

int tls13_record_keys(struct key_schedule *schedule, uint16_t suite, const uint8_t *secret, struct record_keys *out)
{
    const struct suite_row *row = find_row(suite);
    if (row == NULL)
        return CM_EUNSUPPORTED;
    struct hash *hash = &schedule->hashes[row->hash];
    *out = (struct record_keys){.suite = suite};
    return expand_label(hash, secret, "key", NULL, out->key, row->key_size) &&
                   expand_label(hash, secret, "iv", NULL, out->iv, TLS_IV_SIZE)
               ? 0
               : CM_EUNSUPPORTED;
}

/* --- records (RFC 8446 §5.2, §5.3) ------------------------------------------------------------------------------------------- */

static void write_nonce(const struct record_keys *keys, uint8_t nonce[static TLS_IV_SIZE])
{
    memcpy(nonce, keys->iv, TLS_IV_SIZE);
    for (unsigned i = 0; i < 8; i++)
        nonce[TLS_IV_SIZE - 1 - i] ^= (uint8_t)(keys->sequence >> (8 * i));
}

/* Key, nonce, for CCM the size of what will come, additional data. */
static bool start(EVP_CIPHER_CTX *context, const struct suite_row *row, const struct record_keys *keys, bool encrypt,
                  const uint8_t *tag, size_t size, struct slice header)
{
    uint8_t nonce[TLS_IV_SIZE];
    int done;
    write_nonce(keys, nonce);
    return EVP_CipherInit_ex2(context, NULL, keys->key, nonce, encrypt, NULL) == 1 &&
           (encrypt ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)row->tag_size, (void *)(uintptr_t)tag) == 1) &&
           (!row->ccm || EVP_CipherUpdate(context, NULL, &done, NULL, (int)size) == 1) &&
           EVP_CipherUpdate(context, NULL, &done, header.data, (int)header.size) == 1;
}

int tls13_open(struct key_schedule *schedule, struct record_keys *keys, struct slice header, struct slice fragment,
               uint8_t *plain, size_t *size, uint8_t *type)
{
    const struct suite_row *row = find_row(keys->suite);
    if (row == NULL)
        return CM_EUNSUPPORTED;
    if (fragment.size < row->tag_size + 1 || fragment.size > INNER_MAX + row->tag_size)
        return CM_EMALFORMED;
    EVP_CIPHER_CTX *context = schedule->ciphers[row - rows];
    size_t inner = fragment.size - row->tag_size;
    int done = 0;
    bool good = start(context, row, keys, false, fragment.data + inner, inner, header) &&
                EVP_DecryptUpdate(context, plain, &done, fragment.data, (int)inner) == 1 && (size_t)done == inner &&
                (row->ccm || EVP_DecryptFinal_ex(context, plain + inner, &done) == 1); /* CCM has judged already */
    if (!good) {
        ERR_clear_error();
        return CM_EAUTH;
    }
    while (inner > 0 && plain[inner - 1] == 0)
        inner--;
    if (inner == 0)
        return CM_EMALFORMED;
    keys->sequence++;
    *type = plain[inner - 1];
    *size = inner - 1;
    return 0;
}

int tls13_seal(struct key_schedule *schedule, struct record_keys *keys, uint8_t type, struct slice plain, uint8_t *out,
               size_t *out_size)
{
    const struct suite_row *row = find_row(keys->suite);
    uint8_t inner[SEAL_MAX + 1];
    if (row == NULL)
        return CM_EUNSUPPORTED;
    if (plain.size > SEAL_MAX)
        return CM_ELIMIT;
    EVP_CIPHER_CTX *context = schedule->ciphers[row - rows];
    size_t size = plain.size + 1;
    memcpy(inner, plain.data, plain.size);
    inner[plain.size] = type;
    const uint8_t header[] = {CONTENT_DATA, 3, 3, 0, (uint8_t)(size + row->tag_size)};
    uint8_t *body = out + sizeof header;
    int done = 0;
    memcpy(out, header, sizeof header);
    bool good = start(context, row, keys, true, NULL, size, (struct slice){header, sizeof header}) &&
                EVP_EncryptUpdate(context, body, &done, inner, (int)size) == 1 && (size_t)done == size &&
                EVP_EncryptFinal_ex(context, body + size, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)row->tag_size, body + size) == 1;
    if (!good) {
        ERR_clear_error();
        return CM_EUNSUPPORTED;
    }
    keys->sequence++;
    *out_size = sizeof header + size + row->tag_size;
    return 0;
}
