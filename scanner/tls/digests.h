/* The SHA-256 of certificates, with a small memory: the same few intermediates come in every other chain, and comparing bytes costs a
 * twentieth of hashing them. A thread's. */
#ifndef SCANNER_TLS_DIGESTS_H
#define SCANNER_TLS_DIGESTS_H

#include "certmuster/cursor.h"
#include "certmuster/encode.h"

struct digests;

/* rows: how many certificates are remembered at most, of at most 4 KiB each. */
CM_MUST_CHECK int digests_new(size_t rows, struct digests **out, struct cm_error *error);
void digests_free(struct digests *digests);
/* memorable: likely to come again. */
void digests_sha256(struct digests *digests, struct slice der, bool memorable, uint8_t out[static CM_SHA256_SIZE]);

#endif
