/* Decoded certificates by fingerprint: intermediates come again and again, leaves once. */
#ifndef COLLECTOR_JUDGE_SHELF_H
#define COLLECTOR_JUDGE_SHELF_H

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "certmuster/error.h"
#include "certmuster/limits.h"

struct shelf;

/* OpenSSL takes up to fifty times a certificate's bytes once it has looked at its names, and scanners choose what there is: what stands
 * on a shelf, and what is decoded of one chain. The largest chains that servers send are a third of this. */
enum { SHELF_BYTES_MAX = 512 << 10, SERVED_BYTES_MAX = 256 << 10 };

/* Asks for a certificate's DER: fills *der, CM_ENOTFOUND when there is none. */
typedef int (*shelf_der_fn)(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context);

struct shelf *shelf_new(void);
void shelf_free(struct shelf *shelf);
/* *out NULL: it cannot be decoded, or is not there. *size: bytes of its DER, 0 when it is not there. The caller frees its reference. A
 * negative answer of find that is not CM_ENOTFOUND is returned. */
CM_MUST_CHECK int shelf_get(struct shelf *shelf, const uint8_t sha256[CM_SHA256_SIZE], shelf_der_fn find, void *context,
                            X509 **out, size_t *size);
size_t shelf_bytes(const struct shelf *shelf); /* of the certificates that stand there */
/* All of der must be one certificate; NULL when it is not. */
X509 *shelf_decode(const void *der, size_t size);

/* A chain as it was served: leaf first. */
struct served {
    size_t count;
    uint8_t sha256[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    X509 *member[CM_LIMIT_CHAIN_CERTS]; /* NULL: cannot be decoded */
};
/* Decodes the members from first on; those before are the caller's. What comes behind SERVED_BYTES_MAX is not looked at, as if it could
 * not be decoded. */
CM_MUST_CHECK int served_get(struct served *served, size_t first, struct shelf *shelf, shelf_der_fn find,
                             void *context);
void served_done(struct served *served);
bool served_has(const struct served *served, const X509 *certificate);

#endif
