/* What stands between BEGIN and END: base64 with everything that files, programs and people put around its lines.
 *
 * Owns nothing. search.c calls it for each block that pem.c found. A plain block costs one pass; only what that does not read is unwrapped. */
#include "scanner/crawl/formats/pem.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/cert.h"
#include "certmuster/encode.h"

static bool is_base64(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* count hex digits as a character; -1, and the cursor as it was, when they are none. */
static int read_hex(struct cursor *cursor, unsigned count)
{
    struct cursor trial = *cursor;
    int sum = 0;
    uint8_t c;
    while (count--) {
        int digit = cursor_u8(&trial, &c) ? -1 : hex_digit(c);
        if (digit < 0)
            return -1;
        sum = sum << 4 | digit;
    }
    *cursor = trial;
    return sum;
}

/* What the backslashes before the cursor make of what follows: a line end, a blank, the character itself. A string within a string doubles
 * them, so any number counts as one. Returns the character, or -1 for one that means nothing here. */
static int read_escape(struct cursor *cursor)
{
    uint8_t c = 0;
    while (!cursor_peek_u8(cursor, &c) && c == '\\')
        cursor->at++;
    if (cursor_u8(cursor, &c))
        return -1;
    switch (c) {
    case 'n':
    case 'r':
    case '\n':
    case '\r':
        return '\n';
    case 't':
        return ' ';
    case 'u':
        return read_hex(cursor, 4);
    case 'x':
        return read_hex(cursor, 2);
    case '0': /* octal, as shells and C have it: \012, \015 */
        return read_hex(cursor, 2) >= 0 ? '\n' : -1;
    default:
        return c;
    }
}

/* An HTML entity behind its ampersand: the character, a blank for what is none of ours. */
static int read_entity(struct cursor *cursor)
{
    enum { ENTITY_MAX = 8 };
    char name[ENTITY_MAX + 1] = "";
    struct cursor trial = *cursor;
    uint8_t c = 0;
    for (size_t i = 0; i < ENTITY_MAX && !cursor_u8(&trial, &c) && c != ';'; i++)
        name[i] = (char)c;
    if (c != ';')
        return -1;
    *cursor = trial;
    if (name[0] == '#')
        return (int)(name[1] == 'x' || name[1] == 'X' ? strtol(name + 2, NULL, 16) : strtol(name + 1, NULL, 10)) & 0x7F;
    return strcmp(name, "plus") == 0 ? '+' : strcmp(name, "sol") == 0 ? '/' : strcmp(name, "equals") == 0 ? '=' : ' ';
}

/* What '=' stands for in quoted-printable (RFC 2045 §6.7): a character, or a line end that is none. Padding is not missed. */
static int read_quoted_printable(struct cursor *cursor)
{
    int code = read_hex(cursor, 2);
    return code < 0 ? '=' : code;
}

/* True for <br>, </p> and their like: the cursor moves behind it. */
static bool skip_tag(struct cursor *cursor)
{
    enum { TAG_MAX = 64 };
    struct cursor trial = *cursor;
    uint8_t c;
    for (unsigned i = 0; i < TAG_MAX && !cursor_u8(&trial, &c); i++)
        if (c == '>') {
            *cursor = trial;
            return true;
        }
    return false;
}

/* The text with its escapes undone. quote: the kind of quotation mark in which the block began; what stands between a closing and the next
 * opening one is source code, and left out. 0: quotation marks are blanks. */
static void unwrap(const struct pem_block *block, char quote, struct buf *out)
{
    struct cursor cursor;
    bool inside = true;
    uint8_t c;
    cursor_init_slice(&cursor, block->text);
    while (!cursor_u8(&cursor, &c)) {
        int read = c;
        if (c == '\\')
            read = read_escape(&cursor);
        else if (c == '&')
            read = read_entity(&cursor);
        else if (c == '<' && skip_tag(&cursor))
            read = '\n';
        else if (c == '%')
            read = read_hex(&cursor, 2);
        else if (c == '=')
            read = read_quoted_printable(&cursor);
        else if (c == '+' && block->plus_is_space)
            read = ' ';
        if (quote && read == quote) {
            inside = !inside;
            read = '\n';
        } else if (read == '"' || read == '\'' || read == '`') {
            read = ' ';
        }
        if (inside || read == '\n')
            buf_append_char(out, read < 0 || read > 0x7E ? '?' : (char)read);
    }
}

/* One line of the unwrapped text, without what mails, comments and tables put in front. */
static struct slice next_line(struct cursor *cursor)
{
    const uint8_t *end = cursor->at;
    while (end < cursor->end && *end != '\n' && *end != '\r')
        end++;
    struct slice line = {cursor->at, (size_t)(end - cursor->at)};
    cursor->at = end < cursor->end ? end + 1 : end;
    while (line.size && (memchr(" \t\v\f>|#*;,.", line.data[0], 11) ||
                         (line.size > 2 && line.data[0] == '/' && line.data[1] == '/' && line.data[2] == ' '))) {
        size_t skip = line.data[0] == '/' ? 2 : 1;
        line.data += skip;
        line.size -= skip;
    }
    return line;
}

/* Puts the digits of all lines together, in place: they are fewer than the text. */
static int gather(struct buf *text)
{
    struct cursor cursor;
    bool headers = true;
    size_t size = 0;
    cursor_init(&cursor, text->data, text->size);
    while (!cursor_at_end(&cursor)) {
        struct slice line = next_line(&cursor);
        if (headers && line.size && memchr(line.data, ':', line.size))
            continue; /* RFC 1421 §4.4 */
        for (size_t i = 0; i < line.size; i++) {
            char c = (char)line.data[i];
            if (is_base64((unsigned char)c))
                text->data[size++] = c;
            else if (!memchr(" \t\v\f,;|\\", c, 8))
                return CM_EMALFORMED;
        }
        headers = headers && size == 0;
    }
    text->data[text->size = size] = '\0';
    return size ? 0 : CM_EMALFORMED;
}

static int decode_wrapped(const struct pem_block *block, char quote, struct buf *scratch, struct buf *out)
{
    buf_reset(scratch);
    buf_reset(out);
    if (!buf_extend(scratch, block->text.size + 1)) /* one allocation: no copies of a key left behind by growing */
        return CM_ELIMIT;
    buf_reset(scratch);
    unwrap(block, quote, scratch);
    int status = gather(scratch);
    return status ? status : base64_read_loose(scratch->data, scratch->size, out);
}

/* Each line without as much as stands before the BEGIN on its own: marks of patches and comments, numbers of lines, dates of logs. same: all
 * lines begin with the very same. */
static int decode_in_margin(const struct pem_block *block, struct buf *scratch, struct buf *out, bool *same)
{
    struct cursor cursor;
    bool first = true; /* the rest of the BEGIN line */
    buf_reset(scratch);
    buf_reset(out);
    *same = true;
    if (!block->margin.size || !buf_extend(scratch, block->text.size + 1))
        return CM_EMALFORMED;
    buf_reset(scratch);
    cursor_init_slice(&cursor, block->text);
    while (!cursor_at_end(&cursor)) {
        const uint8_t *end = cursor.at;
        while (end < cursor.end && *end != '\n' && *end != '\r')
            end++;
        size_t size = (size_t)(end - cursor.at), skip = first || size < block->margin.size ? size : block->margin.size;
        *same = *same && (skip == size || memcmp(cursor.at, block->margin.data, skip) == 0);
        buf_append(scratch, cursor.at + skip, size - skip);
        buf_append_char(scratch, '\n');
        cursor.at = end < cursor.end ? end + 1 : end;
        first = false;
    }
    int status = gather(scratch);
    return status ? status : base64_read_loose(scratch->data, scratch->size, out);
}

/* All of a DER element, or a key of OpenSSH's. */
static bool is_whole(const struct buf *out)
{
    static const char openssh[] = "openssh-key-v1";
    size_t length;
    return (!cert_length((const uint8_t *)out->data, out->size, &length) && length <= out->size) ||
           (out->size > sizeof openssh && memcmp(out->data, openssh, sizeof openssh) == 0);
}

/* A margin that passes for base64 in part ("+", "//", "REM ", " 12 ") is tried first: with it, what comes out would be others' bytes. */
static int decode_despite_margin(const struct pem_block *block, struct buf *scratch, struct buf *out)
{
    bool digits = false, same;
    for (size_t i = 0; i < block->margin.size; i++)
        digits = digits || is_base64(block->margin.data[i]);
    int status = digits ? decode_in_margin(block, scratch, out, &same) : CM_EMALFORMED;
    return status || same || is_whole(out) ? status : CM_EMALFORMED;
}

/* Lines that begin as comments of C++ do would pass for base64. */
static bool is_commented(struct slice text)
{
    static const char mark[] = "\n// ";
    return memmem(text.data, text.size < 256 ? text.size : 256, mark, sizeof mark - 1);
}

int pem_decode(const struct pem_block *block, struct buf *scratch, struct buf *out)
{
    static const char quotes[] = "\"'`";
    char quote = '\0';
    bool same;
    buf_reset(scratch);
    buf_reset(out);
    int status = decode_despite_margin(block, scratch, out);
    if (status != CM_EMALFORMED)
        return status;
    buf_reset(out);
    /* Nearly all are plain. */
    status = is_commented(block->text) ? CM_EMALFORMED
                                       : base64_read_loose((const char *)block->text.data, block->text.size, out);
    if (status != CM_EMALFORMED)
        return status;
    for (size_t i = 0; i < block->text.size && !quote; i++)
        if (memchr(quotes, block->text.data[i], sizeof quotes - 1))
            quote = (char)block->text.data[i];
    status = quote ? decode_wrapped(block, quote, scratch, out) : CM_EMALFORMED;
    status = status == CM_EMALFORMED ? decode_wrapped(block, '\0', scratch, out) : status;
    return status == CM_EMALFORMED ? decode_in_margin(block, scratch, out, &same) : status;
}

/* One line of the raw text, its end (LF, CR, CRLF, or those as escapes of a JSON string) taken off. */
static struct slice raw_line(struct cursor *cursor)
{
    struct slice line = {cursor->at, 0};
    uint8_t c, escaped;
    while (!cursor_u8(cursor, &c)) {
        if (c == '\n' || c == '\r')
            return line;
        if (c == '\\' && !cursor_peek_u8(cursor, &escaped) && (escaped == 'n' || escaped == 'r')) {
            cursor->at++;
            return line;
        }
        line.size++;
    }
    return line;
}

/* A line of base64 as writers of PEM make them, 64 or 76 digits, give or take quotes and indentation; paths in code have too many slashes. */
static bool is_base64_line(struct slice line)
{
    enum { DIGITS_MIN = 32, SLASH_SHARE = 8 };
    size_t digits = 0, slashes = 0;
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = line.data[i];
        if (is_base64(c))
            digits++;
        else if (!memchr(" \t\"',\\", c, 6) || (digits && i + 4 < line.size))
            return false;
        slashes += c == '/';
    }
    return digits >= DIGITS_MIN && slashes * SLASH_SHARE <= digits;
}

bool pem_is_placeholder(const struct pem_block *block)
{
    struct cursor cursor;
    bool real = false;
    size_t margin = block->margin.size;
    cursor_init_slice(&cursor, block->text);
    while (!cursor_at_end(&cursor)) {
        struct slice line = raw_line(&cursor);
        if (line.size > 2 && memmem(line.data, line.size, "...", 3))
            return true;
        real = real || is_base64_line(line) ||
               (line.size > margin && is_base64_line((struct slice){line.data + margin, line.size - margin}));
    }
    return !real;
}
