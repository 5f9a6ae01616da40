/* The collector as `up` runs it: started beside the private PostgreSQL, asked whether it is well, stopped.
 *
 * Knows of the collector only its command line, its socket and /healthz. */
#include "collector/ctl/daemon.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/process.h"

#define PROGRAM "certmuster-collectd"

enum { WAIT_MS = 30 * 1000, PAUSE_MS = 50, HEALTH_TIMEOUT_MS = 5000, STOP_MS = 30 * 1000, STOP_UNWELL_MS = 3000 };

int daemon_open_program(int *fd, struct cm_error *error)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof PROGRAM - 1);
    char *slash = size > 0 ? memrchr(path, '/', (size_t)size) : NULL;
    if (!slash)
        return error_set(error, CM_EIO, 0, "cannot tell where this program lies; is /proc mounted?");
    strcpy(slash + 1, PROGRAM);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return error_setf(error, CM_ENOTFOUND, 0, "the collector is not installed beside this program", "%.180s: %s",
                          path, strerror(errno));
    return 0;
}

pid_t daemon_pid(const struct layout *layout)
{
    pid_t pid = process_from_pid_file(layout->collector_pid);
    return pid && process_runs(pid, PROGRAM) ? pid : 0;
}

struct body {
    char *text;
    size_t size, capacity;
};

static size_t take_body(char *bytes, size_t one, size_t count, void *context)
{
    struct body *body = context;
    size_t room = body->capacity - body->size, size = one * count;
    size_t taken = size < room ? size : room;
    if (taken > 0)
        memcpy(body->text + body->size, bytes, taken);
    body->size += taken;
    return size;
}

int daemon_health(const char *socket_path, char *answer, size_t size, struct cm_error *error)
{
    char scratch[256], reason[CURL_ERROR_SIZE] = "";
    struct body body = {.text = answer ? answer : scratch, .capacity = (answer ? size : sizeof scratch) - 1};
    long status = 0;
    CURL *curl = curl_easy_init();
    if (!curl)
        return error_set(error, CM_EIO, 0, "libcurl does not start");
    curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/healthz");
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)HEALTH_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    body.text[body.size] = 0;
    body.text[strcspn(body.text, "\n")] = 0; /* its only line, for ours */
    if (result != CURLE_OK)
        return error_setf(error, CM_EIO, 0, "the collector does not answer", "%s: %s", socket_path,
                          reason[0] ? reason : curl_easy_strerror(result));
    if (status != 200)
        return error_setf(error, CM_ECONFLICT, 0, "the collector is not well", "HTTP %ld: %.200s", status, body.text);
    return 0;
}

static int start(const struct layout *layout, int program_fd, const char *config_path, pid_t *pid,
                 struct cm_error *error)
{
    const char *argv[2 + 2 + 2 * LAYOUT_USERS_MAX + 1] = {PROGRAM};
    char uids[LAYOUT_USERS_MAX][16];
    size_t count = 1;
    if (config_path) {
        argv[count++] = "--config";
        argv[count++] = config_path;
    }
    for (size_t i = 0; i < layout->user_count; i++) {
        const struct passwd *user = getpwnam(layout->users[i]);
        if (!user)
            continue;
        snprintf(uids[i], sizeof uids[i], "%u", (unsigned)user->pw_uid);
        argv[count++] = "--allow-uid";
        argv[count++] = uids[i];
    }
    const struct process_daemon daemon = {
        .program_fd = program_fd, .argv = argv, .log_path = layout->collector_log, .pid_file = layout->collector_pid};
    return process_start(&daemon, pid, error);
}

/* Until it answers, gives up by itself, or time is over. */
static int wait_until_well(const struct layout *layout, pid_t pid, struct cm_error *error)
{
    for (int waited = 0; waited < WAIT_MS; waited += PAUSE_MS) {
        if (daemon_health(layout->collector_socket, NULL, 0, error) == 0)
            return 0;
        if (!process_alive(pid))
            return error_setf(error, CM_EIO, 0, "the collector ended at its start", "%.160s (log: %.60s…)",
                              process_log_tail(layout->collector_log, 1), layout->collector_log);
        poll(NULL, 0, PAUSE_MS);
    }
    return error ? error->code : CM_ETIMEOUT; /* what the last health check said */
}

/* SIGKILL loses nothing: what is not committed is sent again. */
static int stop(const struct layout *layout, int timeout_ms, bool *was_running, struct cm_error *error)
{
    pid_t pid = daemon_pid(layout);
    *was_running = pid != 0;
    if (pid) {
        int code = process_end(pid, SIGTERM, SIGKILL, timeout_ms);
        if (code)
            return error_setf(error, code, 0, "the collector does not stop", "pid %d", (int)pid);
    }
    process_remove_pid_file(layout->collector_pid);
    unlink(layout->collector_socket);
    return 0;
}

int daemon_up(const struct layout *layout, int program_fd, const char *config_path, bool users_changed,
              const char **did, struct cm_error *error)
{
    bool was_running = false;
    pid_t pid = daemon_pid(layout);
    *did = pid ? "was running" : "started";
    if (pid && (users_changed || !process_runs_file(pid, program_fd) ||
                daemon_health(layout->collector_socket, NULL, 0, error) != 0)) {
        /* It has to learn of a new user, was installed anew, or runs without answering: a start of its own is the repair. */
        int code = stop(layout, STOP_UNWELL_MS, &was_running, error);
        if (code)
            return code;
        *did = "restarted";
        pid = 0;
    }
    if (pid)
        return 0;
    unlink(layout->collector_socket); /* of one that was killed */
    int code = start(layout, program_fd, config_path, &pid, error);
    return code ? code : wait_until_well(layout, pid, error);
}

int daemon_down(const struct layout *layout, bool *was_running, struct cm_error *error)
{
    return stop(layout, STOP_MS, was_running, error);
}
