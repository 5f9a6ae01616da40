/* DER elements over a cursor (X.690 §8, §10): tag, definite length, contents. Low tag numbers only, lengths up to 2^32-1,
 * nesting is the caller's business. Indefinite lengths are CM_EUNSUPPORTED: PKCS#12 and CMS in BER go through OpenSSL. */
#ifndef CERTMUSTER_DER_H
#define CERTMUSTER_DER_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

struct der_element {
    uint8_t tag;
    struct slice whole; /* header and contents */
    struct slice contents;
};

/* The next element, whatever it is. CM_ETRUNCATED, CM_EMALFORMED (non-minimal length, high tag) or CM_EUNSUPPORTED. */
CM_MUST_CHECK int der_next(struct cursor *cursor, struct der_element *out);
/* The next element, which must have this tag; out becomes a cursor over its contents. CM_EMALFORMED on another tag. */
CM_MUST_CHECK int der_expect(struct cursor *cursor, uint8_t tag, struct cursor *out);
/* UTCTime or GeneralizedTime to seconds since the epoch; offsets and fractions as found in the wild are understood. */
CM_MUST_CHECK int der_time(const struct der_element *element, int64_t *seconds);
/* Appends an element: tag, shortest length, contents. */
void der_append(struct buf *out, uint8_t tag, const void *contents, size_t size);
/* Appends an INTEGER from a big-endian magnitude, which may begin with zeros. */
void der_append_unsigned(struct buf *out, const void *magnitude, size_t size);

#endif
