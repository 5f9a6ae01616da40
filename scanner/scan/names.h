/* Which names are known for an address: for servers that show a certificate only to who asks for it by name.
 *
 * Three kinds of source, asked in this order: this run's own targets (names that resolved to the address, NAME@ADDRESS), a file in the form of
 * hosts(5) that the operator gives, and /etc/hosts, which is read when the first name is wanted (its names for loopback and link-local
 * addresses are left out). Bounded in memory and in names per address;
 * what does not fit is left out, which is said once. Any thread may call. */
#ifndef SCANNER_SCAN_NAMES_H
#define SCANNER_SCAN_NAMES_H

#include "certmuster/error.h"
#include "certmuster/ipaddr.h"

enum names_source { NAMES_OF_RUN, NAMES_OF_FILE, NAMES_OF_HOST };

enum {
    NAMES_PER_ADDRESS = 8,
    NAMES_BYTES_MAX = 16 * 1024 * 1024, /* a quarter of a million names */
};

struct names;

/* hosts: the path that stands for /etc/hosts; NULL: none. Lends. */
struct names *names_new(const char *hosts);
void names_free(struct names *names);
/* A file of --names. Lines that make no sense are counted in *damaged, not refused. CM_EIO with detail when it cannot be read. */
CM_MUST_CHECK int names_read(struct names *names, const char *path, uint64_t *damaged, struct cm_error *error);
/* name: an A-label. */
void names_add(struct names *names, const struct ipaddr *ip, const char *name, enum names_source source);
/* The nth name of the address that is not `but`; NULL past the last. Lent for the life of names. */
const char *names_get(struct names *names, const struct ipaddr *ip, unsigned nth, const char *but);

#endif
