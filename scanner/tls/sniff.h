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
    SNIFFED_LMTP,
    SNIFFED_NNTP,
    SNIFFED_IRC,
    SNIFFED_XMPP,
    SNIFFED_SIEVE,
    SNIFFED_RTSP,
    SNIFFED_SIP,
    SNIFFED_TELNET,
    SNIFFED_MARIADB,
    SNIFFED_MYSQLX,
    SNIFFED_TDS,
    SNIFFED_TNS,
    SNIFFED_MONGODB,
    SNIFFED_REDIS,
    SNIFFED_MEMCACHED,
    SNIFFED_CASSANDRA,
    SNIFFED_CLICKHOUSE,
    SNIFFED_AMQP,
    SNIFFED_MQTT,
    SNIFFED_NATS,
    SNIFFED_STOMP,
    SNIFFED_RDP,
    SNIFFED_SMB,
    SNIFFED_RSYNC,
    SNIFFED_GIT,
    SNIFFED_SUBVERSION,
    SNIFFED_DICT,
    SNIFFED_ICY,
    SNIFFED_ASTERISK,
    SNIFFED_ZABBIX,
    SNIFFED_SOCKS,
    SNIFFED_BGP,
    SNIFFED_DNS,
    SNIFFED_COUNT_,
};

enum sniffed sniff(struct slice first);
const char *sniffed_name(enum sniffed what); /* "SSH", …; NULL for unknown */
/* True when these first bytes can begin a TLS server's answer: a record of any content type and of major version 3. One that
 * begins with ChangeCipherSpec or application data makes no sense, but it is TLS. One byte is enough to say no. */
bool sniff_may_be_tls(struct slice first);
/* "SSH: SSH-2.0-OpenSSH_9.2%0d%0a": the name when known, then the first 48 bytes, percent-encoded where not printable. */
void sniff_describe(struct slice first, struct buf *out);

#endif
