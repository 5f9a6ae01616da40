/* One byte asks for the next file; the answer is a struct, with a descriptor (SCM_RIGHTS) where there is one. A reader that hostile bytes have taken over can ask
 * for nothing but the next of the files that were named on the command line. */
#include "scanner/watch/opener.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 100, SOCKET_FD = 3 };

struct answer {
    enum sources_answer answer;
    struct source source; /* its fd: whether one comes along */
};

struct opener {
    int fd;
    bool asked;
};

/* --- the process --------------------------------------------------------------------------------------------------- */

static bool send_answer(int fd, const struct answer *answer)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)answer, .iov_len = sizeof *answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    bool with_descriptor = answer->answer == SOURCES_ONE && answer->source.fd >= 0;
    if (with_descriptor) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.header =
            (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &answer->source.fd, sizeof(int));
    }
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (with_descriptor)
        close(answer->source.fd);
    return sent == (ssize_t)sizeof *answer;
}

/* Ends when the reader's end of the socket is closed; the signals that end a reader are not for it. */
static void be_opener(struct sources *sources, int fd)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    char question;
    sigaction(SIGINT, &ignored, NULL);
    sigaction(SIGTERM, &ignored, NULL);
    sigaction(SIGHUP, &ignored, NULL);
    sigaction(SIGUSR1, &ignored, NULL);
    prctl(PR_SET_NAME, "watch-opener");
    if ((fd != SOCKET_FD && dup2(fd, SOCKET_FD) < 0) || close_range(SOCKET_FD + 1, ~0U, 0))
        _exit(CM_EXIT_FAILED);
    while (recv(SOCKET_FD, &question, 1, 0) == 1) {
        struct answer answer = {.source = {.fd = -1}};
        answer.answer = sources_next(sources, &answer.source);
        if (!send_answer(SOCKET_FD, &answer))
            break;
    }
    _exit(CM_EXIT_OK);
}

/* --- the reader's end ---------------------------------------------------------------------------------------------- */

int opener_new(struct sources *sources, struct opener **out, struct cm_error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        sources_free(sources);
        return error_setf(error, CM_EIO, 0, "cannot make a socket", "%s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]); /* or it would never see its end */
        be_opener(sources, pair[1]);
    }
    close(pair[1]);
    sources_free(sources); /* the process has its own */
    if (pid < 0) {
        close(pair[0]);
        return error_setf(error, CM_EIO, 0, "cannot make a process", "%s", strerror(errno));
    }
    *out = cm_calloc(1, sizeof **out);
    (*out)->fd = pair[0];
    return 0;
}

void opener_free(struct opener *opener)
{
    if (!opener)
        return;
    close(opener->fd);
    free(opener);
}

static enum sources_answer receive(struct opener *opener, struct source *out)
{
    struct answer answer;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = &answer, .iov_len = sizeof answer};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(opener->fd, &message, MSG_CMSG_CLOEXEC);
    if (got != (ssize_t)sizeof answer)
        return SOURCES_END; /* the process is gone */
    if (answer.answer == SOURCES_ONE && answer.source.fd >= 0) {
        answer.source.fd = -1;
        if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
            memcpy(&answer.source.fd, CMSG_DATA(&control.header), sizeof(int));
        else
            answer.source.trouble = EMFILE; /* no room for it here */
    }
    *out = answer.source;
    return answer.answer;
}

enum sources_answer opener_next(struct opener *opener, struct source *out)
{
    struct pollfd ready = {.fd = opener->fd, .events = POLLIN};
    if (!opener->asked && send(opener->fd, "n", 1, MSG_NOSIGNAL) != 1)
        return SOURCES_END;
    opener->asked = true;
    if (poll(&ready, 1, WAIT_MS) <= 0) /* it waits for the writer of a FIFO */
        return SOURCES_NONE_YET;
    opener->asked = false;
    return receive(opener, out);
}
