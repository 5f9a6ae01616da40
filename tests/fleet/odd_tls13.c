/* TLS 1.3 as far as the server's first flight (RFC 8446 §7.1, §5.2, §4.4.3), for TLS_AES_128_GCM_SHA256 and x25519 alone: what OpenSSL's
 * own server cannot be made to say wrong. Shares nothing with the scanner's key schedule, so that neither confirms the other's mistakes. */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

#include "tests/fleet/odd.h"

enum { HASH_SIZE = 32, TAG_SIZE = 16, GROUP_X25519 = 29, SHARE_SIZE = 32, CERTIFICATE_VERIFY = 15 };

void odd_hash(struct slice bytes, uint8_t out[static HASH_SIZE])
{
    pki_must_be(EVP_Digest(bytes.data, bytes.size, out, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
}

static struct slice find_share(const struct odd_hello *hello)
{
    struct cursor list, key;
    uint16_t group;
    cursor_init_slice(&list, hello->shares);
    while (cursor_u16(&list, &group) == 0 && cursor_vector16(&list, &key) == 0) {
        if (group == GROUP_X25519 && cursor_left(&key) == SHARE_SIZE)
            return (struct slice){key.at, SHARE_SIZE};
    }
    return (struct slice){NULL, 0};
}

bool odd_agree(const struct odd_hello *hello, uint8_t share[static 32], uint8_t secret[static 32])
{
    struct slice theirs = find_share(hello);
    size_t share_size = SHARE_SIZE, secret_size = SHARE_SIZE;
    if (theirs.size == 0)
        return false;
    EVP_PKEY *key = pki_must(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "x25519");
    EVP_PKEY *peer = pki_must(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs.data, theirs.size), "x25519");
    EVP_PKEY_CTX *context = pki_must(EVP_PKEY_CTX_new(key, NULL), "x25519");
    bool agreed = EVP_PKEY_get_raw_public_key(key, share, &share_size) == 1 && EVP_PKEY_derive_init(context) == 1 &&
                  EVP_PKEY_derive_set_peer(context, peer) == 1 && EVP_PKEY_derive(context, secret, &secret_size) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
    return agreed;
}

/* HKDF-Extract of RFC 8446 §7.1 (with the "derived" step of the salt), or HKDF-Expand-Label when context is given. */
static void kdf(int mode, struct slice key, struct slice salt, const char *label, struct slice context, uint8_t *out,
                size_t size)
{
    EVP_KDF *algorithm = pki_must(EVP_KDF_fetch(NULL, "TLS13-KDF", NULL), "TLS13-KDF");
    EVP_KDF_CTX *run = pki_must(EVP_KDF_CTX_new(algorithm), "TLS13-KDF");
    OSSL_PARAM params[8], *next = params;
    *next++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char[]){"tls13 "}, 6);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label, strlen(label));
    if (key.size > 0)
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.data, key.size);
    if (salt.size > 0)
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data, salt.size);
    if (context.size > 0)
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, (void *)(uintptr_t)context.data, context.size);
    *next = OSSL_PARAM_construct_end();
    pki_must_be(EVP_KDF_derive(run, out, size, params) == 1, label);
    EVP_KDF_CTX_free(run);
    EVP_KDF_free(algorithm);
}

static const struct slice nothing = {NULL, 0};

void odd_derive(struct odd_keys *keys, const uint8_t secret[static 32], const struct buf *transcript)
{
    uint8_t hash[HASH_SIZE], early[HASH_SIZE], handshake[HASH_SIZE], traffic[HASH_SIZE];
    odd_hash(buf_slice(transcript), hash);
    kdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, nothing, nothing, "derived", nothing, early, sizeof early);
    kdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, (struct slice){secret, SHARE_SIZE}, (struct slice){early, sizeof early},
        "derived", nothing, handshake, sizeof handshake);
    kdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, (struct slice){handshake, HASH_SIZE}, nothing, "s hs traffic",
        (struct slice){hash, HASH_SIZE}, traffic, sizeof traffic);
    *keys = (struct odd_keys){.ready = true};
    kdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, (struct slice){traffic, HASH_SIZE}, nothing, "key", nothing, keys->key,
        sizeof keys->key);
    kdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, (struct slice){traffic, HASH_SIZE}, nothing, "iv", nothing, keys->iv,
        sizeof keys->iv);
}

void odd_seal(struct odd_keys *keys, uint8_t type, struct slice plain, bool broken, struct buf *out)
{
    uint8_t nonce[12],
        header[] = {23, 3, 3, (uint8_t)((plain.size + 1 + TAG_SIZE) >> 8), (uint8_t)(plain.size + 1 + TAG_SIZE)};
    int made = 0;
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = keys->iv[i] ^ (uint8_t)(i < 4 ? 0 : keys->sequence >> (8 * (11 - i)));
    keys->sequence++;
    buf_append(out, header, sizeof header);
    uint8_t *at = (uint8_t *)pki_must(buf_extend(out, plain.size + 1 + TAG_SIZE), "room for a record");
    EVP_CIPHER_CTX *aes = pki_must(EVP_CIPHER_CTX_new(), "AES-128-GCM");
    pki_must_be(EVP_EncryptInit_ex(aes, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1 &&
                    EVP_EncryptUpdate(aes, NULL, &made, header, sizeof header) == 1 &&
                    (plain.size == 0 || EVP_EncryptUpdate(aes, at, &made, plain.data, (int)plain.size) == 1) &&
                    EVP_EncryptUpdate(aes, at + plain.size, &made, &type, 1) == 1 &&
                    EVP_EncryptFinal_ex(aes, at + plain.size + 1, &made) == 1 &&
                    EVP_CIPHER_CTX_ctrl(aes, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, at + plain.size + 1) == 1,
                "AES-128-GCM");
    EVP_CIPHER_CTX_free(aes);
    if (broken)
        at[plain.size + 1] ^= 1;
}

void odd_put_certificate_verify(struct buf *out, const struct buf *transcript, EVP_PKEY *key)
{
    static const char label[] = "TLS 1.3, server CertificateVerify"; /* its NUL is the separator */
    uint8_t content[64 + sizeof label + HASH_SIZE], signature[512];
    size_t size = sizeof signature;
    memset(content, ' ', 64);
    memcpy(content + 64, label, sizeof label);
    odd_hash(buf_slice(transcript), content + 64 + sizeof label);
    EVP_MD_CTX *sign = pki_must(EVP_MD_CTX_new(), "signature");
    pki_must_be(EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestSign(sign, signature, &size, content, sizeof content) == 1,
                "signature");
    EVP_MD_CTX_free(sign);
    odd_put(out, CERTIFICATE_VERIFY, 1);
    size_t body = odd_open_vector(out, 3);
    odd_put(out, 0x0403, 2); /* ecdsa_secp256r1_sha256: our scripts have P-256 keys */
    odd_put(out, size, 2);
    buf_append(out, signature, size);
    odd_close_vector(out, body, 3);
}
