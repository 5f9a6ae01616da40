/* The passwords that keystores are tried with: none, the empty one, "changeit" and other defaults of tools, then those of a file, in order, each
 * once. */
#ifndef SCANNER_CRAWL_PASSWORDS_H
#define SCANNER_CRAWL_PASSWORDS_H

#include <stddef.h>

#include "certmuster/error.h"

enum { PASSWORD_BYTES_MAX = 1024 };

struct passwords {
    char **list; /* the first is NULL: no password at all, which PKCS#12 tells from an empty one */
    size_t count;
};

void passwords_init(struct passwords *passwords);
/* How many at the list's beginning are there whatever the user says: anybody would guess them. */
size_t passwords_always(void);
/* Adds a file's lines. CM_EIO when it cannot be read, CM_ELIMIT past CM_LIMIT_PASSWORDS lines or PASSWORD_BYTES_MAX in one. */
CM_MUST_CHECK int passwords_load(struct passwords *passwords, const char *path, struct cm_error *error);
void passwords_done(struct passwords *passwords); /* cleanses */

#endif
