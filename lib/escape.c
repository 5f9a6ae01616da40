/* Escaping on the way out, once per medium: JSON, terminal and log, CSV, HTML; and how wide text is on a terminal.
 *
 * Owns nothing. Every output calls it, and only outputs do. It refuses to emit a raw control or anything that is not UTF-8. */
#include "certmuster/escape.h"

#include <string.h>
#include <wchar.h>

#include "certmuster/utf8.h"

/* The next code point; an invalid byte reads as U+FFFD and is one byte long. */
static unsigned next_code(const char *text, size_t size, uint32_t *code)
{
    unsigned length = utf8_decode(text, size, code);
    if (length)
        return length;
    *code = UTF8_REPLACEMENT;
    return 1;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/* \uXXXX, beyond the basic plane as a surrogate pair (RFC 8259 §7). */
static void append_json_code(struct buf *out, uint32_t code)
{
    if (code < 0x10000)
        buf_appendf(out, "\\u%04x", (unsigned)code);
    else
        buf_appendf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((code - 0x10000) >> 10)),
                    (unsigned)(0xDC00 + ((code - 0x10000) & 0x3FF)));
}

/* What stands for a character of a string, other than itself. */
static void append_json_escape(struct buf *out, uint32_t code)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (unsigned i = 0; i + 1 < sizeof shorts; i += 2) {
        if ((unsigned char)shorts[i] == code) {
            buf_append(out, (const char[]){'\\', shorts[i + 1]}, 2);
            return;
        }
    }
    if (code == UTF8_REPLACEMENT || code == 0)
        utf8_append(out, UTF8_REPLACEMENT);
    else
        append_json_code(out, code);
}

/* How many bytes at the start of text stand for themselves in a JSON string: printable ASCII but quote and backslash. Eight are looked at at
 * once: none may have its high bit set, be below 0x20, or be one of the three that do not. */
static size_t plain_json(const char *text, size_t size)
{
    static const uint64_t ones = UINT64_MAX / 255, highs = UINT64_MAX / 255 * 128;
    size_t at = 0;
    for (uint64_t word; size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\', rubout = word ^ ones * 0x7F;
        if (((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones) | (rubout - ones)) & highs) != 0)
            break; /* or a neighbour's borrow made it look so, and the slow way finds out */
    }
    return at;
}

/* With structure, text is a whole JSON text: its quotes, backslashes and white space stay. */
static void append_json(struct buf *out, const char *text, size_t size, bool structure)
{
    size_t plain = 0; /* bytes before text + plain were written */
    for (size_t at = 0; at < size;) {
        at += plain_json(text + at, size - at);
        if (at == size)
            break;
        unsigned char c = (unsigned char)text[at];
        if ((c >= 0x20 && c < 0x7F && c != '"' && c != '\\') || (structure && c < 0x7F)) {
            at++;
            continue;
        }
        uint32_t code;
        unsigned length = utf8_decode(text + at, size - at, &code);
        if (length > 1 && !utf8_is_hidden(code)) {
            at += length;
            continue;
        }
        buf_append(out, text + plain, at - plain);
        append_json_escape(out, length ? code : UTF8_REPLACEMENT);
        at += length ? length : 1;
        plain = at;
    }
    buf_append(out, text + plain, size - plain);
}

void escape_json(struct buf *out, const char *text, size_t size)
{
    append_json(out, text, size, false);
}

void escape_json_text(struct buf *out, const char *json, size_t size)
{
    append_json(out, json, size, true);
}

void escape_utf8(struct buf *out, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code;
        unsigned length = next_code(text + at, size - at, &code);
        if (code == 0)
            code = UTF8_REPLACEMENT;
        if (code == UTF8_REPLACEMENT)
            utf8_append(out, code);
        else
            buf_append(out, text + at, length);
        at += length;
    }
}

void escape_terminal(struct buf *out, const char *text, size_t size, bool ascii_only)
{
    for (size_t at = 0; at < size;) {
        uint32_t code;
        unsigned length = next_code(text + at, size - at, &code);
        if (code == '\\')
            buf_append(out, "\\\\", 2);
        else if (code < 0x20 || code == 0x7F)
            buf_appendf(out, "\\x%02X", (unsigned)code);
        else if (utf8_is_hidden(code) || (ascii_only && code > 0x7E))
            buf_appendf(out, "\\u{%04X}", (unsigned)code);
        else
            utf8_append(out, code);
        at += length;
    }
}

/* What makes a spreadsheet take a cell for a formula (OWASP "CSV injection"), full-width forms included, which some fold. */
static bool starts_formula(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code;
        unsigned length = next_code(text + at, size - at, &code);
        switch (code) {
        case '=':
        case '+':
        case '-':
        case '@':
        case '\t':
        case '\r':
        case '\n':
        case 0xFF1D:
        case 0xFF0B:
        case 0xFF0D:
        case 0xFF20:
            return true;
        default:
            break;
        }
        /* Leading blanks are trimmed by some importers, so look behind them. */
        if (code != ' ' && code != 0xA0 && !is_control(code) && !utf8_is_hidden(code))
            return false;
        at += length;
    }
    return false;
}

void escape_csv(struct buf *out, const char *text, size_t size)
{
    bool formula = starts_formula(text, size);
    bool quote = size && (text[0] == ' ' || text[size - 1] == ' ');
    for (size_t i = 0; i < size && !quote; i++) {
        unsigned char c = (unsigned char)text[i];
        quote = c == '"' || c == ',' || c == ';' || c == '\'' || c < 0x20;
    }
    if (quote)
        buf_append_char(out, '"');
    if (formula)
        buf_append_char(out, '\'');
    for (size_t at = 0; at < size;) {
        uint32_t code;
        at += next_code(text + at, size - at, &code);
        if (code == '"')
            buf_append(out, "\"\"", 2);
        else if (is_control(code) || code == 0x2028 || code == 0x2029)
            buf_append_char(out, ' ');
        else if (utf8_is_hidden(code))
            buf_appendf(out, "\\u{%04X}", (unsigned)code);
        else
            utf8_append(out, code);
    }
    if (quote)
        buf_append_char(out, '"');
}

void escape_html(struct buf *out, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code;
        at += next_code(text + at, size - at, &code);
        switch (code) {
        case '&':
            buf_append_str(out, "&amp;");
            break;
        case '<':
            buf_append_str(out, "&lt;");
            break;
        case '>':
            buf_append_str(out, "&gt;");
            break;
        case '"':
            buf_append_str(out, "&quot;");
            break;
        case '\'':
            buf_append_str(out, "&#39;");
            break;
        default:
            /* A page must not be turned round by an override either: such characters are shown by their number. */
            if (is_control(code) || utf8_is_hidden(code))
                buf_appendf(out, "\\u{%04X}", (unsigned)code);
            else
                utf8_append(out, code);
        }
    }
}

static size_t code_columns(uint32_t code)
{
    int width = wcwidth((wchar_t)code);
    return width < 0 ? 1 : (size_t)width;
}

size_t text_columns(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t at = 0; at < size;) {
        uint32_t code;
        at += next_code(text + at, size - at, &code);
        columns += code_columns(code);
    }
    return columns;
}

size_t text_fit(const char *text, size_t size, size_t columns)
{
    size_t used = 0, at = 0;
    while (at < size) {
        uint32_t code;
        unsigned length = next_code(text + at, size - at, &code);
        used += code_columns(code);
        if (used > columns)
            break;
        at += length;
    }
    return at;
}
