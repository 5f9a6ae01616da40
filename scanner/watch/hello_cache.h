/* JA3 and JA4 of ClientHellos and JA3S of ServerHellos, remembered: a network has a few hundred kinds of them, and the hashes cost more than everything else of
 * an observation. */
#ifndef SCANNER_WATCH_HELLO_CACHE_H
#define SCANNER_WATCH_HELLO_CACHE_H

#include "scanner/tls/fingerprint.h"
#include "scanner/watch/observed.h"

void hello_cache_client(const struct tls_client_hello *hello, enum observed_transport transport,
                        char ja3[static JA3_SIZE], char ja4[static JA4_SIZE]);
void hello_cache_server(const struct tls_server_hello *hello, char ja3s[static JA3_SIZE]);

#endif
