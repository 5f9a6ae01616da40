/* The words that submit and the collector share (DESIGN, Delivery): paths, headers and bodies. All bodies are JSON but a batch's, which
 * is NDJSON, as it is, or with Content-Encoding zstd or gzip.
 *
 *   POST /v1/missing   {"sha256":["<hex>",…]}         200 {"missing":["<hex>",…]}: those whose certificate the collector lacks
 *   POST /v1/batches   the records                    200 {"stored":n,"rejected":[{"line":3,"reason":"…"}]}, line 1 is the body's first
 *                      Idempotency-Key, Certmuster-Sent  409 {"missing":["<hex>",…]}: nothing was stored, send again with these
 *   POST /v1/leases    {"kind":"scan"|"crawl", "scanner", "realm"}  200: a shard of a sweep, see contrib/openapi.yaml; 204: none now
 *   POST /v1/leases/ID {"state":"running"|"done"|"given_back"|"failed"}  200 {"seconds":n}; 409: it is no longer this scanner's;
 *                                                 425: done, but not all of its run is stored yet
 *   other 4xx          {"error":"…"}                  final: framing, identity or size
 *   429, 5xx           {"error":"…"}                  later, after Retry-After seconds where the collector says so */
#ifndef CERTMUSTER_DELIVERY_H
#define CERTMUSTER_DELIVERY_H

#include <stdbool.h>

#include "certmuster/error.h"

#define DELIVERY_BATCHES    "/v1/batches"
#define DELIVERY_MISSING    "/v1/missing"
#define DELIVERY_LEASES     "/v1/leases"
#define DELIVERY_KEY_HEADER "Idempotency-Key"
#define DELIVERY_SENT_HEADER                                                                                           \
    "Certmuster-Sent" /* the sender's clock as the request leaves, RFC 3339 UTC with milliseconds */
#define DELIVERY_BATCH_TYPE "application/x-ndjson"

enum {
    DELIVERY_KEY_MAX =
        820, /* bytes of an Idempotency-Key: a scanner's name, were all of it escaped, a UUID, a number */
    DELIVERY_MISSING_MAX = 65536, /* fingerprints of one question: a segment of 4 MiB holds fewer */
    DELIVERY_URL_SIZE = 1984,     /* an address of a collector with its NUL */
};

/* An address of a collector: unix:/PATH, or https://HOST, with :PORT and a path where wanted. Plain http would carry the records unprotected. CM_EINVAL: neither. */
CM_MUST_CHECK int delivery_url_check(const char *url, struct cm_error *error);

/* delivery_key.c: the Idempotency-Key of a segment, <scanner>/<run>/<number> in printable ASCII. A name's other bytes, blanks too, are written as
 * %C3%BC, and a '%' that would be read so as %25. False: too long. */
CM_MUST_CHECK bool delivery_key_write(char out[static DELIVERY_KEY_MAX + 1], const char *scanner, const char *run,
                                      unsigned number);
/* A key without its escapes, to be compared with names. False: too long, or what is escaped is no UTF-8 or a NUL. */
CM_MUST_CHECK bool delivery_key_read(const char *key, char out[static DELIVERY_KEY_MAX + 1]);

#endif
