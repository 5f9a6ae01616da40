/* In this order: a path judged before and the leaf's signature; OpenSSL with what was served; the search, where that leads nowhere. Certificates are hostile:
 * sizes were bounded when they were stored, and each step bounds its work. */
#include "collector/judge/verify.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/judge/build.h"
#include "collector/judge/paths.h"

static void clear(struct verdict *out, const char *name)
{
    *out = (struct verdict){.effective_not_after = INT64_MAX, .next_change = INT64_MAX};
    snprintf(out->name, sizeof out->name, "%s", name);
}

/* Puts the leaf below what stands above it. */
static void add_leaf(const struct verdict *above, const struct served *served, int64_t now, struct verdict *out)
{
    int64_t from, until;
    *out = *above;
    time_matters(served->member[0], now, &out->next_change);
    if (!above->path_count)
        return;
    memcpy(out->path[1], above->path[0], above->path_count * CM_SHA256_SIZE);
    memcpy(out->path[0], served->sha256[0], CM_SHA256_SIZE);
    out->path_count++;
    certificate_times(served->member[0], &from, &until);
    if (until < out->effective_not_after)
        out->effective_not_after = until;
}

static void add_path(const struct build *build, int64_t now, struct verdict *above)
{
    for (int i = 1; i < sk_X509_num(build->path) && above->path_count < VERIFY_PATH_MAX - 1; i++) {
        X509 *member = sk_X509_value(build->path, i);
        int64_t from, until;
        if (X509_digest(member, EVP_sha256(), above->path[above->path_count], NULL) == 1)
            above->path_count++;
        certificate_times(member, &from, &until);
        if (until < above->effective_not_after)
            above->effective_not_after = until;
        time_matters(member, now, &above->next_change);
    }
    if (build->store_change < above->next_change)
        above->next_change = build->store_change;
}

/* Of an anchor that is served by itself the path is the leaf alone, and there is nothing above it. */
static void lone_leaf(const struct served *served, struct verdict *out)
{
    int64_t from;
    memcpy(out->path[0], served->sha256[0], CM_SHA256_SIZE);
    out->path_count = 1;
    certificate_times(served->member[0], &from, &out->effective_not_after);
}

/* Of a chain that lacks issuers the verdict is what OpenSSL would say of it with those that are known; of others what it says. */
static void tell_search(const struct search *search, const struct build *served, struct verdict *above)
{
    bool lacking = build_leads_nowhere(served->error) && served->error != X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
    if (lacking && search->error != X509_V_OK) {
        verdict_name(search->error, above->name);
        above->depth = search->depth;
    } else if (lacking && search->missing) {
        above->missing_issuer = search->missing->text;
    }
    for (size_t i = 0; i < search->name_count; i++)
        above->waits_for[above->waits_count++] = search->names[i]->key;
    if (search->next_change < above->next_change)
        above->next_change = search->next_change;
}

/* Whether other issuers could make good what OpenSSL says of the chain as it was served. */
static bool is_curable(const struct build *served)
{
    return build_leads_nowhere(served->error) || served->depth > 0 ||
           served->error == X509_V_ERR_CERT_SIGNATURE_FAILURE || served->error == X509_V_ERR_PERMITTED_VIOLATION ||
           served->error == X509_V_ERR_EXCLUDED_VIOLATION;
}

static STACK_OF(X509) * others_of(const struct served *served)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    for (size_t i = 1; i < served->count; i++)
        if (served->member[i] && (!others || sk_X509_push(others, served->member[i]) == 0))
            abort(); /* out of memory */
    return others;   /* borrowed members: for sk_X509_free() */
}

/* What above says holds for the next leaf of this key. NULL key: it cannot be kept. */
static void keep(struct bench *bench, const uint8_t *key, const struct build *build, const struct verdict *above)
{
    if (key && sk_X509_num(build->path) > 1 && !path_constrains_names(build->path))
        paths_keep(bench->paths, key, sk_X509_value(build->path, 1), above, false, bench->now);
}

static void accept(struct bench *bench, const uint8_t *key, const struct build *build, const struct served *served,
                   struct verdict *above, struct verdict *out)
{
    above->depth = 0;
    add_path(build, bench->now, above);
    keep(bench, key, build, above);
    add_leaf(above, served, bench->now, out);
    if (!above->path_count)
        lone_leaf(served, out);
}

/* What the builder says with the chain's own members has been heard. */
static int complete(const struct trust *trust, const struct served *served, struct bench *bench, const uint8_t *key,
                    const struct build *built, struct verdict *above, struct verdict *out)
{
    struct search search;
    int code = search_path(trust_anchors(trust), served, bench->issuers, bench->now, &search);
    if (code)
        return code;
    if (search.found) {
        snprintf(above->name, sizeof above->name, "%s", search.from_served ? "ok" : "incomplete");
        accept(bench, key, &search.build, served, above, out);
        build_done(&search.build);
        return 0;
    }
    tell_search(&search, built, above);
    if (key && search.general && (built->depth > 0 || build_leads_nowhere(built->error)))
        paths_keep(bench->paths, key, search.leaf_issuer, above, true, bench->now);
    add_leaf(above, served, bench->now, out);
    return 0;
}

static int build(const struct trust *trust, const struct served *served, struct bench *bench, const uint8_t *key,
                 struct verdict *out)
{
    struct build built;
    struct verdict above;
    STACK_OF(X509) *others = others_of(served);
    int code = 0;
    bench->built++;
    build_path(trust_anchors(trust), served->member[0], others, bench->now, &built);
    sk_X509_free(others);
    clear(&above, "ok");
    for (size_t i = 1; i < served->count; i++)
        if (served->member[i])
            time_matters(served->member[i], bench->now, &above.next_change);
    if (built.store_change < above.next_change)
        above.next_change = built.store_change;
    if (built.error == X509_V_OK) {
        accept(bench, key, &built, served, &above, out);
    } else {
        verdict_name(built.error, above.name);
        above.depth = built.depth;
        if (is_curable(&built))
            code = complete(trust, served, bench, key, &built, &above, out);
        else
            add_leaf(&above, served, bench->now, out);
    }
    build_done(&built);
    return code;
}

static bool signed_by(X509 *leaf, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key && X509_verify(leaf, key) == 1;
    ERR_clear_error();
    return good;
}

int verify_chain(const struct trust *trust, const struct served *served, struct bench *bench, struct verdict *out)
{
    uint8_t key[CM_SHA256_SIZE];
    if (!served->member[0]) {
        clear(out, "undecodable");
        return 0;
    }
    bool plain = paths_key(trust_digest(trust), served, bench->now, key);
    const struct paths_entry *known = plain ? paths_find(bench->paths, key, bench->now) : NULL;
    if (known && (!known->issuer || signed_by(served->member[0], known->issuer))) {
        bench->cached++;
        add_leaf(&known->above, served, bench->now, out);
        return 0;
    }
    return build(trust, served, bench, plain ? key : NULL, out);
}
