/* What a crawl says that it has looked at: roots once each, exceptions that become wider when they are too many and never narrower. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/crawl/cover.h"

static bool is_left_out(const struct cover *cover, const char *path)
{
    struct record_covered told;
    (void)cover_tell(cover, &told);
    for (size_t i = 0; i < told.except_count; i++) {
        size_t size = strlen(told.except[i]);
        size -= size == 1; /* "/" */
        if (strncmp(told.except[i], path, size) == 0 && (path[size] == '/' || !path[size]))
            return true;
    }
    return false;
}

static void test_roots(void **state)
{
    (void)state;
    struct cover cover = {.hit = 0};
    struct record_covered told;
    assert_false(cover_tell(&cover, &told));
    cover_root(&cover, "/etc");
    cover_root(&cover, "/etc");
    cover_root(&cover, "/srv/tls");
    assert_true(cover_tell(&cover, &told));
    assert_int_equal(told.root_count, 2);
    assert_string_equal(told.roots[1], "/srv/tls");
    assert_true(cover_is_root(&cover, "/etc"));
    assert_false(cover_is_root(&cover, "/etc/ssl"));
    assert_true(cover_holds(&cover, "/etc/ssl"));
    assert_false(cover_holds(&cover, "/etcetera"));
    assert_false(cover_holds(&cover, "/srv"));
    cover_done(&cover);
    cover_root(&cover, "/");
    assert_true(cover_holds(&cover, "/anything"));
    cover_done(&cover);
}

static void test_mounts(void **state)
{
    (void)state;
    struct cover cover = {.hit = 0};
    struct record_covered told;
    char path[64];
    cover_root(&cover, "/srv");
    cover_mount(&cover, "/");
    cover_mount(&cover, "/srv");
    cover_mount(&cover, "/");
    assert_true(cover_tell(&cover, &told));
    assert_int_equal(told.mount_count, 2);
    assert_string_equal(told.mounts[1], "/srv");
    for (int i = 0; i < CM_LIMIT_COVERED_PATHS; i++) {
        snprintf(path, sizeof path, "/srv/mount/%d", i);
        cover_mount(&cover, path);
    }
    assert_true(cover_tell(&cover, &told)); /* without some: no harm to the rest */
    assert_int_equal(told.mount_count, CM_LIMIT_COVERED_PATHS);
    char *name = test_malloc(4002);
    memset(name, 'x', 4001);
    name[4001] = 0;
    cover_done(&cover);
    for (int i = 0; i < 32; i++) {
        snprintf(path, sizeof path, "/%d", i);
        memcpy(name, path, strlen(path));
        cover_mount(&cover, name);
    }
    (void)cover_tell(&cover, &told);
    assert_int_equal(told.mount_count, COVER_MOUNT_BYTES_MAX / 4001);
    test_free(name);
    cover_done(&cover);
}

static void test_too_many_roots(void **state)
{
    (void)state;
    struct cover cover = {.hit = 0};
    struct record_covered told;
    char path[64];
    for (int i = 0; i < CM_LIMIT_COVERED_PATHS; i++) {
        snprintf(path, sizeof path, "/root/%d", i);
        cover_root(&cover, path);
    }
    assert_true(cover_tell(&cover, &told));
    cover_root(&cover, "/one/more");
    assert_false(cover_tell(&cover, &told)); /* half an account would be a lie */
    cover_done(&cover);
    char *name = test_malloc(5002);
    memset(name, 'x', 5001);
    name[0] = '/';
    name[5001] = '\0';
    cover = (struct cover){.hit = 0};
    cover_root(&cover, name);
    assert_false(cover_tell(&cover, &told));
    cover_done(&cover);
    test_free(name);
}

static void test_wider(void **state)
{
    (void)state;
    struct cover cover = {.hit = 0};
    struct record_covered told;
    char path[64];
    cover_root(&cover, "/data");
    cover_except(&cover, "/data/one/file");
    cover_except(&cover, "/data/one/file");
    cover_except(&cover, "/data/one/file/below");
    assert_true(cover_tell(&cover, &told));
    assert_int_equal(told.except_count, 1);
    for (int i = 0; i < 8000; i++) {
        snprintf(path, sizeof path, "/data/dir%d/sub/file%d", i % 700, i);
        cover_except(&cover, path);
        assert_true(is_left_out(&cover, path));
    }
    assert_true(cover_tell(&cover, &told));
    assert_true(told.except_count <= CM_LIMIT_COVERED_PATHS);
    assert_true(is_left_out(&cover, "/data/one/file"));
    assert_false(is_left_out(&cover, "/data/another/file")); /* no wider than it had to be */
    for (int i = 0; i < 1500; i++) {                         /* nothing but the root directory holds all of these */
        snprintf(path, sizeof path, "/top%d", i);
        cover_except(&cover, path);
        assert_true(is_left_out(&cover, path));
    }
    assert_true(cover_tell(&cover, &told));
    assert_int_equal(told.except_count, 1);
    assert_string_equal(told.except[0], "/");
    cover_done(&cover);
}

static void test_long_names(void **state)
{
    (void)state;
    struct cover cover = {.hit = 0};
    struct record_covered told;
    char *path = test_malloc(3102);
    for (int i = 0; i < 500; i++) { /* more bytes than are told */
        snprintf(path, 3102, "/%03d/", i);
        memset(path + 5, 'n', 3096);
        path[3101] = '\0';
        cover_except(&cover, path);
        assert_true(is_left_out(&cover, path));
    }
    cover_root(&cover, "/");
    assert_true(cover_tell(&cover, &told));
    size_t bytes = 0;
    for (size_t i = 0; i < told.except_count; i++)
        bytes += strlen(told.except[i]);
    assert_true(bytes <= COVER_BYTES_MAX);
    cover_done(&cover);
    test_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_roots), cmocka_unit_test(test_mounts),
                                       cmocka_unit_test(test_too_many_roots), cmocka_unit_test(test_wider),
                                       cmocka_unit_test(test_long_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
