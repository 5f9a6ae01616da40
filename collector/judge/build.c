/* OpenSSL's builder and verifier, called with what it may use. It bounds depth and name constraints itself. */
#include "collector/judge/build.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

static int64_t seconds_of(const ASN1_TIME *time, int64_t unknown)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : unknown;
}

void certificate_times(const X509 *certificate, int64_t *from, int64_t *until)
{
    *from = seconds_of(X509_get0_notBefore(certificate), INT64_MIN);
    *until = seconds_of(X509_get0_notAfter(certificate), INT64_MAX);
}

void time_matters(const X509 *certificate, int64_t now, int64_t *next)
{
    int64_t from, until;
    certificate_times(certificate, &from, &until);
    if (from > now && from < *next)
        *next = from;
    if (until > now && until < *next)
        *next = until;
}

/* Of several anchors with one name OpenSSL takes one that is valid, so the others' times matter too. */
static void note_anchors(X509_STORE_CTX *context, int64_t now, struct build *out)
{
    for (int i = 0; i < sk_X509_num(out->path); i++) {
        STACK_OF(X509) *anchors = X509_STORE_CTX_get1_certs(context, X509_get_issuer_name(sk_X509_value(out->path, i)));
        for (int j = 0; j < sk_X509_num(anchors); j++)
            time_matters(sk_X509_value(anchors, j), now, &out->store_change);
        sk_X509_pop_free(anchors, X509_free);
    }
}

/* OpenSSL gives up on a leaf whose key it cannot read before it looks at dates and signatures, none of which need that key: the path above is built by itself. */
static void look_past_key(X509_STORE *store, STACK_OF(X509) * others, int64_t now, struct build *out)
{
    X509 *leaf = sk_X509_value(out->path, 0), *issuer = sk_X509_value(out->path, 1);
    struct build above;
    int64_t from, until;
    out->error = BUILD_LEAF_KEY;
    out->depth = 0;
    if (!issuer)
        return;
    build_path(store, issuer, others, now, &above);
    certificate_times(leaf, &from, &until);
    if (above.error != X509_V_OK) {
        out->error = above.error;
        out->depth = above.depth + 1;
    } else if (now < from) {
        out->error = X509_V_ERR_CERT_NOT_YET_VALID;
    } else if (now >= until) {
        out->error = X509_V_ERR_CERT_HAS_EXPIRED;
    } else if (X509_verify(leaf, X509_get0_pubkey(issuer)) != 1) {
        out->error = X509_V_ERR_CERT_SIGNATURE_FAILURE;
    }
    build_done(&above);
}

void build_path(X509_STORE *store, X509 *leaf, STACK_OF(X509) * others, int64_t now, struct build *out)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    *out = (struct build){.store_change = INT64_MAX};
    if (!context || X509_STORE_CTX_init(context, store, leaf, others) != 1)
        abort(); /* out of memory */
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    int good = X509_verify_cert(context);
    out->error = X509_STORE_CTX_get_error(context);
    if (good == 1)
        out->error = X509_V_OK;
    else if (out->error == X509_V_OK)
        out->error = X509_V_ERR_UNSPECIFIED;
    out->depth = X509_STORE_CTX_get_error_depth(context);
    out->path = X509_STORE_CTX_get1_chain(context);
    out->untrusted = X509_STORE_CTX_get_num_untrusted(context);
    note_anchors(context, now, out);
    X509_STORE_CTX_free(context);
    if (out->error == X509_V_ERR_UNSPECIFIED && !X509_get0_pubkey(leaf))
        look_past_key(store, others, now, out);
    ERR_clear_error();
}

void build_done(struct build *build)
{
    sk_X509_pop_free(build->path, X509_free);
    build->path = NULL;
}

bool build_leads_nowhere(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

bool build_has_issuer(X509_STORE *store, X509 *certificate)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    if (!context || X509_STORE_CTX_init(context, store, certificate, NULL) != 1)
        abort(); /* out of memory */
    bool has = X509_STORE_CTX_get1_issuer(&issuer, context, certificate) == 1;
    X509_free(issuer);
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return has;
}
