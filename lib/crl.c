/* Certificate revocation lists: CertificateList of RFC 5280 §5.1 as cursor calls.
 *
 * Owns nothing. The record writer calls it. Entries are counted by their headers and not read: a list of a million costs milliseconds. */
#include "certmuster/crl.h"

#include "certmuster/der.h"
#include "lib/cert_extension.h"
#include "lib/cert_oid.h"

enum { TAG_EXTENSIONS = 0xA0 /* [0] EXPLICIT Extensions */ };

static bool next_is(const struct cursor *cursor, uint8_t tag)
{
    uint8_t found;
    return cursor_peek_u8(cursor, &found) == 0 && found == tag;
}

static int read_time(struct cursor *cursor, int64_t *seconds)
{
    struct der_element element;
    return der_next(cursor, &element) || der_time(&element, seconds) ? CM_EMALFORMED : 0;
}

static struct slice integer_of(struct slice value)
{
    struct cursor cursor;
    struct der_element element;
    cursor_init_slice(&cursor, value);
    return der_next(&cursor, &element) || element.tag != DER_INTEGER ? (struct slice){0} : element.contents;
}

static int read_extensions(struct cursor extensions, struct crl *out)
{
    struct cursor list;
    if (der_expect(&extensions, DER_SEQUENCE, &list))
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        struct slice oid, value;
        if (extension_next(&list, &oid, &value))
            return CM_EMALFORMED;
        int id = extension_id_ce(oid);
        if (id == 20)
            out->number = integer_of(value);
        else if (id == 27)
            out->delta_of = integer_of(value);
        else if (id == 35)
            out->authority_key_id = extension_authority_key_id(value);
    }
    return 0;
}

static int count_entries(struct cursor list, uint64_t *entries)
{
    struct der_element entry;
    for (*entries = 0; !cursor_at_end(&list); ++*entries)
        if (der_next(&list, &entry) || entry.tag != DER_SEQUENCE)
            return CM_EMALFORMED;
    return 0;
}

/* NULL, or what is wrong. TBSCertList ::= SEQUENCE { version OPTIONAL, signature, issuer, thisUpdate, nextUpdate OPTIONAL,
 * revokedCertificates OPTIONAL, [0] crlExtensions OPTIONAL } */
static const char *read_tbs(struct cursor tbs, struct crl *out)
{
    struct cursor version, algorithm, extensions, list;
    struct der_element issuer;
    uint8_t number = 0;
    if (next_is(&tbs, DER_INTEGER) && (der_expect(&tbs, DER_INTEGER, &version) || cursor_u8(&version, &number)))
        return "version is not readable";
    out->version = number + 1u;
    if (der_expect(&tbs, DER_SEQUENCE, &algorithm))
        return "signature algorithm inside is not readable";
    if (der_next(&tbs, &issuer) || issuer.tag != DER_SEQUENCE)
        return "issuer is not a name";
    out->issuer = issuer.whole;
    if (read_time(&tbs, &out->this_update))
        return "thisUpdate is not a time";
    if ((next_is(&tbs, DER_UTC_TIME) || next_is(&tbs, DER_GENERALIZED_TIME)) && read_time(&tbs, &out->next_update))
        return "nextUpdate is not a time";
    if (next_is(&tbs, DER_SEQUENCE) && (der_expect(&tbs, DER_SEQUENCE, &list) || count_entries(list, &out->entries)))
        return "the entries are not readable";
    if (next_is(&tbs, TAG_EXTENSIONS) &&
        (der_expect(&tbs, TAG_EXTENSIONS, &extensions) || read_extensions(extensions, out)))
        return "extensions are not readable";
    return cursor_at_end(&tbs) ? NULL : "more than a list inside";
}

int crl_parse(const void *der, size_t size, struct crl *out, struct cm_error *error)
{
    struct crl crl = {.next_update = INT64_MIN};
    struct cursor whole, sequence, tbs, algorithm;
    struct der_element oid, signature;
    cursor_init(&whole, der, size);
    int status = der_expect(&whole, DER_SEQUENCE, &sequence);
    if (status)
        return error_set(error, status == CM_ETRUNCATED ? status : CM_EMALFORMED, 0, "not a list's sequence");
    crl.der = (struct slice){whole.start, cursor_offset(&whole)};
    if (der_expect(&sequence, DER_SEQUENCE, &tbs))
        return error_set(error, CM_EMALFORMED, 0, "no list inside");
    const char *wrong = read_tbs(tbs, &crl);
    if (wrong)
        return error_set(error, CM_EMALFORMED, (size_t)(tbs.start - whole.start), wrong);
    if (der_expect(&sequence, DER_SEQUENCE, &algorithm) || der_next(&algorithm, &oid) || oid.tag != DER_OID)
        return error_set(error, CM_EMALFORMED, (size_t)(sequence.at - whole.start),
                         "signature algorithm is not readable");
    oid_write(crl.sig_oid, sizeof crl.sig_oid, oid.contents);
    crl.sig_alg = cert_oid_signature(crl.sig_oid);
    if (der_next(&sequence, &signature) || signature.tag != DER_BIT_STRING || !cursor_at_end(&sequence))
        return error_set(error, CM_EMALFORMED, (size_t)(sequence.at - whole.start), "signature is not readable");
    *out = crl;
    return 0;
}
