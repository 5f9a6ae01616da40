/* What protects a BCFKS: PBES2 (RFC 8018 §6.2) with AES-CCM (RFC 5084) or AES key wrap (RFC 5649), and an HMAC, each under a key of its own.
 *
 * A key is made of the password's UTF-16 with two zeros behind it, followed by the purpose, written likewise: so one password gives two keys. PBKDF2
 * takes HMAC with SHA-512 or SHA3-512; of scrypt BouncyCastle passes r for p, whatever p says. Owns nothing. bcfks.c calls it. */
#include "scanner/crawl/formats/bcfks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "certmuster/der.h"

enum { SCRYPT_MEMORY_MAX = 80 * 1024 * 1024 };

static const char store_purpose[] = "STORE_ENCRYPTION", mac_purpose[] = "INTEGRITY_CHECK";
static const uint8_t pbes2[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D};
static const uint8_t pbkdf2[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C};
static const uint8_t scrypt[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B};

static const struct {
    uint8_t oid[9];
    uint8_t size;
    const EVP_MD *(*md)(void);
    const char *name;
} hmacs[] = {
    {{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x07}, 8, EVP_sha1, "HMAC-SHA1"},
    {{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x09}, 8, EVP_sha256, "HMAC-SHA256"},
    {{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0A}, 8, EVP_sha384, "HMAC-SHA384"},
    {{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0B}, 8, EVP_sha512, "HMAC-SHA512"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0E}, 9, EVP_sha3_256, "HMAC-SHA3-256"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0F}, 9, EVP_sha3_384, "HMAC-SHA3-384"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x10}, 9, EVP_sha3_512, "HMAC-SHA3-512"},
};

/* id-aesNNN-CCM and id-aesNNN-wrap-pad: 2.16.840.1.101.3.4.1.LAST */
static const uint8_t aes[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};
static const struct {
    uint8_t last;
    bool wrapped;
    unsigned bits;
    const EVP_CIPHER *(*cipher)(void);
} ciphers[] = {
    {7, false, 128, EVP_aes_128_ccm},     {27, false, 192, EVP_aes_192_ccm},     {47, false, 256, EVP_aes_256_ccm},
    {8, true, 128, EVP_aes_128_wrap_pad}, {28, true, 192, EVP_aes_192_wrap_pad}, {48, true, 256, EVP_aes_256_wrap_pad},
};

/* --- Reading ----------------------------------------------------------------------------------------------------------- */

static bool is_oid(struct slice oid, const uint8_t *bytes, size_t size)
{
    return slice_equal(oid, (struct slice){bytes, size});
}

/* AlgorithmIdentifier: its OID, and a cursor over what follows it. */
static int read_algorithm(struct cursor *cursor, struct slice *oid, struct cursor *parameters)
{
    struct der_element name;
    int status = der_expect(cursor, DER_SEQUENCE, parameters);
    if (!status)
        status = der_next(parameters, &name);
    if (!status && name.tag != DER_OID)
        status = CM_EMALFORMED;
    if (!status)
        *oid = name.contents;
    return status;
}

static int read_hmac(struct cursor *cursor, const EVP_MD *(**md)(void), const char **name)
{
    struct cursor parameters;
    struct slice oid;
    int status = read_algorithm(cursor, &oid, &parameters);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof hmacs / sizeof *hmacs; i++) {
        if (is_oid(oid, hmacs[i].oid, hmacs[i].size)) {
            *md = hmacs[i].md;
            *name = hmacs[i].name;
            return 0;
        }
    }
    return CM_EUNSUPPORTED;
}

static int read_number(struct cursor *cursor, uint64_t *value)
{
    struct cursor number;
    uint8_t byte = 0;
    int status = der_expect(cursor, DER_INTEGER, &number);
    if (status)
        return status;
    if (cursor_left(&number) > 8 || cursor_peek_u8(&number, &byte) || byte & 0x80)
        return CM_EMALFORMED;
    *value = 0;
    while (!cursor_u8(&number, &byte))
        *value = *value << 8 | byte;
    return 0;
}

static int read_octets(struct cursor *cursor, struct slice *octets)
{
    struct der_element element;
    int status = der_next(cursor, &element);
    if (!status && element.tag != DER_OCTET_STRING)
        status = CM_EMALFORMED;
    if (!status)
        *octets = element.contents;
    return status;
}

static bool next_is(const struct cursor *cursor, uint8_t tag)
{
    uint8_t next;
    return !cursor_peek_u8(cursor, &next) && next == tag;
}

static int read_key_size(struct cursor *cursor, size_t *size)
{
    uint64_t value = 0;
    int status = next_is(cursor, DER_INTEGER) ? read_number(cursor, &value) : 0;
    if (!status && value > BCFKS_KEY_MAX)
        status = CM_EUNSUPPORTED;
    if (!status)
        *size = (size_t)value;
    return status;
}

/* PBKDF2-params: salt, iterationCount, keyLength OPTIONAL, prf DEFAULT HMAC-SHA1; scrypt-params: salt, N, r, p, keyLength OPTIONAL. */
static int read_kdf(struct cursor *cursor, struct bcfks_kdf *kdf)
{
    struct cursor parameters, sequence;
    struct slice oid;
    uint64_t p;
    *kdf = (struct bcfks_kdf){.md = EVP_sha1, .md_name = "HMAC-SHA1"};
    int status = read_algorithm(cursor, &oid, &parameters);
    if (!status)
        status = der_expect(&parameters, DER_SEQUENCE, &sequence);
    if (status)
        return status;
    kdf->scrypt = is_oid(oid, scrypt, sizeof scrypt);
    if (!kdf->scrypt && !is_oid(oid, pbkdf2, sizeof pbkdf2))
        return CM_EUNSUPPORTED;
    if ((status = read_octets(&sequence, &kdf->salt)) || (status = read_number(&sequence, &kdf->iterations)) ||
        (kdf->scrypt && ((status = read_number(&sequence, &kdf->block)) || (status = read_number(&sequence, &p)))) ||
        (status = read_key_size(&sequence, &kdf->key_size)))
        return status;
    return !kdf->scrypt && !cursor_at_end(&sequence) ? read_hmac(&sequence, &kdf->md, &kdf->md_name) : 0;
}

static int read_cipher(struct cursor *cursor, struct bcfks_seal *seal)
{
    enum { TAG_DEFAULT = 12 };
    struct cursor parameters, ccm;
    struct slice oid;
    uint64_t tag = TAG_DEFAULT;
    int status = read_algorithm(cursor, &oid, &parameters);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        if (oid.size == sizeof aes + 1 && memcmp(oid.data, aes, sizeof aes) == 0 &&
            oid.data[sizeof aes] == ciphers[i].last) {
            seal->wrapped = ciphers[i].wrapped;
            seal->key_bits = ciphers[i].bits;
        }
    }
    if (!seal->key_bits)
        return CM_EUNSUPPORTED;
    if (seal->wrapped)
        return 0;
    if ((status = der_expect(&parameters, DER_SEQUENCE, &ccm)) || (status = read_octets(&ccm, &seal->nonce)) ||
        (next_is(&ccm, DER_INTEGER) && (status = read_number(&ccm, &tag))))
        return status;
    seal->tag_size = tag <= 16 ? (size_t)tag : 0;
    return seal->nonce.size < 7 || seal->nonce.size > 13 || seal->tag_size < 4 || seal->tag_size % 2 ? CM_EMALFORMED
                                                                                                     : 0;
}

int bcfks_read_seal(struct cursor contents, struct bcfks_seal *seal)
{
    struct cursor parameters, scheme;
    struct slice oid;
    *seal = (struct bcfks_seal){.wrapped = false};
    int status = read_algorithm(&contents, &oid, &parameters);
    if (status)
        return status;
    if (!is_oid(oid, pbes2, sizeof pbes2))
        return CM_EUNSUPPORTED;
    if ((status = der_expect(&parameters, DER_SEQUENCE, &scheme)) || (status = read_kdf(&scheme, &seal->kdf)) ||
        (status = read_cipher(&scheme, seal)))
        return status;
    return read_octets(&contents, &seal->content);
}

int bcfks_read_mac(struct cursor contents, struct bcfks_mac *mac)
{
    const char *name;
    int status = read_hmac(&contents, &mac->md, &name);
    if (!status)
        status = read_kdf(&contents, &mac->kdf);
    return status ? status : read_octets(&contents, &mac->mac);
}

uint64_t bcfks_cost(const struct bcfks_kdf *kdf)
{
    if (!kdf->scrypt)
        return kdf->iterations;
    /* N × r × p, and p is r */
    return kdf->iterations >> 32 || kdf->block >> 15 ? UINT64_MAX : kdf->iterations * kdf->block * kdf->block;
}

void bcfks_describe(const struct bcfks_seal *seal, char *out, size_t size)
{
    int used = snprintf(out, size, "no password of the list opens it: AES-%u-%s, ", seal->key_bits,
                        seal->wrapped ? "KWP" : "CCM");
    if (used < 0 || (size_t)used >= size)
        return;
    if (seal->kdf.scrypt)
        snprintf(out + used, size - (size_t)used, "scrypt with N %" PRIu64 " and r %" PRIu64, seal->kdf.iterations,
                 seal->kdf.block);
    else
        snprintf(out + used, size - (size_t)used, "PBKDF2 with %s, %" PRIu64 " iterations", seal->kdf.md_name,
                 seal->kdf.iterations);
}

/* --- Opening ----------------------------------------------------------------------------------------------------------- */

static bool derive(const struct bcfks_kdf *kdf, const struct java_password *password, const char *purpose, uint8_t *key,
                   size_t key_size)
{
    uint8_t secret[sizeof password->bytes + 2 * sizeof store_purpose];
    size_t size = password->size ? password->size + 2 : 0; /* an empty password has not even the zeros */
    memcpy(secret, password->bytes, size);
    for (size_t i = 0; i <= strlen(purpose); i++) {
        secret[size++] = 0;
        secret[size++] = (uint8_t)purpose[i];
    }
    bool done = kdf->scrypt
                    ? EVP_PBE_scrypt((const char *)secret, size, kdf->salt.data, kdf->salt.size, kdf->iterations,
                                     kdf->block, kdf->block, SCRYPT_MEMORY_MAX, key, key_size) == 1
                    : kdf->iterations <= INT32_MAX &&
                          PKCS5_PBKDF2_HMAC((const char *)secret, (int)size, kdf->salt.data, (int)kdf->salt.size,
                                            (int)kdf->iterations, kdf->md(), (int)key_size, key) == 1;
    OPENSSL_cleanse(secret, sizeof secret);
    return done;
}

/* content is the encryption and the tag behind it. */
static bool open_ccm(const struct bcfks_seal *seal, EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher,
                     const uint8_t *key, uint8_t *out, size_t *size)
{
    if (seal->content.size < seal->tag_size)
        return false;
    size_t body = seal->content.size - seal->tag_size;
    int length;
    bool right = EVP_DecryptInit_ex(context, cipher, NULL, NULL, NULL) == 1 &&
                 EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)seal->nonce.size, NULL) == 1 &&
                 EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)seal->tag_size,
                                     (void *)(seal->content.data + body)) == 1 &&
                 EVP_DecryptInit_ex(context, NULL, NULL, key, seal->nonce.data) == 1 &&
                 EVP_DecryptUpdate(context, NULL, &length, NULL, (int)body) == 1 &&
                 EVP_DecryptUpdate(context, out, &length, seal->content.data, (int)body) == 1;
    if (right)
        *size = (size_t)length;
    return right;
}

static bool open_wrapped(const struct bcfks_seal *seal, EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher,
                         const uint8_t *key, uint8_t *out, size_t *size)
{
    int length;
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool right = seal->content.size >= 16 && seal->content.size % 8 == 0 &&
                 EVP_DecryptInit_ex(context, cipher, NULL, key, NULL) == 1 &&
                 EVP_DecryptUpdate(context, out, &length, seal->content.data, (int)seal->content.size) == 1;
    if (right)
        *size = (size_t)length;
    return right;
}

bool bcfks_unseal(const struct bcfks_seal *seal, const struct java_password *password, uint8_t *out, size_t *size)
{
    uint8_t key[BCFKS_KEY_MAX];
    const EVP_CIPHER *cipher = NULL;
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
        if (ciphers[i].bits == seal->key_bits && ciphers[i].wrapped == seal->wrapped)
            cipher = ciphers[i].cipher();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool right = context && cipher && derive(&seal->kdf, password, store_purpose, key, seal->key_bits / 8) &&
                 (seal->wrapped ? open_wrapped : open_ccm)(seal, context, cipher, key, out, size);
    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(key, sizeof key);
    return right;
}

bool bcfks_mac_fits(const struct bcfks_mac *mac, const struct java_password *password, struct slice of_what)
{
    uint8_t key[BCFKS_KEY_MAX], own[EVP_MAX_MD_SIZE];
    size_t key_size = mac->kdf.key_size ? mac->kdf.key_size : (size_t)EVP_MD_get_size(mac->md());
    unsigned size;
    bool same = derive(&mac->kdf, password, mac_purpose, key, key_size) &&
                HMAC(mac->md(), key, (int)key_size, of_what.data, of_what.size, own, &size) && size == mac->mac.size &&
                CRYPTO_memcmp(own, mac->mac.data, size) == 0;
    OPENSSL_cleanse(key, sizeof key);
    return same;
}
