/* The prefilter: which reader a file's first bytes call for. Reads headers of elements alone, since their contents may lie beyond what was
 * read; whoever is called for then checks everything.
 *
 * the search and the readers of DER call it. Its answers are cheap guesses in one direction: a file that is told SNIFF_TEXT wrongly loses its DER reading, so shapes are
 * the loosest that still tell a certificate from a CSR, a CRL and a key. */
#include "scanner/crawl/formats/sniff.h"

#include <string.h>

#include "certmuster/der.h"

/* Tag and length alone. Indefinite lengths pass: *length is then SIZE_MAX. */
static int header(struct cursor *cursor, uint8_t *tag, size_t *length)
{
    uint8_t first;
    if (cursor_u8(cursor, tag) || cursor_u8(cursor, &first))
        return CM_ETRUNCATED;
    *length = first;
    if (first == 0x80)
        *length = SIZE_MAX;
    if (first <= 0x80)
        return 0;
    if (first > 0x84)
        return CM_EMALFORMED;
    *length = 0;
    for (unsigned i = first & 0x7fu; i; i--) {
        uint8_t byte;
        if (cursor_u8(cursor, &byte))
            return CM_ETRUNCATED;
        *length = *length << 8 | byte;
    }
    return 0;
}

static bool enters(struct cursor *cursor, uint8_t tag)
{
    uint8_t found;
    size_t length;
    return !header(cursor, &found, &length) && found == tag;
}

static bool skips(struct cursor *cursor, uint8_t tag)
{
    uint8_t found;
    size_t length;
    return !header(cursor, &found, &length) && found == tag && !cursor_skip(cursor, length);
}

/* Certificate { TBSCertificate { [0] version, serialNumber, signature { OID … } … */
static bool begins_certificate(struct cursor cursor)
{
    enum { TAG_VERSION = 0xA0 };
    uint8_t tag;
    if (!enters(&cursor, DER_SEQUENCE) || !enters(&cursor, DER_SEQUENCE) || cursor_peek_u8(&cursor, &tag))
        return false;
    bool versioned = tag == TAG_VERSION;
    if (versioned && !skips(&cursor, TAG_VERSION))
        return false;
    if (!skips(&cursor, DER_INTEGER))
        return false;
    struct cursor algorithm = cursor;
    if (!enters(&algorithm, DER_SEQUENCE) || !enters(&algorithm, DER_OID))
        return false;
    /* A version 2 CRL begins alike; where it has thisUpdate, a version 1 certificate has the SEQUENCE of its validity. */
    return versioned || (skips(&cursor, DER_SEQUENCE) && skips(&cursor, DER_SEQUENCE) && enters(&cursor, DER_SEQUENCE));
}

/* PFX { version 3, authSafe { pkcs7-data or pkcs7-signedData … (RFC 7292 §4) */
static bool begins_pkcs12(struct cursor cursor)
{
    static const uint8_t version[] = {0x02, 0x01, 0x03};
    static const uint8_t pkcs7[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07};
    struct slice bytes;
    return enters(&cursor, DER_SEQUENCE) && !cursor_slice(&cursor, sizeof version, &bytes) &&
           memcmp(bytes.data, version, sizeof version) == 0 && enters(&cursor, DER_SEQUENCE) &&
           !cursor_slice(&cursor, sizeof pkcs7, &bytes) && memcmp(bytes.data, pkcs7, sizeof pkcs7) == 0;
}

enum sniffed sniff(const uint8_t *head, size_t size)
{
    struct cursor cursor;
    uint8_t tag, first;
    cursor_init(&cursor, head, size < SNIFF_BYTES ? size : SNIFF_BYTES);
    struct cursor peek = cursor;
    if (cursor_u8(&peek, &tag) || tag != DER_SEQUENCE || cursor_peek_u8(&peek, &first) || first > 0x84)
        return SNIFF_TEXT;
    if (begins_certificate(cursor))
        return SNIFF_CERTIFICATE;
    if (begins_pkcs12(cursor))
        return SNIFF_PKCS12;
    return SNIFF_DER;
}

bool sniff_certificate_shape(const uint8_t *der, size_t size)
{
    struct cursor cursor, sequence;
    struct der_element body, algorithm, signature;
    cursor_init(&cursor, der, size);
    return !der_expect(&cursor, DER_SEQUENCE, &sequence) && !der_next(&sequence, &body) && body.tag == DER_SEQUENCE &&
           !der_next(&sequence, &algorithm) && algorithm.tag == DER_SEQUENCE && !der_next(&sequence, &signature) &&
           signature.tag == DER_BIT_STRING && cursor_at_end(&sequence);
}
