/* Who a pid is: ours is found, another's, a dead one's, a zombie's and one from before a reboot are not; ending ends, and only what it shall. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/ctl/process.h"

static char dir[] = "/tmp/cm-process-XXXXXX";
static char path[64], identity[80];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/x.pid", dir);
    snprintf(identity, sizeof identity, "%s.identity", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    process_remove_pid_file(path);
    return rmdir(dir);
}

static void write_text(const char *file_path, const char *text)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A child that waits for a signal; ignoring SIGTERM when asked. */
static pid_t sleeper(bool stubborn)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (stubborn)
            signal(SIGTERM, SIG_IGN);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void finds_itself(void **state)
{
    (void)state;
    char line[32] = "";
    assert_int_equal(process_write_pid_file(path), 0);
    assert_int_equal(process_from_pid_file(path), getpid());
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_int_equal(atoi(line), getpid());
    process_remove_pid_file(path);
    assert_int_equal(process_from_pid_file(path), 0);
}

static void is_not_fooled_by_a_number_that_went_to_another(void **state)
{
    (void)state;
    char text[256], boot[64] = "";
    unsigned long long start = 0;
    int pid = 0;
    assert_int_equal(process_write_pid_file(path), 0);
    FILE *file = fopen(identity, "r");
    assert_int_equal(fscanf(file, "%d %llu %63s", &pid, &start, boot), 3);
    fclose(file);
    snprintf(text, sizeof text, "%d %llu %s\n", pid, start + 1, boot); /* the number, but another process */
    write_text(identity, text);
    assert_int_equal(process_from_pid_file(path), 0);
    snprintf(text, sizeof text, "%d %llu 00000000-0000-0000-0000-000000000000\n", pid, start); /* before a reboot */
    write_text(identity, text);
    assert_int_equal(process_from_pid_file(path), 0);
    const char *const garbage[] = {"", "x", "-1 1 a", "1", "99999999999999999999 1 1", "0 0 0"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        write_text(identity, garbage[i]);
        assert_int_equal(process_from_pid_file(path), 0);
    }
    snprintf(text, sizeof text, "%d %llu %s\n", pid, start, boot);
    write_text(identity, text);
    assert_int_equal(process_from_pid_file(path), getpid());
}

static void knows_program_and_directory(void **state)
{
    (void)state;
    char cwd[512];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_true(process_runs(getpid(), "test_process"));
    assert_false(process_runs(getpid(), "test_proces"));
    assert_false(process_runs(getpid(), "test_process2"));
    int self = open("/proc/self/exe", O_RDONLY), other = open("/bin/sh", O_RDONLY);
    assert_true(process_runs_file(getpid(), self));
    assert_false(process_runs_file(getpid(), other));
    close(self);
    close(other);
    assert_true(process_works_in(getpid(), cwd));
    assert_false(process_works_in(getpid(), dir));
}

static void ends_gently_then_hard(void **state)
{
    (void)state;
    int status;
    pid_t pid = sleeper(false);
    assert_true(process_alive(pid));
    assert_int_equal(process_end(pid, SIGTERM, SIGKILL, 5000), 0);
    assert_false(process_alive(pid)); /* a zombie until the next line */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_int_equal(process_end(pid, SIGTERM, SIGKILL, 5000), 0); /* gone already */

    pid = sleeper(true);
    assert_int_equal(process_end(pid, SIGTERM, SIGKILL, 300), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);

    pid = sleeper(true);
    assert_int_equal(process_end(pid, SIGTERM, SIGTERM, 100), CM_ETIMEOUT);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void keeps_the_output_of_what_it_runs(void **state)
{
    (void)state;
    char log[96];
    struct cm_error error;
    snprintf(log, sizeof log, "%s/log", dir);
    const char *good[] = {"/bin/sh", "-c", "echo one; echo two >&2; exit 3", NULL};
    assert_int_equal(process_run(good, dir, log, &error), 3);
    assert_string_equal(process_log_tail(log, 1), "two");
    assert_string_equal(process_log_tail(log, 2), "one\ntwo");
    assert_string_equal(process_log_tail(log, 9), "one\ntwo");
    const char *missing[] = {"/nonexistent/x", NULL};
    assert_int_equal(process_run(missing, dir, log, &error), 127);
    assert_non_null(strstr(process_log_tail(log, 1), "No such file"));
    const char *killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
    assert_int_equal(process_run(killed, dir, log, &error), 128 + SIGKILL);
    const char *where[] = {"/bin/sh", "-c", "pwd", NULL};
    assert_int_equal(process_run(where, dir, log, &error), 0);
    assert_string_equal(process_log_tail(log, 1), dir);
    unlink(log);
    assert_string_equal(process_log_tail(log, 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_itself),
        cmocka_unit_test(is_not_fooled_by_a_number_that_went_to_another),
        cmocka_unit_test(knows_program_and_directory),
        cmocka_unit_test(ends_gently_then_hard),
        cmocka_unit_test(keeps_the_output_of_what_it_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
