/* The extensions of certificates, of requests and of CRLs.
 *
 * Owns nothing. cert.c, csr.c and crl.c call it. An extension whose contents are damaged does not make its certificate unreadable, just as it
 * does not for OpenSSL. */
#include "lib/cert_extension.h"

#include "certmuster/der.h"

enum { TAG_KEY_ID = 0x80 /* keyIdentifier [0] of AuthorityKeyIdentifier */ };

/* Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } */
int extension_next(struct cursor *list, struct slice *oid, struct slice *value)
{
    struct cursor extension, ignored;
    struct der_element first, last;
    uint8_t tag;
    int status = der_expect(list, DER_SEQUENCE, &extension);
    if (status)
        return status;
    if (der_next(&extension, &first) || first.tag != DER_OID)
        return CM_EMALFORMED;
    if (!cursor_peek_u8(&extension, &tag) && tag == DER_BOOLEAN && der_expect(&extension, DER_BOOLEAN, &ignored))
        return CM_EMALFORMED;
    if (der_next(&extension, &last) || last.tag != DER_OCTET_STRING || !cursor_at_end(&extension))
        return CM_EMALFORMED;
    *oid = first.contents;
    *value = last.contents;
    return 0;
}

int extension_id_ce(struct slice oid)
{
    return oid.size == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d ? oid.data[2] : -1;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLen INTEGER OPTIONAL } */
static bool reads_as_ca(struct slice value)
{
    struct cursor cursor, sequence, boolean;
    uint8_t flag;
    cursor_init_slice(&cursor, value);
    return !der_expect(&cursor, DER_SEQUENCE, &sequence) && !der_expect(&sequence, DER_BOOLEAN, &boolean) &&
           !cursor_u8(&boolean, &flag) && flag;
}

/* The contents of an extension's single element, or nothing. */
static struct slice contents_of(struct slice value, uint8_t tag)
{
    struct cursor cursor;
    struct der_element element;
    cursor_init_slice(&cursor, value);
    if (der_next(&cursor, &element) || element.tag != tag)
        return (struct slice){0};
    return element.contents;
}

struct slice extension_authority_key_id(struct slice value)
{
    struct cursor cursor, sequence;
    struct der_element first;
    cursor_init_slice(&cursor, value);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, &first) || first.tag != TAG_KEY_ID)
        return (struct slice){0};
    return first.contents;
}

/* The first of a repeated extension counts (RFC 5280 §4.2 forbids a second). */
static void keep(struct cert *cert, struct slice oid, struct slice value)
{
    switch (extension_id_ce(oid)) {
    case 14:
        if (!cert->subject_key_id.data)
            cert->subject_key_id = contents_of(value, DER_OCTET_STRING);
        break;
    case 17:
        if (!cert->san.data)
            cert->san = contents_of(value, DER_SEQUENCE);
        break;
    case 19:
        cert->ca = cert->ca || reads_as_ca(value);
        break;
    case 35:
        if (!cert->authority_key_id.data)
            cert->authority_key_id = extension_authority_key_id(value);
        break;
    case 37:
        if (!cert->extended_key_usage.data)
            cert->extended_key_usage = contents_of(value, DER_SEQUENCE);
        break;
    default:
        break;
    }
}

int extensions_keep(struct cursor *extensions, struct cert *cert)
{
    struct cursor list;
    int status = der_expect(extensions, DER_SEQUENCE, &list);
    while (!status && !cursor_at_end(&list)) {
        struct slice oid, value;
        status = extension_next(&list, &oid, &value);
        if (!status)
            keep(cert, oid, value);
    }
    return status ? status : cursor_at_end(extensions) ? 0 : CM_EMALFORMED;
}
