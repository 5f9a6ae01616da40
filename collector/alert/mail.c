/* A plain text mail as bytes: RFC 5322 headers, RFC 2047 encoded words in the subject, RFC 2045 quoted-printable body.
 *
 * Pure. Header values are made of addresses that were checked, of our own tokens, and of a subject that is encoded whenever it holds anything
 * but printable ASCII: no input can end a header line. */
#include "collector/alert/alert_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certmuster/encode.h"

enum {
    ENCODED_WORD_BYTES =
        42, /* of text in one encoded word: 56 in base64, 68 with its frame, below the 75 of RFC 2047 §2 */
    PLAIN_SUBJECT_MAX = 66, /* "Subject: " and this stay within the 78 columns of RFC 5322 §2.1.1 */
    QP_COLUMNS = 75,        /* and a soft break: the 76 of RFC 2045 §6.7 */
};

bool mail_address_ok(const char *address)
{
    static const char local[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~";
    static const char domain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t before = strspn(address, local);
    if (before == 0 || before > 64 || address[before] != '@')
        return false;
    size_t after = strspn(address + before + 1, domain);
    return after > 0 && after < 254 && address[before + 1 + after] == 0;
}

static bool is_plain(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c > 0x7E)
            return false;
    /* What looks like an encoded word would be decoded. */
    return !strstr(text, "=?");
}

/* Encoded words of whole characters, one a line. */
static void append_subject(struct buf *out, const char *text)
{
    buf_append_str(out, "Subject: ");
    if (is_plain(text) && strlen(text) <= PLAIN_SUBJECT_MAX) {
        buf_append_str(out, text);
        buf_append_str(out, "\r\n");
        return;
    }
    bool first = true;
    for (size_t left = strlen(text); left > 0;) {
        size_t take = left < ENCODED_WORD_BYTES ? left : ENCODED_WORD_BYTES;
        while (take < left && take > ENCODED_WORD_BYTES - 4 && ((unsigned char)text[take] & 0xC0) == 0x80)
            take--;
        buf_append_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_append(out, text, take);
        buf_append_str(out, "?=");
        text += take;
        left -= take;
        first = false;
    }
    buf_append_str(out, "\r\n");
}

/* One line of text without its end. White space at its end and a leading dot are encoded too: both get lost on the way. */
static void append_qp_line(struct buf *out, const char *line, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        bool last = i + 1 == size;
        bool literal =
            (c > 0x20 && c < 0x7F && c != '=' && !(c == '.' && i == 0)) || ((c == ' ' || c == '\t') && !last);
        size_t width = literal ? 1 : 3;
        if (column + width > QP_COLUMNS) {
            buf_append_str(out, "=\r\n");
            column = 0;
        }
        if (literal)
            buf_append_char(out, (char)c);
        else
            buf_appendf(out, "=%02X", c);
        column += width;
    }
    buf_append_str(out, "\r\n");
}

static void append_body(struct buf *out, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        append_qp_line(out, text, size);
        text += size;
        if (*text)
            text++;
    }
}

/* RFC 5322 §3.3; the names of days and months are not those of the locale. */
static void append_date(struct buf *out, int64_t seconds)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm when;
    time_t at = (time_t)seconds;
    gmtime_r(&at, &when);
    buf_appendf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[when.tm_wday], when.tm_mday,
                months[when.tm_mon], when.tm_year + 1900, when.tm_hour, when.tm_min, when.tm_sec);
}

void mail_write(struct buf *out, const struct mail *mail)
{
    append_date(out, mail->date);
    buf_appendf(out, "From: certmuster <%s>\r\nTo: <%s>\r\nMessage-ID: %s\r\n", mail->from, mail->to, mail->message_id);
    append_subject(out, mail->subject);
    buf_append_str(out, "Auto-Submitted: auto-generated\r\n" /* RFC 3834: no vacation notice answers */
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n");
    append_body(out, mail->text);
}
