/* Depth first. A candidate counts only when its key verifies the signature below it, so that a certificate which merely bears a CA's name leads nowhere and costs
 * one check; names, checks and builds are counted, since hostile chains choose how many there are. */
#include "collector/judge/search.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

struct climb {
    X509_STORE *store;
    const struct served *served;
    struct issuers *issuers;
    int64_t now;
    X509 *path[SEARCH_STEPS_MAX + 1]; /* the leaf first */
    size_t depth;
    int signatures, builds; /* left */
    struct search *out;
};

static int step(struct climb *climb);

static bool is_in_path(const struct climb *climb, const X509 *certificate)
{
    for (size_t i = 0; i < climb->depth; i++)
        if (X509_cmp(climb->path[i], certificate) == 0)
            return true;
    return false;
}

/* Whether what stands so far ends at an anchor. */
static bool arrives(struct climb *climb)
{
    struct build *build = &climb->out->build;
    STACK_OF(X509) *others = sk_X509_new_null();
    if (climb->builds-- <= 0) {
        sk_X509_free(others);
        climb->out->general = false;
        return false;
    }
    for (size_t i = 1; others && i < climb->depth; i++)
        sk_X509_push(others, climb->path[i]);
    build_path(climb->store, climb->path[0], others, climb->now, build);
    sk_X509_free(others);
    if (build->error == X509_V_OK) {
        climb->out->from_served = true;
        for (int i = 1; i < build->untrusted; i++)
            climb->out->from_served =
                climb->out->from_served && served_has(climb->served, sk_X509_value(build->path, i));
        return true;
    }
    if (build->store_change < climb->out->next_change)
        climb->out->next_change = build->store_change;
    build_done(build);
    return false;
}

/* *fits: it issued the topmost certificate, by name and by signature. */
static void look_at(struct climb *climb, X509 *candidate, bool *fits)
{
    X509 *top = climb->path[climb->depth - 1];
    *fits = false;
    if (is_in_path(climb, candidate) || X509_check_issued(candidate, top) != X509_V_OK)
        return;
    time_matters(candidate, climb->now, &climb->out->next_change);
    if (climb->signatures-- <= 0) {
        climb->out->general = false;
        return;
    }
    EVP_PKEY *key = X509_get0_pubkey(candidate);
    *fits = key && X509_verify(top, key) == 1;
    ERR_clear_error();
    if (climb->depth > 1)
        return;
    if (!*fits) /* it may fit another leaf */
        climb->out->general = false;
    else if (!climb->out->leaf_issuer)
        climb->out->leaf_issuer = candidate;
}

static int try_candidate(struct climb *climb, X509 *candidate, bool *some)
{
    bool fits;
    look_at(climb, candidate, &fits);
    if (!fits)
        return 0;
    *some = true;
    climb->path[climb->depth++] = candidate;
    int code = 0;
    climb->out->found = arrives(climb);
    if (!climb->out->found)
        code = step(climb);
    climb->depth--;
    return code;
}

static void note_name(struct search *out, const struct issuers_name *name)
{
    for (size_t i = 0; i < out->name_count; i++)
        if (out->names[i] == name)
            return;
    if (out->name_count < SEARCH_NAMES_MAX)
        out->names[out->name_count++] = name;
}

/* On from the topmost certificate. */
static int step(struct climb *climb)
{
    X509 *top = climb->path[climb->depth - 1];
    const struct issuers_name *name = NULL;
    struct search *out = climb->out;
    bool some = false;
    int code = 0;
    if (climb->depth > SEARCH_STEPS_MAX || (X509_get_extension_flags(top) & EXFLAG_SS))
        return 0;
    for (size_t i = 1; !code && !out->found && i < climb->served->count; i++)
        if (climb->served->member[i])
            code = try_candidate(climb, climb->served->member[i], &some);
    if (code || out->found)
        return code;
    if (out->name_count == SEARCH_NAMES_MAX) {
        out->general = false;
        return 0;
    }
    code = issuers_of(climb->issuers, top, &name);
    if (code == CM_ELIMIT) { /* this round has looked up enough */
        out->general = false;
        return 0;
    }
    if (code)
        return code;
    note_name(out, name);
    for (size_t i = 0; !code && !out->found && i < name->count; i++)
        if (!served_has(climb->served, name->candidates[i]))
            code = try_candidate(climb, name->candidates[i], &some);
    if (!some && !out->missing)
        out->missing = name;
    return code;
}

int search_path(X509_STORE *store, const struct served *served, struct issuers *issuers, int64_t now,
                struct search *out)
{
    struct climb climb = {.store = store,
                          .served = served,
                          .issuers = issuers,
                          .now = now,
                          .path = {served->member[0]},
                          .depth = 1,
                          .signatures = SEARCH_SIGNATURES_MAX,
                          .builds = SEARCH_BUILDS_MAX,
                          .out = out};
    *out = (struct search){.next_change = INT64_MAX, .general = true};
    return step(&climb);
}
