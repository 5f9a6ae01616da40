/* Which protocol a server spoke that did not speak TLS, from its first bytes. For the detail of not_tls failures and for
 * choosing a STARTTLS dialogue from a greeting. */
#ifndef SCANNER_TLS_SNIFF_H
#define SCANNER_TLS_SNIFF_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum sniffed {
    SNIFFED_UNKNOWN,
    SNIFFED_HTTP,
    SNIFFED_SSH,
    SNIFFED_SMTP,
    SNIFFED_FTP,
    SNIFFED_IMAP,
    SNIFFED_POP3,
    SNIFFED_LDAP,
    SNIFFED_POSTGRES,
    SNIFFED_MYSQL,
    SNIFFED_RFB,
    SNIFFED_SSLV2,
};

enum sniffed sniff(struct slice first);
const char *sniffed_name(enum sniffed what); /* "SSH", …; NULL for unknown */
/* True when these first bytes can begin a TLS server's answer: a handshake or an alert record of major version 3. One byte
 * is enough to say no. */
bool sniff_may_be_tls(struct slice first);
/* "SSH: SSH-2.0-OpenSSH_9.2%0d%0a": the name when known, then the first 48 bytes, percent-encoded where not printable. */
void sniff_describe(struct slice first, struct buf *out);

#endif
