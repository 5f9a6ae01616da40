/* Giving up rights: who drops them cannot open what its user may not, run a program, make a socket or a process, or get anything back; threads can be started, files
 * written as far as they are needed. Each is tried in a child. */
#include "tests/unit/lib/cmocka_first.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/privileges.h"
#include "lib/confine.h"

/* Which check failed, as the child's exit status; 0: none. */
static int in_child(int (*checks)(void))
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(checks());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum { SILENT_FROM = 13, SILENT_TO = 38 /* no power of two at either end */ };

#define REFUSED(call) ((call) == -1 && (errno == EPERM || errno == EACCES))

/* Pipes in place of captures: none that lies in the range can be written to, and each can be read. */
static bool silent(const int ends[static 2])
{
    char letter[] = "x";
    struct iovec part = {.iov_base = letter, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    char byte;
    for (int fd = SILENT_FROM - 1; fd <= SILENT_TO + 1; fd++) {
        bool inside = fd >= SILENT_FROM && fd <= SILENT_TO;
        if (inside &&
            (!REFUSED(write(fd, "x", 1)) || !REFUSED(writev(fd, &part, 1)) || !REFUSED(send(fd, "x", 1, 0)) ||
             !REFUSED(sendmsg(fd, &message, 0)) || !REFUSED(syscall(SYS_write, fd | INT64_C(1) << 32, "x", 1))))
            return false;
        if (!inside && (write(fd, "x", 1) != 1 || send(fd, "x", 1, 0) != 1 || read(ends[1], &byte, 1) != 1 ||
                        read(ends[1], &byte, 1) != 1))
            return false;
    }
    return write(ends[1], "x", 1) == 1 && read(SILENT_FROM, &byte, 1) == 1 && REFUSED(fcntl(SILENT_FROM, F_DUPFD, 100));
}

/* Another process of the user that we become, which ends with us. */
static pid_t start_neighbour(void)
{
    int ends[2];
    char byte;
    if (pipe(ends))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        const struct passwd *account = getpwnam("nobody");
        if (geteuid() == 0 && (!account || setresuid(account->pw_uid, account->pw_uid, account->pw_uid)))
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[1]);
        for (;;)
            pause();
    }
    close(ends[1]);
    bool up = read(ends[0], &byte, 1) == 0;
    close(ends[0]);
    return up ? pid : -1;
}

static void *note_life(void *context)
{
    *(int *)context = 1;
    return NULL;
}

static bool drop_as_whoever(const char *directory)
{
    struct privileges_user user;
    struct cm_error error;
    const char *const files[] = {directory, NULL};
    const struct privileges_kept kept = {.files = files, .silent_from = SILENT_FROM, .silent_to = SILENT_TO};
    int found = privileges_find("nobody", &user, &error);
    return (found == 0 || geteuid() != 0) && privileges_drop(&user, &kept, &error) == 0;
}

static int without_files(void)
{
    char program[] = "/bin/true", *argv[] = {program, NULL};
    pthread_t thread;
    struct rlimit limit;
    int alive = 0;
    pid_t neighbour = start_neighbour();
    int out = open("/dev/null", O_WRONLY), ends[2];
    bool ready = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
    for (int fd = SILENT_FROM - 1; fd <= SILENT_TO + 1; fd++)
        ready = ready && dup2(ends[0], fd) == fd;
    if (!ready || neighbour < 0 || !drop_as_whoever(NULL))
        return 1;
    if (geteuid() == 0 || getegid() == 0)
        return 2;
    if (!REFUSED(setuid(0)) || !REFUSED(setresgid(0, 0, 0)))
        return 3;
    if (!REFUSED(execv(program, argv)) || !REFUSED(socket(AF_INET, SOCK_STREAM, 0)) ||
        !REFUSED(socket(AF_UNIX, SOCK_STREAM, 0)))
        return 4;
    if (!REFUSED(open("/etc/shadow", O_RDONLY)))
        return 5;
    if (!REFUSED(chmod("/tmp", 0777)) || !REFUSED(chroot("/")) || !REFUSED(unlink("/etc/hostname")))
        return 6;
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 7;
    if (write(out, "x", 1) != 1 || pthread_create(&thread, NULL, note_life, &alive) || pthread_join(thread, NULL) ||
        !alive)
        return 8;
    if (!REFUSED(ioctl(0, TIOCSTI, "x")) || !REFUSED(ioctl(0, TIOCLINUX, "x")) ||
        !REFUSED(syscall(SYS_tgkill, neighbour, neighbour, 0)) ||
        !REFUSED(prlimit(getpid(), RLIMIT_CORE, NULL, &limit)))
        return 10;
    if (!silent(ends))
        return 11;
#ifndef __SANITIZE_ADDRESS__ /* what looks for leaks needs these */
    if (!REFUSED(open("/etc/passwd", O_RDONLY)) || !REFUSED(fork()) || !REFUSED(ptrace(PTRACE_TRACEME, 0, 0, 0)))
        return 9;
#endif
    return 0;
}

static int with_files(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/cm-privileges-%d", (int)getpid());
    bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
    if (!drop_as_whoever("/tmp"))
        return 1;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) || unlink(path))
        return 2;
    if (!REFUSED(open("/etc/shadow", O_RDONLY)) || !REFUSED(socket(AF_INET, SOCK_DGRAM, 0)))
        return 3;
#ifndef __SANITIZE_ADDRESS__ /* what everybody may read is out of reach all the same */
    if (landlock && (!REFUSED(open("/etc/passwd", O_RDONLY)) || !REFUSED(open("/proc/self/status", O_RDONLY))))
        return 4;
#else
    (void)landlock;
#endif
    return 0;
}

/* Landlock alone: what everybody may read is out of reach but for the directories named. */
static int confined(void)
{
    const char *const files[] = {"/tmp", "/no/such/directory", NULL};
    char path[64];
    struct cm_error error;
    int before = open("/etc/passwd", O_RDONLY);
    snprintf(path, sizeof path, "/tmp/cm-confined-%d", (int)getpid());
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || confine_files(files, false, &error))
        return 1;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || rename(path, "/tmp/cm-confined") || unlink("/tmp/cm-confined"))
        return 2;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        return 77;
    if (!REFUSED(open("/etc/passwd", O_RDONLY)) || !REFUSED(open("/etc/hostname", O_RDONLY)) ||
        !REFUSED(mkdir("/var/tmp/cm-confined", 0700)) || !REFUSED(symlink("x", "/tmp/cm-confined")))
        return 3;
    char byte;
    return read(before, &byte, 1) == 1 ? 0 : 4;
}

static void test_confined(void **state)
{
    (void)state;
    int failed = in_child(confined);
    if (failed == 77)
        skip();
    assert_int_equal(failed, 0);
}

static void test_root_becomes_nobody(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(without_files), 0);
    assert_int_equal(in_child(with_files), 0);
}

static int as_nobody_from_the_start(void)
{
    struct privileges_user user;
    struct cm_error error;
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 100;
    if (privileges_find("root", &user, &error) != CM_EINVAL || user.uid != geteuid() || user.other)
        return 101;
    return without_files();
}

/* Nobody else has users to change to; the filter is theirs as well. */
static void test_others_stay(void **state)
{
    (void)state;
    assert_int_equal(in_child(as_nobody_from_the_start), 0);
}

static void test_find(void **state)
{
    (void)state;
    struct privileges_user user;
    struct cm_error error;
    if (geteuid() != 0)
        skip();
    assert_int_equal(privileges_find("nobody", &user, &error), 0);
    assert_int_equal(user.uid, getpwnam("nobody")->pw_uid);
    assert_true(user.other);
    assert_int_equal(privileges_find("root", &user, &error), 0);
    assert_false(user.other);
    assert_int_equal(privileges_find("no-such-user", &user, &error), CM_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_root_becomes_nobody), cmocka_unit_test(test_others_stay),
                                       cmocka_unit_test(test_find), cmocka_unit_test(test_confined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
