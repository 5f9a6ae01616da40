/* Processes that outlive us: who a pid is, how it is started, how it is ended.
 *
 * Everything is asked of /proc and done through a pidfd, so that between looking and signalling the number cannot pass to another
 * process. Called by up, down and status; knows nothing of PostgreSQL or the collector. */
#include "collector/ctl/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOOT_ID_SIZE = 40, TAIL_BYTES = 2000 };

static void read_line(const char *path, char *out, size_t size)
{
    out[0] = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (!fgets(out, (int)size, file))
        out[0] = 0;
    fclose(file);
    out[strcspn(out, "\n")] = 0;
}

static void boot_id(char out[static BOOT_ID_SIZE])
{
    read_line("/proc/sys/kernel/random/boot_id", out, BOOT_ID_SIZE);
    if (!out[0]) /* some containers hide it */
        strcpy(out, "-");
}

/* Field 22 of /proc/<pid>/stat (proc(5)); 0 when there is no such process or it is a zombie. The name in field 2 may hold anything, so
 * fields are counted from its last parenthesis. */
static uint64_t start_ticks(pid_t pid)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_line(path, line, sizeof line);
    char *at = strrchr(line, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return 0;
    at += 2;
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (!at)
            return 0;
        at++;
    }
    return strtoull(at, NULL, 10);
}

bool process_alive(pid_t pid)
{
    return pid > 0 && start_ticks(pid) != 0;
}

static int replace_file(const char *path, const char *suffix, const char *text)
{
    char final[PATH_MAX], temporary[PATH_MAX];
    if ((size_t)snprintf(final, sizeof final, "%s%s", path, suffix) >= sizeof final ||
        (size_t)snprintf(temporary, sizeof temporary, "%s%s.new", path, suffix) >= sizeof temporary)
        return CM_ELIMIT;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return CM_EIO;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (close(fd) != 0 || !written || rename(temporary, final) != 0)
        return CM_EIO;
    return 0;
}

int process_write_pid_file(const char *path)
{
    char boot[BOOT_ID_SIZE], line[128];
    boot_id(boot);
    snprintf(line, sizeof line, "%d %" PRIu64 " %s\n", (int)getpid(), start_ticks(getpid()), boot);
    int code = replace_file(path, ".identity", line);
    snprintf(line, sizeof line, "%d\n", (int)getpid());
    return code ? code : replace_file(path, "", line);
}

pid_t process_from_pid_file(const char *path)
{
    char identity[PATH_MAX], line[128], boot[BOOT_ID_SIZE], boot_then[BOOT_ID_SIZE] = "";
    int pid = 0;
    uint64_t start = 0;
    if ((size_t)snprintf(identity, sizeof identity, "%s.identity", path) >= sizeof identity)
        return 0;
    read_line(identity, line, sizeof line);
    if (sscanf(line, "%d %" SCNu64 " %39s", &pid, &start, boot_then) != 3 || pid <= 0 || start == 0)
        return 0;
    boot_id(boot);
    return strcmp(boot, boot_then) == 0 && start == start_ticks(pid) ? pid : 0;
}

void process_remove_pid_file(const char *path)
{
    char identity[PATH_MAX];
    unlink(path);
    if ((size_t)snprintf(identity, sizeof identity, "%s.identity", path) < sizeof identity)
        unlink(identity);
}

bool process_runs(pid_t pid, const char *program)
{
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t size = readlink(path, target, sizeof target - 1);
    if (size <= 0)
        return false;
    target[size] = 0;
    const char *name = strrchr(target, '/');
    name = name ? name + 1 : target;
    size_t length = strlen(program);
    return strncmp(name, program, length) == 0 && (!name[length] || strcmp(name + length, " (deleted)") == 0);
}

bool process_runs_file(pid_t pid, int fd)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat(path, &theirs) == 0 && fstat(fd, &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

bool process_works_in(pid_t pid, const char *directory)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    return stat(path, &theirs) == 0 && stat(directory, &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

int process_end(pid_t pid, int first, int last, int timeout_ms)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno == ESRCH ? 0 : CM_EIO;
    int result = CM_ETIMEOUT;
    for (int turn = 0; turn < 2 && result == CM_ETIMEOUT; turn++) {
        struct pollfd ended = {.fd = fd, .events = POLLIN};
        if (pidfd_send_signal(fd, turn == 0 ? first : last, NULL, 0) != 0)
            result = errno == ESRCH ? 0 : errno == EPERM ? CM_EAUTH : CM_EIO;
        else if (poll(&ended, 1, timeout_ms) == 1)
            result = 0;
    }
    close(fd);
    return result;
}

/* In the child: standard output and error to the log, input from nowhere. */
static void redirect(const char *log_path)
{
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log_fd < 0 || null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(126);
}

int process_run(const char *const *argv, const char *directory, const char *log_path, struct cm_error *error)
{
    pid_t pid = fork();
    if (pid < 0)
        return error_setf(error, CM_EIO, 0, "cannot start a process", "%s", strerror(errno));
    if (pid == 0) {
        redirect(log_path);
        if (chdir(directory) != 0) {
            fprintf(stderr, "cannot change to %s: %s\n", directory, strerror(errno));
            _exit(126);
        }
        execv(argv[0], (char *const *)argv);
        fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_setf(error, CM_EIO, 0, "lost a child process", "%s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_start(const struct process_daemon *daemon, pid_t *pid, struct cm_error *error)
{
    pid_t child = fork();
    if (child < 0)
        return error_setf(error, CM_EIO, 0, "cannot start a process", "%s", strerror(errno));
    if (child == 0) {
        setsid();
        redirect(daemon->log_path);
        if (process_write_pid_file(daemon->pid_file) != 0) {
            fprintf(stderr, "cannot write %s: %s\n", daemon->pid_file, strerror(errno));
            _exit(126);
        }
        fexecve(daemon->program_fd, (char *const *)daemon->argv, environ);
        fprintf(stderr, "cannot run %s: %s\n", daemon->argv[0], strerror(errno));
        _exit(127);
    }
    *pid = child;
    return 0;
}

const char *process_log_tail(const char *path, unsigned lines)
{
    static char text[TAIL_BYTES + 1];
    text[0] = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return text;
    if (fseek(file, -TAIL_BYTES, SEEK_END) != 0)
        rewind(file);
    size_t size = fread(text, 1, TAIL_BYTES, file);
    fclose(file);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    text[size] = 0;
    char *at = text + size;
    for (unsigned found = 0; at > text; at--)
        if (at[-1] == '\n' && ++found == lines)
            break;
    return at;
}
