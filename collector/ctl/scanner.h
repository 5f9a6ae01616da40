/* `certmuster scanner`: what its verbs share. scanner.c has the table and those that only touch the inventory, scanner_issue.c those that make
 * certificates or end them. */
#ifndef CTL_SCANNER_H
#define CTL_SCANNER_H

#include "collector/ctl/ctl.h"

enum { SCANNER_REALMS_MAX = 64, SCANNER_NAMES_MAX = 32 };

struct scanner_call {
    const struct cli *cli;
    enum ctl_format format;
    const char *name; /* the first operand behind the verb */
    const char *names[SCANNER_NAMES_MAX];
    size_t name_count;
    const char *cert, *out;
    const char *realms[SCANNER_REALMS_MAX];
    size_t realm_count;
    unsigned days;
    bool only;
};

/* Enrols the certificate under the name, for the realms given (or as they were; "default" of a new one). With call->only every other certificate
 * of the scanner is revoked. not_after may be NULL. An exit status, once told. */
int scanner_admit(const struct scanner_call *call, const char *sha256, const char *not_after, const char *action);
/* Realms as a text[] literal; NULL when none were given. The caller frees. */
char *scanner_realms(const struct scanner_call *call);

int scanner_enrol(const struct scanner_call *call);     /* NAME: key and certificate from our own CA */
int scanner_collector(const struct scanner_call *call); /* HOST…: the same for the collector */
int scanner_revoke(const struct scanner_call *call);    /* NAME [--cert]: refused from now on */

#endif
