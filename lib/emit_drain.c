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

#include "certmuster/beside.h"
#include "certmuster/error.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"
#include "lib/emit_private.h"

enum { BACKOFF_FIRST_MS = 5000, BACKOFF_MAX_MS = 60000, GRACE_MS = 10000, POLL_MS = 20, LOOK_MS = 500 };

extern char **environ;

/* It gets stderr and nothing else of ours. */
pid_t drain_spawn(const struct drain *drain, int64_t wait_ms)
{
    char program[BESIDE_PATH_SIZE], seconds[32];
    const char *argv[12];
    size_t argc = 0;
    program_beside("certmuster-submit", program);
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
    pid_t pid = 0;
    int failed = posix_spawnp(&pid, program, &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed ? 0 : pid;
}

static int start(struct drain *drain, int64_t wait_ms)
{
    if (drain->launcher)
        drain->pid = launcher_start(drain->launcher, wait_ms) == CM_OK;
    else
        drain->pid = drain_spawn(drain, wait_ms);
    return drain->pid ? CM_OK : CM_EIO;
}

static void send_signal(const struct drain *drain, int number)
{
    if (drain->launcher)
        launcher_signal(drain->launcher, number);
    else
        kill(drain->pid, number);
}

enum { RUNNING = -1, KILLED = 128 };

/* The child's exit status, RUNNING, or KILLED. */
static int collect(struct drain *drain)
{
    int status = KILLED << 8;
    pid_t got = drain->launcher ? launcher_collect(drain->launcher, &status) : waitpid(drain->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return RUNNING;
    drain->pid = 0;
    if (got < 0 || !WIFEXITED(status))
        return KILLED;
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

/* The child's exit status. When the spool has not shrunk for patience_ms it is told to end, and then made to; submit itself gives up
 * earlier, so this is for one that hangs. */
static int wait_for(struct drain *drain, int64_t patience_ms)
{
    bool asked = false;
    uint64_t least = UINT64_MAX;
    int64_t deadline_ms = clock_monotonic_ms() + patience_ms, look_ms = 0;
    for (;;) {
        struct spool_usage usage;
        int status = collect(drain);
        if (status != RUNNING)
            return status;
        int64_t now = clock_monotonic_ms(), late_ms = now - deadline_ms;
        if (!asked && now >= look_ms && spool_usage(drain->spool_dir, &usage, NULL) == CM_OK) {
            look_ms = now + LOOK_MS;
            if (usage.bytes < least)
                deadline_ms = now + patience_ms;
            least = usage.bytes < least ? usage.bytes : least;
        }
        if (late_ms > 0 && !asked) {
            send_signal(drain, SIGTERM);
            asked = true;
        } else if (late_ms > GRACE_MS) {
            send_signal(drain, SIGKILL);
        }
        pause_ms(POLL_MS);
    }
}

bool drain_finish(struct drain *drain, int64_t wait_ms, bool *told)
{
    *told = false;
    if (drain->pid)
        (void)wait_for(drain, wait_ms + GRACE_MS); /* it may hold the segment that comes first */
    if (start(drain, wait_ms) != CM_OK)
        return false;
    int status = wait_for(drain, wait_ms + GRACE_MS);
    *told = status == CM_EXIT_OK || status == CM_EXIT_PARTIAL || status == CM_EXIT_FAILED;
    return status == CM_EXIT_OK && !drain->refused;
}
