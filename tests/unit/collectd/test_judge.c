/* The judge without an inventory: chains made here, verified at chosen moments; what is kept of issuer paths, for how long, and what must not be answered
 * from there; shapes. */
#include "tests/unit/collectd/judging.h"

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

/* Whatever stands in the way of one leaf alone must not be held against the next. */
static void test_other_leaves_have_no_dead_end(void **state)
{
    struct fixture *f = *state;
    struct wish wish = {.name = "a", .issuer = "CA", .key = f->leaf_key, .signer = f->ca_key, .also = "DNS:a.net"};
    knows(f, make(&(struct wish){.name = "CA",
                                 .issuer = "Root",
                                 .key = f->ca_key,
                                 .signer = f->root_key,
                                 .ca = "CA:TRUE",
                                 .constraints = "permitted;DNS:org"}));
    struct verdict verdict = judge(f, f->trust, make(&wish), NULL, "permitted_violation", 1);
    assert_int_equal(verdict.depth, 0);
    assert_null(verdict.missing_issuer);
    wish.also = "DNS:a.org";
    judge(f, f->trust, make(&wish), NULL, "incomplete", 1);
    wish = (struct wish){.name = "forged", .issuer = "Root", .key = f->leaf_key, .signer = f->stranger};
    judge(f, f->trust, make(&wish), NULL, "cert_signature_failure", 1);
    wish.signer = f->root_key;
    judge(f, f->trust, make(&wish), NULL, "ok", 1);
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
        cmocka_unit_test_setup_teardown(test_other_leaves_have_no_dead_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged_leaf_leaves_no_dead_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decode_takes_all_or_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
