/* YAML trees: what is read, and everything hostile that is refused in time. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/yamltree.h"

static int read_text(const char *text, struct yamltree **tree, struct cm_error *error)
{
    *tree = NULL;
    return yamltree_read("t.yaml", text, strlen(text), tree, error);
}

static void test_tree(void **state)
{
    (void)state;
    struct yamltree *tree;
    struct cm_error error;
    assert_int_equal(read_text("# comment\na: 1\nb:\n  c: \"null\"\n  d: ~\nlist: [x, 'y', {z: 2}]\n", &tree, &error),
                     0);
    const struct yamltree_node *root = yamltree_root(tree);
    assert_int_equal(root->kind, YAMLTREE_MAP);
    assert_int_equal(root->count, 3);
    assert_string_equal(yamltree_get(root, "a")->text, "1");
    assert_int_equal(yamltree_get(root, "a")->line, 2);
    const struct yamltree_node *b = yamltree_get(root, "b");
    assert_true(yamltree_get(b, "c")->quoted);
    assert_false(yamltree_is_null(yamltree_get(b, "c")));
    assert_true(yamltree_is_null(yamltree_get(b, "d")));
    assert_int_equal(yamltree_get(b, "d")->line, 5);
    const struct yamltree_node *list = yamltree_get(root, "list");
    assert_int_equal(list->count, 3);
    assert_string_equal(list->first->next->text, "y");
    assert_string_equal(yamltree_get(list->first->next->next, "z")->text, "2");
    assert_null(yamltree_get(root, "nothing"));
    assert_null(yamltree_get(list, "a"));
    yamltree_free(tree);
    yamltree_free(NULL);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const empties[] = {"", "# only this\n", "---\n", "--- ~\n", "\n\n"};
    for (size_t i = 0; i < sizeof empties / sizeof *empties; i++) {
        struct yamltree *tree;
        assert_int_equal(read_text(empties[i], &tree, NULL), 0);
        assert_int_equal(yamltree_root(tree)->kind, YAMLTREE_MAP);
        assert_int_equal(yamltree_root(tree)->count, 0);
        yamltree_free(tree);
    }
}

static void expect_refusal(const char *text, int code, size_t line)
{
    struct yamltree *tree;
    struct cm_error error = {.code = 0};
    assert_int_equal(read_text(text, &tree, &error), code);
    assert_null(tree);
    assert_int_equal(error.offset, line);
    assert_memory_equal(error.detail, "t.yaml:", 7);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refusal("a: 1\nb: 2\na: 3\n", CM_EMALFORMED, 3);
    expect_refusal("a: &x [1]\nb: *x\n", CM_EUNSUPPORTED, 2);
    expect_refusal("a: 1\n---\nb: 2\n", CM_EMALFORMED, 2);
    expect_refusal("? [complex]\n: 1\n", CM_EMALFORMED, 1);
    expect_refusal("a: [1, 2\n", CM_EMALFORMED, 2);
    expect_refusal("ok: 1\na: \"x\\0y\"\n", CM_EMALFORMED, 2);
    expect_refusal("a: \xff\xfe\n", CM_EMALFORMED, 1);
    expect_refusal("[[[[[[[[[[[[[[[[[[[[", CM_ELIMIT, 1);
    /* The billion laughs: refused at the first alias, before anything grows. */
    expect_refusal("a: &a [l,l,l,l,l,l,l,l,l]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n", CM_EUNSUPPORTED, 2);
}

static void test_bounds(void **state)
{
    (void)state;
    struct buf text;
    struct yamltree *tree = NULL;
    struct cm_error error;
    buf_init(&text, YAMLTREE_BYTES_MAX + 100);
    for (unsigned i = 0; i < 1001; i++)
        buf_appendf(&text, "k%u: 1\n", i);
    assert_int_equal(yamltree_read("t", text.data, text.size, &tree, &error), CM_ELIMIT);
    buf_reset(&text);
    while (text.size <= YAMLTREE_BYTES_MAX)
        buf_append_str(&text, "# padding padding padding\n");
    assert_int_equal(yamltree_read("t", text.data, text.size, &tree, &error), CM_ELIMIT);
    buf_reset(&text);
    while (text.size < YAMLTREE_BYTES_MAX - 10)
        buf_append_str(&text, "- 1\n"); /* two million values */
    assert_int_equal(yamltree_read("t", text.data, text.size, &tree, &error), CM_ELIMIT);
    assert_string_equal(error.reason, "too many values");
    buf_done(&text);
}

static void test_file(void **state)
{
    (void)state;
    struct yamltree *tree;
    struct cm_error error;
    assert_int_equal(yamltree_read_file("/nonexistent/x.yaml", &tree, &error), CM_ENOTFOUND);
    assert_int_equal(yamltree_read_file("/", &tree, &error), CM_EIO);
    assert_int_equal(yamltree_read_file("/dev/zero", &tree, &error), CM_ELIMIT);
    char path[] = "/tmp/cm-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("key: value\n", file);
    fclose(file);
    assert_int_equal(yamltree_read_file(path, &tree, &error), 0);
    const struct yamltree_node *node = yamltree_get(yamltree_root(tree), "key");
    assert_int_equal(yamltree_error(&error, CM_EINVAL, tree, node, "bad", "no %s", "good"), CM_EINVAL);
    assert_non_null(strstr(error.detail, ":1: no good"));
    yamltree_free(tree);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
