/* Whether the leaf's private key made the signature that the handshake holds (see prove.h).
 *
 * Owns the table of signature algorithms and the reading of ServerKeyExchange as far as its signature. The question is possession alone,
 * so a scheme that a version forbids (PKCS #1 in TLS 1.3, a curve that is not the scheme's) still proves it; a signature that does not
 * verify, a message that cannot be read and an algorithm of another kind of key do not. */
#include "scanner/tls/prove.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/cert.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"

enum { RANDOM_SIZE = 32, SPACES = 64, CURVE_NAMED = 3 };

/* --- signature algorithms (RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1, RFC 8734) ------------------------------------------------------------ */

enum signer { SIGNER_RSA, SIGNER_RSA_PSS, SIGNER_DSA, SIGNER_ECDSA, SIGNER_ED25519, SIGNER_ED448 };

struct algorithm {
    uint16_t scheme;
    enum signer signer;
    const char *hash; /* NULL: the signature has its own */
};

static const struct algorithm algorithms[] = {
    {0x0101, SIGNER_RSA, "MD5"},        {0x0201, SIGNER_RSA, "SHA1"},       {0x0301, SIGNER_RSA, "SHA224"},
    {0x0401, SIGNER_RSA, "SHA256"},     {0x0501, SIGNER_RSA, "SHA384"},     {0x0601, SIGNER_RSA, "SHA512"},
    {0x0202, SIGNER_DSA, "SHA1"},       {0x0302, SIGNER_DSA, "SHA224"},     {0x0402, SIGNER_DSA, "SHA256"},
    {0x0502, SIGNER_DSA, "SHA384"},     {0x0602, SIGNER_DSA, "SHA512"},     {0x0203, SIGNER_ECDSA, "SHA1"},
    {0x0303, SIGNER_ECDSA, "SHA224"},   {0x0403, SIGNER_ECDSA, "SHA256"},   {0x0503, SIGNER_ECDSA, "SHA384"},
    {0x0603, SIGNER_ECDSA, "SHA512"},   {0x081a, SIGNER_ECDSA, "SHA256"},   {0x081b, SIGNER_ECDSA, "SHA384"},
    {0x081c, SIGNER_ECDSA, "SHA512"},   {0x0804, SIGNER_RSA_PSS, "SHA256"}, {0x0805, SIGNER_RSA_PSS, "SHA384"},
    {0x0806, SIGNER_RSA_PSS, "SHA512"}, {0x0809, SIGNER_RSA_PSS, "SHA256"}, {0x080a, SIGNER_RSA_PSS, "SHA384"},
    {0x080b, SIGNER_RSA_PSS, "SHA512"}, {0x0807, SIGNER_ED25519, NULL},     {0x0808, SIGNER_ED448, NULL},
};

/* Before TLS 1.2 the key's kind says all (RFC 2246 §7.4.3, RFC 4492 §5.4). */
static const struct algorithm old_rsa = {0, SIGNER_RSA, "MD5-SHA1"};
static const struct algorithm old_dsa = {0, SIGNER_DSA, "SHA1"};
static const struct algorithm old_ecdsa = {0, SIGNER_ECDSA, "SHA1"};

static const struct algorithm *find_algorithm(uint16_t scheme)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (algorithms[i].scheme == scheme)
            return &algorithms[i];
    }
    return NULL;
}

static const struct algorithm *old_algorithm(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return &old_rsa;
    case EVP_PKEY_DSA:
        return &old_dsa;
    case EVP_PKEY_EC:
        return &old_ecdsa;
    default:
        return NULL;
    }
}

static bool signs(EVP_PKEY *key, enum signer signer)
{
    int kind = EVP_PKEY_get_base_id(key);
    switch (signer) {
    case SIGNER_RSA:
        return kind == EVP_PKEY_RSA;
    case SIGNER_RSA_PSS:
        return kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
    case SIGNER_DSA:
        return kind == EVP_PKEY_DSA;
    case SIGNER_ECDSA:
        return kind == EVP_PKEY_EC;
    case SIGNER_ED25519:
        return kind == EVP_PKEY_ED25519;
    case SIGNER_ED448:
        return kind == EVP_PKEY_ED448;
    }
    return false;
}

/* --- verifying --------------------------------------------------------------------------------------------------------------- */

static enum proof tell(enum proof proof, const char *why, const char **detail)
{
    *detail = why;
    return proof;
}

/* The key alone is decoded: whatever else is wrong with the certificate is of no concern here. */
static EVP_PKEY *read_key(struct slice leaf)
{
    struct cert cert;
    if (cert_parse(leaf.data, leaf.size, &cert, NULL) != 0 || cert.spki.size > LONG_MAX)
        return NULL;
    const unsigned char *at = cert.spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)cert.spki.size);
    ERR_clear_error();
    return key;
}

static enum proof verify(EVP_PKEY *key, const struct algorithm *algorithm, struct slice content, struct slice signature,
                         const char **detail)
{
    if (!signs(key, algorithm->signer))
        return tell(PROOF_BAD, "the signature algorithm is not one of the leaf's key", detail);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL; /* lent from context */
    bool ready = context != NULL &&
                 EVP_DigestVerifyInit_ex(context, &parameters, algorithm->hash, NULL, NULL, key, NULL) == 1 &&
                 (algorithm->signer != SIGNER_RSA_PSS ||
                  (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1));
    bool good = ready && EVP_DigestVerify(context, signature.data, signature.size, content.data, content.size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!ready)
        return tell(PROOF_UNAVAILABLE, "this OpenSSL refuses the signature algorithm", detail);
    return good ? tell(PROOF_GOOD, NULL, detail)
                : tell(PROOF_BAD, "the signature is not the leaf's key's over this handshake", detail);
}

static enum proof judge(struct slice leaf, const struct algorithm *algorithm, bool old, struct slice content,
                        struct slice signature, const char **detail)
{
    if (algorithm == NULL && !old)
        return tell(PROOF_UNAVAILABLE, "the signature algorithm is not one that we check", detail);
    EVP_PKEY *key = read_key(leaf);
    if (key == NULL)
        return tell(PROOF_UNAVAILABLE, "the leaf's key cannot be decoded", detail);
    if (old)
        algorithm = old_algorithm(key);
    enum proof proof = algorithm == NULL
                           ? tell(PROOF_UNAVAILABLE, "the leaf's key does not sign before TLS 1.2", detail)
                           : verify(key, algorithm, content, signature, detail);
    EVP_PKEY_free(key);
    return proof;
}

/* --- CertificateVerify (RFC 8446 §4.4.3) ---------------------------------------------------------------------------------------- */

enum proof prove_certificate_verify(struct slice leaf, struct slice body, const uint8_t *transcript,
                                    size_t transcript_size, const char **detail)
{
    static const char context[] = "TLS 1.3, server CertificateVerify"; /* its NUL is the separator */
    uint8_t content[SPACES + sizeof context + EVP_MAX_MD_SIZE];
    uint16_t scheme;
    struct slice signature;
    if (transcript_size > EVP_MAX_MD_SIZE || tls_read_certificate_verify(body, &scheme, &signature) != 0)
        return tell(PROOF_BAD, "CertificateVerify is malformed", detail);
    memset(content, ' ', SPACES);
    memcpy(content + SPACES, context, sizeof context);
    memcpy(content + SPACES + sizeof context, transcript, transcript_size);
    const struct slice signed_content = {content, SPACES + sizeof context + transcript_size};
    return judge(leaf, find_algorithm(scheme), false, signed_content, signature, detail);
}

/* --- ServerKeyExchange (RFC 5246 §7.4.3, RFC 8422 §5.4) ------------------------------------------------------------------------ */

/* The parameters that are signed: ServerDHParams are three vectors, the ServerRSAParams of the old export suites two. */
static int read_vectors(struct cursor *at, unsigned count)
{
    struct cursor vector;
    while (count-- > 0) {
        if (cursor_vector16(at, &vector) != 0)
            return CM_EMALFORMED;
    }
    return 0;
}

static int read_ecdh_parameters(struct cursor *at)
{
    uint8_t curve_type;
    uint16_t curve;
    struct cursor point;
    if (cursor_u8(at, &curve_type) != 0)
        return CM_EMALFORMED;
    if (curve_type != CURVE_NAMED)
        return CM_EUNSUPPORTED;
    return cursor_u16(at, &curve) != 0 || cursor_vector8(at, &point) != 0 ? CM_EMALFORMED : 0;
}

struct signed_parameters {
    struct slice parameters, signature;
    uint16_t scheme; /* from TLS 1.2 on */
};

static int read_key_exchange(struct slice body, enum tls_key_exchange kind, bool old, struct signed_parameters *out)
{
    struct cursor at, signature;
    int result;
    cursor_init_slice(&at, body);
    if (kind == TLS_KX_ECDHE)
        result = read_ecdh_parameters(&at);
    else
        result = read_vectors(&at, kind == TLS_KX_DHE ? 3 : 2);
    if (result != 0)
        return result;
    out->parameters = (struct slice){body.data, cursor_offset(&at)};
    if ((!old && cursor_u16(&at, &out->scheme) != 0) || cursor_vector16(&at, &signature) != 0 || !cursor_at_end(&at))
        return CM_EMALFORMED;
    out->signature = (struct slice){signature.at, cursor_left(&signature)};
    return 0;
}

enum proof prove_server_key_exchange(struct slice leaf, struct slice body, uint16_t version, uint16_t suite,
                                     const uint8_t *client_random, const uint8_t *server_random, const char **detail)
{
    struct signed_parameters found = {.scheme = 0};
    bool old = version < TLS_VERSION_1_2;
    enum tls_key_exchange kind = tls_suite_key_exchange(suite);
    if (kind != TLS_KX_DHE && kind != TLS_KX_ECDHE && kind != TLS_KX_RSA)
        return tell(PROOF_UNAVAILABLE, "nothing is signed with this cipher suite", detail);
    int result = read_key_exchange(body, kind, old, &found);
    if (result == CM_EUNSUPPORTED)
        return tell(PROOF_UNAVAILABLE, "ServerKeyExchange has an explicit curve", detail);
    if (result != 0)
        return tell(PROOF_BAD, "ServerKeyExchange is malformed", detail);
    struct buf content;
    buf_init(&content, 2 * RANDOM_SIZE + found.parameters.size);
    buf_append(&content, client_random, RANDOM_SIZE);
    buf_append(&content, server_random, RANDOM_SIZE);
    buf_append(&content, found.parameters.data, found.parameters.size);
    enum proof proof = judge(leaf, find_algorithm(found.scheme), old, buf_slice(&content), found.signature, detail);
    buf_done(&content);
    return proof;
}

const char *proof_name(enum proof proof)
{
    static const char *const names[] = {
        [PROOF_GOOD] = "good", [PROOF_BAD] = "bad", [PROOF_UNAVAILABLE] = "unavailable"};
    return proof <= PROOF_UNAVAILABLE ? names[proof] : NULL;
}
