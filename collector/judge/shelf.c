/* A table by the first bytes of the fingerprint; a newcomer takes the place. */
#include "collector/judge/shelf.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { SHELF_SIZE = 4096 };

struct shelf {
    struct {
        uint8_t sha256[CM_SHA256_SIZE];
        X509 *certificate;
    } slots[SHELF_SIZE];
};

struct shelf *shelf_new(void)
{
    return cm_calloc(1, sizeof(struct shelf));
}

void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; shelf && i < SHELF_SIZE; i++)
        X509_free(shelf->slots[i].certificate);
    free(shelf);
}

X509 *shelf_decode(const void *der, size_t size)
{
    const unsigned char *at = der;
    X509 *certificate = size ? d2i_X509(NULL, &at, (long)size) : NULL;
    if (certificate && at != (const unsigned char *)der + size) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_clear_error();
    return certificate;
}

int shelf_get(struct shelf *shelf, const uint8_t sha256[CM_SHA256_SIZE], shelf_der_fn find, void *context, X509 **out)
{
    size_t slot = ((size_t)sha256[0] << 8 | sha256[1]) % SHELF_SIZE;
    *out = NULL;
    if (shelf->slots[slot].certificate && memcmp(shelf->slots[slot].sha256, sha256, CM_SHA256_SIZE) == 0) {
        X509_up_ref(shelf->slots[slot].certificate);
        *out = shelf->slots[slot].certificate;
        return 0;
    }
    struct buf der;
    buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
    int code = find(sha256, &der, context);
    X509 *certificate = code ? NULL : shelf_decode(der.data, der.size);
    buf_done(&der);
    if (code && code != CM_ENOTFOUND)
        return code;
    if (certificate) {
        X509_free(shelf->slots[slot].certificate);
        X509_up_ref(certificate);
        shelf->slots[slot].certificate = certificate;
        memcpy(shelf->slots[slot].sha256, sha256, CM_SHA256_SIZE);
    }
    *out = certificate;
    return 0;
}

int served_get(struct served *served, size_t first, struct shelf *shelf, shelf_der_fn find, void *context)
{
    int code = 0;
    for (size_t i = first; !code && i < served->count; i++)
        code = shelf_get(shelf, served->sha256[i], find, context, &served->member[i]);
    return code;
}

void served_done(struct served *served)
{
    for (size_t i = 0; i < served->count; i++) {
        X509_free(served->member[i]);
        served->member[i] = NULL;
    }
}

bool served_has(const struct served *served, const X509 *certificate)
{
    for (size_t i = 0; i < served->count; i++)
        if (served->member[i] && X509_cmp(served->member[i], certificate) == 0)
            return true;
    return false;
}
