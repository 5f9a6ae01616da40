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
        size_t size;
    } slots[SHELF_SIZE];
    size_t bytes; /* of all that stand here */
};

struct shelf *shelf_new(void)
{
    return cm_calloc(1, sizeof(struct shelf));
}

static void take_out(struct shelf *shelf, size_t slot)
{
    if (!shelf->slots[slot].certificate)
        return;
    X509_free(shelf->slots[slot].certificate);
    shelf->bytes -= shelf->slots[slot].size;
    shelf->slots[slot].certificate = NULL;
}

static void clear(struct shelf *shelf)
{
    for (size_t i = 0; i < SHELF_SIZE; i++)
        take_out(shelf, i);
}

void shelf_free(struct shelf *shelf)
{
    if (shelf)
        clear(shelf);
    free(shelf);
}

/* When it is full it is emptied: those that come again and again are back at once. */
static void put(struct shelf *shelf, size_t slot, const uint8_t sha256[CM_SHA256_SIZE], X509 *certificate, size_t size)
{
    if (size > SHELF_BYTES_MAX / 16)
        return;
    take_out(shelf, slot);
    if (shelf->bytes + size > SHELF_BYTES_MAX)
        clear(shelf);
    X509_up_ref(certificate);
    shelf->slots[slot].certificate = certificate;
    shelf->slots[slot].size = size;
    shelf->bytes += size;
    memcpy(shelf->slots[slot].sha256, sha256, CM_SHA256_SIZE);
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

int shelf_get(struct shelf *shelf, const uint8_t sha256[CM_SHA256_SIZE], shelf_der_fn find, void *context, X509 **out,
              size_t *size)
{
    size_t slot = ((size_t)sha256[0] << 8 | sha256[1]) % SHELF_SIZE;
    *out = NULL;
    *size = 0;
    if (shelf->slots[slot].certificate && memcmp(shelf->slots[slot].sha256, sha256, CM_SHA256_SIZE) == 0) {
        X509_up_ref(shelf->slots[slot].certificate);
        *out = shelf->slots[slot].certificate;
        *size = shelf->slots[slot].size;
        return 0;
    }
    struct buf der;
    buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
    int code = find(sha256, &der, context);
    if (!code) {
        *out = shelf_decode(der.data, der.size);
        *size = der.size;
    }
    if (*out)
        put(shelf, slot, sha256, *out, der.size);
    buf_done(&der);
    return code == CM_ENOTFOUND ? 0 : code;
}

int served_get(struct served *served, size_t first, struct shelf *shelf, shelf_der_fn find, void *context)
{
    size_t bytes = 0, size;
    int code = 0;
    for (size_t i = first; !code && i < served->count && bytes < SERVED_BYTES_MAX; i++) {
        code = shelf_get(shelf, served->sha256[i], find, context, &served->member[i], &size);
        bytes += size;
    }
    return code;
}

size_t shelf_bytes(const struct shelf *shelf)
{
    return shelf->bytes;
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
