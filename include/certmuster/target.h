/* One target as people write it:
 *
 *     TARGET  = [NAME@]PLACE[:PORTS]
 *     PLACE   = host name | IPv4 | IPv6 | [IPv6] | CIDR | [CIDR]         PORTS = 443 | 443,8443,9000-9010
 *
 * A bare IPv6 address or prefix takes no port: write [2001:db8::1]:8443. NAME@ asks an address, or every address of a prefix, for
 * that name (SNI). */
#ifndef CERTMUSTER_TARGET_H
#define CERTMUSTER_TARGET_H

#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/hostname.h"
#include "certmuster/ipaddr.h"
#include "certmuster/ports.h"

struct target {
    char name[HOSTNAME_SIZE]; /* SNI; "": none is sent. Without an address it is what is to be resolved */
    bool has_address;
    struct ipaddr base; /* the first address of the prefix */
    unsigned bits;      /* of the prefix: 32 or 128 for one address */
    struct ports ports; /* empty: the defaults of the run */
    uint32_t scope;     /* interface index of a link-local address; 0: none. Never read from text */
    bool local;         /* one of this host's listeners (--local) */
};

/* CM_EINVAL with reason and offset; CM_ELIMIT for a prefix above CM_LIMIT_TARGETS_PER_CIDR. *out is untouched then. */
CM_MUST_CHECK int target_read(const char *text, size_t size, struct target *out, struct cm_error *error);
void target_done(struct target *target);
/* The one text of what was read: names as A-labels, IPv4-mapped addresses as IPv4, prefixes without host bits, ports that follow one
 * another as a range. No ports where none are named. */
void target_write(struct buf *out, const struct target *target);
uint64_t target_addresses(const struct target *target); /* how many; 1 for a name that is yet to be resolved */

#endif
