/* Names looked up in this round: a list with a table over it. Whoever serves chains chooses the names, so their number and the bytes
 * behind them are bounded. */
#include "collector/judge/issuers.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"

enum { NAMES_MAX = 4096, TABLE_SIZE = 4 * NAMES_MAX, BYTES_MAX = 256 << 10, CHAIN_NAMES_MAX = 64 };

struct issuers {
    struct issuers_name *names[NAMES_MAX];
    uint16_t table[TABLE_SIZE]; /* index into names + 1; 0: empty */
    size_t count, bytes;
    issuers_find_fn find;
    void *context;
};

struct issuers *issuers_new(void)
{
    return cm_calloc(1, sizeof(struct issuers));
}

static void free_name(struct issuers_name *name)
{
    for (size_t i = 0; i < name->count; i++)
        X509_free(name->candidates[i]);
    free(name->text);
    free(name);
}

void issuers_begin(struct issuers *issuers, issuers_find_fn find, void *context)
{
    for (size_t i = 0; i < issuers->count; i++)
        free_name(issuers->names[i]);
    if (issuers->count)
        memset(issuers->table, 0, sizeof issuers->table);
    issuers->count = issuers->bytes = 0;
    issuers->find = find;
    issuers->context = context;
}

void issuers_free(struct issuers *issuers)
{
    if (!issuers)
        return;
    issuers_begin(issuers, NULL, NULL);
    free(issuers);
}

static size_t slot_of(const struct issuers *issuers, const uint8_t hash[CM_SHA256_SIZE])
{
    size_t slot = ((size_t)hash[0] << 8 | hash[1]) % TABLE_SIZE;
    while (issuers->table[slot] && memcmp(issuers->names[issuers->table[slot] - 1]->hash, hash, CM_SHA256_SIZE) != 0)
        slot = (slot + 1) % TABLE_SIZE;
    return slot;
}

int issuers_of(struct issuers *issuers, X509 *certificate, const struct issuers_name **out)
{
    uint8_t hash[CM_SHA256_SIZE], sha256[CM_SHA256_SIZE];
    const unsigned char *der = NULL;
    size_t size = 0;
    if (X509_NAME_get0_der(X509_get_issuer_name(certificate), &der, &size) != 1 || issuers->count == NAMES_MAX)
        return CM_ELIMIT;
    sha256_bytes(der, size, hash);
    size_t slot = slot_of(issuers, hash);
    if (!issuers->table[slot]) {
        struct issuers_name *name = cm_calloc(1, sizeof *name);
        memcpy(name->hash, hash, sizeof hash);
        int code = X509_digest(certificate, EVP_sha256(), sha256, NULL) == 1 ? 0 : CM_ELIMIT;
        if (!code)
            code = issuers->find(sha256, name, issuers->context);
        if (code) {
            free_name(name);
            return code;
        }
        issuers->bytes += name->bytes;
        issuers->names[issuers->count++] = name;
        issuers->table[slot] = (uint16_t)issuers->count;
    }
    *out = issuers->names[issuers->table[slot] - 1];
    return 0;
}

bool issuers_full(const struct issuers *issuers)
{
    return issuers->bytes > BYTES_MAX || issuers->count > NAMES_MAX - CHAIN_NAMES_MAX;
}

size_t issuers_count(const struct issuers *issuers)
{
    return issuers->count;
}

const struct issuers_name *issuers_at(const struct issuers *issuers, size_t i)
{
    return issuers->names[i];
}
