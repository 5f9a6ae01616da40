/* floor-tls13: the least that a client can do to see a certificate of TLS 1.3: floor-tls12, and one key agreement (X25519, one key pair
 * for all), the key schedule up to the server's handshake keys, and opening records up to the whole Certificate message (RFC 8446 §7.1, §5.2).
 *
 *   floor-tls13 BASE PORT COUNT [IN_FLIGHT] [--print]
 *
 * libcrypto does the primitives, in the cheapest way that its EVP has: everything is fetched and made once. TLS_AES_128_GCM_SHA256 alone. */
#include <openssl/err.h>

#include "tests/bench/floor.h"

enum { HASH = 32, SHARE = 32, KEY = 16, NONCE = 12, TAG = 16, HEADER = 5, BLOCK = 64, SHARE_AT = 95 };

/* clang-format off */
static uint8_t hello[] = {
    22, 3, 1, 0, 122,                                      /* record */
    1, 0, 0, 118, 3, 3,                                    /* ClientHello */
    7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,        /* random */
    6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1,
    0,                                                     /* session id */
    0, 2, 0x13, 1,                                         /* TLS_AES_128_GCM_SHA256 */
    1, 0,                                                  /* no compression */
    0, 75,                                                 /* extensions */
    0, 43, 0, 3, 2, 3, 4,                                  /* TLS 1.3 */
    0, 10, 0, 4, 0, 2, 0, 29,                              /* groups: x25519 */
    0, 13, 0, 14, 0, 12, 4, 3, 8, 7, 8, 4, 4, 1, 8, 5, 5, 3, /* signature algorithms */
    0, 51, 0, 38, 0, 36, 0, 29, 0, 32,                     /* key share; the value is written at the start */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */
_Static_assert(sizeof hello == SHARE_AT + SHARE, "the lengths inside are those of 127 bytes");

static EVP_PKEY *own, *peer;
static EVP_PKEY_CTX *agreement;
static EVP_MD_CTX *hash;
static EVP_CIPHER_CTX *cipher;
static uint8_t salt[HASH]; /* Derive-Secret(Early Secret, "derived", "") */

static void must(bool good)
{
    if (good)
        return;
    ERR_print_errors_fp(stderr);
    exit(CM_EXIT_FAILED);
}

static void digest(struct slice first, struct slice second, uint8_t out[static HASH])
{
    must(EVP_DigestInit_ex2(hash, NULL, NULL) == 1 && EVP_DigestUpdate(hash, first.data, first.size) == 1 &&
         EVP_DigestUpdate(hash, second.data, second.size) == 1 && EVP_DigestFinal_ex(hash, out, NULL) == 1);
}

static void hmac(const uint8_t key[static HASH], struct slice message, uint8_t out[static HASH])
{
    uint8_t inner[BLOCK], outer[BLOCK + HASH];
    memset(inner, 0x36, BLOCK);
    memset(outer, 0x5c, BLOCK);
    for (int i = 0; i < HASH; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
    digest((struct slice){inner, BLOCK}, message, outer + BLOCK);
    digest((struct slice){outer, sizeof outer}, (struct slice){NULL, 0}, out);
}

static void expand_label(const uint8_t secret[static HASH], const char *label, const uint8_t *context, uint8_t *out,
                         size_t size)
{
    uint8_t info[64] = {0, (uint8_t)size, (uint8_t)(6 + strlen(label)), 't', 'l', 's', '1', '3', ' '}, block[HASH];
    size_t at = 9 + strlen(label);
    memcpy(info + 9, label, strlen(label));
    info[at++] = context != NULL ? HASH : 0;
    if (context != NULL)
        memcpy(info + at, context, HASH);
    at += context != NULL ? HASH : 0;
    info[at++] = 1;
    hmac(secret, (struct slice){info, at}, block);
    memcpy(out, block, size);
}

static void prepare(void)
{
    static const uint8_t zeros[HASH];
    uint8_t early[HASH], empty[HASH];
    size_t size = SHARE;
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    own = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    peer = EVP_PKEY_new();
    hash = EVP_MD_CTX_new();
    cipher = EVP_CIPHER_CTX_new();
    must(own != NULL && EVP_PKEY_get_raw_public_key(own, hello + SHARE_AT, &size) == 1);
    agreement = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    must(EVP_PKEY_derive_init(agreement) == 1 && EVP_PKEY_copy_parameters(peer, own) == 1 &&
         EVP_DigestInit_ex2(hash, sha256, NULL) == 1 && EVP_DecryptInit_ex2(cipher, aes, NULL, NULL, NULL) == 1);
    EVP_MD_free(sha256);
    EVP_CIPHER_free(aes);
    hmac(zeros, (struct slice){zeros, HASH}, early);
    digest((struct slice){NULL, 0}, (struct slice){NULL, 0}, empty);
    expand_label(early, "derived", empty, salt, HASH);
}

static void done(void)
{
    EVP_PKEY_CTX_free(agreement);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    EVP_MD_CTX_free(hash);
    EVP_CIPHER_CTX_free(cipher);
}

/* The x25519 share of a ServerHello; CM_EMALFORMED for any other message. */
static int read_share(struct slice message, const uint8_t **share)
{
    struct cursor at, body, session, list, extension;
    uint8_t kind;
    uint16_t type, group;
    cursor_init_slice(&at, message);
    if (cursor_u8(&at, &kind) != 0 || kind != MESSAGE_SERVER_HELLO || cursor_vector24(&at, &body) != 0 ||
        cursor_skip(&body, 2 + 32) != 0 || cursor_vector8(&body, &session) != 0 || cursor_skip(&body, 3) != 0 ||
        cursor_vector16(&body, &list) != 0)
        return CM_EMALFORMED;
    while (cursor_u16(&list, &type) == 0 && cursor_vector16(&list, &extension) == 0) {
        if (type == 51 && cursor_u16(&extension, &group) == 0 && group == 29 && cursor_left(&extension) == 2 + SHARE) {
            *share = extension.at + 2;
            return 0;
        }
    }
    return CM_EMALFORMED;
}

static int agree(struct floor_keys *keys, struct slice server_hello)
{
    const uint8_t *share;
    uint8_t shared[SHARE], secret[HASH], transcript[HASH];
    size_t size = sizeof shared;
    if (read_share(server_hello, &share) != 0 || EVP_PKEY_set1_encoded_public_key(peer, share, SHARE) != 1 ||
        EVP_PKEY_derive_set_peer_ex(agreement, peer, 0) != 1 || EVP_PKEY_derive(agreement, shared, &size) != 1)
        return CM_EMALFORMED;
    digest((struct slice){hello + HEADER, sizeof hello - HEADER}, server_hello, transcript);
    hmac(salt, (struct slice){shared, size}, secret);
    expand_label(secret, "s hs traffic", transcript, secret, HASH);
    expand_label(secret, "key", NULL, keys->key, KEY);
    expand_label(secret, "iv", NULL, keys->iv, NONCE);
    keys->agreed = true;
    keys->sequence = 0;
    return 0;
}

/* Opens a record into the probe's plaintext. */
static int open_record(struct probe *probe, struct floor_keys *keys, const uint8_t *header, struct slice fragment)
{
    uint8_t nonce[NONCE], *plain = probe->plain + probe->plain_size;
    int made;
    if (fragment.size <= TAG)
        return CM_EMALFORMED;
    size_t size = fragment.size - TAG;
    memcpy(nonce, keys->iv, NONCE);
    nonce[NONCE - 1] ^= keys->sequence++;
    if (EVP_DecryptInit_ex2(cipher, NULL, keys->key, nonce, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(uintptr_t)(fragment.data + size)) != 1 ||
        EVP_DecryptUpdate(cipher, NULL, &made, header, HEADER) != 1 ||
        EVP_DecryptUpdate(cipher, plain, &made, fragment.data, (int)size) != 1 ||
        EVP_DecryptFinal_ex(cipher, plain + size, &made) != 1)
        return CM_EAUTH;
    while (size > 0 && plain[size - 1] == 0)
        size--;
    if (size == 0 || plain[size - 1] != RECORD_HANDSHAKE)
        return CM_EMALFORMED;
    probe->plain_size += size - 1;
    return 0;
}

static int look(struct probe *probe, struct slice *leaf)
{
    struct floor_keys *keys = &probe->keys;
    struct cursor input, record;
    uint8_t type;
    uint16_t version;
    int result = 0;
    cursor_init(&input, probe->in + probe->read, probe->size - probe->read);
    while (result == 0 && cursor_u8(&input, &type) == 0 && cursor_u16(&input, &version) == 0 &&
           cursor_vector16(&input, &record) == 0) {
        const struct slice fragment = {record.at, cursor_left(&record)};
        if (type == RECORD_HANDSHAKE)
            result = keys->agreed ? CM_EMALFORMED : agree(keys, fragment);
        else if (type == RECORD_DATA)
            result = keys->agreed ? open_record(probe, keys, record.at - HEADER, fragment) : CM_EMALFORMED;
        probe->read = (size_t)(input.at - probe->in);
        if (result == 0 && probe->plain_size > 0)
            result = floor_find_leaf((struct slice){probe->plain, probe->plain_size}, true, leaf);
    }
    return result;
}

static int ready(const struct sweep *sweep, struct slot *slot, uint32_t events)
{
    return floor_step(sweep, slot, events, (struct slice){hello, sizeof hello}, look);
}

int main(int argc, char **argv)
{
    const struct sweep_program floor = {.slot_size = sizeof(struct probe), .begin = floor_begin, .ready = ready};
    prepare();
    int status = sweep_main(&floor, argc, argv);
    done();
    return status;
}
