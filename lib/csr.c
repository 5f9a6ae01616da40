/* Certificate signing requests: CertificationRequest of RFC 2986 §4 as cursor calls.
 *
 * Owns nothing. The record writer calls it. It does not check the request's signature: whoever signs the certificate does. */
#include "certmuster/csr.h"

#include <string.h>

#include "certmuster/der.h"
#include "lib/cert_extension.h"
#include "lib/cert_oid.h"

enum { TAG_ATTRIBUTES = 0xA0 /* [0] IMPLICIT SET OF Attribute */ };

static int expect_whole(struct cursor *cursor, uint8_t tag, struct slice *whole)
{
    struct cursor trial = *cursor;
    struct der_element element;
    if (der_next(&trial, &element) || element.tag != tag)
        return CM_EMALFORMED;
    *whole = element.whole;
    *cursor = trial;
    return 0;
}

static bool asks_for_extensions(struct slice oid)
{
    static const uint8_t pkcs9[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E}; /* RFC 2985 §5.4.2 */
    static const uint8_t microsoft[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0E}; /* [MS-WCCE] */
    return slice_equal(oid, (struct slice){pkcs9, sizeof pkcs9}) ||
           slice_equal(oid, (struct slice){microsoft, sizeof microsoft});
}

/* Attribute ::= SEQUENCE { type OID, values SET }. Damage in one is no damage of the request. */
static void read_attributes(struct cursor attributes, struct cert *out)
{
    struct cursor attribute, values;
    struct der_element oid;
    while (!der_expect(&attributes, DER_SEQUENCE, &attribute)) {
        if (der_next(&attribute, &oid) || oid.tag != DER_OID || !asks_for_extensions(oid.contents) ||
            der_expect(&attribute, DER_SET, &values))
            continue;
        if (extensions_keep(&values, out))
            continue;
    }
}

static int read_info(struct cursor info, struct cert *out, const char **reason)
{
    struct cursor version, attributes;
    uint8_t number;
    *reason = "version is not readable";
    if (der_expect(&info, DER_INTEGER, &version) || cursor_left(&version) != 1 || cursor_u8(&version, &number))
        return CM_EMALFORMED;
    out->version = number < 0x80 ? number + 1u : 0;
    *reason = "subject is not a name";
    if (expect_whole(&info, DER_SEQUENCE, &out->subject))
        return CM_EMALFORMED;
    *reason = "public key is not readable";
    if (expect_whole(&info, DER_SEQUENCE, &out->spki) || cert_read_key(out->spki, out))
        return CM_EMALFORMED;
    *reason = "attributes are not readable";
    if (cursor_at_end(&info)) /* some writers leave an empty set out */
        return 0;
    if (der_expect(&info, TAG_ATTRIBUTES, &attributes) || !cursor_at_end(&info))
        return CM_EMALFORMED;
    read_attributes(attributes, out);
    return 0;
}

int csr_parse(const void *der, size_t size, struct cert *out, struct cm_error *error)
{
    struct cert request = {.not_before = INT64_MIN, .not_after = INT64_MIN};
    struct cursor whole, sequence, info, algorithm;
    struct der_element oid, signature;
    const char *reason;
    cursor_init(&whole, der, size);
    int status = der_expect(&whole, DER_SEQUENCE, &sequence);
    if (status)
        return error_set(error, status == CM_ETRUNCATED ? status : CM_EMALFORMED, 0, "not a request's sequence");
    request.der = (struct slice){whole.start, cursor_offset(&whole)};
    struct cursor body = sequence;
    if (expect_whole(&sequence, DER_SEQUENCE, &request.tbs) || der_expect(&body, DER_SEQUENCE, &info))
        return error_set(error, CM_EMALFORMED, 0, "no request inside");
    if (read_info(info, &request, &reason))
        return error_set(error, CM_EMALFORMED, (size_t)(info.start - whole.start), reason);
    if (der_expect(&sequence, DER_SEQUENCE, &algorithm) || der_next(&algorithm, &oid) || oid.tag != DER_OID)
        return error_set(error, CM_EMALFORMED, (size_t)(sequence.at - whole.start),
                         "signature algorithm is not readable");
    oid_write(request.sig_oid, sizeof request.sig_oid, oid.contents);
    request.sig_alg = cert_oid_signature(request.sig_oid);
    if (der_next(&sequence, &signature) || signature.tag != DER_BIT_STRING || !cursor_at_end(&sequence))
        return error_set(error, CM_EMALFORMED, (size_t)(sequence.at - whole.start), "signature is not readable");
    *out = request;
    return 0;
}
