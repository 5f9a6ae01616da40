/* SSL 2.0 as far as its SERVER-HELLO, which carries a certificate in clear (the Netscape specification of 1995; RFC 6101 appendix E). */
#ifndef SCANNER_TLS_SSLV2_H
#define SCANNER_TLS_SSLV2_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

void sslv2_client_hello(const uint8_t *challenge, struct buf *out); /* challenge: 16 bytes */

struct sslv2_server_hello {
    struct slice certificate; /* DER; empty when it sent none */
    uint16_t version;         /* 0x0002 */
    uint32_t cipher;          /* the first of its list; 0 without */
};
/* bytes: what has arrived so far. CM_ETRUNCATED; CM_EMALFORMED: no SERVER-HELLO. An ERROR message of SSL 2.0 is CM_EUNSUPPORTED. A record
 * of either header form (two bytes, or three with padding). */
CM_MUST_CHECK int sslv2_read_server_hello(struct slice bytes, struct sslv2_server_hello *out);
const char *sslv2_cipher_name(uint32_t cipher); /* "SSL_CK_RC4_128_WITH_MD5"; NULL when unknown */

#endif
