/* Fingerprints of hellos: JA3 and JA3S (Salesforce, BSD), JA4 of TCP clients (FoxIO, BSD part). JA4S, JA4X and the rest of JA4+ are not free and
 * not here. Inputs are the parsed hellos of messages.h; outputs are text with a NUL. */
#ifndef SCANNER_TLS_FINGERPRINT_H
#define SCANNER_TLS_FINGERPRINT_H

#include "scanner/tls/messages.h"

enum { JA3_SIZE = 33, JA4_SIZE = 40 };

/* MD5 of "version,cipher,extensions" with the legacy version of the ServerHello's own field. */
void ja3s_write(const struct tls_server_hello *hello, char out[static JA3_SIZE]);
void ja3_write(const struct tls_client_hello *hello, char out[static JA3_SIZE]); /* GREASE left out */
/* transport: 't' for TCP, 'q' for QUIC, 'd' for DTLS. */
void ja4_write(const struct tls_client_hello *hello, char transport, char out[static JA4_SIZE]);

#endif
