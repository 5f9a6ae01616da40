/* Names a protocol from the first bytes of a server that is no TLS server.
 *
 * Owns the table of greetings and of complaints about a ClientHello. A guess for people and for choosing the next try, never a
 * fact for the inventory. */
#include "scanner/tls/sniff.h"

#include <string.h>

#include "scanner/tls/records.h"

enum { SHOWN_BYTES = 48, SEARCHED_BYTES = 1024 };

/* --- shapes of binary protocols ------------------------------------------------------------------------------------- */

/* True when the pattern stands at offset, whole. */
static bool bytes_at(struct slice bytes, size_t offset, const char *pattern, size_t size)
{
    return bytes.size >= offset + size && memcmp(bytes.data + offset, pattern, size) == 0;
}

/* An LDAPMessage SEQUENCE with message id 0 or 1 and an extendedResp: the answer to bytes that are no BER (RFC 4511 §4.4.1). */
static bool looks_like_ldap(struct slice first)
{
    struct cursor at;
    uint8_t tag, length;
    struct slice id;
    cursor_init_slice(&at, first);
    if (cursor_u8(&at, &tag) || tag != 0x30 || cursor_u8(&at, &length))
        return false;
    if (length & 0x80 && cursor_skip(&at, length & 0x7f))
        return false;
    return cursor_slice(&at, 3, &id) == 0 && id.data[0] == 0x02 && id.data[1] == 1 && cursor_u8(&at, &tag) == 0 &&
           tag == 0x78;
}

/* Protocol::HandshakeV10: a length of three bytes, sequence 0, version 10 and a printable server version. Or ERR_Packet instead of
 * it ("Host … is not allowed to connect", "Too many connections"): 0xff and an error number from 1000 on. */
static bool looks_like_mysql(struct slice first)
{
    if (first.size < 7 || first.data[2] != 0 || first.data[3] != 0)
        return false;
    unsigned error = first.data[5] | (unsigned)first.data[6] << 8;
    return (first.data[4] == 10 && first.data[5] >= '0' && first.data[5] <= '9') ||
           (first.data[4] == 0xff && error >= 1000 && error < 5000);
}

/* SERVER-HELLO of SSL 2.0: a two-byte record header, message 4, version 0x0002 after two bytes. Or its ERROR: message 0 of three
 * bytes. */
static bool looks_like_sslv2(struct slice first)
{
    if (first.size >= 5 && bytes_at(first, 0, "\x80\x03\x00", 3))
        return true;
    return first.size >= 7 && first.data[0] & 0x80 && first.data[2] == 4 && first.data[5] == 0 && first.data[6] == 2;
}

/* IAC and WILL, WONT, DO or DONT (RFC 854). */
static bool looks_like_telnet(struct slice first)
{
    return first.size >= 2 && first.data[0] == 0xff && first.data[1] >= 0xfb && first.data[1] <= 0xfe;
}

/* A tabular result that is one packet long: type 4, status EOM, its length, and no packet above 32 KiB (MS-TDS §2.2.3.1). */
static bool looks_like_tds(struct slice first)
{
    return first.size >= 8 && bytes_at(first, 0, "\x04\x01", 2) && first.data[2] < 0x80 && first.data[7] == 0;
}

/* Refuse (4) or Resend (11) of Oracle's TNS: length, a checksum of 0, type, 0, a header checksum of 0. */
static bool looks_like_tns(struct slice first)
{
    return first.size >= 8 && bytes_at(first, 2, "\0\0", 2) && (first.data[4] == 4 || first.data[4] == 11) &&
           bytes_at(first, 5, "\0\0\0", 3) && (first.data[0] || first.data[1] >= 8);
}

/* A wire message whose operation is OP_REPLY or OP_MSG; little-endian, below 16 MiB. */
static bool looks_like_mongodb(struct slice first)
{
    return first.size >= 16 && first.data[3] == 0 &&
           (bytes_at(first, 12, "\x01\0\0\0", 4) || bytes_at(first, 12, "\xdd\x07\0\0", 4));
}

/* CONNACK of MQTT 3.1.1 with a return code of at most 5 (§3.2), or of 5.0, where properties follow a reason of 128 or more. */
static bool looks_like_mqtt(struct slice first)
{
    if (first.size < 4 || first.data[0] != 0x20 || first.data[2] > 1)
        return false;
    return first.data[1] == 2 ? first.data[3] <= 5
                              : first.data[1] >= 3 && first.data[1] < 0x80 && first.data[3] >= 0x80;
}

/* TPKT around a Connection Confirm (MS-RDPBCGR §2.2.1.2). */
static bool looks_like_rdp(struct slice first)
{
    return bytes_at(first, 0, "\x03\0\0", 3) && first.size >= 6 && first.data[5] == 0xd0;
}

/* A session message or a negative session response of NetBIOS (RFC 1002 §4.3), around SMB 1 to 3. */
static bool looks_like_smb(struct slice first)
{
    return (bytes_at(first, 0, "\0", 1) && (bytes_at(first, 4, "\xffSMB", 4) || bytes_at(first, 4, "\xfeSMB", 4))) ||
           (bytes_at(first, 0, "\x83\0\0\x01", 4) && first.size == 5 && first.data[4] >= 0x80);
}

/* A packet line of four hex digits with git's complaint. */
static bool looks_like_git(struct slice first)
{
    for (size_t i = 0; i < 4; i++) {
        if (i >= first.size || !memchr("0123456789abcdef", first.data[i], 16))
            return false;
    }
    return bytes_at(first, 4, "ERR ", 4);
}

/* A method selection (RFC 1928 §3) and nothing else, or a reply of SOCKS 4. */
static bool looks_like_socks(struct slice first)
{
    if (first.size == 2 && first.data[0] == 5)
        return first.data[1] <= 2 || first.data[1] == 0xff;
    return first.size == 8 && first.data[0] == 0 && first.data[1] >= 0x5a && first.data[1] <= 0x5d;
}

/* The marker of sixteen ones (RFC 4271 §4.1). */
static bool looks_like_bgp(struct slice first)
{
    return bytes_at(first, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
}

/* A length that is the rest's, an answer (QR) with a standard query's opcode and at most one question (RFC 1035 §4). */
static bool looks_like_dns(struct slice first)
{
    return first.size >= 14 && (size_t)(first.data[0] << 8 | first.data[1]) == first.size - 2 &&
           (first.data[4] & 0xf8) == 0x80 && first.data[6] == 0 && first.data[7] <= 1;
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

struct greeting {
    enum sniffed what;
    const char *start;
    size_t size;
    const char *holds; /* must stand in the bytes, in lower case; NULL: nothing more asked */
    bool (*fits)(struct slice first);
};

#define TEXT(what, start)                                                                                              \
    {                                                                                                                  \
        what, start, sizeof(start) - 1, NULL, NULL                                                                     \
    }
#define TEXT_WITH(what, start, holds)                                                                                  \
    {                                                                                                                  \
        what, start, sizeof(start) - 1, holds, NULL                                                                    \
    }
#define SHAPE(what, fits)                                                                                              \
    {                                                                                                                  \
        what, "", 0, NULL, fits                                                                                        \
    }

/* The first row that fits wins, so the pickier of two comes first. */
static const struct greeting greetings[] = {
    TEXT_WITH(SNIFFED_MONGODB, "HTTP/", "mongodb over http"),
    TEXT_WITH(SNIFFED_CLICKHOUSE, "HTTP/", "clickhouse-client program"),
    TEXT(SNIFFED_HTTP, "HTTP/"),
    TEXT(SNIFFED_RTSP, "RTSP/"),
    TEXT(SNIFFED_SIP, "SIP/2"),
    TEXT(SNIFFED_ICY, "ICY "),
    TEXT_WITH(SNIFFED_HTTP, "<!", "doctype html"),
    TEXT(SNIFFED_XMPP, "<stream:"),
    TEXT_WITH(SNIFFED_XMPP, "<?xml", "stream:"),
    TEXT_WITH(SNIFFED_HTTP, "<", "<html"),
    TEXT_WITH(SNIFFED_HTTP, "<", "<head"),
    TEXT(SNIFFED_SSH, "SSH-"),
    TEXT_WITH(SNIFFED_SSH, "", "\nssh-2.0-"), /* lines may come before it (RFC 4253 §4.2) */
    TEXT(SNIFFED_SSH, "Exceeded MaxStartups"),
    TEXT(SNIFFED_SSH, "Invalid SSH identification string"),
    TEXT_WITH(SNIFFED_LMTP, "220", " lmtp"),
    TEXT_WITH(SNIFFED_SMTP, "220", "smtp"),
    TEXT_WITH(SNIFFED_FTP, "220", "ftp"),
    TEXT_WITH(SNIFFED_FTP, "220", "filezilla"),
    TEXT_WITH(SNIFFED_DICT, "220 ", " dict"),
    TEXT(SNIFFED_SMTP, "220 "),
    TEXT(SNIFFED_SMTP, "220-"),
    TEXT(SNIFFED_SMTP, "554 "),
    TEXT(SNIFFED_SMTP, "554-"),
    TEXT_WITH(SNIFFED_FTP, "421", "ftp"),
    TEXT(SNIFFED_SMTP, "421 "),
    TEXT(SNIFFED_SMTP, "421-"),
    TEXT(SNIFFED_NNTP, "200 "),
    TEXT(SNIFFED_NNTP, "201 "),
    TEXT_WITH(SNIFFED_NNTP, "502 ", "permission"),
    TEXT(SNIFFED_IMAP, "* OK"),
    TEXT(SNIFFED_IMAP, "* BYE"),
    TEXT(SNIFFED_IMAP, "* BAD"),
    TEXT(SNIFFED_IMAP, "* PREAUTH"),
    TEXT(SNIFFED_SIEVE, "\"IMPLEMENTATION\""),
    TEXT_WITH(SNIFFED_REDIS, "-ERR ", "unknown command"),
    TEXT_WITH(SNIFFED_REDIS, "-ERR ", "protocol error"),
    TEXT_WITH(SNIFFED_REDIS, "-ERR ", "max number of clients"),
    TEXT(SNIFFED_REDIS, "-NOAUTH "),
    TEXT(SNIFFED_REDIS, "-DENIED "),
    TEXT(SNIFFED_REDIS, "-LOADING "),
    TEXT(SNIFFED_REDIS, "-MISCONF "),
    TEXT(SNIFFED_POP3, "+OK"),
    TEXT(SNIFFED_POP3, "-ERR"),
    TEXT(SNIFFED_IRC, "NOTICE "),
    TEXT(SNIFFED_IRC, "ERROR :"),
    TEXT_WITH(SNIFFED_IRC, ":", " notice "),
    TEXT_WITH(SNIFFED_NATS, "INFO {", "server_id"),
    TEXT_WITH(SNIFFED_STOMP, "ERROR\n", "message:"),
    TEXT(SNIFFED_MEMCACHED, "ERROR\r\n"),
    TEXT(SNIFFED_MEMCACHED, "CLIENT_ERROR "),
    TEXT(SNIFFED_RSYNC, "@RSYNCD: "),
    TEXT_WITH(SNIFFED_SUBVERSION, "( success ( ", "edit-pipeline"),
    TEXT(SNIFFED_ASTERISK, "Asterisk Call Manager/"),
    TEXT(SNIFFED_ZABBIX, "ZBXD"),
    TEXT(SNIFFED_AMQP, "AMQP"),
    TEXT(SNIFFED_RFB, "RFB 00"),
    TEXT_WITH(SNIFFED_POSTGRES, "E\0\0", "fatal"),
    TEXT(SNIFFED_POSTGRES, "EFATAL:"),
    TEXT_WITH(SNIFFED_POSTGRES, "E", "unsupported frontend protocol"),
    TEXT_WITH(SNIFFED_CASSANDRA, "", "invalid or unsupported protocol version"),
    TEXT_WITH(SNIFFED_TNS, "", "(description="),
    TEXT(SNIFFED_MYSQLX, "\x05\0\0\0\x0b\x08\x05\x1a\0"),
    {SNIFFED_MARIADB, "", 0, "mariadb", looks_like_mysql},
    SHAPE(SNIFFED_MYSQL, looks_like_mysql),
    SHAPE(SNIFFED_LDAP, looks_like_ldap),
    SHAPE(SNIFFED_SSLV2, looks_like_sslv2),
    SHAPE(SNIFFED_RDP, looks_like_rdp),
    SHAPE(SNIFFED_SMB, looks_like_smb),
    SHAPE(SNIFFED_TELNET, looks_like_telnet),
    SHAPE(SNIFFED_BGP, looks_like_bgp),
    SHAPE(SNIFFED_TDS, looks_like_tds),
    SHAPE(SNIFFED_TNS, looks_like_tns),
    SHAPE(SNIFFED_MONGODB, looks_like_mongodb),
    SHAPE(SNIFFED_MQTT, looks_like_mqtt),
    SHAPE(SNIFFED_GIT, looks_like_git),
    SHAPE(SNIFFED_SOCKS, looks_like_socks),
    SHAPE(SNIFFED_DNS, looks_like_dns),
};

static const char *const names[SNIFFED_COUNT_] = {
    [SNIFFED_HTTP] = "HTTP",
    [SNIFFED_SSH] = "SSH",
    [SNIFFED_SMTP] = "SMTP",
    [SNIFFED_FTP] = "FTP",
    [SNIFFED_IMAP] = "IMAP",
    [SNIFFED_POP3] = "POP3",
    [SNIFFED_LDAP] = "LDAP",
    [SNIFFED_POSTGRES] = "PostgreSQL",
    [SNIFFED_MYSQL] = "MySQL",
    [SNIFFED_RFB] = "RFB (VNC)",
    [SNIFFED_SSLV2] = "SSLv2",
    [SNIFFED_LMTP] = "LMTP",
    [SNIFFED_NNTP] = "NNTP",
    [SNIFFED_IRC] = "IRC",
    [SNIFFED_XMPP] = "XMPP",
    [SNIFFED_SIEVE] = "ManageSieve",
    [SNIFFED_RTSP] = "RTSP",
    [SNIFFED_SIP] = "SIP",
    [SNIFFED_TELNET] = "Telnet",
    [SNIFFED_MARIADB] = "MariaDB",
    [SNIFFED_MYSQLX] = "MySQL X",
    [SNIFFED_TDS] = "TDS (SQL Server)",
    [SNIFFED_TNS] = "TNS (Oracle)",
    [SNIFFED_MONGODB] = "MongoDB",
    [SNIFFED_REDIS] = "Redis",
    [SNIFFED_MEMCACHED] = "Memcached",
    [SNIFFED_CASSANDRA] = "Cassandra",
    [SNIFFED_CLICKHOUSE] = "ClickHouse",
    [SNIFFED_AMQP] = "AMQP",
    [SNIFFED_MQTT] = "MQTT",
    [SNIFFED_NATS] = "NATS",
    [SNIFFED_STOMP] = "STOMP",
    [SNIFFED_RDP] = "RDP",
    [SNIFFED_SMB] = "SMB",
    [SNIFFED_RSYNC] = "rsync",
    [SNIFFED_GIT] = "git",
    [SNIFFED_SUBVERSION] = "Subversion",
    [SNIFFED_DICT] = "DICT",
    [SNIFFED_ICY] = "Shoutcast",
    [SNIFFED_ASTERISK] = "Asterisk manager",
    [SNIFFED_ZABBIX] = "Zabbix",
    [SNIFFED_SOCKS] = "SOCKS",
    [SNIFFED_BGP] = "BGP",
    [SNIFFED_DNS] = "DNS",
};

static char lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

static bool holds_word(struct slice bytes, const char *word)
{
    size_t size = strlen(word);
    size_t end = bytes.size < SEARCHED_BYTES ? bytes.size : SEARCHED_BYTES;
    for (size_t i = 0; i + size <= end; i++) {
        size_t j = 0;
        while (j < size && lower(bytes.data[i + j]) == word[j])
            j++;
        if (j == size)
            return true;
    }
    return false;
}

enum sniffed sniff(struct slice first)
{
    for (size_t i = 0; first.size && i < sizeof greetings / sizeof *greetings; i++) {
        const struct greeting *row = &greetings[i];
        if (bytes_at(first, 0, row->start, row->size) && (!row->fits || row->fits(first)) &&
            (!row->holds || holds_word(first, row->holds)))
            return row->what;
    }
    return SNIFFED_UNKNOWN;
}

const char *sniffed_name(enum sniffed what)
{
    return (size_t)what < SNIFFED_COUNT_ ? names[what] : NULL;
}

/* Content types 20 to 24: change_cipher_spec, alert, handshake, application_data, heartbeat. */
bool sniff_may_be_tls(struct slice first)
{
    if (first.size >= 1 && (first.data[0] < TLS_CHANGE_CIPHER_SPEC || first.data[0] > TLS_APPLICATION_DATA))
        return false;
    return first.size < 2 || first.data[1] == 3;
}

/* Byte by byte, not as text: what stands here is evidence, and a decoder would replace what is no UTF-8. Percent signs survive JSON
 * and a terminal as they are; backslashes would be doubled by each. */
void sniff_describe(struct slice first, struct buf *out)
{
    const char *name = sniffed_name(sniff(first));
    if (name)
        buf_appendf(out, "%s: ", name);
    for (size_t i = 0; i < first.size && i < SHOWN_BYTES; i++) {
        uint8_t byte = first.data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '%')
            buf_append_char(out, (char)byte);
        else
            buf_appendf(out, "%%%02x", byte);
    }
}
