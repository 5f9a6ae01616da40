/* Canned answers for benchmarks (see canned.h). Everything that can be made before the ClientHello comes is: the answer is one buffer in
 * which the leaf and, for TLS 1.3, a few fields are replaced. */
#include "tests/fleet/canned.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fleet/canned_keys.h"

enum {
    HASH_SIZE = CANNED_HASH_SIZE,
    PLAIN_MAX = 16384,
    HELLO_MAX = 512,  /* our ServerHello or HelloRetryRequest and change_cipher_spec */
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
    CERTIFICATE_VERIFY = 15,
    MESSAGE_HASH = 254,
};
enum { EXT_SUPPORTED_VERSIONS = 43, EXT_COOKIE = 44, EXT_KEY_SHARE = 51, GROUP_X25519 = 29, GROUP_SECP384R1 = 24 };
enum { SUITE_12 = 0xc02b, SUITE_13 = 0x1301 };

struct canned {
    enum canned_kind kind;
    struct stamp *stamp;
    struct buf flight; /* TLS 1.2: the whole answer; TLS 1.3: the plaintext of the sealed record */
    size_t leaf_at;
    uint8_t answer[2 * HELLO_MAX + PLAIN_MAX + CANNED_TAG_SIZE];
    uint16_t group; /* TLS 1.3 */
    struct canned_keys *keys;
};

struct hello { /* what is needed of a ClientHello; lends from its bytes */
    struct slice message, session_id;
    struct slice share;  /* of the group asked for; empty when there is none */
    struct slice cookie; /* of ours, a hash; empty in a first hello */
    bool suite, tls13;
};

/* --- reading the ClientHello (RFC 8446 §4.1.2) --------------------------------------------------------------------------------- */

static int read_share(struct cursor body, uint16_t wanted, struct hello *hello)
{
    struct cursor list, key;
    uint16_t group;
    if (cursor_vector16(&body, &list) != 0)
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_u16(&list, &group) != 0 || cursor_vector16(&list, &key) != 0)
            return CM_EMALFORMED;
        if (group == wanted)
            hello->share = (struct slice){key.at, cursor_left(&key)};
    }
    return 0;
}

static int read_extensions(struct cursor list, uint16_t wanted_group, struct hello *hello)
{
    struct cursor body, versions, cookie;
    uint16_t type, version;
    while (!cursor_at_end(&list)) {
        if (cursor_u16(&list, &type) != 0 || cursor_vector16(&list, &body) != 0)
            return CM_EMALFORMED;
        if (type == EXT_KEY_SHARE && read_share(body, wanted_group, hello) != 0)
            return CM_EMALFORMED;
        if (type == EXT_COOKIE && cursor_vector16(&body, &cookie) == 0 && cursor_left(&cookie) == HASH_SIZE)
            hello->cookie = (struct slice){cookie.at, HASH_SIZE};
        if (type == EXT_SUPPORTED_VERSIONS && cursor_vector8(&body, &versions) == 0) {
            while (cursor_u16(&versions, &version) == 0)
                hello->tls13 |= version == TLS1_3_VERSION;
        }
    }
    return 0;
}

/* A change_cipher_spec may come before a second hello (RFC 8446 §D.4). */
static int read_record(const void *bytes, size_t size, struct cursor *record)
{
    struct cursor input;
    uint8_t type = RECORD_CCS;
    uint16_t version;
    cursor_init(&input, bytes, size);
    while (type == RECORD_CCS) {
        if (cursor_u8(&input, &type) != 0)
            return CM_ETRUNCATED;
        if (type != RECORD_HANDSHAKE && type != RECORD_CCS)
            return CM_EMALFORMED;
        if (cursor_u16(&input, &version) != 0 || cursor_vector16(&input, record) != 0)
            return CM_ETRUNCATED;
    }
    return 0;
}

static int read_hello(const void *bytes, size_t size, uint16_t wanted_suite, uint16_t wanted_group, struct hello *hello)
{
    struct cursor record, body, part;
    uint8_t kind;
    uint16_t version, suite;
    *hello = (struct hello){.message = {NULL, 0}};
    int result = read_record(bytes, size, &record);
    if (result != 0)
        return result;
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
    return cursor_vector16(&body, &part) != 0 ? CM_EMALFORMED : read_extensions(part, wanted_group, hello);
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
    unsigned more = canned->kind == CANNED_TLS12 ? 0 : 2;
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

/* --- answering --------------------------------------------------------------------------------------------------------------- */

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(at, bytes, size);
    return at + size;
}

/* A ServerHello without its record header: the random, the extensions behind supported_versions. Returns its size. */
static size_t put_hello(uint8_t *out, const struct hello *hello, const uint8_t random[static 32],
                        struct slice extensions)
{
    static const uint8_t versions[] = {0, EXT_SUPPORTED_VERSIONS, 0, 2, 3, 4};
    size_t list = sizeof versions + extensions.size, body = 2 + 32 + 1 + hello->session_id.size + 2 + 1 + 2 + list;
    const uint8_t head[] = {SERVER_HELLO, 0, (uint8_t)(body >> 8), (uint8_t)body, 3, 3};
    const uint8_t middle[] = {SUITE_13 >> 8, SUITE_13 & 255, 0, (uint8_t)(list >> 8), (uint8_t)list};
    uint8_t *at = put_bytes(out, head, sizeof head);
    at = put_bytes(at, random, 32);
    *at++ = (uint8_t)hello->session_id.size;
    at = put_bytes(at, hello->session_id.data, hello->session_id.size);
    at = put_bytes(at, middle, sizeof middle);
    at = put_bytes(at, versions, sizeof versions);
    put_bytes(at, extensions.data, extensions.size);
    return 4 + body;
}

static size_t put_server_hello(const struct canned *canned, const struct hello *hello, uint8_t *out)
{
    static const uint8_t random[32] = "any but that of a retry request"; /* nobody checks it */
    uint8_t extension[8 + CANNED_SHARE_MAX];
    struct slice share = canned_keys_share(canned->keys);
    const uint8_t head[] = {0, EXT_KEY_SHARE,          0, (uint8_t)(4 + share.size),
                            0, (uint8_t)canned->group, 0, (uint8_t)share.size};
    memcpy(extension, head, sizeof head);
    memcpy(extension + sizeof head, share.data, share.size);
    return put_hello(out, hello, random, (struct slice){extension, sizeof head + share.size});
}

/* HelloRetryRequest (RFC 8446 §4.1.4). Its cookie is the hash of the first hello: so the server needs to remember nothing (§4.2.2). */
static size_t put_retry_request(const struct canned *canned, const struct hello *hello,
                                const uint8_t hash[static HASH_SIZE], uint8_t *out)
{
    static const uint8_t random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    uint8_t extensions[6 + 6 + HASH_SIZE] = {0, EXT_KEY_SHARE, 0, 2,        0, (uint8_t)canned->group, 0, EXT_COOKIE,
                                             0, 2 + HASH_SIZE, 0, HASH_SIZE};
    memcpy(extensions + 12, hash, HASH_SIZE);
    return put_hello(out, hello, random, (struct slice){extensions, sizeof extensions});
}

/* The record header before a message of ours, and for middleboxes change_cipher_spec behind it (RFC 8446 §D.4); returns the whole size. */
static size_t frame_hello(uint8_t *record, size_t message)
{
    static const uint8_t ccs[] = {RECORD_CCS, 3, 3, 0, 1, 1};
    const uint8_t header[HEADER_SIZE] = {RECORD_HANDSHAKE, 3, 3, (uint8_t)(message >> 8), (uint8_t)message};
    memcpy(record, header, HEADER_SIZE);
    memcpy(record + HEADER_SIZE + message, ccs, sizeof ccs);
    return HEADER_SIZE + message + sizeof ccs;
}

static int answer_retry(struct canned *canned, const struct hello *hello, struct slice *out)
{
    uint8_t hash[HASH_SIZE];
    canned_hash(canned->keys, &hello->message, 1, hash);
    size_t size = put_retry_request(canned, hello, hash, canned->answer + HEADER_SIZE);
    *out = (struct slice){canned->answer, frame_hello(canned->answer, size)};
    return CANNED_MORE;
}

/* After a HelloRetryRequest the transcript begins with the hash of the first hello and the request (RFC 8446 §4.4.1), both made again. */
static void hash_transcript(const struct canned *canned, const struct hello *hello, struct slice server_hello,
                            uint8_t out[static HASH_SIZE])
{
    uint8_t message_hash[4 + HASH_SIZE] = {MESSAGE_HASH, 0, 0, HASH_SIZE}, request[HELLO_MAX];
    struct slice parts[] = {{message_hash, 0}, {request, 0}, hello->message, server_hello};
    if (hello->cookie.size > 0) {
        memcpy(message_hash + 4, hello->cookie.data, HASH_SIZE);
        parts[0].size = sizeof message_hash;
        parts[1].size = put_retry_request(canned, hello, hello->cookie.data, request);
    }
    canned_hash(canned->keys, parts, 4, out);
}

static int answer_tls13(struct canned *canned, const struct hello *hello, struct slice *out)
{
    uint8_t hash[HASH_SIZE], *message = canned->answer + HEADER_SIZE;
    const struct slice plain = buf_slice(&canned->flight);
    size_t size = put_server_hello(canned, hello, message);
    hash_transcript(canned, hello, (struct slice){message, size}, hash);
    size = frame_hello(canned->answer, size);
    int result = canned_seal(canned->keys, hello->share, hash, plain, canned->answer + size);
    if (result == 0)
        *out = (struct slice){canned->answer, size + HEADER_SIZE + plain.size + CANNED_TAG_SIZE};
    return result;
}

int canned_answer(struct canned *canned, uint32_t index, const void *bytes, size_t size, struct slice *out)
{
    struct hello hello;
    bool tls13 = canned->kind != CANNED_TLS12;
    int result = read_hello(bytes, size, tls13 ? SUITE_13 : SUITE_12, canned->group, &hello);
    if (result != 0)
        return result;
    if (!hello.suite || (tls13 && !hello.tls13))
        return CM_EUNSUPPORTED;
    if (canned->kind == CANNED_TLS13_HRR && hello.cookie.size == 0)
        return answer_retry(canned, &hello, out);
    memcpy(canned->flight.data + canned->leaf_at, stamp_make(canned->stamp, index), stamp_size(canned->stamp));
    if (tls13)
        return answer_tls13(canned, &hello, out);
    *out = buf_slice(&canned->flight);
    return 0;
}

int canned_kind_read(const char *text, enum canned_kind *out)
{
    static const char *const names[] = {
        [CANNED_TLS12] = "tls12", [CANNED_TLS13] = "tls13", [CANNED_TLS13_HRR] = "tls13-hrr"};
    for (int kind = CANNED_TLS12; kind <= CANNED_TLS13_HRR; kind++) {
        if (strcmp(text, names[kind]) == 0) {
            *out = (enum canned_kind)kind;
            return 0;
        }
    }
    return CM_EINVAL;
}

struct canned *canned_new(enum canned_kind kind, struct stamp *stamp, X509 *intermediate)
{
    struct canned *canned = cm_calloc(1, sizeof *canned);
    canned->kind = kind;
    canned->stamp = stamp;
    buf_init(&canned->flight, PLAIN_MAX);
    if (kind == CANNED_TLS12) {
        prepare_tls12(canned, intermediate);
    } else {
        canned->group = kind == CANNED_TLS13 ? GROUP_X25519 : GROUP_SECP384R1;
        canned->keys = canned_keys_new(kind == CANNED_TLS13 ? "X25519" : "P-384");
        prepare_tls13(canned, intermediate);
    }
    pki_must_be(!canned->flight.failed, "the canned flight is too long");
    return canned;
}

void canned_free(struct canned *canned)
{
    if (canned == NULL)
        return;
    buf_done(&canned->flight);
    canned_keys_free(canned->keys);
    free(canned);
}
