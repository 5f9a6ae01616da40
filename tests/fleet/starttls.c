/* Small honest dialogues in front of TLS: SMTP, IMAP, POP3, LDAP and PostgreSQL (see play.h).
 *
 * Each takes its protocol's request to begin TLS, answers as the RFC says and hands the socket to OpenSSL; before that nothing else is
 * on offer. Bytes that were sent behind the request, without waiting for the answer, end the connection: a server that kept them
 * would let an attacker put plain text in front of the encrypted session (CVE-2011-0411). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "certmuster/der.h"
#include "tests/fleet/play.h"

enum { MAX_LINE = 2048 };

static enum conn_fate say(struct conn *conn, const char *text)
{
    return conn_send(conn, text, strlen(text));
}

static enum conn_fate say_then_tls(struct conn *conn, const void *answer, size_t size)
{
    if (conn->in.size > 0)
        return CONN_CLOSE;
    enum conn_fate fate = conn_send(conn, answer, size);
    return fate == CONN_KEEP ? play_tls_begin(conn) : fate;
}

/* Takes one line off the input, without its line feed. 1, 0 when there is none yet, negative when it is too long. */
static int take_line(struct conn *conn, char line[static MAX_LINE])
{
    const char *end = memchr(conn->in.data, '\n', conn->in.size);
    size_t size = end != NULL ? (size_t)(end - conn->in.data) : conn->in.size;
    if (size >= MAX_LINE)
        return -1;
    if (end == NULL)
        return 0;
    memcpy(line, conn->in.data, size);
    line[size > 0 && line[size - 1] == '\r' ? size - 1 : size] = '\0';
    buf_consume(&conn->in, size + 1);
    return 1;
}

static bool begins(const char *line, const char *verb)
{
    size_t size = strlen(verb);
    return strncasecmp(line, verb, size) == 0 && (line[size] == '\0' || line[size] == ' ');
}

/* --- protocols of lines ---------------------------------------------------------------------------------------------------- */

typedef enum conn_fate (*line_fn)(struct conn *conn, const char *line);

static enum conn_fate each_line(struct conn *conn, line_fn take)
{
    char line[MAX_LINE];
    if (conn->ssl != NULL)
        return play_tls_step(conn);
    enum conn_fate fate = conn_read(conn);
    while (fate == CONN_KEEP && conn->ssl == NULL) {
        int got = take_line(conn, line);
        if (got <= 0)
            return got < 0 ? CONN_CLOSE : CONN_KEEP;
        fate = take(conn, line);
    }
    return fate;
}

struct reply { /* one verb of a protocol */
    const char *verb, *answer;
    bool ends;
};

static enum conn_fate reply_from(struct conn *conn, const char *line, const struct reply *rows, const char *otherwise)
{
    for (; rows->verb != NULL; rows++) {
        if (begins(line, rows->verb)) {
            enum conn_fate fate = say(conn, rows->answer);
            return rows->ends ? CONN_CLOSE : fate;
        }
    }
    return say(conn, otherwise);
}

static enum conn_fate smtp_begin(struct conn *conn)
{
    return say(conn, "220 mx.fleet.example ESMTP Fleet\r\n");
}

static enum conn_fate smtp_line(struct conn *conn, const char *line)
{
    static const char go[] = "220 2.0.0 Ready to start TLS\r\n";
    static const struct reply rows[] = {
        {"EHLO", "250-mx.fleet.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
         false},
        {"HELO", "250 mx.fleet.example\r\n", false},
        {"NOOP", "250 2.0.0 Ok\r\n", false},
        {"RSET", "250 2.0.0 Ok\r\n", false},
        {"MAIL", "530 5.7.0 Must issue a STARTTLS command first\r\n", false},
        {"QUIT", "221 2.0.0 Bye\r\n", true},
        {NULL, NULL, false},
    };
    if (begins(line, "STARTTLS"))
        return say_then_tls(conn, go, sizeof go - 1);
    return reply_from(conn, line, rows, "502 5.5.2 Error: command not recognized\r\n");
}

static enum conn_fate smtp_ready(struct conn *conn)
{
    return each_line(conn, smtp_line);
}

static enum conn_fate imap_begin(struct conn *conn)
{
    return say(conn, "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] imap.fleet.example ready\r\n");
}

static enum conn_fate imap_line(struct conn *conn, const char *line)
{
    static const struct {
        const char *verb, *untagged, *status;
        bool tls, ends;
    } rows[] = {
        {"STARTTLS", "", "OK Begin TLS negotiation now", true, false},
        {"CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n", "OK done", false, false},
        {"NOOP", "", "OK done", false, false},
        {"LOGOUT", "* BYE\r\n", "OK done", false, true},
        {"LOGIN", "", "NO [PRIVACYREQUIRED] TLS first", false, false},
        {"", "", "BAD unknown command", false, false}, /* matches what is left */
    };
    char answer[MAX_LINE];
    int tag_size = (int)strcspn(line, " ");
    if (tag_size == 0 || tag_size > 64)
        return say(conn, "* BAD no tag\r\n");
    const char *verb = line + tag_size + (line[tag_size] == ' ');
    size_t row = 0;
    while (rows[row].verb[0] != '\0' && !begins(verb, rows[row].verb))
        row++;
    int size = snprintf(answer, sizeof answer, "%s%.*s %s\r\n", rows[row].untagged, tag_size, line, rows[row].status);
    if (rows[row].tls)
        return say_then_tls(conn, answer, (size_t)size);
    enum conn_fate fate = conn_send(conn, answer, (size_t)size);
    return rows[row].ends ? CONN_CLOSE : fate;
}

static enum conn_fate imap_ready(struct conn *conn)
{
    return each_line(conn, imap_line);
}

static enum conn_fate pop3_begin(struct conn *conn)
{
    return say(conn, "+OK pop.fleet.example ready\r\n");
}

static enum conn_fate pop3_line(struct conn *conn, const char *line)
{
    static const char go[] = "+OK Begin TLS\r\n";
    static const struct reply rows[] = {
        {"CAPA", "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nSTLS\r\n.\r\n", false},
        {"NOOP", "+OK\r\n", false},
        {"QUIT", "+OK Bye\r\n", true},
        {NULL, NULL, false},
    };
    if (begins(line, "STLS"))
        return say_then_tls(conn, go, sizeof go - 1);
    return reply_from(conn, line, rows, "-ERR TLS first\r\n");
}

static enum conn_fate pop3_ready(struct conn *conn)
{
    return each_line(conn, pop3_line);
}

/* --- LDAP and PostgreSQL --------------------------------------------------------------------------------------------------- */

/* LDAPMessage { messageID INTEGER, [APPLICATION 23] { [0] requestName } } asking for 1.3.6.1.4.1.1466.20037 (RFC 4511 §4.14.1). */
static int ldap_request(const struct conn *conn, size_t *size, struct slice *id)
{
    static const char start_tls[] = "1.3.6.1.4.1.1466.20037";
    const struct slice wanted = {(const uint8_t *)start_tls, sizeof start_tls - 1};
    struct cursor input, message, body;
    struct der_element element;
    cursor_init(&input, conn->in.data, conn->in.size);
    int result = der_expect(&input, DER_SEQUENCE, &message);
    if (result != 0)
        return result;
    *size = cursor_offset(&input);
    if (der_next(&message, &element) != 0 || element.tag != DER_INTEGER || element.contents.size > 4)
        return CM_EMALFORMED;
    *id = element.whole;
    if (der_expect(&message, 0x77, &body) != 0 || der_next(&body, &element) != 0 || element.tag != 0x80)
        return CM_EUNSUPPORTED;
    return slice_equal(element.contents, wanted) ? 0 : CM_EUNSUPPORTED;
}

static enum conn_fate ldap_ready(struct conn *conn)
{
    if (conn->ssl != NULL)
        return play_tls_step(conn);
    enum conn_fate fate = conn_read(conn);
    if (fate != CONN_KEEP || conn->in.size == 0)
        return fate;
    size_t size = 0;
    struct slice id;
    int result = ldap_request(conn, &size, &id);
    if (result == CM_ETRUNCATED && conn->in.size < MAX_LINE)
        return CONN_KEEP;
    if (result != 0)
        return CONN_CLOSE;
    /* ExtendedResponse: resultCode success, matchedDN "", diagnosticMessage "" */
    static const uint8_t success[] = {0x78, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00};
    uint8_t answer[2 + 6 + sizeof success];
    answer[0] = DER_SEQUENCE;
    answer[1] = (uint8_t)(id.size + sizeof success);
    memcpy(answer + 2, id.data, id.size);
    memcpy(answer + 2 + id.size, success, sizeof success);
    size_t answer_size = 2 + id.size + sizeof success;
    buf_consume(&conn->in, size);
    return say_then_tls(conn, answer, answer_size);
}

/* SSLRequest and GSSENCRequest: length 8 and a code (PostgreSQL manual, "Message Formats"). */
static enum conn_fate postgres_ready(struct conn *conn)
{
    static const uint8_t ssl_request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
    static const uint8_t gss_request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30};
    if (conn->ssl != NULL)
        return play_tls_step(conn);
    enum conn_fate fate = conn_read(conn);
    if (fate != CONN_KEEP || conn->in.size < 8)
        return fate;
    bool ssl = memcmp(conn->in.data, ssl_request, 8) == 0, gss = memcmp(conn->in.data, gss_request, 8) == 0;
    buf_consume(&conn->in, 8);
    if (ssl)
        return say_then_tls(conn, "S", 1);
    return gss ? say(conn, "N") : CONN_CLOSE;
}

const struct conn_play play_smtp = {.begin = smtp_begin, .ready = smtp_ready};
const struct conn_play play_imap = {.begin = imap_begin, .ready = imap_ready};
const struct conn_play play_pop3 = {.begin = pop3_begin, .ready = pop3_ready};
const struct conn_play play_ldap = {.ready = ldap_ready};
const struct conn_play play_postgres = {.ready = postgres_ready};
