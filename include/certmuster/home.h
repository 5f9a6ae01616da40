/* Where certmuster lives on this machine: the home of `certmuster up`, its sockets and its connection string.
 *
 * $CERTMUSTER_HOME, else /var/lib/certmuster for root, else $XDG_DATA_HOME/certmuster or ~/.local/share/certmuster. A user who
 * has no home of that kind falls back to /var/lib/certmuster when a collector's socket is reachable there.
 * Files inside: sockets (the path of the socket directory, one line), postgres/ (the cluster), spool/, certmuster.yaml,
 * collectd.pid, log/. */
#ifndef CERTMUSTER_HOME_H
#define CERTMUSTER_HOME_H

#include <stdbool.h>

#include "certmuster/error.h"

enum { HOME_PATH_SIZE = 512, HOME_SOCKET_SIZE = 108, HOME_DSN_SIZE = 512 };

struct home {
    char path[HOME_PATH_SIZE];
    char spool[HOME_PATH_SIZE];        /* path/spool for root; a user without write access gets a spool of their own */
    char socket_dir[HOME_SOCKET_SIZE]; /* "" when `up` never ran here */
    char collector_socket[HOME_SOCKET_SIZE]; /* socket_dir/collectd.sock */
    char dsn[HOME_DSN_SIZE];                 /* of the database certmuster there, "" when up never ran */
    bool exists;                             /* `up` ran here */
};

/* The connection string of a database behind the sockets in socket_dir, whose name may hold blanks, quotes and backslashes. What of libpq's
 * environment (PGHOSTADDR, PGOPTIONS, …) would lead elsewhere does not count. */
void home_connection(const char *socket_dir, const char *database, char out[static HOME_DSN_SIZE]);
/* The path of the home that `up` makes for whoever asks, whether or not it ran: the rule above without the fallback. CM_EINVAL: it is
 * relative or holds control characters. */
CM_MUST_CHECK int home_own(char out[static HOME_PATH_SIZE], struct cm_error *error);
CM_MUST_CHECK int home_find(struct home *out, struct cm_error *error);

#endif
