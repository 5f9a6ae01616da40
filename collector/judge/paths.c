/* The table of judged paths. Keys are hashes over everything that OpenSSL's builder looks at above a plain leaf; a newcomer takes the place. */
#include "collector/judge/paths.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "collector/judge/build.h"

enum { PATHS_SIZE = 2048 };

struct paths {
    struct paths_entry *slots[PATHS_SIZE];
    unsigned long round;
};

struct paths *paths_new(void)
{
    return cm_calloc(1, sizeof(struct paths));
}

static void free_entry(struct paths_entry *entry)
{
    if (entry)
        X509_free(entry->issuer);
    free(entry);
}

void paths_free(struct paths *paths)
{
    for (size_t i = 0; paths && i < PATHS_SIZE; i++)
        free_entry(paths->slots[i]);
    free(paths);
}

void paths_begin_round(struct paths *paths)
{
    paths->round++;
}

static bool has(const X509 *leaf, int nid)
{
    return X509_get_ext_by_NID(leaf, nid, -1) >= 0;
}

/* Nothing that could make the verdict depend on more than issuer, signature and dates. */
static bool is_plain(X509 *leaf, int64_t now)
{
    int64_t from, until;
    uint32_t flags = X509_get_extension_flags(leaf);
    certificate_times(leaf, &from, &until);
    return !(flags & (EXFLAG_CA | EXFLAG_SI | EXFLAG_SS | EXFLAG_PROXY | EXFLAG_INVALID | EXFLAG_CRITICAL)) &&
           X509_check_ca(leaf) == 0 && !has(leaf, NID_sbgp_ipAddrBlock) && !has(leaf, NID_sbgp_autonomousSysNum) &&
           from <= now && now < until && from != INT64_MIN && until != INT64_MAX && X509_get0_pubkey(leaf);
}

static bool add_extension(EVP_MD_CTX *hash, const X509 *leaf, int nid)
{
    int at = X509_get_ext_by_NID(leaf, nid, -1);
    const ASN1_OCTET_STRING *data = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(leaf, at));
    int size = data ? ASN1_STRING_length(data) : -1;
    return EVP_DigestUpdate(hash, &size, sizeof size) == 1 &&
           (!data || EVP_DigestUpdate(hash, ASN1_STRING_get0_data(data), (size_t)size) == 1);
}

bool paths_key(const char *store_digest, const struct served *served, int64_t now, uint8_t out[static CM_SHA256_SIZE])
{
    X509 *leaf = served->member[0];
    const unsigned char *name = NULL;
    size_t name_size = 0;
    if (!is_plain(leaf, now) || X509_NAME_get0_der(X509_get_issuer_name(leaf), &name, &name_size) != 1)
        return false;
    int signature = X509_get_signature_nid(leaf);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(hash, store_digest, strlen(store_digest)) == 1 &&
                EVP_DigestUpdate(hash, &served->count, sizeof served->count) == 1 &&
                EVP_DigestUpdate(hash, served->sha256[1], (served->count - 1) * CM_SHA256_SIZE) == 1 &&
                EVP_DigestUpdate(hash, &signature, sizeof signature) == 1 &&
                EVP_DigestUpdate(hash, &name_size, sizeof name_size) == 1 &&
                EVP_DigestUpdate(hash, name, name_size) == 1 &&
                add_extension(hash, leaf, NID_authority_key_identifier) && EVP_DigestFinal_ex(hash, out, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return good;
}

static size_t slot_of(const uint8_t key[static CM_SHA256_SIZE])
{
    return ((size_t)key[0] << 8 | key[1]) % PATHS_SIZE;
}

const struct paths_entry *paths_find(struct paths *paths, const uint8_t key[static CM_SHA256_SIZE], int64_t now)
{
    const struct paths_entry *entry = paths->slots[slot_of(key)];
    bool holds = entry && memcmp(entry->key, key, CM_SHA256_SIZE) == 0 && now >= entry->made &&
                 now < entry->above.next_change && (!entry->dead || entry->round == paths->round);
    return holds ? entry : NULL;
}

void paths_keep(struct paths *paths, const uint8_t key[static CM_SHA256_SIZE], X509 *issuer,
                const struct verdict *above, bool dead, int64_t now)
{
    struct paths_entry **slot = &paths->slots[slot_of(key)];
    free_entry(*slot);
    *slot = cm_calloc(1, sizeof **slot);
    memcpy((*slot)->key, key, CM_SHA256_SIZE);
    if (issuer)
        X509_up_ref(issuer);
    (*slot)->issuer = issuer;
    (*slot)->above = *above;
    (*slot)->dead = dead;
    (*slot)->round = paths->round;
    (*slot)->made = now;
}

bool path_constrains_names(const STACK_OF(X509) * path)
{
    for (int i = 1; i < sk_X509_num(path); i++)
        if (has(sk_X509_value(path, i), NID_name_constraints))
            return true;
    return false;
}
