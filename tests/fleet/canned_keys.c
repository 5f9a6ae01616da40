/* Keys of canned TLS 1.3 answers (see canned_keys.h). A client that reuses its share makes the server pay for the key schedule and sealing
 * alone: that is what keeps the server from being the bound of a benchmark. */
#include "tests/fleet/canned_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fleet/pki.h"

enum {
    HASH_SIZE = CANNED_HASH_SIZE,
    SECRET_MAX = 48,
    CACHE_SIZE = 4096, /* client shares remembered, by two of their octets */
    HEADER_SIZE = 5,
    RECORD_DATA = 23,
};

struct known_share {
    size_t size; /* 0: none */
    uint8_t share[CANNED_SHARE_MAX];
    uint8_t handshake_secret[HASH_SIZE];
};

struct canned_keys {
    EVP_PKEY *key;
    uint8_t share[CANNED_SHARE_MAX];
    size_t share_size;
    uint8_t derived[HASH_SIZE]; /* Derive-Secret(Early Secret, "derived", "") */
    EVP_MD_CTX *hash;
    EVP_MAC_CTX *hmac;
    EVP_CIPHER_CTX *seal;
    struct known_share known[CACHE_SIZE];
};

/* --- the key schedule (RFC 8446 §7.1, RFC 5869) ------------------------------------------------------------------------------- */

static void hmac(struct canned_keys *keys, const uint8_t key[static HASH_SIZE], const void *bytes, size_t size,
                 uint8_t out[static HASH_SIZE])
{
    size_t got = 0;
    pki_must_be(EVP_MAC_init(keys->hmac, key, HASH_SIZE, NULL) == 1 && EVP_MAC_update(keys->hmac, bytes, size) == 1 &&
                    EVP_MAC_final(keys->hmac, out, &got, HASH_SIZE) == 1,
                "HMAC");
}

/* HKDF-Expand-Label for outputs of up to one hash; context is NULL or a hash. */
static void expand_label(struct canned_keys *keys, const uint8_t secret[static HASH_SIZE], const char *label,
                         const uint8_t *context, size_t size, uint8_t *out)
{
    uint8_t info[64], block[HASH_SIZE];
    size_t label_size = strlen(label), at = 0, context_size = context != NULL ? HASH_SIZE : 0;
    info[at++] = 0;
    info[at++] = (uint8_t)size;
    info[at++] = (uint8_t)(6 + label_size);
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, label_size);
    at += 6 + label_size;
    info[at++] = (uint8_t)context_size;
    if (context != NULL)
        memcpy(info + at, context, HASH_SIZE);
    at += context_size;
    info[at++] = 1; /* the counter of HKDF-Expand */
    hmac(keys, secret, info, at, block);
    memcpy(out, block, size);
}

void canned_hash(struct canned_keys *keys, const struct slice *parts, size_t count, uint8_t out[static HASH_SIZE])
{
    bool good = EVP_DigestInit_ex2(keys->hash, NULL, NULL) == 1;
    for (size_t i = 0; i < count; i++)
        good = good && EVP_DigestUpdate(keys->hash, parts[i].data, parts[i].size) == 1;
    pki_must_be(good && EVP_DigestFinal_ex(keys->hash, out, NULL) == 1, "SHA-256");
}

/* --- agreement ---------------------------------------------------------------------------------------------------------------- */

static int derive(struct canned_keys *keys, struct slice share, uint8_t out[static SECRET_MAX], size_t *size)
{
    EVP_PKEY *peer = pki_must(EVP_PKEY_new(), "key agreement");
    EVP_PKEY_CTX *context = pki_must(EVP_PKEY_CTX_new(keys->key, NULL), "key agreement");
    *size = SECRET_MAX;
    bool derived = EVP_PKEY_copy_parameters(peer, keys->key) == 1 &&
                   EVP_PKEY_set1_encoded_public_key(peer, share.data, share.size) == 1 &&
                   EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                   EVP_PKEY_derive(context, out, size) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return derived ? 0 : CM_EUNSUPPORTED;
}

static int handshake_secret(struct canned_keys *keys, struct slice share, const uint8_t **out)
{
    if (share.size != keys->share_size)
        return CM_EUNSUPPORTED;
    struct known_share *known = &keys->known[(share.data[1] | share.data[2] << 8) % CACHE_SIZE];
    *out = known->handshake_secret;
    if (known->size == share.size && memcmp(known->share, share.data, share.size) == 0)
        return 0;
    uint8_t shared[SECRET_MAX];
    size_t size;
    int result = derive(keys, share, shared, &size);
    if (result != 0)
        return result;
    known->size = share.size;
    memcpy(known->share, share.data, share.size);
    hmac(keys, keys->derived, shared, size, known->handshake_secret); /* HKDF-Extract */
    return 0;
}

int canned_seal(struct canned_keys *keys, struct slice client_share, const uint8_t *transcript, struct slice plain,
                uint8_t *out)
{
    uint8_t secret[HASH_SIZE], key[16], iv[12], *body = out + HEADER_SIZE;
    const uint8_t *known;
    int made = 0, result = handshake_secret(keys, client_share, &known);
    if (result != 0)
        return result;
    expand_label(keys, known, "s hs traffic", transcript, HASH_SIZE, secret);
    expand_label(keys, secret, "key", NULL, sizeof key, key);
    expand_label(keys, secret, "iv", NULL, sizeof iv, iv); /* record number 0: the nonce is the iv (§5.3) */
    size_t sealed = plain.size + CANNED_TAG_SIZE;
    const uint8_t header[HEADER_SIZE] = {RECORD_DATA, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed};
    memcpy(out, header, HEADER_SIZE);
    pki_must_be(EVP_EncryptInit_ex2(keys->seal, NULL, key, iv, NULL) == 1 &&
                    EVP_EncryptUpdate(keys->seal, NULL, &made, header, HEADER_SIZE) == 1 &&
                    EVP_EncryptUpdate(keys->seal, body, &made, plain.data, (int)plain.size) == 1 &&
                    EVP_EncryptFinal_ex(keys->seal, body + plain.size, &made) == 1 &&
                    EVP_CIPHER_CTX_ctrl(keys->seal, EVP_CTRL_AEAD_GET_TAG, CANNED_TAG_SIZE, body + plain.size) == 1,
                "AES-128-GCM");
    return 0;
}

/* --- made once ---------------------------------------------------------------------------------------------------------------- */

static void make_key(struct canned_keys *keys, const char *group)
{
    unsigned char *share = NULL;
    bool x25519 = strcmp(group, "X25519") == 0;
    keys->key =
        pki_must(x25519 ? EVP_PKEY_Q_keygen(NULL, NULL, group) : EVP_PKEY_Q_keygen(NULL, NULL, "EC", group), group);
    keys->share_size = EVP_PKEY_get1_encoded_public_key(keys->key, &share);
    pki_must_be(keys->share_size > 0 && keys->share_size <= sizeof keys->share, group);
    memcpy(keys->share, share, keys->share_size);
    OPENSSL_free(share);
}

struct canned_keys *canned_keys_new(const char *group)
{
    static const uint8_t zeros[HASH_SIZE];
    uint8_t early[HASH_SIZE], empty_hash[HASH_SIZE];
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    struct canned_keys *keys = cm_calloc(1, sizeof *keys);
    make_key(keys, group);
    EVP_MD *sha256 = pki_must(EVP_MD_fetch(NULL, digest, NULL), digest);
    keys->hash = pki_must(EVP_MD_CTX_new(), digest);
    pki_must_be(EVP_DigestInit_ex2(keys->hash, sha256, NULL) == 1, digest);
    EVP_MD_free(sha256);
    EVP_MAC *mac = pki_must(EVP_MAC_fetch(NULL, "HMAC", NULL), "HMAC");
    keys->hmac = pki_must(EVP_MAC_CTX_new(mac), "HMAC");
    EVP_MAC_free(mac);
    pki_must_be(EVP_MAC_CTX_set_params(keys->hmac, params) == 1, "HMAC");
    EVP_CIPHER *aes = pki_must(EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL), "AES-128-GCM");
    keys->seal = pki_must(EVP_CIPHER_CTX_new(), "AES-128-GCM");
    pki_must_be(EVP_EncryptInit_ex2(keys->seal, aes, NULL, NULL, NULL) == 1, "AES-128-GCM");
    EVP_CIPHER_free(aes);
    hmac(keys, zeros, zeros, HASH_SIZE, early);
    canned_hash(keys, NULL, 0, empty_hash);
    expand_label(keys, early, "derived", empty_hash, HASH_SIZE, keys->derived);
    return keys;
}

void canned_keys_free(struct canned_keys *keys)
{
    if (keys == NULL)
        return;
    EVP_PKEY_free(keys->key);
    EVP_MD_CTX_free(keys->hash);
    EVP_MAC_CTX_free(keys->hmac);
    EVP_CIPHER_CTX_free(keys->seal);
    free(keys);
}

struct slice canned_keys_share(const struct canned_keys *keys)
{
    return (struct slice){keys->share, keys->share_size};
}
