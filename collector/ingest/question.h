/* The body of POST /v1/missing: fingerprints that a scanner asks about. Pure. */
#ifndef COLLECTOR_INGEST_QUESTION_H
#define COLLECTOR_INGEST_QUESTION_H

#include <stddef.h>
#include <stdint.h>

#include "certmuster/encode.h"
#include "certmuster/error.h"

typedef uint8_t sha256_value[CM_SHA256_SIZE];

/* *list becomes sorted, each fingerprint once; the caller frees it. CM_EMALFORMED, CM_ELIMIT: more than DELIVERY_MISSING_MAX. */
CM_MUST_CHECK int question_read(const char *body, size_t size, sha256_value **list, size_t *count,
                                struct cm_error *error);

#endif
