/* Chains against the trust store. Certificates and store are hostile: sizes were bounded when they were stored, the store's file is bounded here,
 * and OpenSSL bounds depth and name constraints itself. */
#include "collector/judge/verify.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certmuster/ids.h"
#include "certmuster/limits.h"

enum { CACHE_SIZE = 4096, STORE_BYTES_MAX = 64 << 20 };

struct trust {
    char *path;
    X509_STORE *store; /* NULL until it could be loaded */
    struct stat loaded;
    char digest[CM_SHA256_HEX_SIZE]; /* of the file that store was loaded from */
    struct {
        uint8_t sha256[CM_SHA256_SIZE];
        X509 *certificate;
    } cache[CACHE_SIZE]; /* by the first bytes of the fingerprint; a newcomer takes the place */
};

struct trust *trust_new(const char *path)
{
    struct trust *trust = cm_calloc(1, sizeof *trust);
    trust->path = cm_strdup(path);
    return trust;
}

void trust_free(struct trust *trust)
{
    if (!trust)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        X509_free(trust->cache[i].certificate);
    X509_STORE_free(trust->store);
    free(trust->path);
    free(trust);
}

bool trust_loaded(const struct trust *trust)
{
    return trust->store != NULL;
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

int trust_refresh(struct trust *trust, bool *changed, struct cm_error *error)
{
    struct stat now;
    *changed = false;
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
    *changed = true;
    return 0;
}

/* *out NULL: it cannot be decoded. Lends a reference that the caller frees. */
static int get_certificate(struct trust *trust, const uint8_t sha256[CM_SHA256_SIZE], verify_der_fn find, void *context,
                           X509 **out)
{
    size_t slot = ((size_t)sha256[0] << 8 | sha256[1]) % CACHE_SIZE;
    *out = NULL;
    if (trust->cache[slot].certificate && memcmp(trust->cache[slot].sha256, sha256, CM_SHA256_SIZE) == 0) {
        X509_up_ref(trust->cache[slot].certificate);
        *out = trust->cache[slot].certificate;
        return 0;
    }
    struct buf der;
    buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
    int code = find(sha256, &der, context);
    const unsigned char *at = (const unsigned char *)der.data;
    X509 *certificate = code ? NULL : d2i_X509(NULL, &at, (long)der.size);
    buf_done(&der);
    ERR_clear_error();
    if (code && code != CM_ENOTFOUND)
        return code;
    if (certificate) {
        X509_free(trust->cache[slot].certificate);
        X509_up_ref(certificate);
        trust->cache[slot].certificate = certificate;
        memcpy(trust->cache[slot].sha256, sha256, CM_SHA256_SIZE);
    }
    *out = certificate;
    return 0;
}

static void keep_path(X509_STORE_CTX *context, struct verdict *out)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
    for (int i = 0; i < sk_X509_num(path) && out->path_count < VERIFY_PATH_MAX; i++) {
        unsigned size = 0;
        if (X509_digest(sk_X509_value(path, i), EVP_sha256(), out->path[out->path_count], &size) == 1)
            out->path_count++;
    }
}

static void verify(struct trust *trust, X509 *leaf, STACK_OF(X509) * others, struct verdict *out)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (!context || X509_STORE_CTX_init(context, trust->store, leaf, others) != 1)
        abort(); /* out of memory */
    /* Any purpose: a client's or a signer's chain is as good as a server's here, and whether names and usages fit is policy. */
    X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(context), X509_PURPOSE_ANY);
    int good = X509_verify_cert(context), code = X509_STORE_CTX_get_error(context);
    if (good == 1) {
        snprintf(out->name, sizeof out->name, "ok");
        keep_path(context, out);
    } else {
        verdict_name(code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code, out->name);
        out->depth = X509_STORE_CTX_get_error_depth(context);
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
}

int verify_chain(struct trust *trust, const uint8_t (*chain)[CM_SHA256_SIZE], size_t count, verify_der_fn find,
                 void *context, struct verdict *out)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *leaf = NULL;
    *out = (struct verdict){.depth = 0};
    int code = others ? get_certificate(trust, chain[0], find, context, &leaf) : CM_ELIMIT;
    for (size_t i = 1; !code && i < count && i < CM_LIMIT_CHAIN_CERTS; i++) {
        X509 *other = NULL;
        code = get_certificate(trust, chain[i], find, context, &other);
        if (other && sk_X509_push(others, other) == 0)
            X509_free(other); /* one that cannot be decoded is no help, and no harm */
    }
    if (!code && leaf)
        verify(trust, leaf, others, out);
    else if (!code)
        snprintf(out->name, sizeof out->name, "undecodable");
    X509_free(leaf);
    sk_X509_pop_free(others, X509_free);
    return code;
}
