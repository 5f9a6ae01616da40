/* The lists that a ClientHello carries, ready to be sent: suites, groups, signature algorithms, by kind of hello. */
#ifndef SCANNER_TLS_HELLO_TABLES_H
#define SCANNER_TLS_HELLO_TABLES_H

#include "certmuster/cursor.h"
#include "scanner/tls/client_hello.h"

struct hello_tables { /* two bytes an entry, big-endian; static. Parts follow one another in one list */
    struct slice suites[2];
    struct slice groups[2];
    struct slice signature_algorithms;
};

/* Not for HELLO_SSLV2, whose ciphers have three bytes (sslv2.h). */
const struct hello_tables *hello_tables_get(enum hello_kind kind);

#endif
