/* A small process that starts certmuster-submit for a scanner that has given up its rights: it keeps those that we had when it was made, the private key
 * of a TLS client and a collector's socket among them, and reads nothing of what the scanner reads.
 *
 * The scanner can ask for two things: to start the one command line that was fixed beforehand, and to signal that child. Even a scanner taken over by hostile
 * bytes gets no more out of it. It ends when the scanner's end of the socket is closed; the signals that end a scanner are not for it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/emit_private.h"

enum { LOOK_MS = 20, SOCKET_FD = 3 /* of the process */ };

struct request {
    int32_t signal; /* 0: start */
    int64_t wait_ms;
};

struct launcher {
    int fd;
};

/* --- the process --------------------------------------------------------------------------------------------------- */

/* False: the scanner is gone. */
static bool serve(const struct drain *drain, pid_t *child)
{
    struct request request;
    struct pollfd ready = {.fd = SOCKET_FD, .events = POLLIN};
    int status = 0;
    if (*child && waitpid(*child, &status, WNOHANG) == *child) {
        *child = 0;
        (void)send(SOCKET_FD, &status, sizeof status, MSG_NOSIGNAL);
    }
    if (poll(&ready, 1, *child ? LOOK_MS : -1) <= 0)
        return true;
    ssize_t got = recv(SOCKET_FD, &request, sizeof request, 0);
    if (got < 0 && errno == EINTR)
        return true;
    if (got != (ssize_t)sizeof request)
        return false;
    if (request.signal && *child && (request.signal == SIGTERM || request.signal == SIGKILL)) {
        kill(*child, request.signal);
    } else if (!request.signal && !*child) {
        *child = drain_spawn(drain, request.wait_ms);
        status = CM_EXIT_FAILED << 8; /* as waitpid(2) would say it */
        if (!*child)
            (void)send(SOCKET_FD, &status, sizeof status, MSG_NOSIGNAL);
    }
    return true;
}

static void be_launcher(const struct drain *drain, int fd)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    pid_t child = 0;
    sigaction(SIGINT, &ignored, NULL);
    sigaction(SIGTERM, &ignored, NULL);
    sigaction(SIGHUP, &ignored, NULL);
    sigaction(SIGUSR1, &ignored, NULL);
    prctl(PR_SET_NAME, "submit-launcher");
    if (fd != SOCKET_FD && dup2(fd, SOCKET_FD) < 0)
        _exit(CM_EXIT_FAILED);
    if (close_range(SOCKET_FD + 1, ~0U, 0))
        _exit(CM_EXIT_FAILED);
    while (serve(drain, &child))
        ;
    _exit(CM_EXIT_OK);
}

/* --- the scanner's end --------------------------------------------------------------------------------------------- */

int launcher_new(const struct drain *drain, struct launcher **out, struct cm_error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_setf(error, CM_EIO, 0, "cannot make a socket", "%s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(pair[0]);
        close(pair[1]);
        return error_setf(error, CM_EIO, 0, "cannot make a process", "%s", strerror(errno));
    }
    if (pid == 0) {
        close(pair[0]); /* or it would never see its end */
        be_launcher(drain, pair[1]);
    }
    close(pair[1]);
    *out = cm_calloc(1, sizeof **out);
    (*out)->fd = pair[0];
    return CM_OK;
}

void launcher_free(struct launcher *launcher)
{
    if (!launcher)
        return;
    close(launcher->fd);
    free(launcher);
}

static int ask(const struct launcher *launcher, struct request request)
{
    return send(launcher->fd, &request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request ? CM_OK : CM_EIO;
}

int launcher_start(struct launcher *launcher, int64_t wait_ms)
{
    return ask(launcher, (struct request){.wait_ms = wait_ms});
}

void launcher_signal(struct launcher *launcher, int number)
{
    (void)ask(launcher, (struct request){.signal = number}); /* one that is gone needs none */
}

bool launcher_collect(struct launcher *launcher, int *wait_status)
{
    ssize_t got = recv(launcher->fd, wait_status, sizeof *wait_status, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got != (ssize_t)sizeof *wait_status)
        *wait_status = SIGKILL; /* the launcher is gone, and so is what it knew */
    return true;
}
