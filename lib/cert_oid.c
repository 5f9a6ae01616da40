/* Object identifiers of certificates, and the public keys that they describe (RFC 3279, 4055, 5480, 8410, 9881, 9909).
 *
 * Owns the tables of algorithm and curve names. Only cert.c calls it. It measures keys and computes nothing with them: decoding a key
 * eagerly is what makes OpenSSL's reader a hundred times slower. */
#include "lib/cert_oid.h"

#include <string.h>

#include "certmuster/der.h"

enum key_form { KEY_OTHER, KEY_RSA, KEY_EC, KEY_DSA };

static const struct {
    const char *oid, *name;
    enum key_form form;
    unsigned bits; /* of algorithms that have one size */
} keys[] = {
    {"1.2.840.113549.1.1.1", "RSA", KEY_RSA, 0},
    {"1.2.840.10045.2.1", "EC", KEY_EC, 0},
    {"1.3.101.112", "Ed25519", KEY_OTHER, 256},
    {"1.3.101.113", "Ed448", KEY_OTHER, 456},
    {"1.2.840.113549.1.1.10", "RSA-PSS", KEY_RSA, 0},
    {"1.2.840.113549.1.1.7", "RSA-OAEP", KEY_RSA, 0},
    {"2.5.8.1.1", "RSA", KEY_RSA, 0}, /* id-ea-rsa of X.509 (1988) */
    {"1.2.840.10040.4.1", "DSA", KEY_DSA, 0},
    {"1.2.840.113549.1.3.1", "DH", KEY_OTHER, 0},
    {"1.2.840.10046.2.1", "DH", KEY_OTHER, 0},
    {"1.3.101.110", "X25519", KEY_OTHER, 256},
    {"1.3.101.111", "X448", KEY_OTHER, 448},
    {"1.3.132.1.12", "ECDH", KEY_EC, 0},
    {"1.2.643.2.2.19", "GOST-R-34.10-2001", KEY_OTHER, 256},
    {"1.2.643.7.1.1.1.1", "GOST-R-34.10-2012-256", KEY_OTHER, 256},
    {"1.2.643.7.1.1.1.2", "GOST-R-34.10-2012-512", KEY_OTHER, 512},
    {"2.16.840.1.101.3.4.3.17", "ML-DSA-44", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.18", "ML-DSA-65", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.19", "ML-DSA-87", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.21", "SLH-DSA-SHA2-128f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.22", "SLH-DSA-SHA2-192s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.23", "SLH-DSA-SHA2-192f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.24", "SLH-DSA-SHA2-256s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.25", "SLH-DSA-SHA2-256f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.26", "SLH-DSA-SHAKE-128s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.27", "SLH-DSA-SHAKE-128f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.28", "SLH-DSA-SHAKE-192s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.29", "SLH-DSA-SHAKE-192f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.30", "SLH-DSA-SHAKE-256s", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.4.1", "ML-KEM-512", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.4.2", "ML-KEM-768", KEY_OTHER, 0},
    {"2.16.840.1.101.3.4.4.3", "ML-KEM-1024", KEY_OTHER, 0},
};

static const struct {
    const char *oid, *name;
    unsigned bits; /* of the field */
} curves[] = {
    {"1.2.840.10045.3.1.7", "P-256", 256},
    {"1.3.132.0.34", "P-384", 384},
    {"1.3.132.0.35", "P-521", 521},
    {"1.2.840.10045.3.1.1", "P-192", 192},
    {"1.3.132.0.33", "P-224", 224},
    {"1.3.132.0.10", "secp256k1", 256},
    {"1.3.132.0.8", "secp160r1", 160},
    {"1.3.132.0.9", "secp160k1", 160},
    {"1.3.132.0.30", "secp160r2", 160},
    {"1.3.132.0.31", "secp192k1", 192},
    {"1.3.132.0.32", "secp224k1", 224},
    {"1.3.132.0.6", "secp112r1", 112},
    {"1.3.132.0.7", "secp112r2", 112},
    {"1.3.132.0.28", "secp128r1", 128},
    {"1.3.132.0.29", "secp128r2", 128},
    {"1.2.840.10045.3.1.2", "prime192v2", 192},
    {"1.2.840.10045.3.1.3", "prime192v3", 192},
    {"1.2.840.10045.3.1.4", "prime239v1", 239},
    {"1.2.840.10045.3.1.5", "prime239v2", 239},
    {"1.2.840.10045.3.1.6", "prime239v3", 239},
    {"1.3.132.0.1", "K-163", 163},
    {"1.3.132.0.15", "B-163", 163},
    {"1.3.132.0.26", "K-233", 233},
    {"1.3.132.0.27", "B-233", 233},
    {"1.3.132.0.3", "sect239k1", 239},
    {"1.3.132.0.16", "K-283", 283},
    {"1.3.132.0.17", "B-283", 283},
    {"1.3.132.0.36", "K-409", 409},
    {"1.3.132.0.37", "B-409", 409},
    {"1.3.132.0.38", "K-571", 571},
    {"1.3.132.0.39", "B-571", 571},
    {"1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1", 160},
    {"1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1", 192},
    {"1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1", 224},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256},
    {"1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1", 256},
    {"1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1", 320},
    {"1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384},
    {"1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1", 384},
    {"1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512},
    {"1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1", 512},
    {"1.2.156.10197.1.301", "SM2", 256},
};

static const struct {
    const char *oid, *name;
} signatures[] = {
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"1.2.840.113549.1.1.14", "sha224WithRSAEncryption"},
    {"1.2.840.113549.1.1.10", "rsassaPss"},
    {"1.2.840.113549.1.1.2", "md2WithRSAEncryption"},
    {"1.2.840.113549.1.1.3", "md4WithRSAEncryption"},
    {"1.2.840.113549.1.1.4", "md5WithRSAEncryption"},
    {"1.3.14.3.2.29", "sha1WithRSA"},
    {"1.3.14.3.2.15", "shaWithRSAEncryption"},
    {"1.3.14.3.2.3", "md5WithRSA"},
    {"2.16.840.1.101.3.4.3.14", "RSA-SHA3-256"},
    {"2.16.840.1.101.3.4.3.15", "RSA-SHA3-384"},
    {"2.16.840.1.101.3.4.3.16", "RSA-SHA3-512"},
    {"1.2.840.10045.4.1", "ecdsa-with-SHA1"},
    {"1.2.840.10045.4.3.1", "ecdsa-with-SHA224"},
    {"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {"2.16.840.1.101.3.4.3.10", "ecdsa_with_SHA3-256"},
    {"2.16.840.1.101.3.4.3.11", "ecdsa_with_SHA3-384"},
    {"2.16.840.1.101.3.4.3.12", "ecdsa_with_SHA3-512"},
    {"1.3.101.112", "Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"1.2.840.10040.4.3", "dsaWithSHA1"},
    {"1.3.14.3.2.27", "dsaWithSHA1-old"},
    {"2.16.840.1.101.3.4.3.1", "dsa_with_SHA224"},
    {"2.16.840.1.101.3.4.3.2", "dsa_with_SHA256"},
    {"2.16.840.1.101.3.4.3.3", "dsa_with_SHA384"},
    {"2.16.840.1.101.3.4.3.4", "dsa_with_SHA512"},
    {"1.2.156.10197.1.501", "SM2-with-SM3"},
    {"1.2.643.2.2.3", "GOST R 34.11-94 with GOST R 34.10-2001"},
    {"1.2.643.7.1.1.3.2", "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)"},
    {"1.2.643.7.1.1.3.3", "GOST R 34.10-2012 with GOST R 34.11-2012 (512 bit)"},
};

static size_t write_arc(char out[static 21], uint64_t arc)
{
    char digits[20];
    size_t count = 0, size = 0;
    if (arc < 10) { /* most are */
        out[0] = '.';
        out[1] = (char)('0' + arc);
        return 2;
    }
    do
        digits[count++] = (char)('0' + arc % 10);
    while (arc /= 10);
    out[size++] = '.';
    while (count)
        out[size++] = digits[--count];
    return size;
}

/* X.690 §8.19: base 128, the first two arcs in one. */
void oid_write(char *out, size_t size, struct slice contents)
{
    size_t used = 0, arcs = 0;
    uint64_t arc = 0;
    bool broken = contents.size == 0 || contents.data[contents.size - 1] & 0x80;
    for (size_t i = 0; i < contents.size && !broken; i++) {
        broken = arc >> 57 != 0;
        arc = arc << 7 | (contents.data[i] & 0x7f);
        if (contents.data[i] & 0x80)
            continue;
        char text[42];
        size_t length = 0;
        if (arcs++ == 0) {
            uint64_t first = arc < 80 ? arc / 40 : 2;
            length = write_arc(text, first);
            arc -= first * 40;
        }
        length += write_arc(text + length, arc);
        const char *from = used ? text : text + 1; /* no dot at the start */
        length -= used ? 0 : 1;
        if (used + length + sizeof "..." > size) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, from, length);
        used += length;
        arc = 0;
    }
    if (broken)
        out[0] = '?', used = 1;
    out[used] = '\0';
}

const char *cert_oid_signature(const char *dotted)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (strcmp(signatures[i].oid, dotted) == 0)
            return signatures[i].name;
    static const char pq_arc[] = "2.16.840.1.101.3.4.3."; /* ML-DSA and SLH-DSA sign under the OID of their key */
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(dotted, pq_arc, sizeof pq_arc - 1) == 0 && strcmp(keys[i].oid, dotted) == 0)
            return keys[i].name;
    return NULL;
}

/* Bits of a positive INTEGER's contents. */
static unsigned bits_of(struct slice integer)
{
    size_t at = 0;
    while (at < integer.size && integer.data[at] == 0)
        at++;
    if (at == integer.size || integer.size - at > 1u << 20)
        return 0;
    unsigned top = 8;
    while (!(integer.data[at] >> (top - 1)))
        top--;
    return (unsigned)(integer.size - at - 1) * 8 + top;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }, inside the BIT STRING. */
static unsigned rsa_bits(struct slice bit_string)
{
    struct cursor cursor, sequence;
    struct der_element modulus;
    cursor_init_slice(&cursor, bit_string);
    if (cursor_skip(&cursor, 1) || der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &modulus) ||
        modulus.tag != DER_INTEGER)
        return 0;
    return bits_of(modulus.contents);
}

/* Dss-Parms ::= SEQUENCE { p INTEGER, q INTEGER, g INTEGER } */
static unsigned dsa_bits(const struct der_element *parameters)
{
    struct cursor cursor;
    struct der_element prime;
    cursor_init_slice(&cursor, parameters->contents);
    if (parameters->tag != DER_SEQUENCE || der_next(&cursor, &prime) || prime.tag != DER_INTEGER)
        return 0;
    return bits_of(prime.contents);
}

/* ECParameters (RFC 3279 §2.3.5): SEQUENCE { version, fieldID SEQUENCE { fieldType OID, p or Characteristic-two }, … }. */
static unsigned explicit_field_bits(struct slice parameters)
{
    struct cursor cursor, field, binary;
    struct der_element version, type, value;
    cursor_init_slice(&cursor, parameters);
    if (der_next(&cursor, &version) || der_expect(&cursor, DER_SEQUENCE, &field) || der_next(&field, &type) ||
        der_next(&field, &value))
        return 0;
    if (value.tag == DER_INTEGER)
        return bits_of(value.contents);
    cursor_init_slice(&binary, value.contents);
    if (value.tag != DER_SEQUENCE || der_next(&binary, &value) || value.tag != DER_INTEGER || value.contents.size > 4)
        return 0;
    unsigned degree = 0;
    for (size_t i = 0; i < value.contents.size; i++)
        degree = degree << 8 | value.contents.data[i];
    return degree <= 1u << 20 ? degree : 0;
}

static void read_curve(const struct der_element *parameters, struct cert *cert)
{
    char dotted[sizeof cert->key_oid];
    if (parameters->tag == DER_SEQUENCE)
        cert->key_bits = explicit_field_bits(parameters->contents);
    if (parameters->tag != DER_OID)
        return;
    oid_write(dotted, sizeof dotted, parameters->contents);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].oid, dotted) == 0) {
            cert->curve = curves[i].name;
            cert->key_bits = curves[i].bits;
            return;
        }
}

int cert_read_key(struct slice spki, struct cert *cert)
{
    struct cursor cursor, sequence, algorithm;
    struct der_element oid, parameters = {0}, key;
    cursor_init_slice(&cursor, spki);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_expect(&sequence, DER_SEQUENCE, &algorithm) ||
        der_next(&algorithm, &oid) || oid.tag != DER_OID)
        return CM_EMALFORMED;
    if (!cursor_at_end(&algorithm) && (der_next(&algorithm, &parameters) || !cursor_at_end(&algorithm)))
        return CM_EMALFORMED;
    if (der_next(&sequence, &key) || key.tag != DER_BIT_STRING || !cursor_at_end(&sequence))
        return CM_EMALFORMED;

    oid_write(cert->key_oid, sizeof cert->key_oid, oid.contents);
    enum key_form form = KEY_OTHER;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].oid, cert->key_oid) == 0) {
            cert->key_alg = keys[i].name;
            cert->key_bits = keys[i].bits;
            form = keys[i].form;
            break;
        }
    if (form == KEY_RSA)
        cert->key_bits = rsa_bits(key.contents);
    else if (form == KEY_DSA)
        cert->key_bits = dsa_bits(&parameters);
    else if (form == KEY_EC)
        read_curve(&parameters, cert);
    return 0;
}
