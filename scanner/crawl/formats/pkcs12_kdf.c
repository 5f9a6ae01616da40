/* Reads the cost of a key derivation out of PBEParameter (RFC 8018 §A.3, RFC 7292 §C), PBES2 with PBKDF2 (§A.4) or scrypt (RFC 7914 §7),
 * and PBMAC1 (RFC 9579), so that a file cannot make us work for hours. Pure. */
#include "scanner/crawl/formats/pkcs12_kdf.h"

#include <string.h>

#include "certmuster/der.h"

enum { DEPTH_MAX = 6 };

static uint64_t integer_of(struct slice contents)
{
    uint64_t sum = 0;
    if (!contents.size || contents.size > 8 || contents.data[0] & 0x80)
        return UINT64_MAX;
    for (size_t i = 0; i < contents.size; i++)
        sum = sum << 8 | contents.data[i];
    return sum;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* scrypt-params ::= SEQUENCE { salt, N, r, p, keyLength OPTIONAL } */
static uint64_t scrypt_cost(struct cursor parameters)
{
    struct cursor sequence;
    struct der_element salt, n, r, p;
    if (der_expect(&parameters, DER_SEQUENCE, &sequence) || der_next(&sequence, &salt) || der_next(&sequence, &n) ||
        der_next(&sequence, &r) || der_next(&sequence, &p))
        return UINT64_MAX;
    return multiply(multiply(integer_of(n.contents), integer_of(r.contents)), integer_of(p.contents));
}

/* Elsewhere the largest integer is the iteration count: the others are key lengths. */
static uint64_t largest_integer(struct cursor cursor, unsigned depth)
{
    static const uint8_t scrypt[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B};
    uint64_t largest = 0;
    if (depth > DEPTH_MAX)
        return UINT64_MAX;
    while (!cursor_at_end(&cursor)) {
        struct der_element element;
        struct cursor inner;
        uint64_t cost = 0;
        if (der_next(&cursor, &element))
            return UINT64_MAX;
        cursor_init_slice(&inner, element.contents);
        if (element.tag == DER_INTEGER)
            cost = integer_of(element.contents);
        else if (element.tag == DER_OID && element.contents.size == sizeof scrypt &&
                 memcmp(element.contents.data, scrypt, sizeof scrypt) == 0)
            cost = scrypt_cost(cursor);
        else if (element.tag == DER_SEQUENCE)
            cost = largest_integer(inner, depth + 1);
        largest = cost > largest ? cost : largest;
    }
    return largest;
}

uint64_t pkcs12_kdf_cost(struct slice algorithm)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, algorithm);
    return largest_integer(cursor, 0);
}
