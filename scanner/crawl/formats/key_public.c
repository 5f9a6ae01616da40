/* Public halves, put together from a private key's members without decoding it: no secret is copied, and nothing is computed (OpenSSL's decoders
 * take a millisecond to find out what a key is). Owns nothing; key.c calls it. */
#include "scanner/crawl/formats/key_public.h"

#include <string.h>

#include "certmuster/der.h"

enum { PUBLIC_MAX = 64 * 1024 };

/* SubjectPublicKeyInfo { AlgorithmIdentifier, BIT STRING } */
static void append_spki(struct slice algorithm, struct slice bits, struct buf *spki)
{
    struct buf contents;
    buf_init(&contents, PUBLIC_MAX);
    buf_append(&contents, algorithm.data, algorithm.size);
    der_append(&contents, DER_BIT_STRING, bits.data, bits.size);
    der_append(spki, DER_SEQUENCE, contents.data, contents.size);
    spki->failed = spki->failed || contents.failed;
    buf_done(&contents);
}

/* RSAPrivateKey ::= SEQUENCE { version, n, e, six more } (RFC 8017 §A.1.2). algorithm: RSA's own when size is 0. */
static bool rsa(struct slice der, struct slice algorithm, struct buf *spki)
{
    static const uint8_t rsa_encryption[] = {0x30, 13, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0};
    struct cursor cursor, sequence;
    struct der_element version, integers[8];
    struct buf numbers, bits;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &version) || version.tag != DER_INTEGER)
        return false;
    for (size_t i = 0; i < 8; i++)
        if (der_next(&sequence, &integers[i]) || integers[i].tag != DER_INTEGER || !integers[i].contents.size)
            return false;
    buf_init(&numbers, PUBLIC_MAX);
    buf_init(&bits, PUBLIC_MAX);
    der_append_unsigned(&numbers, integers[0].contents.data, integers[0].contents.size);
    der_append_unsigned(&numbers, integers[1].contents.data, integers[1].contents.size);
    buf_append_char(&bits, 0);
    der_append(&bits, DER_SEQUENCE, numbers.data, numbers.size);
    append_spki(algorithm.size ? algorithm : (struct slice){rsa_encryption, sizeof rsa_encryption}, buf_slice(&bits),
                spki);
    bool fine = !numbers.failed && !bits.failed;
    buf_done(&numbers);
    buf_done(&bits);
    return fine;
}

/* DSAPrivateKey of OpenSSL: SEQUENCE { 0, p, q, g, y, x }. */
static bool dsa(struct slice der, struct buf *spki)
{
    static const uint8_t id[] = {6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 1};
    struct cursor cursor, sequence;
    struct der_element version, integers[5];
    struct buf parameters, algorithm, bits;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &version) || version.tag != DER_INTEGER)
        return false;
    for (size_t i = 0; i < 5; i++)
        if (der_next(&sequence, &integers[i]) || integers[i].tag != DER_INTEGER || !integers[i].contents.size)
            return false;
    buf_init(&parameters, PUBLIC_MAX);
    buf_init(&algorithm, PUBLIC_MAX);
    buf_init(&bits, PUBLIC_MAX);
    for (size_t i = 0; i < 3; i++)
        der_append_unsigned(&bits, integers[i].contents.data, integers[i].contents.size);
    buf_append(&parameters, id, sizeof id);
    der_append(&parameters, DER_SEQUENCE, bits.data, bits.size);
    der_append(&algorithm, DER_SEQUENCE, parameters.data, parameters.size);
    buf_reset(&bits);
    buf_append_char(&bits, 0);
    der_append_unsigned(&bits, integers[3].contents.data, integers[3].contents.size);
    append_spki(buf_slice(&algorithm), buf_slice(&bits), spki);
    bool fine = !parameters.failed && !algorithm.failed && !bits.failed;
    buf_done(&parameters);
    buf_done(&algorithm);
    buf_done(&bits);
    return fine;
}

/* ECPrivateKey ::= SEQUENCE { 1, OCTET STRING, [0] parameters OPTIONAL, [1] publicKey OPTIONAL } (RFC 5915 §3). algorithm: the whole
 * AlgorithmIdentifier where the parameters stand outside. */
static bool ec(struct slice der, struct slice algorithm, struct buf *spki)
{
    enum { TAG_PARAMETERS = 0xA0, TAG_PUBLIC = 0xA1 };
    static const uint8_t id[] = {6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1};
    struct cursor cursor, sequence, inner;
    struct der_element element, version, parameters = {0}, point = {0};
    struct buf contents, whole;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &version) || version.tag != DER_INTEGER ||
        der_next(&sequence, &element) || element.tag != DER_OCTET_STRING)
        return false;
    while (!der_next(&sequence, &element)) {
        cursor_init_slice(&inner, element.contents);
        if ((element.tag == TAG_PARAMETERS && der_next(&inner, &parameters)) ||
            (element.tag == TAG_PUBLIC && der_next(&inner, &point)))
            return false;
    }
    if (point.tag != DER_BIT_STRING || point.contents.size < 2 || (!algorithm.size && parameters.tag != DER_OID))
        return false;
    buf_init(&contents, PUBLIC_MAX);
    buf_init(&whole, PUBLIC_MAX);
    if (!algorithm.size) {
        buf_append(&contents, id, sizeof id);
        buf_append(&contents, parameters.whole.data, parameters.whole.size);
        der_append(&whole, DER_SEQUENCE, contents.data, contents.size);
        algorithm = buf_slice(&whole);
    }
    append_spki(algorithm, point.contents, spki);
    buf_done(&contents);
    buf_done(&whole);
    return true;
}

/* OneAsymmetricKey ::= SEQUENCE { version, AlgorithmIdentifier, OCTET STRING, [0] attributes OPTIONAL, [1] publicKey OPTIONAL } (RFC 5958 §2) */
static bool pkcs8(struct slice der, struct buf *spki)
{
    enum { TAG_PUBLIC = 0x81 };
    static const uint8_t id_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1};
    static const uint8_t id_pss[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10};
    static const uint8_t id_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1};
    struct cursor cursor, sequence, inside;
    struct der_element version, algorithm, oid, key, element, parameters;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &version) || version.tag != DER_INTEGER ||
        der_next(&sequence, &algorithm) || algorithm.tag != DER_SEQUENCE || der_next(&sequence, &key) ||
        key.tag != DER_OCTET_STRING)
        return false;
    cursor_init_slice(&inside, algorithm.contents);
    if (der_next(&inside, &oid) || oid.tag != DER_OID)
        return false;
    if (slice_equal(oid.contents, (struct slice){id_rsa, sizeof id_rsa}))
        return rsa(key.contents, (struct slice){0}, spki);
    if (slice_equal(oid.contents, (struct slice){id_pss, sizeof id_pss}))
        return rsa(key.contents, algorithm.whole, spki);
    if (slice_equal(oid.contents,
                    (struct slice){id_ec, sizeof id_ec})) /* a curve by name alone: others OpenSSL may know */
        return !der_next(&inside, &parameters) && parameters.tag == DER_OID && ec(key.contents, algorithm.whole, spki);
    while (!der_next(&sequence, &element))
        if (element.tag == TAG_PUBLIC && element.contents.size > 1) {
            append_spki(algorithm.whole, element.contents, spki);
            return true;
        }
    return false;
}

bool key_public(const char *kind, struct slice der, struct buf *spki)
{
    buf_reset(spki);
    bool fine = strcmp(kind, "pkcs1") == 0   ? rsa(der, (struct slice){0}, spki)
                : strcmp(kind, "sec1") == 0  ? ec(der, (struct slice){0}, spki)
                : strcmp(kind, "dsa") == 0   ? dsa(der, spki)
                : strcmp(kind, "pkcs8") == 0 ? pkcs8(der, spki)
                                             : false;
    return fine && !spki->failed;
}
