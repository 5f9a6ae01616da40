/* `certmuster scanner`: what its verbs share. scanner.c has the table and those that only touch the inventory, scanner_list.c what they show, scanner_issue.c those that make
 * certificates or end them. */
#ifndef CTL_SCANNER_H
#define CTL_SCANNER_H

#include "certmuster/encode.h"
#include "certmuster/timefmt.h"
#include "collector/ctl/ctl.h"

enum { SCANNER_REALMS_MAX = 64, SCANNER_NAMES_MAX = 32 };

struct scanner_call {
    const struct cli *cli;
    enum ctl_format format;
    const char *name; /* the first operand behind the verb */
    const char *names[SCANNER_NAMES_MAX];
    size_t name_count;
    const char *cert, *out, *host;
    const char *realms[SCANNER_REALMS_MAX];
    size_t realm_count;
    unsigned days;
    bool only, leave_socket, socket;
};

/* What a scanner may tell, once it is enrolled, and what else is true of it. */
struct scanner_standing {
    char *realm;   /* the first network zone; "" when there is none */
    char *further; /* the others: "a, b"; "" */
    char *host;    /* whose loopback is its own: HOST of host:HOST, else its name */
    char *staying; /* older certificates that stay valid, and how to end them, as one line; "" */
};
/* Enrols the certificate under the name, for the realms and the host given (or as they were; "default" and none of a new one). With call->only every
 * other certificate of the scanner is revoked. A name that delivers on the unix socket is refused but with call->leave_socket. not_after may be NULL. An exit status, once told; 0: *out is to be freed by scanner_standing_done. */
int scanner_admit(const struct scanner_call *call, const char *sha256, const char *not_after, const char *action,
                  struct scanner_standing *out);
void scanner_standing_done(struct scanner_standing *standing);

/* scanner_file.c: the fingerprint of a client certificate, given as itself or as a PEM file; of a file also when it ends, and only where the collector can
 * let in NAME by it. An exit status, once told. */
int scanner_read_certificate(const char *cert, const char *name, char out[static CM_SHA256_HEX_SIZE],
                             char end[static TIMEFMT_SIZE]);

/* scanner_print.c: what to configure, as YAML that may be pasted. */
void scanner_print_client(const struct scanner_call *call, const struct scanner_standing *standing, const char *dir,
                          const char *end, const char *authority);
void scanner_print_collector(const char *dir, const char *end, const char *authority);

int scanner_list(const struct scanner_call *call);
int scanner_enrol(const struct scanner_call *call);     /* NAME: key and certificate from our own CA */
int scanner_collector(const struct scanner_call *call); /* HOST…: the same for the collector */
int scanner_revoke(const struct scanner_call *call);    /* NAME [--cert]: refused from now on */

#endif
