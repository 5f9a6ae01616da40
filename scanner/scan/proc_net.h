/* Listening sockets out of /proc/net/tcp and /proc/net/tcp6 (proc_pid_net(5)): text in, structs out. */
#ifndef SCANNER_SCAN_PROC_NET_H
#define SCANNER_SCAN_PROC_NET_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/ipaddr.h"

struct listener {
    struct ipaddr ip; /* the address listened on; all zero: any */
    uint16_t port;
};

/* One line without its line feed; family 4 or 6. 1: a listening socket, 0: another socket, the heading or a line that makes no sense
 * (the kernel adds columns, and a line may be cut where the file changed under the reader). */
int proc_net_line(struct slice line, int family, struct listener *out);
/* Where to reach a listener from this host: itself, or the loopback address of its family when it listens on any. */
struct ipaddr proc_net_reach(const struct listener *listener);

#endif
