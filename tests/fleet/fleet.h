/* The three ways to serve, as main.c calls them. All answer an exit status. */
#ifndef CERTMUSTER_FLEET_FLEET_H
#define CERTMUSTER_FLEET_FLEET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "certmuster/error.h"
#include "certmuster/ipaddr.h"
#include "tests/fleet/canned.h"

struct fleet_options {
    const char *dir;
    struct ipaddr base;
    unsigned port;           /* 0: a free one */
    int generation;          /* serve */
    uint32_t count;          /* many, odd */
    int days;                /* many: of every certificate; INT_MIN: spread over 1 to 400 */
    enum canned_kind canned; /* many: CANNED_NONE makes real handshakes */
    int newest;              /* many: the newest version of real handshakes, as OpenSSL counts */
    int workers;             /* many: processes */
    bool manifest_only;      /* many */
    const char *device; /* many: the network device it is reached by; NULL: lo, and addresses of 127.0.0.0/8 only */
    const char *attack; /* attack */
};

int fleet_serve(const struct fleet_options *options);
int fleet_many(const struct fleet_options *options);
int fleet_odd(const struct fleet_options *options);

/* Shared by all: a server context that shows what it is told to, however weak; nothing resumes. */
SSL_CTX *fleet_context(int min_version, int max_version);
/* A listening socket, at ip or, with a device, at whatever address is reached by that; *port 0 is replaced by the one that the system
 * chose. CM_ECONFLICT: the port is taken. */
CM_MUST_CHECK int fleet_listen(const struct ipaddr *ip, const char *device, unsigned *port, int *fd,
                               struct cm_error *error);
/* Prints "ready PORT": the fleet can be reached. */
void fleet_ready(unsigned port);

#endif
