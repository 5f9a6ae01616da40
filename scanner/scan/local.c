/* Finds this host's listening TCP sockets.
 *
 * Owns the reading of /proc/net; what a line means is in proc_net.c. The kernel makes these files as they are read, so that they
 * change between reads: a socket may come twice (later steps probe it once) and a line may be torn (it is passed over). */
#include "scanner/scan/local.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "scanner/scan/proc_net.h"

enum { READ_BYTES = 64 * 1024, FILE_BYTES_MAX = 64 * 1024 * 1024 /* 400,000 sockets */, PATH_SIZE = 4096 };

static int read_file(const char *path, struct buf *out)
{
    char chunk[READ_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;
    if (fd < 0)
        return CM_EIO;
    while ((size = read(fd, chunk, sizeof chunk)) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            break;
        buf_append(out, chunk, (size_t)size);
    }
    int trouble = size < 0 ? errno : 0;
    close(fd);
    errno = trouble;
    return trouble ? CM_EIO : 0;
}

/* The interface that has this link-local address; without it there is no way to connect to it. */
static uint32_t scope_of(const struct ifaddrs *interfaces, const struct ipaddr *ip)
{
    for (const struct ifaddrs *at = interfaces; at; at = at->ifa_next) {
        struct sockaddr_in6 in6;
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET6)
            continue;
        memcpy(&in6, at->ifa_addr, sizeof in6);
        if (memcmp(&in6.sin6_addr, ip->bytes, 16) == 0)
            return in6.sin6_scope_id;
    }
    return 0;
}

static void add(const struct listener *listener, const struct ifaddrs *interfaces, struct target **list, size_t *count,
                size_t *capacity)
{
    struct target target = {.has_address = true, .local = true, .base = proc_net_reach(listener)};
    bool link_local = target.base.family == 6 && target.base.bytes[0] == 0xfe && (target.base.bytes[1] & 0xc0) == 0x80;
    target.bits = target.base.family == 4 ? 32 : 128;
    target.scope = link_local ? scope_of(interfaces, &target.base) : 0;
    target.ports.list = cm_malloc(sizeof *target.ports.list);
    target.ports.list[0] = listener->port;
    target.ports.count = 1;
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        *list = cm_realloc(*list, *capacity * sizeof **list);
    }
    (*list)[(*count)++] = target;
}

int local_list(const char *proc_dir, struct target **out, size_t *count, struct cm_error *error)
{
    static const struct {
        const char *file;
        int family;
    } files[] = {{"tcp", 4}, {"tcp6", 6}};
    struct target *list = NULL;
    size_t found = 0, capacity = 0, readable = 0;
    struct ifaddrs *interfaces = NULL;
    int trouble = 0;
    if (getifaddrs(&interfaces))
        interfaces = NULL; /* link-local listeners are then told as unreachable */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_SIZE];
        struct buf text;
        struct listener listener;
        buf_init(&text, FILE_BYTES_MAX);
        snprintf(path, sizeof path, "%s/net/%s", proc_dir, files[i].file);
        if (read_file(path, &text) == 0)
            readable++;
        else
            trouble = errno;
        for (const char *line = text.data, *end = text.data + text.size; line < end;) {
            const char *feed = memchr(line, '\n', (size_t)(end - line));
            size_t size = (size_t)((feed ? feed : end) - line);
            if (proc_net_line((struct slice){(const uint8_t *)line, size}, files[i].family, &listener))
                add(&listener, interfaces, &list, &found, &capacity);
            line += size + 1;
        }
        buf_done(&text);
    }
    freeifaddrs(interfaces);
    if (!readable)
        return error_setf(error, CM_EIO, 0, "this host's listening sockets cannot be read", "%s/net/tcp: %s", proc_dir,
                          strerror(trouble));
    *out = list;
    *count = found;
    return 0;
}
