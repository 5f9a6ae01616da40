/* The MAC of a PKCS#12 file. Owns nothing; pkcs12.c calls it, after it has looked at what the derivation costs. */
#include "scanner/crawl/formats/pkcs12_mac.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "scanner/crawl/formats/ber.h"

enum { MAC_BYTES_MAX = 64 };

bool pkcs12_misread(const char *password, struct buf *out)
{
    bool differs = false;
    buf_reset(out);
    for (; password && *password; password++) {
        unsigned char c = (unsigned char)*password;
        differs = differs || c >= 0x80;
        if (c >= 0x80)
            buf_append_char(out, (char)(0xC0 | c >> 6));
        buf_append_char(out, (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c));
    }
    return differs && !out->failed;
}

static const EVP_MD *digest_of(struct slice oid)
{
    static const uint8_t hmac[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02}; /* hmacWithSHA… (RFC 8018 §B.1.2) */
    if (oid.size != sizeof hmac + 1 || memcmp(oid.data, hmac, sizeof hmac) != 0)
        return NULL;
    switch (oid.data[sizeof hmac]) {
    case 7:
        return EVP_sha1();
    case 8:
        return EVP_sha224();
    case 9:
        return EVP_sha256();
    case 10:
        return EVP_sha384();
    case 11:
        return EVP_sha512();
    case 12:
        return EVP_sha512_224();
    case 13:
        return EVP_sha512_256();
    default:
        return NULL;
    }
}

struct pbmac1 {
    struct slice salt;
    int64_t iterations, key_size;
    const EVP_MD *prf, *mac;
};

static int64_t integer_of(struct slice contents)
{
    int64_t sum = 0;
    if (!contents.size || contents.size > 4 || contents.data[0] & 0x80)
        return -1;
    for (size_t i = 0; i < contents.size; i++)
        sum = sum << 8 | contents.data[i];
    return sum;
}

/* PBMAC1-params ::= SEQUENCE { keyDerivationFunc { PBKDF2, { salt, iterations, keyLength, prf } }, messageAuthScheme } (RFC 8018 §A.5, §A.2) */
static bool read_parameters(struct slice der, struct pbmac1 *out)
{
    static const uint8_t pbkdf2[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C};
    struct cursor cursor, sequence, derivation, parameters, algorithm;
    struct der_element oid, salt, iterations, size;
    cursor_init_slice(&cursor, der);
    *out = (struct pbmac1){.key_size = -1, .prf = EVP_sha1()};
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_expect(&sequence, DER_SEQUENCE, &derivation) ||
        der_next(&derivation, &oid) || !slice_equal(oid.contents, (struct slice){pbkdf2, sizeof pbkdf2}) ||
        der_expect(&derivation, DER_SEQUENCE, &parameters) || der_next(&parameters, &salt) ||
        salt.tag != DER_OCTET_STRING || der_next(&parameters, &iterations))
        return false;
    out->salt = salt.contents;
    out->iterations = integer_of(iterations.contents);
    struct cursor trial = parameters;
    if (!der_next(&trial, &size) && size.tag == DER_INTEGER) {
        out->key_size = integer_of(size.contents);
        parameters = trial;
    }
    if (!der_expect(&parameters, DER_SEQUENCE, &algorithm))
        out->prf = der_next(&algorithm, &oid) ? NULL : digest_of(oid.contents);
    out->mac =
        der_expect(&sequence, DER_SEQUENCE, &algorithm) || der_next(&algorithm, &oid) ? NULL : digest_of(oid.contents);
    /* RFC 9579 §5: the length must be there; a key of few bytes would fit to any password. */
    return out->prf && out->mac && out->iterations > 0 && out->key_size >= 20 && out->key_size <= MAC_BYTES_MAX;
}

/* What the MAC is over: the OCTET STRING in PFX { version, authSafe { OID, [0] { OCTET STRING } }, … }. */
static bool find_contents(struct slice bytes, struct buf *joined, struct slice *out)
{
    enum { TAG_EXPLICIT = 0xA0 };
    struct cursor cursor, pfx, info, explicit_tag;
    struct der_element version, oid, octets;
    cursor_init_slice(&cursor, bytes);
    return !ber_expect(&cursor, DER_SEQUENCE, &pfx) && !ber_next(&pfx, &version) &&
           !ber_expect(&pfx, DER_SEQUENCE, &info) && !ber_next(&info, &oid) &&
           !ber_expect(&info, TAG_EXPLICIT, &explicit_tag) && !ber_next(&explicit_tag, &octets) &&
           !ber_octets(&octets, joined, out);
}

static bool pbmac1_fits(const X509_ALGOR *algorithm, const ASN1_OCTET_STRING *expected, struct slice bytes,
                        const char *password)
{
    const ASN1_TYPE *type = algorithm->parameter;
    struct pbmac1 parameters;
    unsigned char key[MAC_BYTES_MAX], mac[EVP_MAX_MD_SIZE];
    unsigned mac_size = sizeof mac;
    struct buf joined;
    struct slice contents;
    bool fits = false;
    if (!type || type->type != V_ASN1_SEQUENCE ||
        !read_parameters((struct slice){type->value.sequence->data, (size_t)type->value.sequence->length}, &parameters))
        return false;
    buf_init(&joined, bytes.size);
    if (find_contents(bytes, &joined, &contents) &&
        PKCS5_PBKDF2_HMAC(password ? password : "", password ? (int)strlen(password) : 0, parameters.salt.data,
                          (int)parameters.salt.size, (int)parameters.iterations, parameters.prf,
                          (int)parameters.key_size, key) == 1 &&
        HMAC(parameters.mac, key, (int)parameters.key_size, contents.data, contents.size, mac, &mac_size))
        fits = mac_size == (unsigned)ASN1_STRING_length(expected) &&
               CRYPTO_memcmp(mac, ASN1_STRING_get0_data(expected), mac_size) == 0;
    OPENSSL_cleanse(key, sizeof key);
    buf_done(&joined);
    return fits;
}

bool pkcs12_mac_fits(PKCS12 *pfx, struct slice bytes, const char *password)
{
    enum { PBMAC1_OID_BYTES = 9 };
    static const uint8_t pbmac1[PBMAC1_OID_BYTES] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0E};
    const ASN1_OCTET_STRING *expected = NULL;
    const X509_ALGOR *algorithm = NULL;
    PKCS12_get0_mac(&expected, &algorithm, NULL, NULL, pfx);
    if (algorithm && OBJ_length(algorithm->algorithm) == sizeof pbmac1 &&
        memcmp(OBJ_get0_data(algorithm->algorithm), pbmac1, sizeof pbmac1) == 0)
        return pbmac1_fits(algorithm, expected, bytes, password);
    return PKCS12_verify_mac(pfx, password, password ? (int)strlen(password) : 0) == 1;
}
