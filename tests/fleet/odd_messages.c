/* Handshake messages of the odd servers, right or wrong as their row says (RFC 5246 §7.4, RFC 8446 §4). No cryptography but the signature of a
 * ServerKeyExchange: up to TLS 1.2 a server can say all of this to somebody who never answers. */
#include <openssl/ec.h>
#include <string.h>

#include "tests/fleet/odd.h"

enum {
    SERVER_HELLO = 2,
    ENCRYPTED_EXTENSIONS = 8,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    CERTIFICATE_STATUS = 22,
    SSLV2_SERVER_HELLO = 4,
};
enum {
    EXT_STATUS_REQUEST = 5,
    EXT_SIGNATURE_ALGORITHMS = 13,
    EXT_ALPN = 16,
    EXT_SCT = 18,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_COOKIE = 44,
    EXT_AUTHORITIES = 47,
    EXT_KEY_SHARE = 51,
    EXT_RENEGOTIATION = 0xff01
};
enum { TLS10 = 0x0301, TLS12 = 0x0303, TLS13 = 0x0304, GROUP_P256 = 23, GROUP_X25519 = 29, SCT_SIZE = 60 };

const uint8_t odd_random[32] = "an odd server is not very random";
/* SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3) */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                         0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                         0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static size_t open_message(struct buf *out, uint8_t type)
{
    odd_put(out, type, 1);
    return odd_open_vector(out, 3);
}

static size_t open_extension(struct buf *out, uint16_t type)
{
    odd_put(out, type, 2);
    return odd_open_vector(out, 2);
}

static void put_alpn(struct buf *out, const char *protocol)
{
    size_t body = open_extension(out, EXT_ALPN), list = odd_open_vector(out, 2);
    odd_put(out, strlen(protocol), 1);
    buf_append_str(out, protocol);
    odd_close_vector(out, list, 2);
    odd_close_vector(out, body, 2);
}

/* Timestamps of nothing, in their list (RFC 6962 §3.3). */
static void put_scts(struct buf *out, unsigned count)
{
    size_t body = open_extension(out, EXT_SCT), list = odd_open_vector(out, 2);
    for (unsigned i = 0; i < count; i++) {
        size_t sct = odd_open_vector(out, 2);
        memset(buf_extend(out, SCT_SIZE), 0, SCT_SIZE);
        odd_close_vector(out, sct, 2);
    }
    odd_close_vector(out, list, 2);
    odd_close_vector(out, body, 2);
}

static void put_extensions_13(struct buf *out, const struct odd_row *row, bool retry, struct slice share)
{
    odd_put(out, EXT_SUPPORTED_VERSIONS, 2);
    odd_put(out, 2, 2);
    odd_put(out, TLS13, 2);
    if (retry && row->cookie > 0) {
        size_t body = open_extension(out, EXT_COOKIE);
        odd_put(out, row->cookie, 2);
        for (size_t i = 0; i < row->cookie; i++)
            odd_put(out, i * 31, 1);
        odd_close_vector(out, body, 2);
    }
    if (retry && row->group != 0) {
        odd_put(out, EXT_KEY_SHARE, 2);
        odd_put(out, 2, 2);
        odd_put(out, row->group, 2);
    } else if (!retry) {
        size_t body = open_extension(out, EXT_KEY_SHARE);
        odd_put(out, GROUP_X25519, 2);
        odd_put(out, share.size, 2);
        buf_append(out, share.data, share.size);
        odd_close_vector(out, body, 2);
    }
}

static void put_extensions_12(struct buf *out, const struct odd_row *row)
{
    odd_put(out, (uint64_t)EXT_RENEGOTIATION << 24 | 0x000100, 5);
    if (row->staple != NULL)
        odd_close_vector(out, open_extension(out, EXT_STATUS_REQUEST), 2);
    if (row->alpn != NULL)
        put_alpn(out, row->alpn);
    if (row->scts > 0)
        put_scts(out, row->scts);
}

void odd_put_server_hello(struct buf *out, const struct odd_conn *conn, bool retry, struct slice share)
{
    const struct odd_row *row = conn->place->row;
    size_t body = open_message(out, SERVER_HELLO);
    odd_put(out, row->version == TLS13 ? TLS12 : row->version, 2);
    buf_append(out, retry ? retry_random : odd_random, 32);
    if (row->flags & ODD_OTHER_SESSION) {
        odd_put(out, 32, 1);
        buf_append(out, odd_random, 32);
    } else if (row->version == TLS13) {
        odd_put(out, conn->hello.session_id.size, 1);
        buf_append(out, conn->hello.session_id.data, conn->hello.session_id.size);
    } else {
        odd_put(out, 0, 1);
    }
    odd_put(out, row->suite, 2);
    odd_put(out, 0, 1);
    if (row->version == TLS13 || row->version >= TLS10) {
        size_t list = odd_open_vector(out, 2);
        if (row->version == TLS13)
            put_extensions_13(out, row, retry, share);
        else
            put_extensions_12(out, row);
        if (row->flags & ODD_DUPLICATE)
            odd_put(out, row->version == TLS13 ? 0x002b00020304 : 0xff01000100, row->version == TLS13 ? 6 : 5);
        odd_close_vector(out, list, 2);
    }
    if (row->flags & ODD_TRAILING)
        odd_put(out, 0xdeadbeef, 4);
    odd_close_vector(out, body, 3);
}

static void put_entry_extensions(struct buf *out, const struct odd_place *place, bool leaf)
{
    size_t list = odd_open_vector(out, 2);
    if (leaf && place->row->staple != NULL) {
        size_t body = open_extension(out, EXT_STATUS_REQUEST);
        odd_put(out, 1, 1);
        odd_put(out, place->staple.size, 3);
        buf_append(out, place->staple.data, place->staple.size);
        odd_close_vector(out, body, 2);
    }
    if (leaf && place->row->scts > 0)
        put_scts(out, place->row->scts);
    odd_close_vector(out, list, 2);
}

void odd_put_certificate(struct buf *out, const struct odd_place *place)
{
    bool tls13 = place->row->version == TLS13;
    size_t body = open_message(out, CERTIFICATE);
    if (tls13)
        odd_put(out, 0, 1);
    size_t list = odd_open_vector(out, 3);
    for (size_t i = 0; i < place->cert_count; i++) {
        odd_put(out, place->certs[i].size, 3);
        buf_append(out, place->certs[i].der, place->certs[i].size);
        if (tls13)
            put_entry_extensions(out, place, i == 0);
    }
    odd_close_vector(out, list, 3);
    odd_close_vector(out, body, 3);
}

void odd_put_status(struct buf *out, const struct odd_place *place)
{
    size_t body = open_message(out, CERTIFICATE_STATUS);
    odd_put(out, 1, 1);
    odd_put(out, place->staple.size, 3);
    buf_append(out, place->staple.data, place->staple.size);
    odd_close_vector(out, body, 3);
}

static void put_ca_names(struct buf *out, unsigned count)
{
    size_t list = odd_open_vector(out, 2);
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "Odd Example CA %04u", i);
        odd_put(out, (uint64_t)size + 13, 2); /* Name ::= SEQUENCE { SET { SEQUENCE { commonName, UTF8String } } } */
        odd_put(out, 0x3000 | ((uint64_t)size + 11), 2);
        odd_put(out, 0x3100 | ((uint64_t)size + 9), 2);
        odd_put(out, 0x3000 | ((uint64_t)size + 7), 2);
        odd_put(out, 0x0603550403, 5);
        odd_put(out, 0x0c00 | (uint64_t)size, 2);
        buf_append(out, text, (size_t)size);
    }
    odd_close_vector(out, list, 2);
}

void odd_put_request(struct buf *out, const struct odd_row *row)
{
    size_t body = open_message(out, CERTIFICATE_REQUEST);
    if (row->version == TLS13) {
        odd_put(out, 0, 1); /* certificate_request_context */
        size_t list = odd_open_vector(out, 2);
        odd_put(out, (uint64_t)EXT_SIGNATURE_ALGORITHMS << 48 | 0x000400020403, 8);
        if (row->ca_names > 0) {
            size_t names = open_extension(out, EXT_AUTHORITIES);
            put_ca_names(out, row->ca_names);
            odd_close_vector(out, names, 2);
        }
        odd_close_vector(out, list, 2);
    } else {
        odd_put(out, 0x0140, 2); /* ecdsa_sign */
        if (row->version == TLS12)
            odd_put(out, 0x00020403, 4);
        put_ca_names(out, row->ca_names);
    }
    odd_close_vector(out, body, 3);
}

void odd_put_encrypted_extensions(struct buf *out, const struct odd_row *row)
{
    size_t body = open_message(out, ENCRYPTED_EXTENSIONS), list = odd_open_vector(out, 2);
    if (row->alpn != NULL)
        put_alpn(out, row->alpn);
    odd_close_vector(out, list, 2);
    odd_close_vector(out, body, 3);
}

/* ServerECDHParams: a fresh point on P-256 (RFC 8422 §5.4). */
static void put_point(struct buf *out)
{
    EVP_PKEY *fresh = pki_must(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), "P-256");
    unsigned char *point = NULL;
    size_t size = EVP_PKEY_get1_encoded_public_key(fresh, &point);
    odd_put(out, 3, 1); /* named_curve */
    odd_put(out, GROUP_P256, 2);
    odd_put(out, size, 1);
    buf_append(out, point, size);
    OPENSSL_free(point);
    EVP_PKEY_free(fresh);
}

void odd_put_key_exchange(struct buf *out, const struct odd_conn *conn, EVP_PKEY *key)
{
    uint8_t content[64 + 256], signature[512];
    size_t size = sizeof signature, body = open_message(out, SERVER_KEY_EXCHANGE), params = out->size;
    put_point(out);
    if (key != NULL) {
        size_t params_size = out->size - params;
        bool tls12 = conn->place->row->version >= TLS12;
        bool sslv2 = conn->hello.sslv2; /* it has no random of this size, and no use for the signature */
        pki_must_be(params_size <= 256, "ServerKeyExchange");
        memcpy(content, sslv2 ? odd_random : conn->hello.random.data, 32);
        memcpy(content + 32, odd_random, 32);
        memcpy(content + 64, out->data + params, params_size);
        EVP_MD_CTX *sign = pki_must(EVP_MD_CTX_new(), "signature");
        pki_must_be(EVP_DigestSignInit(sign, NULL, tls12 ? EVP_sha256() : EVP_sha1(), NULL, key) == 1 &&
                        EVP_DigestSign(sign, signature, &size, content, 64 + params_size) == 1,
                    "signature");
        EVP_MD_CTX_free(sign);
        if (tls12) /* before, a P-256 key signs with SHA-1 (RFC 4492 §5.4), and RSA keys are not in these scripts */
            odd_put(out, EVP_PKEY_is_a(key, "RSA") ? 0x0401 : 0x0403, 2);
        odd_put(out, size, 2);
        buf_append(out, signature, size);
    }
    odd_close_vector(out, body, 3);
}

void odd_put_sslv2_hello(struct buf *out, const struct odd_place *place)
{
    static const uint8_t ciphers[] = {1, 0, 0x80, 7, 0, 0xc0}; /* RC4_128_WITH_MD5, DES_192_EDE3_CBC_WITH_MD5 */
    const struct odd_cert *cert = &place->certs[0];
    odd_put(out, 0x8000 | (11 + cert->size + sizeof ciphers + 16), 2); /* the header of two bytes */
    odd_put(out, SSLV2_SERVER_HELLO, 1);
    odd_put(out, 0, 1);      /* no session id hit */
    odd_put(out, 1, 1);      /* SSL_X509_CERTIFICATE */
    odd_put(out, 0x0002, 2); /* the version */
    odd_put(out, cert->size, 2);
    odd_put(out, sizeof ciphers, 2);
    odd_put(out, 16, 2);
    buf_append(out, cert->der, cert->size);
    buf_append(out, ciphers, sizeof ciphers);
    buf_append(out, odd_random, 16);
}
