/* What a file is, by its first bytes; never by its name. */
#ifndef SCANNER_CRAWL_SNIFF_H
#define SCANNER_CRAWL_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sniffed {
    SNIFF_TEXT,        /* anything else: may hold PEM */
    SNIFF_CERTIFICATE, /* begins as a DER certificate does, whole or not */
    SNIFF_PKCS12,      /* begins as a PFX does, in DER or BER */
    SNIFF_DER,         /* another DER SEQUENCE: perhaps a private key */
};

enum {
    SNIFF_BYTES = 4096
}; /* enough for any of them: an issuer's name stands before the first telling tag of a v1 certificate */

/* head: the file's first bytes, whole or cut at SNIFF_BYTES. */
enum sniffed sniff(const uint8_t *head, size_t size);
/* True for a whole certificate-shaped element, even when its inside cannot be read: SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING }. */
bool sniff_certificate_shape(const uint8_t *der, size_t size);

#endif
