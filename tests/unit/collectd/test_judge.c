/* The judge without an inventory: chains made here, verified at chosen moments; what is kept of issuer paths, for how long, and what must not be answered
 * from there; the search's bounds; shapes. */
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
    int64_t from, until; /* 0: a year around NOW */
    const char *constraints, *ca, *also;
};

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static X509_NAME *name_of(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0), 1);
    return name;
}

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;
    if (!value)
        return;
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(const struct wish *wish)
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

static void serve(struct served *served, size_t count, X509 *const *members)
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
    char paths[2][64];
};

static int find(const uint8_t sha256[CM_SHA256_SIZE], struct issuers_name *out, void *context)
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

static struct trust *store_of(struct fixture *f, int number, X509 *anchor)
{
    struct cm_error error = {0};
    snprintf(f->paths[number], sizeof f->paths[number], "/tmp/test_judge.XXXXXX");
    FILE *file = fdopen(mkstemp(f->paths[number]), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, anchor), 1);
    fclose(file);
    struct trust *trust = trust_new(number ? "other" : "system", f->paths[number]);
    assert_int_equal(trust_refresh(trust, &error), 0);
    return trust;
}

static int setup(void **state)
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

static int teardown(void **state)
{
    struct fixture *f = *state;
    issuers_free(f->bench.issuers);
    paths_free(f->bench.paths);
    trust_free(f->trust);
    trust_free(f->other_trust);
    unlink(f->paths[0]);
    unlink(f->paths[1]);
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

static X509 *leaf_of(const struct fixture *f, const char *name)
{
    return make(&(struct wish){.name = name, .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key});
}

/* Judges leaf, ca; says the verdict and whether a path was built for it. Frees the leaf. */
static struct verdict judge(struct fixture *f, struct trust *trust, X509 *leaf, X509 *ca, const char *name, int built)
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

static void next_round(struct fixture *f)
{
    issuers_begin(f->bench.issuers, find, f);
    paths_begin_round(f->bench.paths);
}

/* --- The cache ------------------------------------------------------------------------------------------------------------------------ */

static void test_path_is_kept(void **state)
{
    struct fixture *f = *state;
    struct verdict first = judge(f, f->trust, leaf_of(f, "a"), f->ca, "ok", 1);
    struct verdict second = judge(f, f->trust, leaf_of(f, "b"), f->ca, "ok", 0);
    assert_int_equal(f->bench.cached, 1);
    assert_int_equal(second.path_count, 3);
    assert_memory_not_equal(first.path[0], second.path[0], CM_SHA256_SIZE);
    assert_memory_equal(first.path[1], second.path[1], 2 * CM_SHA256_SIZE);
    assert_int_equal(second.effective_not_after, NOW + YEAR);
    assert_int_equal(second.next_change, NOW + YEAR);
    next_round(f);
    judge(f, f->trust, leaf_of(f, "c"), f->ca, "ok", 0);
    /* Another store, and another way to serve it, are other paths. */
    judge(f, f->other_trust, leaf_of(f, "d"), f->ca, "unable_to_get_issuer_cert_locally", 1);
    judge(f, f->trust, leaf_of(f, "e"), NULL, "unable_to_get_issuer_cert_locally", 1);
    assert_int_equal(f->lookups, 2);
}

static void test_kept_paths_hide_nothing(void **state)
{
    struct fixture *f = *state;
    judge(f, f->trust, leaf_of(f, "a"), f->ca, "ok", 1);
    const struct wish wishes[] = {
        {.name = "forged", .issuer = "CA", .key = f->leaf_key, .signer = f->stranger},
        {.name = "expired", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .until = NOW - 1},
        {.name = "ends now", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .until = NOW},
        {.name = "later", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .from = NOW + 1},
        {.name = "a CA", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .ca = "CA:TRUE"},
        {.name = "CA",
         .issuer = "CA",
         .key = f->leaf_key,
         .signer = f->ca_key}, /* self-issued: OpenSSL goes by the names */
    };
    const char *const names[] = {
        "cert_signature_failure",     "cert_has_expired", "cert_has_expired", "cert_not_yet_valid", "ok",
        "depth_zero_self_signed_cert"};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        judge(f, f->trust, make(&wishes[i]), f->ca, names[i], 1);
    assert_int_equal(f->bench.cached, 0);
    judge(f, f->trust, leaf_of(f, "b"), f->ca, "ok", 0);
}

static void test_time_ends_what_is_kept(void **state)
{
    struct fixture *f = *state;
    X509 *brief = make(&(struct wish){
        .name = "CA", .issuer = "Root", .key = f->ca_key, .signer = f->root_key, .ca = "CA:TRUE", .until = NOW + 100});
    struct verdict verdict = judge(f, f->trust, leaf_of(f, "a"), brief, "ok", 1);
    assert_int_equal(verdict.effective_not_after, NOW + 100);
    assert_int_equal(verdict.next_change, NOW + 100);
    f->bench.now = NOW + 99;
    judge(f, f->trust, leaf_of(f, "b"), brief, "ok", 0);
    f->bench.now = NOW + 100;
    verdict = judge(f, f->trust, leaf_of(f, "c"), brief, "cert_has_expired", 1);
    assert_int_equal(verdict.depth, 1);
    assert_int_equal(verdict.path_count, 0);
    X509_free(brief);
}

static void test_name_constraints(void **state)
{
    struct fixture *f = *state;
    X509 *bounded = make(&(struct wish){.name = "CA",
                                        .issuer = "Root",
                                        .key = f->ca_key,
                                        .signer = f->root_key,
                                        .ca = "CA:TRUE",
                                        .constraints = "permitted;DNS:example.org"});
    struct wish wish = {
        .name = "a", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .also = "DNS:a.example.org"};
    judge(f, f->trust, make(&wish), bounded, "ok", 1);
    judge(f, f->trust, make(&wish), bounded, "ok", 1); /* looked at each time */
    wish.also = "DNS:a.example.net";
    judge(f, f->trust, make(&wish), bounded, "permitted_violation", 1);
    X509_free(bounded);
}

static void test_dead_ends_last_a_round(void **state)
{
    struct fixture *f = *state;
    struct verdict verdict = judge(f, f->trust, leaf_of(f, "a"), NULL, "unable_to_get_issuer_cert_locally", 1);
    assert_string_equal(verdict.missing_issuer, "CN=whoever");
    assert_int_equal(verdict.waits_count, 1);
    verdict = judge(f, f->trust, leaf_of(f, "b"), NULL, "unable_to_get_issuer_cert_locally", 0);
    assert_int_equal(verdict.waits_count, 1);
    X509_up_ref(f->ca);
    f->elsewhere[f->elsewhere_count++] = f->ca;
    judge(f, f->trust, leaf_of(f, "c"), NULL, "unable_to_get_issuer_cert_locally", 0);
    next_round(f);
    verdict = judge(f, f->trust, leaf_of(f, "d"), NULL, "incomplete", 1);
    assert_int_equal(verdict.path_count, 3);
    assert_int_equal(verdict.waits_count, 0);
    judge(f, f->trust, leaf_of(f, "e"), NULL, "incomplete", 0);
}

/* A leaf whose issuer's signature is another's must not make a dead end of the genuine ones. */
static void test_forged_leaf_leaves_no_dead_end(void **state)
{
    struct fixture *f = *state;
    X509_up_ref(f->ca);
    f->elsewhere[f->elsewhere_count++] = f->ca;
    judge(f, f->trust,
          make(&(struct wish){.name = "forged", .issuer = "CA", .key = f->leaf_key, .signer = f->stranger}), NULL,
          "unable_to_get_issuer_cert_locally", 1);
    judge(f, f->trust, leaf_of(f, "genuine"), NULL, "incomplete", 1);
}

/* --- The search ----------------------------------------------------------------------------------------------------------------------- */

/* Every certificate of a crowd is issued by every other, by name and by key, and none leads on. */
static void test_crowds_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < ISSUERS_CANDIDATES_MAX; i++)
        f->elsewhere[f->elsewhere_count++] = make(
            &(struct wish){.name = "CA", .issuer = "CA", .key = f->stranger, .signer = f->ca_key, .ca = "CA:TRUE"});
    X509 *crowd[CM_LIMIT_CHAIN_CERTS];
    struct served served;
    struct verdict verdict;
    crowd[0] = leaf_of(f, "leaf");
    for (int i = 1; i < CM_LIMIT_CHAIN_CERTS; i++)
        crowd[i] = make(&(struct wish){.name = "CA",
                                       .issuer = "CA",
                                       .key = f->ca_key,
                                       .signer = i % 2 ? f->ca_key : f->stranger,
                                       .ca = "CA:TRUE"});
    serve(&served, CM_LIMIT_CHAIN_CERTS, crowd);
    assert_int_equal(verify_chain(f->trust, &served, &f->bench, &verdict), 0);
    assert_string_not_equal(verdict.name, "ok");
    assert_true(verdict.waits_count <= SEARCH_NAMES_MAX);
    assert_true(f->lookups <= SEARCH_NAMES_MAX);
    served_done(&served);
    for (int i = 0; i < CM_LIMIT_CHAIN_CERTS; i++)
        X509_free(crowd[i]);
}

/* OpenSSL takes the first of one name; the search goes back and takes the next. */
static void test_search_goes_back(void **state)
{
    struct fixture *f = *state;
    X509 *astray = make(&(struct wish){.name = "CA",
                                       .issuer = "Nowhere",
                                       .key = f->ca_key,
                                       .signer = f->stranger,
                                       .ca = "CA:TRUE",
                                       .until = NOW + 20 * YEAR});
    X509 *members[] = {leaf_of(f, "leaf"), astray, f->ca};
    struct served served;
    struct verdict verdict;
    serve(&served, 3, members);
    assert_int_equal(verify_chain(f->trust, &served, &f->bench, &verdict), 0);
    assert_string_equal(verdict.name, "ok");
    assert_int_equal(verdict.path_count, 3);
    assert_memory_equal(verdict.path[1], served.sha256[2], CM_SHA256_SIZE);
    served_done(&served);
    X509_free(members[0]);
    X509_free(astray);
}

/* --- Shapes --------------------------------------------------------------------------------------------------------------------------- */

static void test_shapes(void **state)
{
    struct fixture *f = *state;
    X509 *leaf = leaf_of(f, "leaf");
    const struct {
        X509 *members[5];
        size_t count;
        struct shape shape;
    } rows[] = {
        {{leaf, f->ca}, 2, {.ordered = true}},
        {{leaf, f->ca, f->root}, 3, {.ordered = true, .root_included = true}},
        {{leaf, f->root, f->ca}, 3, {.ordered = false, .root_included = true}},
        {{leaf, f->other_ca, f->ca}, 3, {.ordered = true, .superfluous = 1}},
        {{leaf, f->ca, f->ca, leaf}, 4, {.ordered = true, .duplicates = 2}},
        {{leaf, NULL, f->ca}, 3, {.ordered = true, .undecodable = 1}},
        {{NULL, f->ca}, 2, {.ordered = true, .undecodable = 1}},
        {{f->root}, 1, {.ordered = true}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct served served;
        struct shape shape;
        serve(&served, rows[i].count, rows[i].members);
        shape_of(&served, &shape);
        assert_int_equal(shape.ordered, rows[i].shape.ordered);
        assert_int_equal(shape.superfluous, rows[i].shape.superfluous);
        assert_int_equal(shape.duplicates, rows[i].shape.duplicates);
        assert_int_equal(shape.undecodable, rows[i].shape.undecodable);
        assert_int_equal(shape.root_included, rows[i].shape.root_included);
        assert_int_equal(shape.cross_signed, rows[i].shape.cross_signed);
        served_done(&served);
    }
    X509_free(leaf);
}

static void test_decode_takes_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    unsigned char *der = NULL, more[4096];
    int size = i2d_X509(f->ca, &der);
    assert_true(size > 0 && (size_t)size < sizeof more);
    memcpy(more, der, (size_t)size);
    more[size] = 0;
    assert_null(shelf_decode(more, (size_t)size + 1));
    for (int cut = 0; cut < size; cut++)
        assert_null(shelf_decode(more, (size_t)cut));
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_path_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_paths_hide_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time_ends_what_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name_constraints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_ends_last_a_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged_leaf_leaves_no_dead_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crowds_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decode_takes_all_or_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
