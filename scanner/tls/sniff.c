/* Names a protocol from the first bytes of a server that is no TLS server.
 *
 * Owns the table of greetings. A guess for people and for choosing the next try, never a fact for the inventory. */
#include "scanner/tls/sniff.h"

#include <string.h>

enum { SHOWN_BYTES = 48 };

struct greeting {
    enum sniffed what;
    const char *start;
    size_t size;
    const char *holds; /* must stand in the rest of the bytes, in lower case; NULL: nothing more asked */
};

/* The first row that fits wins, so the pickier of two comes first. */
static const struct greeting greetings[] = {
    {SNIFFED_HTTP, "HTTP/", 5, NULL},
    {SNIFFED_HTTP, "<!DOCTYPE", 9, NULL},
    {SNIFFED_HTTP, "<html", 5, NULL},
    {SNIFFED_SSH, "SSH-", 4, NULL},
    {SNIFFED_FTP, "220", 3, "ftp"},
    {SNIFFED_SMTP, "220 ", 4, NULL},
    {SNIFFED_SMTP, "220-", 4, NULL},
    {SNIFFED_SMTP, "554 ", 4, NULL},
    {SNIFFED_SMTP, "554-", 4, NULL},
    {SNIFFED_SMTP, "421 ", 4, NULL},
    {SNIFFED_IMAP, "* OK", 4, NULL},
    {SNIFFED_IMAP, "* BYE", 5, NULL},
    {SNIFFED_IMAP, "* PREAUTH", 9, NULL},
    {SNIFFED_POP3, "+OK", 3, NULL},
    {SNIFFED_POP3, "-ERR", 4, NULL},
    {SNIFFED_RFB, "RFB 00", 6, NULL},
    {SNIFFED_POSTGRES, "E\0\0\0", 4, "fatal"},
};

static const char *const names[] = {
    [SNIFFED_HTTP] = "HTTP",   [SNIFFED_SSH] = "SSH",
    [SNIFFED_SMTP] = "SMTP",   [SNIFFED_FTP] = "FTP",
    [SNIFFED_IMAP] = "IMAP",   [SNIFFED_POP3] = "POP3",
    [SNIFFED_LDAP] = "LDAP",   [SNIFFED_POSTGRES] = "PostgreSQL",
    [SNIFFED_MYSQL] = "MySQL", [SNIFFED_RFB] = "RFB (VNC)",
    [SNIFFED_SSLV2] = "SSLv2",
};

static bool holds_word(struct slice bytes, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= bytes.size; i++) {
        size_t j = 0;
        while (j < size && (bytes.data[i + j] | 0x20) == word[j])
            j++;
        if (j == size)
            return true;
    }
    return false;
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

/* Protocol::HandshakeV10: a length of three bytes, sequence 0, version 10 and a printable server version. */
static bool looks_like_mysql(struct slice first)
{
    return first.size > 6 && first.data[1] == 0 && first.data[2] == 0 && first.data[3] == 0 && first.data[4] == 10 &&
           first.data[5] >= '0' && first.data[5] <= '9';
}

/* SERVER-HELLO of SSL 2.0: a two-byte record header, message 4, version 0x0002 after two bytes. */
static bool looks_like_sslv2(struct slice first)
{
    return first.size >= 7 && first.data[0] & 0x80 && first.data[2] == 4 && first.data[5] == 0 && first.data[6] == 2;
}

enum sniffed sniff(struct slice first)
{
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        const struct greeting *row = &greetings[i];
        if (first.size >= row->size && memcmp(first.data, row->start, row->size) == 0 &&
            (!row->holds || holds_word(first, row->holds)))
            return row->what;
    }
    if (looks_like_ldap(first))
        return SNIFFED_LDAP;
    if (looks_like_mysql(first))
        return SNIFFED_MYSQL;
    if (looks_like_sslv2(first))
        return SNIFFED_SSLV2;
    return SNIFFED_UNKNOWN;
}

const char *sniffed_name(enum sniffed what)
{
    return (size_t)what < sizeof names / sizeof *names ? names[what] : NULL;
}

bool sniff_may_be_tls(struct slice first)
{
    if (first.size >= 1 && first.data[0] != 0x16 && first.data[0] != 0x15)
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
