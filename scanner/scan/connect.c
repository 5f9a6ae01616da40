/* TCP connections: how one begins, and the table of what can go wrong with it. */
#include "scanner/scan/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    int trouble;
    enum record_error error;
} meanings[] = {
    {ECONNREFUSED, RECORD_ERROR_REFUSED},     {ETIMEDOUT, RECORD_ERROR_TIMEOUT},
    {ECONNRESET, RECORD_ERROR_RESET},         {EPIPE, RECORD_ERROR_CLOSED},
    {ECONNABORTED, RECORD_ERROR_CLOSED},      {ENETUNREACH, RECORD_ERROR_UNREACHABLE},
    {EHOSTUNREACH, RECORD_ERROR_UNREACHABLE}, {ENETDOWN, RECORD_ERROR_UNREACHABLE},
    {EHOSTDOWN, RECORD_ERROR_UNREACHABLE},    {ENONET, RECORD_ERROR_UNREACHABLE},
    {ENOPROTOOPT, RECORD_ERROR_UNREACHABLE},  {EPROTO, RECORD_ERROR_UNREACHABLE},
    {EACCES, RECORD_ERROR_UNREACHABLE},       {EINVAL, RECORD_ERROR_UNREACHABLE},
    {EAFNOSUPPORT, RECORD_ERROR_UNREACHABLE}, {EOPNOTSUPP, RECORD_ERROR_UNREACHABLE},
};

enum record_error connect_error_of(int trouble)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].trouble == trouble)
            return meanings[i].error;
    }
    return RECORD_ERROR_LOCAL;
}

const char *connect_detail_of(int trouble)
{
    enum record_error error = connect_error_of(trouble);
    return error == RECORD_ERROR_UNREACHABLE || error == RECORD_ERROR_LOCAL ? strerror(trouble) : NULL;
}

bool connect_is_shortage(int trouble)
{
    return trouble == EMFILE || trouble == ENFILE || trouble == ENOBUFS || trouble == ENOMEM ||
           trouble == EADDRNOTAVAIL || trouble == EAGAIN;
}

/* EADDRNOTAVAIL says two things: no port is left towards this destination, which passes, or there is no address of ours to reach it from (IPv6
 * is switched off), which does not. A datagram socket wants the same address, and has ports of its own; nothing is sent. */
static bool has_no_source(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool none = connect(fd, address, size) && errno == EADDRNOTAVAIL;
    close(fd);
    return none;
}

int connect_start(const struct ipaddr *ip, uint32_t scope, uint16_t port, int *fd)
{
    static const struct linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_storage address;
    socklen_t size = ipaddr_to_sockaddr(ip, port, &address);
    if (scope && ip->family == 6)
        ((struct sockaddr_in6 *)&address)->sin6_scope_id = scope;
    int made = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return connect_is_shortage(errno) ? CM_ELIMIT : CM_EIO;
    setsockopt(made, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
    if (connect(made, (struct sockaddr *)&address, size) && errno != EINPROGRESS) {
        int trouble = errno;
        close(made);
        if (trouble == EADDRNOTAVAIL && has_no_source((struct sockaddr *)&address, size))
            trouble = ENETUNREACH;
        errno = trouble;
        return connect_is_shortage(trouble) ? CM_ELIMIT : CM_EIO;
    }
    *fd = made;
    return 0;
}
