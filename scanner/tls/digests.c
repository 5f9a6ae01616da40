/* Digests of certificates over one hash context, fetched once: a fetch costs more than the hash.
 *
 * The memory compares whole certificates, byte by byte: what looks alike and is not gets its own digest. Bounded: a certificate takes the
 * place of the one that fell into the same row before. */
#include "scanner/tls/digests.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED_MAX = 4096 /* bytes of a certificate */ };

struct row {
    size_t size; /* 0: empty */
    uint8_t sha256[CM_SHA256_SIZE];
    uint8_t *der;
};

struct digests {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
    size_t row_count;
    struct row rows[];
};

int digests_new(size_t rows, struct digests **out, struct cm_error *error)
{
    struct digests *digests = cm_calloc(1, sizeof *digests + rows * sizeof digests->rows[0]);
    digests->row_count = rows;
    digests->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    digests->context = EVP_MD_CTX_new();
    if (!digests->algorithm || !digests->context) {
        digests_free(digests);
        return error_set(error, CM_EUNSUPPORTED, 0, "OpenSSL offers no SHA-256");
    }
    *out = digests;
    return 0;
}

void digests_free(struct digests *digests)
{
    if (!digests)
        return;
    for (size_t i = 0; i < digests->row_count; i++)
        free(digests->rows[i].der);
    EVP_MD_CTX_free(digests->context);
    EVP_MD_free(digests->algorithm);
    free(digests);
}

static void hash(struct digests *digests, struct slice der, uint8_t out[static CM_SHA256_SIZE])
{
    if (EVP_DigestInit_ex2(digests->context, digests->algorithm, NULL) != 1 ||
        EVP_DigestUpdate(digests->context, der.data, der.size) != 1 ||
        EVP_DigestFinal_ex(digests->context, out, NULL) != 1)
        abort(); /* only memory can be lacking */
}

/* The end of a certificate is its signature: as good as random. */
static struct row *row_of(struct digests *digests, struct slice der)
{
    uint32_t end = 0;
    memcpy(&end, der.data + (der.size > sizeof end ? der.size - sizeof end : 0),
           der.size < sizeof end ? der.size : sizeof end);
    return &digests->rows[(end ^ der.size) % digests->row_count];
}

void digests_sha256(struct digests *digests, struct slice der, bool memorable, uint8_t out[static CM_SHA256_SIZE])
{
    if (!memorable || der.size == 0 || der.size > REMEMBERED_MAX) {
        hash(digests, der, out);
        return;
    }
    struct row *row = row_of(digests, der);
    if (row->size != der.size || memcmp(row->der, der.data, der.size) != 0) {
        hash(digests, der, row->sha256);
        row->der = cm_realloc(row->der, der.size);
        row->size = der.size;
        memcpy(row->der, der.data, der.size);
    }
    memcpy(out, row->sha256, CM_SHA256_SIZE);
}
