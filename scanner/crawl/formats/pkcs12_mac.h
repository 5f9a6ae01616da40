/* The integrity check of a PKCS#12 file, in its forms of 1996 and of 2024, and the ways in which a password becomes bytes. */
#ifndef SCANNER_CRAWL_FORMATS_PKCS12_MAC_H
#define SCANNER_CRAWL_FORMATS_PKCS12_MAC_H

#include <openssl/pkcs12.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

/* Versions of OpenSSL before 1.1.0 took each byte of a password in UTF-8 for a character: writes the UTF-8 of those. False when that is the
 * password itself. */
bool pkcs12_misread(const char *password, struct buf *out);
/* True when the password (NULL: none) is the one that the MAC was made with: PKCS12_verify_mac(), and PBMAC1 (RFC 9579), which this OpenSSL lacks.
 * bytes is the whole file. */
bool pkcs12_mac_fits(PKCS12 *pfx, struct slice bytes, const char *password);

#endif
