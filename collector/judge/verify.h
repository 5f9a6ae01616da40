/* Verification of chains against a trust store, by OpenSSL. */
#ifndef COLLECTOR_JUDGE_VERIFY_H
#define COLLECTOR_JUDGE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "certmuster/error.h"

struct trust; /* the anchors, and certificates decoded lately: intermediates come again and again */

enum { VERIFY_PATH_MAX = 102, VERIFY_NAME_SIZE = 64 };

struct verdict {
    char name[VERIFY_NAME_SIZE]; /* "ok", X509_V_ERR_… in lower case without the prefix, or "undecodable" */
    int depth;                   /* of the certificate at fault; 0 the leaf */
    uint8_t path[VERIFY_PATH_MAX][CM_SHA256_SIZE]; /* of an "ok": leaf first, anchor last */
    size_t path_count;
};

/* Asks for a certificate's DER: fills *der, CM_ENOTFOUND when there is none. */
typedef int (*verify_der_fn)(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context);

struct trust *trust_new(const char *path);
void trust_free(struct trust *trust);
/* Loads the store when the file has changed since; *changed says so. A file that cannot be read leaves the old store in use: CM_EIO, or
 * CM_EMALFORMED, until it can be. */
CM_MUST_CHECK int trust_refresh(struct trust *trust, bool *changed, struct cm_error *error);
bool trust_loaded(const struct trust *trust);
/* SHA-256 of the store in use, in hex; "" before there is one. */
const char *trust_digest(const struct trust *trust);
/* The chain as it was sent: leaf, then whatever followed, as untrusted help. For any purpose, at this moment. A negative answer of find
 * that is not CM_ENOTFOUND is returned. */
CM_MUST_CHECK int verify_chain(struct trust *trust, const uint8_t (*chain)[CM_SHA256_SIZE], size_t count,
                               verify_der_fn find, void *context, struct verdict *out);
/* The name of an X509_V_ERR code; "unknown_<code>" for one that is not in the table. */
void verdict_name(int code, char out[static VERIFY_NAME_SIZE]);

#endif
