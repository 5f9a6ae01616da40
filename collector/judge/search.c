/* Depth first. A candidate counts only when its key verifies the signature below it, so that a certificate which merely bears a CA's name leads nowhere and costs
 * one check; names, checks and builds are counted, since hostile chains choose how many there are. */
#include "collector/judge/search.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* How near a path came to an anchor. */
enum nearness {
    NEAR_NOTHING,
    NEAR_ISSUER, /* some certificate may well be the issuer of its top, and cannot be used as that */
    NEAR_ANCHOR, /* it ends at an anchor, and OpenSSL refuses it */
};

struct climb {
    X509_STORE *store;
    const struct served *served;
    struct issuers *issuers;
    int64_t now;
    X509 *path[SEARCH_STEPS_MAX + 1]; /* the leaf first */
    size_t depth;
    int signatures, builds; /* left */
    enum nearness nearest;  /* of out->error */
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

/* Of two that came equally near the one counts whose fault lies nearer to the leaf: everything above is well there. What is wrong with the leaf may be right
 * with another one. */
static void note_refusal(struct climb *climb, enum nearness nearness, int error, int depth)
{
    struct search *out = climb->out;
    if (depth == 0)
        out->general = false;
    if (nearness < climb->nearest || (nearness == climb->nearest && depth >= out->depth))
        return;
    climb->nearest = nearness;
    out->error = error;
    out->depth = depth;
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
    if (!build_leads_nowhere(build->error))
        note_refusal(climb, NEAR_ANCHOR, build->error, build->depth);
    build_done(build);
    return false;
}

/* What was found for the topmost certificate: issuers; why one that may well be its issuer cannot be used as that (X509_V_OK: there is none), and which
 * certificate is at fault. */
struct level {
    bool some;
    int misfit, depth;
};

static void note_misfit(struct level *level, int reason, size_t depth)
{
    if (level->misfit == X509_V_OK) {
        level->misfit = reason;
        level->depth = (int)depth;
    }
}

/* By OpenSSL's rules for an issuer. Another's name, key identifier or kind of key are no misfit: it is somebody else. */
static bool may_have_issued(const struct climb *climb, X509 *candidate, struct level *level)
{
    int reason = X509_check_issued(candidate, climb->path[climb->depth - 1]);
    if (reason == X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM)
        note_misfit(level, reason, climb->depth - 1);
    else if (reason == X509_V_ERR_NO_ISSUER_PUBLIC_KEY || reason == X509_V_ERR_KEYUSAGE_NO_CERTSIGN)
        note_misfit(level, reason, climb->depth);
    return reason == X509_V_OK;
}

/* X509_check_issued() has compared them. */
static bool names_key(X509 *subject, X509 *issuer)
{
    return X509_get0_authority_key_id(subject) && X509_get0_subject_key_id(issuer);
}

/* Whether it issued the topmost certificate, by name and by signature. */
static bool look_at(struct climb *climb, X509 *candidate, struct level *level)
{
    X509 *top = climb->path[climb->depth - 1];
    if (is_in_path(climb, candidate) || !may_have_issued(climb, candidate, level))
        return false;
    time_matters(candidate, climb->now, &climb->out->next_change);
    if (climb->signatures-- <= 0) {
        climb->out->general = false;
        return false;
    }
    EVP_PKEY *key = X509_get0_pubkey(candidate);
    bool fits = key && X509_verify(top, key) == 1;
    ERR_clear_error();
    if (!fits && names_key(top, candidate))
        note_misfit(level, X509_V_ERR_CERT_SIGNATURE_FAILURE, climb->depth - 1);
    if (climb->depth > 1)
        return fits;
    if (!fits) /* it may fit another leaf */
        climb->out->general = false;
    else if (!climb->out->leaf_issuer)
        climb->out->leaf_issuer = candidate;
    return fits;
}

static int try_candidate(struct climb *climb, X509 *candidate, struct level *level)
{
    if (!look_at(climb, candidate, level))
        return 0;
    level->some = true;
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

/* A leaf that may be its own issuer, if one could read its key. */
static bool may_be_self_signed(const struct climb *climb)
{
    X509 *leaf = climb->path[0];
    return climb->depth == 1 && (X509_get_extension_flags(leaf) & EXFLAG_SI) && !X509_get0_pubkey(leaf);
}

static void note_dead_end(struct climb *climb, const struct level *level, const struct issuers_name *name)
{
    if (may_be_self_signed(climb))
        note_refusal(climb, NEAR_ISSUER, BUILD_LEAF_KEY, 0);
    else if (level->misfit != X509_V_OK)
        note_refusal(climb, NEAR_ISSUER, level->misfit, level->depth);
    else if (!climb->out->missing && !build_has_issuer(climb->store, climb->path[climb->depth - 1]))
        climb->out->missing = name;
}

/* On from the topmost certificate. */
static int step(struct climb *climb)
{
    X509 *top = climb->path[climb->depth - 1];
    const struct issuers_name *name = NULL;
    struct search *out = climb->out;
    struct level level = {.some = false};
    int code = 0;
    if (climb->depth > SEARCH_STEPS_MAX || (X509_get_extension_flags(top) & EXFLAG_SS))
        return 0;
    for (size_t i = 1; !code && !out->found && i < climb->served->count; i++)
        if (climb->served->member[i])
            code = try_candidate(climb, climb->served->member[i], &level);
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
            code = try_candidate(climb, name->candidates[i], &level);
    if (!code && !out->found && !level.some)
        note_dead_end(climb, &level, name);
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
    int code = step(&climb);
    ERR_clear_error();
    return code;
}
