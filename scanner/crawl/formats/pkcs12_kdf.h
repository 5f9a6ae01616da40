/* How much work a PKCS#12 algorithm asks for, read before any is done. */
#ifndef SCANNER_CRAWL_PKCS12_KDF_H
#define SCANNER_CRAWL_PKCS12_KDF_H

#include <stdint.h>

#include "certmuster/cursor.h"

/* The iterations (scrypt: N × r × p) that an AlgorithmIdentifier of a password scheme in DER asks for; UINT64_MAX when it cannot be told. */
uint64_t pkcs12_kdf_cost(struct slice algorithm);

#endif
