/* Canned answers for benchmarks (see canned.h). Everything that can be made before the ClientHello comes is: the answer is one buffer in
 * which the leaf and, for TLS 1.3, a few fields are replaced. */
#include "tests/fleet/canned.h"

#include <openssl/core_names.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    HASH_SIZE = 32,
    SHARE_SIZE = 32,
    TAG_SIZE = 16,
    CACHE_SIZE = 4096, /* client shares remembered, by their first bits */
    PLAIN_MAX = 16384,
    VERIFY_SIZE = 72, /* a signature's usual size, of zeros */
    HEADER_SIZE = 5,
};
enum { RECORD_CCS = 20, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };
enum {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    ENCRYPTED_EXTENSIONS = 8,
    CERTIFICATE = 11,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15
};
enum { EXT_SUPPORTED_VERSIONS = 43, EXT_KEY_SHARE = 51, GROUP_X25519 = 29 };
enum { SUITE_12 = 0xc02b, SUITE_13 = 0x1301 };

struct known_share {
    bool used;
    uint8_t share[SHARE_SIZE];
    uint8_t handshake_secret[HASH_SIZE];
};

struct canned {
    int version;
    struct stamp *stamp;
    struct buf flight; /* TLS 1.2: the whole answer; TLS 1.3: the plaintext of the sealed record */
    size_t leaf_at;
    uint8_t answer[512 + PLAIN_MAX + TAG_SIZE];
    /* TLS 1.3 */
    EVP_PKEY *key;
    uint8_t share[SHARE_SIZE];
    uint8_t derived[HASH_SIZE]; /* Derive-Secret(Early Secret, "derived", "") */
    EVP_MD *sha256;
    EVP_MD_CTX *hash;
    EVP_MAC_CTX *hmac;
    EVP_CIPHER_CTX *seal;
    struct known_share known[CACHE_SIZE];
};

struct hello { /* what is needed of a ClientHello; lends from its bytes */
    struct slice message, session_id, share;
    bool suite, tls13;
};

/* --- reading the ClientHello (RFC 8446 §4.1.2) --------------------------------------------------------------------------------- */

static int read_share(struct cursor body, struct hello *hello)
{
    struct cursor list, key;
    uint16_t group;
    if (cursor_vector16(&body, &list) != 0)
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_u16(&list, &group) != 0 || cursor_vector16(&list, &key) != 0)
            return CM_EMALFORMED;
        if (group == GROUP_X25519 && cursor_left(&key) == SHARE_SIZE)
            hello->share = (struct slice){key.at, SHARE_SIZE};
    }
    return 0;
}

static int read_extensions(struct cursor list, struct hello *hello)
{
    struct cursor body, versions;
    uint16_t type, version;
    while (!cursor_at_end(&list)) {
        if (cursor_u16(&list, &type) != 0 || cursor_vector16(&list, &body) != 0)
            return CM_EMALFORMED;
        if (type == EXT_KEY_SHARE && read_share(body, hello) != 0)
            return CM_EMALFORMED;
        if (type == EXT_SUPPORTED_VERSIONS && cursor_vector8(&body, &versions) == 0) {
            while (cursor_u16(&versions, &version) == 0)
                hello->tls13 |= version == TLS1_3_VERSION;
        }
    }
    return 0;
}

static int read_hello(const void *bytes, size_t size, uint16_t wanted_suite, struct hello *hello)
{
    struct cursor input, record, body, part;
    uint8_t type, kind;
    uint16_t version, suite;
    *hello = (struct hello){.message = {NULL, 0}};
    cursor_init(&input, bytes, size);
    if (cursor_u8(&input, &type) != 0)
        return CM_ETRUNCATED;
    if (type != RECORD_HANDSHAKE)
        return CM_EMALFORMED;
    if (cursor_u16(&input, &version) != 0 || cursor_vector16(&input, &record) != 0)
        return CM_ETRUNCATED;
    hello->message = (struct slice){record.at, cursor_left(&record)};
    if (cursor_u8(&record, &kind) != 0 || kind != CLIENT_HELLO || cursor_vector24(&record, &body) != 0 ||
        cursor_u16(&body, &version) != 0 || cursor_skip(&body, 32) != 0 || cursor_vector8(&body, &part) != 0)
        return CM_EMALFORMED;
    hello->session_id = (struct slice){part.at, cursor_left(&part)};
    if (hello->session_id.size > 32 || cursor_vector16(&body, &part) != 0)
        return CM_EMALFORMED;
    while (cursor_u16(&part, &suite) == 0)
        hello->suite |= suite == wanted_suite;
    if (cursor_vector8(&body, &part) != 0)
        return CM_EMALFORMED;
    if (cursor_at_end(&body))
        return 0;
    return cursor_vector16(&body, &part) != 0 ? CM_EMALFORMED : read_extensions(part, hello);
}

/* --- the prepared part ------------------------------------------------------------------------------------------------------- */

static void put(struct buf *out, uint64_t value, unsigned octets)
{
    while (octets-- > 0)
        buf_append_char(out, (char)(value >> (8 * octets)));
}

/* A Certificate message of the leaf and the intermediate; between both stand what TLS 1.3 has more: a context and extensions, empty. */
static void put_certificates(struct canned *canned, X509 *intermediate)
{
    struct buf *out = &canned->flight;
    unsigned more = canned->version == TLS1_3_VERSION ? 2 : 0;
    size_t leaf = stamp_size(canned->stamp);
    uint8_t *der = NULL;
    int size = i2d_X509(intermediate, &der);
    pki_must_be(size > 0, "intermediate");
    size_t list = 3 + leaf + more + 3 + (size_t)size + more;
    put(out, CERTIFICATE, 1);
    put(out, list + 3 + (more > 0), 3);
    if (more > 0)
        put(out, 0, 1);
    put(out, list, 3);
    put(out, leaf, 3);
    canned->leaf_at = out->size;
    buf_append(out, stamp_make(canned->stamp, 0), leaf);
    put(out, 0, more);
    put(out, (uint64_t)size, 3);
    buf_append(out, der, (size_t)size);
    put(out, 0, more);
    OPENSSL_free(der);
}

static void prepare_tls12(struct canned *canned, X509 *intermediate)
{
    struct buf *out = &canned->flight;
    put(out, RECORD_HANDSHAKE, 1);
    put(out, TLS1_2_VERSION, 2);
    put(out, 0, 2); /* the length, below */
    put(out, SERVER_HELLO, 1);
    put(out, 2 + 32 + 1 + 2 + 1 + 2 + 5, 3);
    put(out, TLS1_2_VERSION, 2);
    for (int i = 0; i < 32; i++)
        put(out, (uint64_t)i * 7 + 3, 1); /* random: nobody checks it */
    put(out, 0, 1);
    put(out, SUITE_12, 2);
    put(out, 0, 1);
    put(out, 5, 2);
    put(out, 0xff01000100, 5); /* renegotiation_info, empty (RFC 5746): clients insist on it */
    put_certificates(canned, intermediate);
    put(out, (uint64_t)SERVER_HELLO_DONE << 24, 4);
    out->data[3] = (char)((out->size - HEADER_SIZE) >> 8);
    out->data[4] = (char)(out->size - HEADER_SIZE);
}

static void prepare_tls13(struct canned *canned, X509 *intermediate)
{
    struct buf *out = &canned->flight;
    put(out, (uint64_t)ENCRYPTED_EXTENSIONS << 24 | 2, 4);
    put(out, 0, 2);
    put_certificates(canned, intermediate);
    put(out, (uint64_t)CERTIFICATE_VERIFY << 24 | (4 + VERIFY_SIZE), 4);
    put(out, 0x0403, 2); /* ecdsa_secp256r1_sha256 */
    put(out, VERIFY_SIZE, 2);
    for (int i = 0; i < VERIFY_SIZE; i++)
        put(out, 0, 1);
    put(out, RECORD_HANDSHAKE, 1); /* TLSInnerPlaintext.type (RFC 8446 §5.2) */
}

/* --- the key schedule (RFC 8446 §7.1, RFC 5869) ------------------------------------------------------------------------------- */

static void hmac(struct canned *canned, const uint8_t key[static HASH_SIZE], const void *bytes, size_t size,
                 uint8_t out[static HASH_SIZE])
{
    size_t got = 0;
    pki_must_be(EVP_MAC_init(canned->hmac, key, HASH_SIZE, NULL) == 1 &&
                    EVP_MAC_update(canned->hmac, bytes, size) == 1 &&
                    EVP_MAC_final(canned->hmac, out, &got, HASH_SIZE) == 1,
                "HMAC");
}

/* HKDF-Expand-Label for outputs of up to one hash; context is empty or a hash. */
static void expand_label(struct canned *canned, const uint8_t secret[static HASH_SIZE], const char *label,
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
    hmac(canned, secret, info, at, block);
    memcpy(out, block, size);
}

static void transcript(struct canned *canned, struct slice first, struct slice second, uint8_t out[static HASH_SIZE])
{
    pki_must_be(EVP_DigestInit_ex2(canned->hash, canned->sha256, NULL) == 1 &&
                    EVP_DigestUpdate(canned->hash, first.data, first.size) == 1 &&
                    EVP_DigestUpdate(canned->hash, second.data, second.size) == 1 &&
                    EVP_DigestFinal_ex(canned->hash, out, NULL) == 1,
                "SHA-256");
}

/* The handshake secret with this client share. CM_EUNSUPPORTED: the share is a point of small order. */
static int handshake_secret(struct canned *canned, const uint8_t *share, const uint8_t **out)
{
    struct known_share *known = &canned->known[(share[0] | share[1] << 8) % CACHE_SIZE];
    *out = known->handshake_secret;
    if (known->used && memcmp(known->share, share, SHARE_SIZE) == 0)
        return 0;
    uint8_t shared[SHARE_SIZE];
    size_t size = sizeof shared;
    EVP_PKEY *peer = pki_must(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, share, SHARE_SIZE), "X25519");
    EVP_PKEY_CTX *context = pki_must(EVP_PKEY_CTX_new(canned->key, NULL), "X25519");
    bool derived = EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                   EVP_PKEY_derive(context, shared, &size) == 1;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    if (!derived)
        return CM_EUNSUPPORTED;
    known->used = true;
    memcpy(known->share, share, SHARE_SIZE);
    hmac(canned, canned->derived, shared, sizeof shared, known->handshake_secret); /* HKDF-Extract */
    return 0;
}

static void prepare_keys(struct canned *canned)
{
    static const uint8_t zeros[HASH_SIZE];
    uint8_t early[HASH_SIZE], empty_hash[HASH_SIZE];
    size_t size = SHARE_SIZE;
    canned->key = pki_must(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "X25519");
    pki_must_be(EVP_PKEY_get_raw_public_key(canned->key, canned->share, &size) == 1, "X25519");
    canned->sha256 = pki_must(EVP_MD_fetch(NULL, "SHA256", NULL), "SHA-256");
    canned->hash = pki_must(EVP_MD_CTX_new(), "SHA-256");
    EVP_MAC *mac = pki_must(EVP_MAC_fetch(NULL, "HMAC", NULL), "HMAC");
    canned->hmac = pki_must(EVP_MAC_CTX_new(mac), "HMAC");
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    pki_must_be(EVP_MAC_CTX_set_params(canned->hmac, params) == 1, "HMAC");
    EVP_CIPHER *aes = pki_must(EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL), "AES-128-GCM");
    canned->seal = pki_must(EVP_CIPHER_CTX_new(), "AES-128-GCM");
    pki_must_be(EVP_EncryptInit_ex2(canned->seal, aes, NULL, NULL, NULL) == 1, "AES-128-GCM");
    EVP_CIPHER_free(aes);
    hmac(canned, zeros, zeros, HASH_SIZE, early);
    transcript(canned, (struct slice){NULL, 0}, (struct slice){NULL, 0}, empty_hash);
    expand_label(canned, early, "derived", empty_hash, HASH_SIZE, canned->derived);
}

/* --- answering --------------------------------------------------------------------------------------------------------------- */

/* ServerHello and, for middleboxes, change_cipher_spec (RFC 8446 §D.4); returns their size. *message: the ServerHello without its header. */
static size_t put_server_hello(struct canned *canned, const struct hello *hello, struct slice *message)
{
    static const uint8_t ccs[] = {RECORD_CCS, 3, 3, 0, 1, 1};
    static const uint8_t tail[] = {
        0x13, 0x01,         0, 0,         46, 0, EXT_SUPPORTED_VERSIONS, 0, 2, 3, 4, 0, EXT_KEY_SHARE, 0, 36,
        0,    GROUP_X25519, 0, SHARE_SIZE};
    uint8_t *at = canned->answer + HEADER_SIZE;
    size_t body = 2 + 32 + 1 + hello->session_id.size + sizeof tail + SHARE_SIZE;
    const uint8_t head[] = {SERVER_HELLO, 0, 0, (uint8_t)body, 3, 3};
    memcpy(at, head, sizeof head);
    memset(at + sizeof head, 0x5e, 32); /* random: not the one that means HelloRetryRequest */
    at += sizeof head + 32;
    *at++ = (uint8_t)hello->session_id.size;
    if (hello->session_id.size > 0)
        memcpy(at, hello->session_id.data, hello->session_id.size);
    at += hello->session_id.size;
    memcpy(at, tail, sizeof tail);
    memcpy(at + sizeof tail, canned->share, SHARE_SIZE);
    *message = (struct slice){canned->answer + HEADER_SIZE, 4 + body};
    const uint8_t header[HEADER_SIZE] = {RECORD_HANDSHAKE, 3, 3, 0, (uint8_t)(4 + body)};
    memcpy(canned->answer, header, HEADER_SIZE);
    memcpy(canned->answer + HEADER_SIZE + 4 + body, ccs, sizeof ccs);
    return HEADER_SIZE + 4 + body + sizeof ccs;
}

static int answer_tls13(struct canned *canned, const struct hello *hello, struct slice *out)
{
    struct slice message;
    uint8_t hash[HASH_SIZE], secret[HASH_SIZE], key[16], iv[12];
    const uint8_t *known;
    int result = handshake_secret(canned, hello->share.data, &known);
    if (result != 0)
        return result;
    size_t size = put_server_hello(canned, hello, &message);
    transcript(canned, hello->message, message, hash);
    expand_label(canned, known, "s hs traffic", hash, HASH_SIZE, secret);
    expand_label(canned, secret, "key", NULL, sizeof key, key);
    expand_label(canned, secret, "iv", NULL, sizeof iv, iv); /* record number 0: the nonce is the iv (§5.3) */

    size_t plain = canned->flight.size, sealed = plain + TAG_SIZE;
    uint8_t *header = canned->answer + size;
    const uint8_t fields[HEADER_SIZE] = {RECORD_DATA, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed};
    memcpy(header, fields, HEADER_SIZE);
    int made = 0;
    pki_must_be(EVP_EncryptInit_ex2(canned->seal, NULL, key, iv, NULL) == 1 &&
                    EVP_EncryptUpdate(canned->seal, NULL, &made, header, HEADER_SIZE) == 1 &&
                    EVP_EncryptUpdate(canned->seal, header + HEADER_SIZE, &made,
                                      (const unsigned char *)canned->flight.data, (int)plain) == 1 &&
                    EVP_EncryptFinal_ex(canned->seal, header + HEADER_SIZE + plain, &made) == 1 &&
                    EVP_CIPHER_CTX_ctrl(canned->seal, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, header + HEADER_SIZE + plain) ==
                        1,
                "AES-128-GCM");
    *out = (struct slice){canned->answer, size + HEADER_SIZE + sealed};
    return 0;
}

int canned_answer(struct canned *canned, uint32_t index, const void *bytes, size_t size, struct slice *out)
{
    struct hello hello;
    bool tls13 = canned->version == TLS1_3_VERSION;
    int result = read_hello(bytes, size, tls13 ? SUITE_13 : SUITE_12, &hello);
    if (result != 0)
        return result;
    if (!hello.suite || (tls13 && (!hello.tls13 || hello.share.size == 0)))
        return CM_EUNSUPPORTED;
    memcpy(canned->flight.data + canned->leaf_at, stamp_make(canned->stamp, index), stamp_size(canned->stamp));
    if (tls13)
        return answer_tls13(canned, &hello, out);
    *out = buf_slice(&canned->flight);
    return 0;
}

struct canned *canned_new(int version, struct stamp *stamp, X509 *intermediate)
{
    struct canned *canned = cm_calloc(1, sizeof *canned);
    canned->version = version;
    canned->stamp = stamp;
    buf_init(&canned->flight, PLAIN_MAX);
    if (version == TLS1_3_VERSION) {
        prepare_keys(canned);
        prepare_tls13(canned, intermediate);
    } else {
        prepare_tls12(canned, intermediate);
    }
    pki_must_be(!canned->flight.failed, "the canned flight is too long");
    return canned;
}

void canned_free(struct canned *canned)
{
    if (canned == NULL)
        return;
    buf_done(&canned->flight);
    EVP_PKEY_free(canned->key);
    EVP_MD_free(canned->sha256);
    EVP_MD_CTX_free(canned->hash);
    EVP_MAC_CTX_free(canned->hmac);
    EVP_CIPHER_CTX_free(canned->seal);
    free(canned);
}
