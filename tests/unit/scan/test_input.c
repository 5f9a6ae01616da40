/* Targets out of files and pipes: comments, line ends, damage with its line, long lines, a pipe that has nothing yet. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "scanner/scan/input.h"

static char dir[256], path[300], said_path[300];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s/input.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/targets", dir);
    snprintf(said_path, sizeof said_path, "%s/said", dir);
    log_init("test", LOG_LEVEL_WARN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(said_path);
    return rmdir(dir);
}

static void write_targets(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

/* Runs what complains with its stderr in said_path, and gives that text. */
static int redirect(void)
{
    int kept = dup(STDERR_FILENO), to = open(said_path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(to, STDERR_FILENO);
    close(to);
    return kept;
}

static void restore(int kept, char *said, size_t size)
{
    dup2(kept, STDERR_FILENO);
    close(kept);
    FILE *file = fopen(said_path, "r");
    size_t got = fread(said, 1, size - 1, file);
    said[got] = '\0';
    fclose(file);
}

/* The names of all targets of a file, joined by blanks. */
static uint64_t read_all(char *names, size_t size, char *said, size_t said_size)
{
    struct loop *loop;
    struct target target;
    size_t used = 0;
    assert_int_equal(loop_new(&loop, NULL), 0);
    struct input *input = input_new(loop);
    names[0] = '\0';
    assert_int_equal(input_add_file(input, path, NULL), 0);
    int kept = redirect();
    while (input_next(input, &target) == INPUT_TARGET) {
        if (used < size)
            used += (size_t)snprintf(names + used, size - used, "%s ", target.name);
        target_done(&target);
    }
    restore(kept, said, said_size);
    uint64_t damaged = input_damaged(input);
    input_free(input);
    loop_free(loop);
    return damaged;
}

static void test_lines(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a.example\n"
                               "# a comment\n"
                               "\n"
                               "  b.example:443  # why\r\n"
                               "\tc.example\t\r\n"
                               "   \r\n"
                               "d.example#\n"
                               "e.example"; /* without a line feed */
    (void)state;
    char names[200], said[2000];
    write_targets(text, sizeof text - 1);
    assert_int_equal(read_all(names, sizeof names, said, sizeof said), 0);
    assert_string_equal(names, "a.example b.example c.example d.example e.example ");
    assert_string_equal(said, "");
}

static void test_damage_is_told_with_its_line(void **state)
{
    (void)state;
    char names[200], said[4000], text[20000], expected[400];
    size_t size = (size_t)snprintf(text, sizeof text, "a.example\nno such thing\nb.example\n\x1b[31mred\n");
    memset(text + size, 'x', 9000); /* line 5 */
    size += 9000;
    size += (size_t)snprintf(text + size, sizeof text - size, "\nc.example\n%c\nbad..name", 0);
    write_targets(text, size);
    assert_int_equal(read_all(names, sizeof names, said, sizeof said), 5);
    assert_string_equal(names, "a.example b.example c.example ");
    snprintf(expected, sizeof expected, "test: %s:2: ", path);
    assert_non_null(strstr(said, expected));
    static const char *const lines[] = {":4: ", ":5: ", ":7: ", ":8: "};
    for (size_t i = 0; i < 4; i++)
        assert_non_null(strstr(said, lines[i]));
    assert_null(strstr(said, ":6: "));
    assert_non_null(strstr(said, "longer than 4096"));
    assert_null(strchr(said, 0x1b)); /* what was in the file cannot reach the terminal */
}

/* A file of many lines comes out whole, whatever falls on the edge of a read. */
static void test_many_lines(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 30000; i++)
        fprintf(file, "host%d.example%s\n", i, i % 3 ? "" : " # something longer than the line itself");
    fclose(file);
    struct loop *loop;
    struct target target;
    assert_int_equal(loop_new(&loop, NULL), 0);
    struct input *input = input_new(loop);
    uint64_t estimate = 0;
    int count = 0;
    assert_int_equal(input_add_file(input, path, NULL), 0);
    for (; input_next(input, &target) == INPUT_TARGET; count++) {
        char expected[32];
        snprintf(expected, sizeof expected, "host%d.example", count);
        assert_string_equal(target.name, expected);
        if (count == 15000) {
            assert_true(input_estimate(input, &estimate));
            assert_in_range(estimate, 14000, 16000);
        }
        target_done(&target);
    }
    assert_int_equal(count, 30000);
    input_free(input);
    loop_free(loop);
}

static void test_pipe(void **state)
{
    (void)state;
    unlink(path);
    struct loop *loop;
    struct target target;
    uint64_t estimate;
    assert_int_equal(loop_new(&loop, NULL), 0);
    struct input *input = input_new(loop);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(input_add_file(input, path, NULL), 0); /* does not wait for a writer */
    assert_int_equal(input_next(input, &target), INPUT_LATER);
    assert_false(input_estimate(input, &estimate));
    int writer = open(path, O_WRONLY);
    assert_int_equal(write(writer, "a.exam", 6), 6);
    assert_int_equal(input_next(input, &target), INPUT_LATER);
    assert_int_equal(write(writer, "ple\nb.example", 13), 13);
    loop_turn(loop, 10000, NULL); /* the bytes end the wait */
    assert_int_equal(input_next(input, &target), INPUT_TARGET);
    assert_string_equal(target.name, "a.example");
    assert_int_equal(input_next(input, &target), INPUT_LATER);
    close(writer);
    loop_turn(loop, 10000, NULL);
    assert_int_equal(input_next(input, &target), INPUT_TARGET); /* the last line, without its line feed */
    assert_string_equal(target.name, "b.example");
    assert_int_equal(input_next(input, &target), INPUT_END);
    assert_int_equal(input_damaged(input), 0);
    input_free(input);
    loop_free(loop);
    unlink(path);
}

static void test_order_and_missing_files(void **state)
{
    (void)state;
    struct loop *loop;
    struct target target;
    struct cm_error error;
    assert_int_equal(loop_new(&loop, NULL), 0);
    struct input *input = input_new(loop);
    write_targets("file.example\n", 13);
    assert_int_equal(input_add_file(input, path, NULL), 0);
    assert_int_equal(input_add_file(input, "/nonexistent/targets", &error), CM_EIO);
    assert_non_null(strstr(error.detail, "/nonexistent/targets: No such file"));
    assert_int_equal(input_add_file(input, dir, &error), CM_EIO);
    assert_non_null(strstr(error.detail, "Is a directory"));
    assert_int_equal(input_damaged(input), 2);
    assert_int_equal(target_read("operand.example", 15, &target, NULL), 0);
    input_add_target(input, &target);
    assert_int_equal(input_next(input, &target), INPUT_TARGET);
    assert_string_equal(target.name, "operand.example");
    assert_int_equal(input_next(input, &target), INPUT_TARGET);
    assert_string_equal(target.name, "file.example");
    assert_int_equal(input_next(input, &target), INPUT_END);
    assert_int_equal(input_next(input, &target), INPUT_END);
    input_free(input);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_damage_is_told_with_its_line),
        cmocka_unit_test(test_many_lines),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_order_and_missing_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
