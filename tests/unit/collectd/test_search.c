/* The judge's second attempt at a chain, with what the inventory knows from elsewhere: what it finds, what it says when it finds nothing, and its bounds. */
#include "tests/unit/collectd/judging.h"

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

/* What is known from elsewhere is of no use: why not is the verdict, and nothing is said to be lacking. */
static void test_search_tells_the_reason(void **state)
{
    struct fixture *f = *state;
    struct wish wish = {.name = "old", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .until = NOW};
    struct verdict verdict = judge(f, f->trust, make(&wish), NULL, "unable_to_get_issuer_cert_locally", 1);
    assert_string_equal(verdict.missing_issuer, "CN=whoever");
    X509 *old = make(&(struct wish){
        .name = "CA", .issuer = "Root", .key = f->ca_key, .signer = f->root_key, .ca = "CA:TRUE", .until = NOW});
    knows(f, old);
    next_round(f);
    verdict = judge(f, f->trust, leaf_of(f, "leaf"), NULL, "cert_has_expired", 1);
    assert_int_equal(verdict.depth, 1);
    assert_null(verdict.missing_issuer);
    assert_int_equal(verdict.waits_count, 2); /* for a CA that has not expired, and another way above it */
    judge(f, f->trust, leaf_of(f, "next"), NULL, "cert_has_expired", 0);
    X509_up_ref(f->root);
    knows(f, f->root);
    next_round(f);
    judge(f, f->trust, leaf_of(f, "leaf"), NULL, "cert_has_expired", 1);
    verdict = judge(f, f->other_trust, leaf_of(f, "leaf"), NULL, "unable_to_get_issuer_cert_locally", 1);
    assert_null(verdict.missing_issuer); /* all are known, and none is an anchor */

    X509_up_ref(f->ca);
    knows(f, f->ca);
    next_round(f);
    verdict = judge(f, f->trust, make(&wish), NULL, "cert_has_expired", 1);
    assert_int_equal(verdict.depth, 0);
    assert_null(verdict.missing_issuer);
    wish.until = 0;
    wish.from = NOW + 100;
    verdict = judge(f, f->trust, make(&wish), NULL, "cert_not_yet_valid", 1);
    assert_int_equal(verdict.depth, 0);
    assert_int_equal(verdict.next_change, NOW + 100);
    judge(f, f->trust, leaf_of(f, "leaf"), NULL, "incomplete", 1);
}

/* A CA that the store has without the root above it; one that was served, under a signature of a kind that OpenSSL does not know. */
static void test_what_is_there_is_not_missing(void **state)
{
    static const unsigned char ecdsa[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    struct fixture *f = *state;
    X509 *upper = make(
        &(struct wish){.name = "CA", .issuer = "Nowhere", .key = f->ca_key, .signer = f->stranger, .ca = "CA:TRUE"});
    struct trust *partial = store_of(f, 2, upper);
    struct verdict verdict = judge(f, partial, leaf_of(f, "leaf"), NULL, "unable_to_get_issuer_cert", 1);
    assert_null(verdict.missing_issuer);
    assert_int_equal(verdict.waits_count, 1);
    trust_free(partial);
    X509_free(upper);

    X509 *leaf = leaf_of(f, "leaf");
    unsigned char *der = NULL;
    int size = i2d_X509(leaf, &der);
    X509_free(leaf);
    for (unsigned char *at; (at = memmem(der, (size_t)size, ecdsa, sizeof ecdsa)) != NULL;)
        at[sizeof ecdsa - 1] = 0x7f;
    verdict = judge(f, f->trust, shelf_decode(der, (size_t)size), NULL, "unable_to_get_issuer_cert_locally", 1);
    assert_string_equal(verdict.missing_issuer, "CN=whoever");
    verdict = judge(f, f->trust, shelf_decode(der, (size_t)size), f->ca, "unsupported_signature_algorithm", 1);
    assert_int_equal(verdict.depth, 0);
    assert_null(verdict.missing_issuer);
    X509_up_ref(f->ca);
    knows(f, f->ca);
    next_round(f);
    judge(f, f->trust, shelf_decode(der, (size_t)size), NULL, "unsupported_signature_algorithm", 1);
    OPENSSL_free(der);
}

/* A CA of the right name was served that is the wrong one, and the right one is known: the verdict says what to send. */
static void test_wrong_issuer_served(void **state)
{
    struct fixture *f = *state;
    struct wish wish = {.name = "CA", .issuer = "Root", .key = f->stranger, .signer = f->root_key, .ca = "CA:TRUE"};
    X509 *twin = make(&wish);
    wish.key = f->ca_key;
    wish.until = NOW;
    X509 *expired = make(&wish);
    struct verdict verdict = judge(f, f->trust, leaf_of(f, "a"), twin, "cert_signature_failure", 1);
    assert_null(verdict.missing_issuer);
    assert_int_equal(verdict.waits_count, 1);
    verdict = judge(f, f->trust, leaf_of(f, "b"), expired, "cert_has_expired", 1);
    assert_int_equal(verdict.waits_count, 2);
    X509_up_ref(f->ca);
    knows(f, f->ca);
    next_round(f);
    verdict = judge(f, f->trust, leaf_of(f, "a"), twin, "incomplete", 1);
    assert_int_equal(verdict.path_count, 3);
    assert_int_equal(verdict.waits_count, 0);
    judge(f, f->trust, leaf_of(f, "a"), expired, "incomplete", 1);
    judge(f, f->trust, make(&(struct wish){.name = "x", .issuer = "CA", .key = f->leaf_key, .signer = f->root_key}),
          twin, "cert_signature_failure", 1);

    struct served served;
    X509 *members[] = {leaf_of(f, "leaf"), twin, f->ca};
    serve(&served, 3, members);
    assert_int_equal(verify_chain(f->trust, &served, &f->bench, &verdict), 0);
    assert_string_equal(verdict.name, "ok"); /* it is all there */
    served_done(&served);
    X509_free(members[0]);
    X509_free(twin);
    X509_free(expired);
}

/* A leaf whose key OpenSSL cannot read, ML-DSA-65: what it says of such a chain is that something is wrong. */
static void test_key_that_nobody_reads(void **state)
{
    struct fixture *f = *state;
    struct wish wish = {
        .name = "pq", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .kind = "2.16.840.1.101.3.4.3.18"};
    struct wish old = {
        .name = "CA", .issuer = "Root", .key = f->ca_key, .signer = f->root_key, .ca = "CA:TRUE", .until = NOW};
    X509 *expired = make(&old);
    judge(f, f->trust, leaf_of(f, "leaf"), f->ca, "ok", 1);
    struct verdict verdict = judge(f, f->trust, make(&wish), f->ca, "unable_to_decode_leaf_public_key", 1);
    assert_int_equal(verdict.depth, 0);
    assert_int_equal(verdict.next_change, NOW + YEAR);
    judge(f, f->trust, make(&wish), NULL, "unable_to_get_issuer_cert_locally", 1);
    verdict = judge(f, f->trust, make(&wish), expired, "cert_has_expired", 1);
    assert_int_equal(verdict.depth, 1);
    X509_up_ref(f->ca);
    knows(f, f->ca);
    next_round(f);
    verdict = judge(f, f->trust, make(&wish), NULL, "unable_to_decode_leaf_public_key", 1);
    assert_null(verdict.missing_issuer);
    wish.until = NOW;
    verdict = judge(f, f->trust, make(&wish), f->ca, "cert_has_expired", 1);
    assert_int_equal(verdict.depth, 0);
    judge(f, f->trust, make(&wish), NULL, "cert_has_expired", 1);
    wish.until = 0;
    wish.from = NOW + 1;
    judge(f, f->trust, make(&wish), f->ca, "cert_not_yet_valid", 1);
    wish.from = 0;
    wish.signer = f->stranger;
    judge(f, f->trust, make(&wish), f->ca, "cert_signature_failure", 1);
    wish.issuer = "pq";
    verdict = judge(f, f->trust, make(&wish), NULL, "unable_to_decode_leaf_public_key", 1);
    assert_null(verdict.missing_issuer); /* it may be itself */
    X509_free(expired);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_key_that_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crowds_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_tells_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_there_is_not_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_issuer_served, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_goes_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
