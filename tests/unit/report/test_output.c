/* Files and bundles appear whole or not at all, and never in place of what is not ours. */
#include "tests/unit/lib/cmocka_first.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/bundle.h"
#include "report/output.h"

static char top[64];

static int make_top(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/cm-output.XXXXXX");
    return mkdtemp(top) && chdir(top) == 0 ? 0 : -1;
}

static int remove_top(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", top);
    return chdir("/") || system(command);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *expected)
{
    char text[4096] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static int entries(const char *path)
{
    int count = -2; /* . and .. */
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void test_file(void **state)
{
    struct output output;
    struct stat status;
    (void)state;
    write_file("out", "old");
    assert_int_equal(chmod("out", 0640), 0);
    assert_int_equal(output_open("out", &output, NULL), CM_OK);
    fputs("new", output.stream);
    assert_file("out", "old"); /* until it is whole */
    assert_int_equal(output_commit(&output, NULL), CM_OK);
    assert_file("out", "new");
    assert_int_equal(stat("out", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640); /* it keeps its rights */

    assert_int_equal(output_open("out", &output, NULL), CM_OK);
    fputs("never", output.stream);
    output_abort(&output);
    assert_file("out", "new");
    assert_int_equal(entries("."), 1);
    assert_int_equal(unlink("out"), 0);
}

static void test_symlink(void **state)
{
    struct output output;
    struct stat status;
    (void)state;
    write_file("real", "old");
    assert_int_equal(symlink("real", "link"), 0);
    assert_int_equal(output_open("link", &output, NULL), CM_OK);
    fputs("new", output.stream);
    assert_int_equal(output_commit(&output, NULL), CM_OK);
    assert_file("real", "new");
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(unlink("link") | unlink("real"), 0);
}

static void test_file_refused(void **state)
{
    struct output output;
    struct cm_error error = {0};
    (void)state;
    assert_int_equal(output_open("no/such/directory", &output, &error), CM_EIO);
    assert_string_equal(error.detail, "no/such/directory: No such file or directory");
    assert_int_equal(output_open(".", &output, &error), CM_EIO);
    assert_int_equal(output_open("/dev/full", &output, &error), CM_OK);
    fputs("x", output.stream);
    assert_int_equal(output_commit(&output, &error), CM_EIO);
    assert_string_equal(error.detail, "/dev/full: No space left on device");
}

static const char *const names[] = {"a.txt", "b.txt", BUNDLE_MANIFEST, NULL};

static void fill(struct bundle *bundle, const char *text)
{
    FILE *a, *b;
    assert_int_equal(bundle_open_file(bundle, "a.txt", &a, NULL), CM_OK);
    assert_int_equal(bundle_open_file(bundle, "b.txt", &b, NULL), CM_OK);
    fputs(text, a);
    assert_int_equal(bundle_close_file(bundle, "a.txt", a, NULL), CM_OK);
    assert_int_equal(bundle_close_file(bundle, "b.txt", b, NULL), CM_OK);
}

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_HASH   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_bundle(void **state)
{
    struct bundle bundle;
    (void)state;
    assert_int_equal(bundle_open("ev///", names, &bundle, NULL), CM_OK);
    fill(&bundle, "abc");
    assert_int_equal(access("ev", F_OK), -1); /* until it is whole */
    assert_int_equal(bundle_commit(&bundle, NULL), CM_OK);
    assert_file("ev/" BUNDLE_MANIFEST, ABC_HASH "  a.txt\n" EMPTY_HASH "  b.txt\n");

    /* An earlier one is replaced in one step, or stands as it was. */
    assert_int_equal(bundle_open("ev", names, &bundle, NULL), CM_OK);
    fill(&bundle, "other");
    bundle_abort(&bundle);
    assert_file("ev/a.txt", "abc");
    assert_int_equal(bundle_open("ev", names, &bundle, NULL), CM_OK);
    fill(&bundle, "newer");
    assert_int_equal(bundle_commit(&bundle, NULL), CM_OK);
    assert_file("ev/a.txt", "newer");
    assert_int_equal(entries("."), 1);
    assert_int_equal(entries("ev"), 3);
}

static void test_bundle_refused(void **state)
{
    struct bundle bundle;
    struct cm_error error = {0};
    (void)state;
    assert_int_equal(mkdir("foreign", 0755), 0);
    write_file("foreign/thesis.txt", "years of work");
    assert_int_equal(bundle_open("foreign", names, &bundle, &error), CM_ECONFLICT);
    assert_string_equal(error.detail, "foreign holds thesis.txt");
    write_file("foreign/" BUNDLE_MANIFEST, "");
    assert_int_equal(bundle_open("foreign", names, &bundle, &error), CM_ECONFLICT);
    assert_int_equal(unlink("foreign/thesis.txt") | unlink("foreign/" BUNDLE_MANIFEST), 0);
    write_file("foreign/a.txt", "mine");
    assert_int_equal(bundle_open("foreign", names, &bundle, &error), CM_ECONFLICT); /* no manifest */
    assert_int_equal(bundle_open("foreign/a.txt", names, &bundle, &error), CM_ECONFLICT);
    assert_string_equal(error.reason, "not a directory");
    assert_int_equal(unlink("foreign/a.txt"), 0);

    /* Empty, and filled by somebody while we wrote. */
    assert_int_equal(bundle_open("foreign", names, &bundle, &error), CM_OK);
    fill(&bundle, "abc");
    write_file("foreign/thesis.txt", "years of work");
    assert_int_equal(bundle_commit(&bundle, &error), CM_ECONFLICT);
    assert_file("foreign/thesis.txt", "years of work");
    assert_int_equal(entries("foreign"), 1);
    assert_int_equal(unlink("foreign/thesis.txt"), 0);
    assert_int_equal(bundle_open("foreign", names, &bundle, &error), CM_OK);
    fill(&bundle, "abc");
    assert_int_equal(bundle_commit(&bundle, &error), CM_OK);
    assert_int_equal(bundle_open("no/such/parent", names, &bundle, &error), CM_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_symlink, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_file_refused, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_bundle, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_bundle_refused, make_top, remove_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
