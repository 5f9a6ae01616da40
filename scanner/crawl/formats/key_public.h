/* The public half that a plain private key carries along, as a SubjectPublicKeyInfo. */
#ifndef SCANNER_CRAWL_FORMATS_KEY_PUBLIC_H
#define SCANNER_CRAWL_FORMATS_KEY_PUBLIC_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

/* Writes the SPKI of a key of this kind (pkcs1, sec1, dsa, pkcs8) when its public half stands in it as it is: RSA and DSA always, EC nearly
 * always, Edwards keys of RFC 5958 at times. False when it has to be computed, or when the bytes are no such key. */
bool key_public(const char *kind, struct slice der, struct buf *spki);

#endif
