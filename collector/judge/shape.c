/* The shape of a chain: from the leaf to its issuers, to theirs, until no member is new. 100 certificates are 10,000 looks at names. */
#include "collector/judge/shape.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

struct walk {
    const struct served *served;
    bool skip[CM_LIMIT_CHAIN_CERTS], needed[CM_LIMIT_CHAIN_CERTS];
};

static bool issued(const struct walk *walk, size_t issuer, size_t subject)
{
    return X509_check_issued(walk->served->member[issuer], walk->served->member[subject]) == X509_V_OK;
}

static bool self_signed(X509 *certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

static void sort_out(struct walk *walk, struct shape *out)
{
    for (size_t i = 0; i < walk->served->count; i++) {
        bool repeats = false;
        for (size_t j = 0; j < i && !repeats; j++)
            repeats = memcmp(walk->served->sha256[i], walk->served->sha256[j], CM_SHA256_SIZE) == 0;
        out->duplicates += repeats;
        out->undecodable += !repeats && !walk->served->member[i];
        walk->skip[i] = repeats || !walk->served->member[i];
    }
}

/* Marks what leads upwards from the leaf. */
static void climb(struct walk *walk)
{
    size_t queue[CM_LIMIT_CHAIN_CERTS] = {0}, count = 1;
    walk->needed[0] = true;
    for (size_t next = 0; next < count; next++)
        for (size_t i = 1; i < walk->served->count; i++)
            if (!walk->skip[i] && !walk->needed[i] && issued(walk, i, queue[next])) {
                walk->needed[i] = true;
                queue[count++] = i;
            }
}

static bool follows_what_it_issued(const struct walk *walk, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (walk->needed[j] && issued(walk, i, j))
            return true;
    return false;
}

static bool has_twin(const struct walk *walk, size_t i)
{
    for (size_t j = 1; j < i; j++) {
        X509 *a = walk->served->member[i], *b = walk->served->member[j];
        if (walk->needed[j] && X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
            X509_NAME_cmp(X509_get_issuer_name(a), X509_get_issuer_name(b)) != 0 &&
            ASN1_STRING_cmp(X509_get0_pubkey_bitstr(a), X509_get0_pubkey_bitstr(b)) == 0)
            return true;
    }
    return false;
}

void shape_of(const struct served *served, struct shape *out)
{
    struct walk walk = {.served = served};
    *out = (struct shape){.ordered = true};
    sort_out(&walk, out);
    if (walk.skip[0])
        return; /* without a leaf there is no up or down */
    climb(&walk);
    for (size_t i = 1; i < served->count; i++) {
        if (walk.skip[i])
            continue;
        if (!walk.needed[i]) {
            out->superfluous++;
            continue;
        }
        out->ordered = out->ordered && follows_what_it_issued(&walk, i);
        out->root_included = out->root_included || self_signed(served->member[i]);
        out->cross_signed = out->cross_signed || has_twin(&walk, i);
    }
    ERR_clear_error();
}
