/* IP addresses and prefixes: one canonical text form (RFC 5952), IPv4-mapped IPv6 as IPv4, no zone. */
#ifndef CERTMUSTER_IPADDR_H
#define CERTMUSTER_IPADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "certmuster/error.h"

enum { IPADDR_TEXT_SIZE = 46 };

struct ipaddr {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* network order; the first four for IPv4 */
};

CM_MUST_CHECK int ipaddr_read(const char *text, struct ipaddr *out);
void ipaddr_write(char out[static IPADDR_TEXT_SIZE], const struct ipaddr *ip);
void ipaddr_from_sockaddr(struct ipaddr *out, const struct sockaddr *address);
socklen_t ipaddr_to_sockaddr(const struct ipaddr *ip, uint16_t port, struct sockaddr_storage *out);
/* Loopback (127/8, ::1) or link-local (169.254/16, fe80::/10): their realm is host:<host>. */
bool ipaddr_is_host_local(const struct ipaddr *ip);
/* "192.0.2.0/24"; host bits are cleared. A bare address is a /32 or /128. */
CM_MUST_CHECK int ipaddr_read_prefix(const char *text, struct ipaddr *out, unsigned *bits);
bool ipaddr_in_prefix(const struct ipaddr *ip, const struct ipaddr *prefix, unsigned bits);
/* The nth address after base, as if addresses were one big integer. */
void ipaddr_add(struct ipaddr *out, const struct ipaddr *base, uint64_t n);

#endif
