/* STARTTLS dialogues as a table: for each protocol a list of exchanges, each what we say and how the answer is read.
 *
 * A reader looks at all bytes that have come and not been used yet, and answers: more is needed, good (this many bytes used), or bad.
 * It is called again with the same bytes and more, so it keeps no state of its own between calls. */
#include "scanner/scan/starttls.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scanner/scan/ldap.h"
#include "scanner/tls/sniff.h"

enum {
    LINE_BYTES_MAX = 4096,    /* RFC 5321 asks for 512; IMAP capabilities reach 1 KiB */
    ANSWER_BYTES_MAX = 32768, /* all that a server may say before TLS */
    CODE_SIZE = 3,            /* of an SMTP reply */
};

enum answer { ANSWER_MORE, ANSWER_GOOD, ANSWER_BAD };

typedef enum answer (*answer_fn)(struct dialogue *dialogue, struct slice bytes, size_t *used);

struct exchange {
    const char *say; /* NULL: the server speaks first; %s becomes our name */
    size_t say_size; /* of bytes that are no text; 0: say is text */
    answer_fn answer;
};

static enum answer bad(struct dialogue *dialogue, enum record_error error, const char *format, ...) CM_PRINTF(3, 4);
static enum answer bad(struct dialogue *dialogue, enum record_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    dialogue->error = error;
    vsnprintf(dialogue->detail, sizeof dialogue->detail, format, arguments);
    va_end(arguments);
    return ANSWER_BAD;
}

static enum answer refused(struct dialogue *dialogue, struct slice line)
{
    return bad(dialogue, RECORD_ERROR_STARTTLS_REFUSED, "%.*s", (int)line.size, (const char *)line.data);
}

/* These bytes are not the protocol that was asked for. */
static enum answer strange(struct dialogue *dialogue, struct slice bytes)
{
    struct buf text;
    buf_init(&text, DIALOGUE_DETAIL_SIZE);
    sniff_describe(bytes, &text);
    enum answer answer =
        bad(dialogue, RECORD_ERROR_PROTOCOL, "not %s: %s", starttls_name(dialogue->protocol), text.data);
    buf_done(&text);
    return answer;
}

static bool begins(struct slice line, const char *with)
{
    size_t size = strlen(with);
    return line.size >= size && memcmp(line.data, with, size) == 0;
}

/* The same without regard to the case of ASCII letters; with is in upper case. */
static bool begins_nocase(struct slice line, const char *with)
{
    size_t i = 0;
    for (; with[i]; i++) {
        if (i == line.size ||
            (line.data[i] >= 'a' && line.data[i] <= 'z' ? line.data[i] - 32 : line.data[i]) != with[i])
            return false;
    }
    return true;
}

/* The next line, without CR LF (a bare LF is taken as well), and the bytes it took with them. ANSWER_MORE when it is not whole yet. */
static enum answer next_line(struct dialogue *dialogue, struct slice bytes, struct slice *line, size_t *taken)
{
    const uint8_t *feed = bytes.size ? memchr(bytes.data, '\n', bytes.size) : NULL;
    size_t size = feed ? (size_t)(feed - bytes.data) : bytes.size;
    if (size > LINE_BYTES_MAX)
        return bad(dialogue, RECORD_ERROR_TOO_LARGE, "a line of more than %d bytes", LINE_BYTES_MAX);
    if (!feed)
        return ANSWER_MORE;
    *taken = size + 1;
    if (size && bytes.data[size - 1] == '\r')
        size--;
    *line = (struct slice){bytes.data, size};
    return ANSWER_GOOD;
}

static struct slice skip(struct slice bytes, size_t size)
{
    return (struct slice){bytes.data + size, bytes.size - size};
}

/* --- SMTP ------------------------------------------------------------------------------------------------------------ */

/* What has come of the three digits and the separator of a reply line (RFC 5321 §4.2) is possible at all. */
static bool smtp_possible(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size && i < CODE_SIZE; i++) {
        if (bytes.data[i] < '0' || bytes.data[i] > '9')
            return false;
    }
    return bytes.size <= CODE_SIZE || strchr(" -\r\n", bytes.data[CODE_SIZE]);
}

/* A whole reply, all its lines with one code; each line after the code goes to the caller's look. */
static enum answer smtp_reply(struct dialogue *dialogue, struct slice bytes, const char *wanted,
                              void (*look)(struct dialogue *, struct slice), size_t *used)
{
    struct slice rest = bytes, line;
    size_t taken;
    for (;;) {
        if (!smtp_possible(rest))
            return strange(dialogue, rest);
        enum answer answer = next_line(dialogue, rest, &line, &taken);
        if (answer != ANSWER_GOOD)
            return answer;
        if (line.size < CODE_SIZE || memcmp(line.data, bytes.data, CODE_SIZE) != 0)
            return strange(dialogue, rest);
        rest = skip(rest, taken);
        if (look && line.size > CODE_SIZE)
            look(dialogue, skip(line, CODE_SIZE + 1));
        if (line.size == CODE_SIZE || line.data[CODE_SIZE] == ' ')
            break;
    }
    *used = bytes.size - rest.size;
    return begins(bytes, wanted) ? ANSWER_GOOD : refused(dialogue, line);
}

static enum answer smtp_greeting(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    return smtp_reply(dialogue, bytes, "220", NULL, used);
}

static void smtp_capability(struct dialogue *dialogue, struct slice text)
{
    static const char keyword[] = "STARTTLS";
    size_t size = sizeof keyword - 1;
    if (begins_nocase(text, keyword) && (text.size == size || text.data[size] == ' '))
        dialogue->offered = true;
}

static enum answer smtp_ehlo(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    enum answer answer = smtp_reply(dialogue, bytes, "250", smtp_capability, used);
    if (answer == ANSWER_GOOD && !dialogue->offered)
        return bad(dialogue, RECORD_ERROR_STARTTLS_REFUSED, "STARTTLS is not offered");
    return answer;
}

/* --- IMAP ------------------------------------------------------------------------------------------------------------ */

static enum answer imap_greeting(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    struct slice line;
    if (bytes.size && bytes.data[0] != '*')
        return strange(dialogue, bytes);
    enum answer answer = next_line(dialogue, bytes, &line, used);
    if (answer != ANSWER_GOOD)
        return answer;
    if (begins_nocase(line, "* OK"))
        return ANSWER_GOOD;
    if (begins_nocase(line, "* BYE") || begins_nocase(line, "* PREAUTH"))
        return refused(dialogue, line);
    return strange(dialogue, bytes);
}

/* The answer to our tag; untagged lines may come before it at any time (RFC 9051 §7). */
static enum answer imap_tagged(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    struct slice rest = bytes, line;
    size_t taken;
    for (;;) {
        if (rest.size && rest.data[0] != '*' && rest.data[0] != 'c')
            return strange(dialogue, rest);
        enum answer answer = next_line(dialogue, rest, &line, &taken);
        if (answer != ANSWER_GOOD)
            return answer;
        rest = skip(rest, taken);
        if (!begins(line, "*"))
            break;
    }
    *used = bytes.size - rest.size;
    if (begins_nocase(line, "C1 OK"))
        return ANSWER_GOOD;
    if (begins_nocase(line, "C1 NO") || begins_nocase(line, "C1 BAD"))
        return refused(dialogue, line);
    return strange(dialogue, line);
}

/* --- POP3 ------------------------------------------------------------------------------------------------------------ */

static enum answer pop3_status(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    struct slice line;
    if (bytes.size && bytes.data[0] != '+' && bytes.data[0] != '-')
        return strange(dialogue, bytes);
    enum answer answer = next_line(dialogue, bytes, &line, used);
    if (answer != ANSWER_GOOD)
        return answer;
    if (begins_nocase(line, "+OK"))
        return ANSWER_GOOD;
    if (begins_nocase(line, "-ERR"))
        return refused(dialogue, line);
    return strange(dialogue, bytes);
}

/* --- LDAP, PostgreSQL ------------------------------------------------------------------------------------------------ */

static enum answer ldap_answer(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    struct ldap_response response;
    if (bytes.size == 0)
        return ANSWER_MORE;
    int code = ldap_read_extended_response(bytes, &response, used);
    if (code == CM_ETRUNCATED)
        return ANSWER_MORE;
    if (code)
        return strange(dialogue, bytes);
    if (response.result == 0)
        return ANSWER_GOOD;
    return bad(dialogue, RECORD_ERROR_STARTTLS_REFUSED, "resultCode %u %.*s", (unsigned)response.result,
               (int)response.message.size, (const char *)response.message.data);
}

/* One byte: S or N; an old or a refusing server sends an ErrorResponse, which begins with E. */
static enum answer postgres_answer(struct dialogue *dialogue, struct slice bytes, size_t *used)
{
    if (bytes.size == 0)
        return ANSWER_MORE;
    *used = 1;
    if (bytes.data[0] == 'S')
        return ANSWER_GOOD;
    if (bytes.data[0] == 'N')
        return bad(dialogue, RECORD_ERROR_STARTTLS_REFUSED, "the server has ssl off");
    if (bytes.data[0] == 'E')
        return bad(dialogue, RECORD_ERROR_STARTTLS_REFUSED, "the server answered with an error");
    return strange(dialogue, bytes);
}

/* --- the table ------------------------------------------------------------------------------------------------------- */

static const struct exchange smtp[] = {
    {NULL, 0, smtp_greeting}, {"EHLO %s\r\n", 0, smtp_ehlo}, {"STARTTLS\r\n", 0, smtp_greeting}, {0}};
static const struct exchange imap[] = {{NULL, 0, imap_greeting}, {"c1 STARTTLS\r\n", 0, imap_tagged}, {0}};
static const struct exchange pop3[] = {{NULL, 0, pop3_status}, {"STLS\r\n", 0, pop3_status}, {0}};
static const struct exchange ldap[] = {{LDAP_STARTTLS_REQUEST, LDAP_STARTTLS_REQUEST_SIZE, ldap_answer}, {0}};
/* SSLRequest: its length, and 1234 and 5679 as 16-bit numbers. */
static const struct exchange postgres[] = {{"\x00\x00\x00\x08\x04\xd2\x16\x2f", 8, postgres_answer}, {0}};

static const struct {
    const struct exchange *exchanges;
    char untagged; /* what the server may say on its own between exchanges begins with this; 0: nothing may come */
} protocols[] = {
    [STARTTLS_NONE] = {NULL, 0}, [STARTTLS_SMTP] = {smtp, 0}, [STARTTLS_IMAP] = {imap, '*'},
    [STARTTLS_POP3] = {pop3, 0}, [STARTTLS_LDAP] = {ldap, 0}, [STARTTLS_POSTGRES] = {postgres, 0},
    [STARTTLS_AUTO] = {NULL, 0},
};

bool starttls_server_first(enum starttls protocol)
{
    return protocols[protocol].exchanges && !protocols[protocol].exchanges[0].say;
}

/* --- the machine ----------------------------------------------------------------------------------------------------- */

static void say(struct dialogue *dialogue)
{
    const struct exchange *row = &protocols[dialogue->protocol].exchanges[dialogue->exchange];
    if (row->say_size)
        buf_append(&dialogue->out, row->say, row->say_size);
    else if (row->say) {
        const char *name = strstr(row->say, "%s");
        buf_append(&dialogue->out, row->say, name ? (size_t)(name - row->say) : strlen(row->say));
        if (name) {
            buf_append_str(&dialogue->out, dialogue->client_name);
            buf_append_str(&dialogue->out, name + 2);
        }
    }
}

void dialogue_init(struct dialogue *dialogue, enum starttls protocol, const char *client_name)
{
    *dialogue = (struct dialogue){.protocol = protocol, .client_name = client_name};
    buf_init(&dialogue->in, ANSWER_BYTES_MAX);
    buf_init(&dialogue->out, LINE_BYTES_MAX);
    say(dialogue);
}

void dialogue_done(struct dialogue *dialogue)
{
    buf_done(&dialogue->in);
    buf_done(&dialogue->out);
}

static enum dialogue_state fail(struct dialogue *dialogue, enum record_error error, const char *detail)
{
    bad(dialogue, error, "%s", detail);
    return dialogue->state = DIALOGUE_FAILED;
}

/* Moves on past an answer. What came with it and was not asked for yet ends the dialogue. */
static enum dialogue_state advance(struct dialogue *dialogue, size_t used)
{
    buf_consume(&dialogue->in, used);
    dialogue->exchange++;
    bool last = !protocols[dialogue->protocol].exchanges[dialogue->exchange].answer;
    char untagged = protocols[dialogue->protocol].untagged;
    if (dialogue->in.size && last)
        return fail(dialogue, RECORD_ERROR_PROTOCOL, "bytes in clear after the go-ahead for TLS");
    if (dialogue->in.size && (!untagged || dialogue->in.data[0] != untagged))
        return fail(dialogue, RECORD_ERROR_PROTOCOL, "an answer before the question");
    if (last)
        return dialogue->state = DIALOGUE_READY;
    say(dialogue);
    return DIALOGUE_GOING;
}

enum dialogue_state dialogue_feed(struct dialogue *dialogue, const void *bytes, size_t size)
{
    if (dialogue->state != DIALOGUE_GOING)
        return dialogue->state;
    buf_append(&dialogue->in, bytes, size);
    dialogue->received += size;
    if (dialogue->in.failed || dialogue->received > ANSWER_BYTES_MAX)
        return fail(dialogue, RECORD_ERROR_TOO_LARGE, "more than 32 KiB before TLS");
    const struct exchange *row = &protocols[dialogue->protocol].exchanges[dialogue->exchange];
    size_t used = 0;
    switch (row->answer(dialogue, buf_slice(&dialogue->in), &used)) {
    case ANSWER_GOOD:
        return advance(dialogue, used);
    case ANSWER_BAD:
        return dialogue->state = DIALOGUE_FAILED;
    case ANSWER_MORE:
        break;
    }
    return DIALOGUE_GOING;
}

struct slice dialogue_output(const struct dialogue *dialogue)
{
    return buf_slice(&dialogue->out);
}

void dialogue_sent(struct dialogue *dialogue, size_t size)
{
    buf_consume(&dialogue->out, size);
}
