/* Runs certmuster-submit over the spool while a scanner works, and once more at its end.
 *
 * A child that finds no collector is started again later, at most once a minute. Nothing here touches the spool: whatever happens to
 * a child, segments stay until the collector has answered. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/error.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "lib/emit_private.h"

enum { BACKOFF_FIRST_MS = 5000, BACKOFF_MAX_MS = 60000, GRACE_MS = 10000, PATH_SIZE = 4096, POLL_MS = 20 };

extern char **environ;

/* The program beside this one, else the one in PATH. */
static void find_submit(char out[static PATH_SIZE])
{
    static const char name[] = "certmuster-submit";
    char self[PATH_SIZE];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - sizeof name - 1);
    if (size > 0) {
        self[size] = 0;
        char *slash = strrchr(self, '/');
        if (slash) {
            memcpy(slash + 1, name, sizeof name);
            if (access(self, X_OK) == 0) {
                memcpy(out, self, strlen(self) + 1);
                return;
            }
        }
    }
    memcpy(out, name, sizeof name);
}

/* Starts the child; wait_ms < 0: one try, quietly. It gets stderr and nothing else of ours. */
static int start(struct drain *drain, int64_t wait_ms)
{
    char program[PATH_SIZE], seconds[32];
    const char *argv[12];
    size_t argc = 0;
    find_submit(program);
    argv[argc++] = "certmuster-submit";
    if (drain->config_path) {
        argv[argc++] = "--config";
        argv[argc++] = drain->config_path;
    }
    argv[argc++] = "--to";
    argv[argc++] = drain->to;
    if (wait_ms < 0) {
        argv[argc++] = "--once";
        argv[argc++] = "--quiet";
    } else {
        snprintf(seconds, sizeof seconds, "%.3f", (double)wait_ms / 1000);
        argv[argc++] = "--wait";
        argv[argc++] = seconds;
    }
    argv[argc++] = "--";
    argv[argc++] = drain->spool_dir;
    argv[argc] = NULL;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawnp(&drain->pid, program, &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed)
        drain->pid = 0;
    return failed ? CM_EIO : CM_OK;
}

/* The child's exit status, -1 while it runs; signals count as "could not do it". */
static int collect(struct drain *drain)
{
    int status;
    pid_t got = waitpid(drain->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return -1;
    drain->pid = 0;
    if (got < 0 || !WIFEXITED(status))
        return CM_EXIT_FAILED;
    if (WEXITSTATUS(status) == CM_EXIT_PARTIAL)
        drain->refused = true;
    return WEXITSTATUS(status);
}

void drain_tick(struct drain *drain, uint64_t segments_closed, int64_t now_ms)
{
    if (drain->pid) {
        int status = collect(drain);
        if (status < 0)
            return;
        if (status == CM_EXIT_OK || status == CM_EXIT_PARTIAL) {
            drain->backoff_ms = 0;
        } else {
            drain->leftovers = true;
            drain->backoff_ms = drain->backoff_ms ? drain->backoff_ms * 2 : BACKOFF_FIRST_MS;
            if (drain->backoff_ms > BACKOFF_MAX_MS)
                drain->backoff_ms = BACKOFF_MAX_MS;
            drain->next_start_ms = now_ms + drain->backoff_ms;
        }
    }
    if ((segments_closed == drain->closed_seen && !drain->leftovers) || now_ms < drain->next_start_ms)
        return;
    if (start(drain, -1) != CM_OK) {
        drain->next_start_ms = now_ms + BACKOFF_MAX_MS;
        return;
    }
    drain->closed_seen = segments_closed;
    drain->leftovers = false;
}

static void pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* The child's exit status; past the deadline it is told to end, and then made to. */
static int wait_until(struct drain *drain, int64_t deadline_ms)
{
    bool asked = false;
    for (;;) {
        int status = collect(drain);
        if (status >= 0)
            return status;
        int64_t late_ms = clock_monotonic_ms() - deadline_ms;
        if (late_ms > 0 && !asked) {
            kill(drain->pid, SIGTERM);
            asked = true;
        } else if (late_ms > GRACE_MS) {
            kill(drain->pid, SIGKILL);
        }
        pause_ms(POLL_MS);
    }
}

bool drain_finish(struct drain *drain, int64_t wait_ms, bool *told)
{
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    *told = false;
    if (drain->pid)
        (void)wait_until(drain, deadline_ms); /* it may hold the lock of the segment that comes first */
    int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (start(drain, left_ms > 0 ? left_ms : 0) != CM_OK)
        return false;
    int status = wait_until(drain, deadline_ms + GRACE_MS);
    *told = status == CM_EXIT_OK || status == CM_EXIT_PARTIAL || status == CM_EXIT_FAILED;
    return status == CM_EXIT_OK && !drain->refused;
}
