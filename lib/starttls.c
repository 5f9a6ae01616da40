/* Names of the protocols in which TLS is asked for: what --starttls takes, of certmuster-scan and of a plan of sweeps. */
#include "certmuster/starttls.h"

#include <string.h>

static const char *const names[] = {
    [STARTTLS_NONE] = "none", [STARTTLS_SMTP] = "smtp",         [STARTTLS_IMAP] = "imap", [STARTTLS_POP3] = "pop3",
    [STARTTLS_LDAP] = "ldap", [STARTTLS_POSTGRES] = "postgres", [STARTTLS_AUTO] = "auto",
};

const char *starttls_name(enum starttls protocol)
{
    return names[protocol];
}

int starttls_read(const char *name, enum starttls *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum starttls)i;
            return 0;
        }
    }
    return CM_EINVAL;
}
