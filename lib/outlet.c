/* Standard output as records and tables of a sweep need it: large writes that never make the scanner wait. A reader that pauses must not stop the scanner's
 * clock, or every probe under way would look late, nor keep it from hearing SIGTERM.
 *
 * The mode of the descriptor that we were given is not ours to change: whoever shares it would feel it. A pipe or a terminal is
 * therefore opened once more, for us alone and non-blocking; a socket is asked call by call; a regular file never waits. What is none of
 * these, or cannot be opened again, gets what POSIX write(2) promises not to wait for: PIPE_BUF bytes when poll(2) says so. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/outlet.h"

void outlet_init(struct outlet *outlet, size_t max)
{
    struct stat what;
    *outlet = (struct outlet){.way = OUTLET_POLLED, .fd = STDOUT_FILENO};
    buf_init(&outlet->held, max);
    if (fstat(STDOUT_FILENO, &what) != 0)
        return;
    if (S_ISREG(what.st_mode))
        outlet->way = OUTLET_FILE;
    else if (S_ISSOCK(what.st_mode))
        outlet->way = OUTLET_SOCKET;
    else if (S_ISFIFO(what.st_mode) || S_ISCHR(what.st_mode)) {
        int own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0) {
            outlet->way = OUTLET_OWN;
            outlet->fd = own;
        }
    }
}

void outlet_done(struct outlet *outlet)
{
    if (outlet->way == OUTLET_OWN)
        close(outlet->fd);
    buf_done(&outlet->held);
}

size_t outlet_left(const struct outlet *outlet)
{
    return outlet->held.size - outlet->sent;
}

static ssize_t write_some(const struct outlet *outlet)
{
    const char *bytes = outlet->held.data + outlet->sent;
    size_t left = outlet_left(outlet);
    struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
    switch (outlet->way) {
    case OUTLET_SOCKET:
        return send(outlet->fd, bytes, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    case OUTLET_POLLED:
        if (poll(&ready, 1, 0) <= 0) {
            errno = EAGAIN;
            return -1;
        }
        return write(outlet->fd, bytes, left < PIPE_BUF ? left : PIPE_BUF);
    case OUTLET_FILE:
    case OUTLET_OWN:
        break;
    }
    return write(outlet->fd, bytes, left);
}

void outlet_flush(struct outlet *outlet)
{
    outlet->trouble = 0;
    while (outlet_left(outlet) > 0) {
        ssize_t written = write_some(outlet);
        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        if (written <= 0) {
            outlet->trouble = errno ? errno : EIO;
            break;
        }
        outlet->sent += (size_t)written;
    }
    /* What waits moves to the front once that is the smaller half: each byte moves once on average. */
    if (outlet->sent >= outlet->held.size / 2) {
        buf_consume(&outlet->held, outlet->sent);
        outlet->sent = 0;
    }
}

void outlet_wait(const struct outlet *outlet, int ms)
{
    struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
    (void)poll(&ready, 1, ms);
}
