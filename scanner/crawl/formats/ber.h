/* BER elements over a cursor (X.690 §8.1): what der.h refuses and files of CMS and PKCS#12 have: indefinite lengths, lengths longer than
 * needed, strings in pieces. */
#ifndef SCANNER_CRAWL_FORMATS_BER_H
#define SCANNER_CRAWL_FORMATS_BER_H

#include "certmuster/buf.h"
#include "certmuster/der.h"

/* The next element, low tag numbers only; whole includes the end-of-contents octets of an indefinite length, contents does not. Linear in the
 * element's size where its length is indefinite, constant else. CM_ETRUNCATED, CM_EMALFORMED, CM_ELIMIT (nested too deeply to find the end). */
CM_MUST_CHECK int ber_next(struct cursor *cursor, struct der_element *out);
/* The next element, which must have this tag; out becomes a cursor over its contents. */
CM_MUST_CHECK int ber_expect(struct cursor *cursor, uint8_t tag, struct cursor *out);
/* The bytes of an OCTET STRING, or of an implicitly tagged one: views into it when it is whole; when it is in pieces they are put together
 * in *joined. */
CM_MUST_CHECK int ber_octets(const struct der_element *element, struct buf *joined, struct slice *out);
/* The first element of in as DER has it: lengths definite and short, strings in one piece. CM_EMALFORMED, CM_ELIMIT (nesting, size). */
CM_MUST_CHECK int ber_to_der(struct slice in, struct buf *out);

#endif
