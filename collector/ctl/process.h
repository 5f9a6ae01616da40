/* Processes that outlive us: who a pid is, how it is started, how it is ended. */
#ifndef CTL_PROCESS_H
#define CTL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "certmuster/error.h"

/* A process that we started is known by two files: <path> holds its pid, for people; <path>.identity "<pid> <start ticks> <boot id>",
 * by which a number that was given to another process since, or before a reboot, is told apart. */

/* Writes both for the calling process. */
CM_MUST_CHECK int process_write_pid_file(const char *path);
/* The pid of the living process that they name; 0 when there is none. */
pid_t process_from_pid_file(const char *path);
void process_remove_pid_file(const char *path);
/* Alive, and not a zombie that waits for its parent. */
bool process_alive(pid_t pid);
/* The program it runs has this file name ("postgres"); a replaced binary still counts. */
bool process_runs(pid_t pid, const char *program);
/* It runs this very file, not one that was replaced since. */
bool process_runs_file(pid_t pid, int fd);
bool process_works_in(pid_t pid, const char *directory);

/* Sends first, waits up to timeout_ms, then sends last, waits as long again. CM_ETIMEOUT when it still lives, CM_EAUTH when it is not
 * ours to end. 0 when it is gone, also when it was gone before. The caller has made sure who it is. */
CM_MUST_CHECK int process_end(pid_t pid, int first, int last, int timeout_ms);

/* Runs a program in a directory to its end, its output appended to log_path. Its exit status, or negative. */
CM_MUST_CHECK int process_run(const char *const *argv, const char *directory, const char *log_path,
                              struct cm_error *error);

struct process_daemon {
    int program_fd; /* of the executable: it may lie where its account cannot search */
    const char *const *argv;
    const char *log_path; /* appended to */
    const char *pid_file;
};
/* Starts it in a session of its own; *pid is our child. */
CM_MUST_CHECK int process_start(const struct process_daemon *daemon, pid_t *pid, struct cm_error *error);

/* The last lines of a log, for people, in a buffer that the next call reuses. */
const char *process_log_tail(const char *path, unsigned lines);

#endif
