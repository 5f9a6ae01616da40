/* Listening sockets: the unix one, whose stale remains are replaced but never a living collector's, and the TCP one for TLS. */
#ifndef COLLECTOR_HTTP_LISTEN_H
#define COLLECTOR_HTTP_LISTEN_H

#include <stddef.h>

#include "certmuster/error.h"

struct unix_socket {
    const char *path; /* lends */
    int fd, lock_fd;  /* -1: none */
};

/* CM_ECONFLICT: another collector serves there. */
CM_MUST_CHECK int unix_listen(const char *path, struct unix_socket *out, struct cm_error *error);
/* Closes and removes the path. */
void unix_close(struct unix_socket *socket);

/* "127.0.0.1:8443" or "[::1]:8443"; port 0 takes a free one. text (at least 64 bytes) gets the address as bound. */
CM_MUST_CHECK int tcp_listen(const char *address, int *fd, char *text, size_t size, struct cm_error *error);

#endif
