/* The protocols in which TLS is asked for before it begins, by the names that people type. What is said in them stands in scanner/scan/starttls.h. */
#ifndef CERTMUSTER_STARTTLS_H
#define CERTMUSTER_STARTTLS_H

#include "certmuster/error.h"

enum starttls {
    STARTTLS_NONE, /* TLS from the first byte */
    STARTTLS_SMTP,
    STARTTLS_IMAP,
    STARTTLS_POP3,
    STARTTLS_LDAP,
    STARTTLS_POSTGRES,
    STARTTLS_AUTO, /* to be found out; no dialogue of its own */
};

#define STARTTLS_NAMES "smtp, imap, pop3, ldap, postgres, auto or none" /* for messages */

/* "smtp", …, "none", "auto". starttls_read: CM_EINVAL for another word. */
const char *starttls_name(enum starttls protocol);
CM_MUST_CHECK int starttls_read(const char *name, enum starttls *out);

#endif
