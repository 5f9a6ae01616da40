/* What both ways to serve need: listening sockets, server contexts, the word that they are ready (see fleet.h). */
#include "tests/fleet/fleet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fleet/pki.h"

SSL_CTX *fleet_context(int min_version, int max_version)
{
    SSL_CTX *context = pki_must(SSL_CTX_new(TLS_server_method()), "context");
    /* Level 0 is what lets SHA-1, RSA-1024 and TLS 1.0 out of the door. */
    SSL_CTX_set_security_level(context, 0);
    pki_must_be(SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0") == 1, "ciphers");
    pki_must_be(SSL_CTX_set_min_proto_version(context, min_version) == 1 &&
                    SSL_CTX_set_max_proto_version(context, max_version) == 1,
                "versions");
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* The chain goes out as it was put in: OpenSSL must not repair it. */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    return context;
}

int fleet_listen(const struct ipaddr *ip, const char *device, unsigned *port, int *fd, struct cm_error *error)
{
    struct sockaddr_storage address;
    struct ipaddr any = {.family = 4};
    char text[IPADDR_TEXT_SIZE];
    const int on = 1;
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return error_setf(error, CM_EIO, 0, "no socket", "%s", strerror(errno));
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by what is accepted */
    /* The wildcard address, but never beyond that device; kernels before 5.7 need a right for it. */
    if (device && setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) != 0 &&
        strcmp(device, "lo") != 0) {
        int why = errno;
        close(sock);
        return error_setf(error, CM_EIO, 0, "cannot listen", "%.100s: %s", device, strerror(why));
    }
    socklen_t size = ipaddr_to_sockaddr(device ? &any : ip, (uint16_t)*port, &address);
    if (bind(sock, (struct sockaddr *)&address, size) != 0 || listen(sock, 65535) != 0) {
        int why = errno;
        close(sock);
        ipaddr_write(text, ip);
        return error_setf(error, why == EADDRINUSE ? CM_ECONFLICT : CM_EIO, 0, "cannot listen", "%s port %u: %s", text,
                          *port, strerror(why));
    }
    struct sockaddr_in bound;
    size = sizeof bound;
    if (getsockname(sock, (struct sockaddr *)&bound, &size) != 0) {
        close(sock);
        return error_setf(error, CM_EIO, 0, "getsockname", "%s", strerror(errno));
    }
    *port = ntohs(bound.sin_port);
    *fd = sock;
    return 0;
}

void fleet_ready(unsigned port)
{
    printf("ready %u\n", port);
    fflush(stdout);
}
