/* A small PKI, an inventory of chosen certificates, and a judge that works with them at a chosen moment. */
#ifndef TESTS_UNIT_COLLECTD_JUDGING_H
#define TESTS_UNIT_COLLECTD_JUDGING_H

#include "tests/unit/lib/cmocka_first.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/ids.h"
#include "collector/judge/build.h"
#include "collector/judge/paths.h"
#include "collector/judge/shape.h"
#include "collector/judge/verify.h"

#define NOW  INT64_C(1800000000)
#define YEAR (INT64_C(365) * 86400)

/* --- Certificates --------------------------------------------------------------------------------------------------------------------- */

struct wish {
    const char *name, *issuer;
    EVP_PKEY *key, *signer;
    int64_t from, until;                        /* 0: a year around NOW */
    const char *constraints, *ca, *also, *kind; /* kind: OID of the key's algorithm, another than the key's */
};

static inline EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static inline X509_NAME *name_of(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0), 1);
    return name;
}

static inline void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;
    if (!value)
        return;
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline X509 *make(const struct wish *wish)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *subject = name_of(wish->name), *issuer = name_of(wish->issuer);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, issuer);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(wish->from ? wish->from : NOW - YEAR));
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(wish->until ? wish->until : NOW + YEAR));
    X509_set_pubkey(certificate, wish->key);
    if (wish->kind) {
        unsigned char *bits = memcpy(OPENSSL_malloc(1952), (unsigned char[1952]){1}, 1952);
        assert_int_equal(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate), OBJ_txt2obj(wish->kind, 1),
                                                V_ASN1_UNDEF, NULL, bits, 1952),
                         1);
    }
    extend(certificate, NID_basic_constraints, wish->ca ? wish->ca : "CA:FALSE");
    extend(certificate, NID_name_constraints, wish->constraints);
    extend(certificate, NID_subject_alt_name, wish->also);
    assert_true(X509_sign(certificate, wish->signer, EVP_sha256()) > 0);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    /* As it comes out of the inventory: what was built in memory has no encoding yet that names could be compared by. */
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    X509_free(certificate);
    certificate = shelf_decode(der, (size_t)size);
    OPENSSL_free(der);
    assert_non_null(certificate);
    return certificate;
}

static inline void serve(struct served *served, size_t count, X509 *const *members)
{
    *served = (struct served){.count = count};
    for (size_t i = 0; i < count; i++) {
        served->member[i] = members[i];
        if (members[i]) {
            X509_up_ref(members[i]);
            assert_int_equal(X509_digest(members[i], EVP_sha256(), served->sha256[i], NULL), 1);
        }
    }
}

/* --- The bench ------------------------------------------------------------------------------------------------------------------------ */

struct fixture {
    EVP_PKEY *root_key, *ca_key, *leaf_key, *stranger;
    X509 *root, *ca, *other_ca, *elsewhere[ISSUERS_CANDIDATES_MAX];
    size_t elsewhere_count, lookups;
    struct trust *trust, *other_trust;
    struct bench bench;
    char paths[3][64];
};

static inline int find(const uint8_t sha256[CM_SHA256_SIZE], struct issuers_name *out, void *context)
{
    struct fixture *f = context;
    (void)sha256;
    f->lookups++;
    snprintf(out->key, sizeof out->key, "%032zu", f->lookups);
    out->text = cm_strdup("CN=whoever");
    for (size_t i = 0; i < f->elsewhere_count; i++) {
        X509_up_ref(f->elsewhere[i]);
        out->candidates[out->count++] = f->elsewhere[i];
    }
    return 0;
}

static inline struct trust *store_of(struct fixture *f, int number, X509 *anchor)
{
    struct cm_error error = {0};
    snprintf(f->paths[number], sizeof f->paths[number], "/tmp/test_judge.XXXXXX");
    FILE *file = fdopen(mkstemp(f->paths[number]), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, anchor), 1);
    fclose(file);
    struct trust *trust = trust_new(number ? number > 1 ? "third" : "other" : "system", f->paths[number]);
    assert_int_equal(trust_refresh(trust, &error), 0);
    return trust;
}

static inline int setup(void **state)
{
    struct fixture *f = cm_calloc(1, sizeof *f);
    f->root_key = new_key();
    f->ca_key = new_key();
    f->leaf_key = new_key();
    f->stranger = new_key();
    f->root = make(&(struct wish){.name = "Root",
                                  .issuer = "Root",
                                  .key = f->root_key,
                                  .signer = f->root_key,
                                  .ca = "CA:TRUE",
                                  .until = NOW + 9 * YEAR});
    f->ca = make(&(struct wish){.name = "CA",
                                .issuer = "Root",
                                .key = f->ca_key,
                                .signer = f->root_key,
                                .ca = "CA:TRUE",
                                .until = NOW + 3 * YEAR});
    f->other_ca = make(
        &(struct wish){.name = "Other", .issuer = "Other", .key = f->stranger, .signer = f->stranger, .ca = "CA:TRUE"});
    f->trust = store_of(f, 0, f->root);
    f->other_trust = store_of(f, 1, f->other_ca);
    f->bench = (struct bench){.issuers = issuers_new(), .paths = paths_new(), .now = NOW};
    issuers_begin(f->bench.issuers, find, f);
    paths_begin_round(f->bench.paths);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    issuers_free(f->bench.issuers);
    paths_free(f->bench.paths);
    trust_free(f->trust);
    trust_free(f->other_trust);
    for (size_t i = 0; i < sizeof f->paths / sizeof f->paths[0]; i++)
        unlink(f->paths[i]);
    X509_free(f->root);
    X509_free(f->ca);
    X509_free(f->other_ca);
    for (size_t i = 0; i < f->elsewhere_count; i++)
        X509_free(f->elsewhere[i]);
    EVP_PKEY_free(f->root_key);
    EVP_PKEY_free(f->ca_key);
    EVP_PKEY_free(f->leaf_key);
    EVP_PKEY_free(f->stranger);
    free(f);
    return 0;
}

static inline X509 *leaf_of(const struct fixture *f, const char *name)
{
    return make(&(struct wish){.name = name, .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key});
}

/* Judges leaf, ca; says the verdict and whether a path was built for it. Frees the leaf. */
static inline struct verdict judge(struct fixture *f, struct trust *trust, X509 *leaf, X509 *ca, const char *name,
                                   int built)
{
    struct served served;
    struct verdict verdict;
    unsigned long long before = f->bench.built;
    X509 *members[] = {leaf, ca};
    serve(&served, ca ? 2 : 1, members);
    assert_int_equal(verify_chain(trust, &served, &f->bench, &verdict), 0);
    assert_string_equal(verdict.name, name);
    assert_int_equal(f->bench.built - before, built);
    served_done(&served);
    X509_free(leaf);
    return verdict;
}

/* Another certificate that the inventory has. */
static inline void knows(struct fixture *f, X509 *certificate)
{
    f->elsewhere[f->elsewhere_count++] = certificate;
}

static inline void next_round(struct fixture *f)
{
    issuers_begin(f->bench.issuers, find, f);
    paths_begin_round(f->bench.paths);
}

#endif
