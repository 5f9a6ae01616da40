/* One trust store: its file, loaded by OpenSSL, and loaded again when it is another. The file is the operator's, its size is bounded all the same. */
#include "collector/judge/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STORE_BYTES_MAX = 64 << 20 };

struct trust {
    char *name, *path;
    X509_STORE *store; /* NULL until it could be loaded */
    struct stat loaded;
    char digest[CM_SHA256_HEX_SIZE]; /* of the file that store was loaded from */
};

struct trust *trust_new(const char *name, const char *path)
{
    struct trust *trust = cm_calloc(1, sizeof *trust);
    trust->name = cm_strdup(name);
    trust->path = cm_strdup(path);
    return trust;
}

void trust_free(struct trust *trust)
{
    if (!trust)
        return;
    X509_STORE_free(trust->store);
    free(trust->name);
    free(trust->path);
    free(trust);
}

const char *trust_name(const struct trust *trust)
{
    return trust->name;
}

X509_STORE *trust_anchors(const struct trust *trust)
{
    return trust->store;
}

const char *trust_digest(const struct trust *trust)
{
    return trust->digest;
}

static int digest_file(const char *path, char out[static CM_SHA256_HEX_SIZE], struct cm_error *error)
{
    unsigned char window[16384], digest[CM_SHA256_SIZE];
    FILE *file = fopen(path, "re");
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool good = file && hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t size = 1, total = 0; good && size; total += size) {
        size = fread(window, 1, sizeof window, file);
        good = total <= STORE_BYTES_MAX && EVP_DigestUpdate(hash, window, size) == 1;
    }
    good = good && !ferror(file) && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (file)
        fclose(file);
    if (!good)
        return error_setf(error, CM_EIO, 0, "cannot read the trust store", "%.180s", path);
    hex_write(out, digest, sizeof digest);
    return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int trust_refresh(struct trust *trust, struct cm_error *error)
{
    struct stat now;
    if (stat(trust->path, &now) != 0)
        return error_setf(error, CM_EIO, 0, "cannot read the trust store", "%.180s: %s", trust->path, strerror(errno));
    if (trust->store && same_file(&now, &trust->loaded))
        return 0;
    if (!S_ISREG(now.st_mode) || now.st_size > STORE_BYTES_MAX)
        return error_setf(error, CM_EMALFORMED, 0, "the trust store is no file of at most 64 MiB", "%.180s",
                          trust->path);
    char digest[CM_SHA256_HEX_SIZE];
    int code = digest_file(trust->path, digest, error);
    if (code)
        return code;
    X509_STORE *store = X509_STORE_new();
    if (!store || X509_STORE_load_file(store, trust->path) != 1) {
        char text[100];
        ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
        ERR_clear_error();
        X509_STORE_free(store);
        return error_setf(error, CM_EMALFORMED, 0, "cannot use the trust store", "%.140s: %s", trust->path, text);
    }
    X509_STORE_free(trust->store);
    trust->store = store;
    trust->loaded = now;
    memcpy(trust->digest, digest, sizeof digest);
    return 0;
}
