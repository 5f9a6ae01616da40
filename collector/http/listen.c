/* Sockets to listen on. */
#include "collector/http/listen.h"

#include <errno.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "certmuster/ipaddr.h"

enum { BACKLOG = 512, LOCK_TRIES = 8 };

static int system_error(struct cm_error *error, const char *reason, const char *what)
{
    return error_setf(error, errno == EADDRINUSE ? CM_ECONFLICT : CM_EIO, 0, reason, "%.180s: %s", what,
                      strerror(errno));
}

/* The lock says that a collector lives: the kernel lets go of it however that ends. A lock file that was removed between our opening and our
 * locking is not the one that the next collector will lock. */
static int take_lock(const char *socket_path, int *out, struct cm_error *error)
{
    char path[sizeof(struct sockaddr_un) + 8];
    snprintf(path, sizeof path, "%s.lock", socket_path);
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct stat held, named;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return system_error(error, "cannot make the socket's lock", path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            return error_setf(error, CM_ECONFLICT, 0, "another collector serves this socket", "%.180s", socket_path);
        }
        if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev) {
            *out = fd;
            return 0;
        }
        close(fd);
    }
    return error_setf(error, CM_ECONFLICT, 0, "the socket's lock keeps changing hands", "%.180s", path);
}

static int bind_unix(const char *path, int *out, struct cm_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &there) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return error_setf(error, CM_ECONFLICT, 0, "there is something else where the socket shall be", "%.180s",
                              path);
        if (unlink(path) != 0 && errno != ENOENT) /* stale, since we hold the lock */
            return system_error(error, "cannot replace the old socket", path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_error(error, "cannot make a socket", path);
    /* Who may speak is decided by uid on every connection, not by the file's mode. */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0666) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int code = system_error(error, "cannot listen on the socket", path);
        close(fd);
        return code;
    }
    *out = fd;
    return 0;
}

int unix_listen(const char *path, struct unix_socket *out, struct cm_error *error)
{
    *out = (struct unix_socket){.path = path, .fd = -1, .lock_fd = -1};
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_setf(error, CM_EINVAL, 0, "the socket's path is longer than 107 bytes", "%.180s", path);
    int code = take_lock(path, &out->lock_fd, error);
    if (!code)
        code = bind_unix(path, &out->fd, error);
    if (code)
        unix_close(out);
    return code;
}

void unix_close(struct unix_socket *socket)
{
    char path[sizeof(struct sockaddr_un) + 8];
    if (socket->fd >= 0) {
        unlink(socket->path);
        close(socket->fd);
    }
    if (socket->lock_fd >= 0) {
        snprintf(path, sizeof path, "%s.lock", socket->path);
        unlink(path);
        close(socket->lock_fd);
    }
    socket->fd = socket->lock_fd = -1;
}

static unsigned port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

/* libevent takes no port 0 but an address without port: that is how ":0" is read. */
static int read_address(const char *text, struct sockaddr_storage *out, int *length, struct cm_error *error)
{
    char host[64];
    size_t size = strlen(text);
    bool any_port = size > 2 && strcmp(text + size - 2, ":0") == 0;
    snprintf(host, sizeof host, "%.*s", (int)(any_port ? size - 2 : size), text);
    if (size >= sizeof host || evutil_parse_sockaddr_port(host, (struct sockaddr *)out, length) != 0 ||
        (port_of(out) == 0) != any_port)
        return error_setf(error, CM_EINVAL, 0, "not an address and port, as in 127.0.0.1:8443 or [::1]:8443", "%.100s",
                          text);
    return 0;
}

int tcp_listen(const char *address, int *out, char *text, size_t size, struct cm_error *error)
{
    struct sockaddr_storage to = {0};
    int length = sizeof to, one = 1;
    int code = read_address(address, &to, &length, error);
    if (code)
        return code;
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_error(error, "cannot make a socket", address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    socklen_t bound = sizeof to;
    if (bind(fd, (const struct sockaddr *)&to, (socklen_t)length) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&to, &bound) != 0) {
        code = system_error(error, "cannot listen", address);
        close(fd);
        return code;
    }
    struct ipaddr ip;
    char ip_text[IPADDR_TEXT_SIZE];
    ipaddr_from_sockaddr(&ip, (const struct sockaddr *)&to);
    ipaddr_write(ip_text, &ip);
    snprintf(text, size, ip.family == 6 ? "[%s]:%u" : "%s:%u", ip_text, port_of(&to));
    *out = fd;
    return 0;
}
