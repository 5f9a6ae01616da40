/* The walk: each regular file once, nothing through links, nothing that blocks, trouble told and gone past. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "scanner/crawl/walk.h"

static char top[] = "/tmp/test_walk.XXXXXX";

static char *in_top(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", top, name) > 0);
    return path;
}

static void put(const char *name)
{
    char *path = in_top(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
    free(path);
}

/* Counts what a walk of the operands hands out; the last problem's error in *error. */
static unsigned walk_all(char *const *operands, int count, unsigned *problems, enum record_error *error)
{
    struct walk *walk = calloc(1, sizeof *walk);
    struct walk_entry entry;
    enum walk_result result;
    unsigned files = 0;
    *problems = 0;
    walk_init(walk, operands, count);
    while ((result = walk_next(walk, &entry)) != WALK_END) {
        if (result == WALK_FILE) {
            char byte;
            assert_int_equal(entry.path[0], '/');
            assert_true(S_ISREG(entry.stat.st_mode));
            assert_true(read(entry.fd, &byte, 1) >= 0);
            close(entry.fd);
            files++;
        } else {
            assert_non_null(entry.detail);
            *error = entry.error;
            (*problems)++;
        }
    }
    walk_done(walk);
    free(walk);
    return files;
}

static void expect(const char *name, unsigned files, unsigned problems, enum record_error error)
{
    char *path = in_top(name);
    unsigned found_problems;
    enum record_error found = RECORD_ERROR_NONE;
    assert_int_equal(walk_all(&path, 1, &found_problems, &found), files);
    assert_int_equal(found_problems, problems);
    assert_int_equal(found, error);
    free(path);
}

static void test_tree(void **state)
{
    (void)state;
    char *link = in_top("tree/link"), *loop = in_top("tree/sub/loop"), *hard = in_top("tree/hard"),
         *file = in_top("tree/a\nb\x1b[31m"), *out = in_top("tree/out");
    char *sub = in_top("tree/sub"), *tree = in_top("tree"), *outside = in_top("outside");
    mkdir(tree, 0700);
    mkdir(sub, 0700);
    mkdir(outside, 0700);
    put("tree/a\nb\x1b[31m");
    put("tree/sub/c");
    put("outside/secret");
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(symlink("..", loop), 0);
    assert_int_equal(symlink(outside, out), 0);
    expect("tree", 2, 0, RECORD_ERROR_NONE);
    assert_int_equal(linkat(AT_FDCWD, file, AT_FDCWD, hard, 0), 0);
    expect("tree", 2, 0, RECORD_ERROR_NONE);      /* one inode, two names */
    expect("tree/link", 1, 0, RECORD_ERROR_NONE); /* as an operand it is followed */
    expect("tree/out", 1, 0, RECORD_ERROR_NONE);
    char *both[] = {tree, sub, file};
    unsigned problems;
    enum record_error error;
    assert_int_equal(walk_all(both, 3, &problems, &error), 2); /* operands that overlap */
    char *const all[] = {link, loop, hard, file, out, sub, tree, outside};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void test_special_files(void **state)
{
    (void)state;
    char *dir = in_top("special"), *fifo = in_top("special/fifo"), *socket_path = in_top("special/socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mkdir(dir, 0700);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    put("special/file");
    expect("special", 1, 0, RECORD_ERROR_NONE);
    expect("special/fifo", 0, 1, RECORD_ERROR_UNSUPPORTED);
    expect("special/socket", 0, 1, RECORD_ERROR_UNSUPPORTED);
    close(fd);
    static char zero[] = "/dev/zero", environ_file[] = "/proc/self/environ", proc[] = "/proc/self";
    char *devices[] = {zero, environ_file, proc};
    for (size_t i = 0; i < 3; i++) {
        unsigned problems;
        enum record_error error;
        assert_int_equal(walk_all(&devices[i], 1, &problems, &error), 0);
        assert_int_equal(problems, 1);
        assert_int_equal(error, RECORD_ERROR_UNSUPPORTED);
    }
    free(dir);
    free(fifo);
    free(socket_path);
}

static void test_missing(void **state)
{
    (void)state;
    expect("nothing/here", 0, 1, RECORD_ERROR_NOT_FOUND);
    char *dangling = in_top("dangling");
    assert_int_equal(symlink("/nonexistent", dangling), 0);
    expect("dangling", 0, 1, RECORD_ERROR_NOT_FOUND);
    put("plain");
    expect("plain/below", 0, 1, RECORD_ERROR_NOT_FOUND);
    static char name[] = "no-such-file-here";
    char *relative = name;
    unsigned problems;
    enum record_error error;
    assert_int_equal(walk_all(&relative, 1, &problems, &error), 0);
    assert_int_equal(error, RECORD_ERROR_NOT_FOUND);
    free(dangling);
}

static void test_depth(void **state)
{
    (void)state;
    char *dir = in_top("deep");
    mkdir(dir, 0700);
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    for (unsigned i = 0; i < WALK_DEPTH_MAX + 10; i++) {
        assert_int_equal(mkdirat(fd, "directory-with-a-long-name", 0700), 0);
        int next = openat(fd, "directory-with-a-long-name", O_RDONLY | O_DIRECTORY);
        int file = openat(next, "f", O_WRONLY | O_CREAT, 0600);
        assert_true(file >= 0);
        close(file);
        close(fd);
        fd = next;
    }
    close(fd);
    /* The path grows beyond PATH_MAX on the way: names are opened relative to their directory. */
    expect("deep", WALK_DEPTH_MAX - 1, 1, RECORD_ERROR_TOO_LARGE);
    free(dir);
}

static void test_many_inodes(void **state)
{
    (void)state;
    struct inodes inodes = {0};
    for (uint64_t i = 1; i <= 100000; i++)
        assert_true(inodes_add(&inodes, i % 3, i));
    for (uint64_t i = 1; i <= 100000; i++)
        assert_false(inodes_add(&inodes, i % 3, i));
    assert_true(inodes_add(&inodes, 3, 1));
    assert_int_equal(inodes.count, 100001);
    assert_true(inodes.capacity <= 4 * 100001);
    inodes_done(&inodes);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),  cmocka_unit_test(test_special_files), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_many_inodes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
