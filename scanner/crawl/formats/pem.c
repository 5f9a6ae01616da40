/* The PEM finder: blocks between "-----BEGIN X-----" and "-----END X-----", with anything around and between them.
 *
 * Owns nothing. search.c calls it over whole files and over windows of large ones. It looks neither at names nor at line structure to find a
 * block, since real files indent, quote, escape and concatenate them; and one bad block never swallows the next: a BEGIN ends what is open. */
#include "scanner/crawl/formats/pem.h"

#include <string.h>

#include "certmuster/encode.h"

static const char BEGIN[] = "-----BEGIN ";
static const char END[] = "-----END ";
static const char DASHES[] = "-----";
enum { BEGIN_SIZE = sizeof BEGIN - 1, END_SIZE = sizeof END - 1, DASHES_SIZE = sizeof DASHES - 1 };

void pem_scan_init(struct pem_scan *scan, const void *bytes, size_t size, bool last)
{
    *scan = (struct pem_scan){.data = bytes, .size = size, .last = last};
}

/* Offset of needle in [from, to), or `to`. */
static size_t find(const struct pem_scan *scan, size_t from, size_t to, const char *needle, size_t needle_size)
{
    const char *found = to - from < needle_size ? NULL : memmem(scan->data + from, to - from, needle, needle_size);
    return found ? (size_t)(found - scan->data) : to;
}

enum label_result { LABEL_OK, LABEL_NONE, LABEL_CUT };

/* The label behind "-----BEGIN ": capitals, digits, spaces and a little punctuation, then five dashes. */
static enum label_result read_label(const struct pem_scan *scan, size_t from, struct slice *label, size_t *body)
{
    size_t at = from;
    while (at < scan->size && at - from <= PEM_LABEL_MAX && scan->data[at] != '-' && scan->data[at] >= ' ' &&
           scan->data[at] != 0x7F)
        at++;
    if (at - from > PEM_LABEL_MAX)
        return LABEL_NONE;
    if (scan->size - at < DASHES_SIZE && !scan->last)
        return LABEL_CUT;
    if (at == from || scan->size - at < DASHES_SIZE || memcmp(scan->data + at, DASHES, DASHES_SIZE) != 0)
        return LABEL_NONE;
    *label = (struct slice){(const uint8_t *)scan->data + from, at - from};
    *body = at + DASHES_SIZE;
    return LABEL_OK;
}

enum pem_result pem_next(struct pem_scan *scan, struct pem_block *block)
{
    for (;;) {
        size_t begin = find(scan, scan->at, scan->size, BEGIN, BEGIN_SIZE);
        if (begin == scan->size) {
            /* The last bytes may be the first of a BEGIN. */
            size_t keep = scan->size - scan->at < BEGIN_SIZE ? scan->size - scan->at : BEGIN_SIZE - 1;
            scan->at = scan->last ? scan->size : scan->size - keep;
            return scan->last ? PEM_END : PEM_MORE;
        }
        struct slice label;
        size_t body;
        enum label_result read = read_label(scan, begin + BEGIN_SIZE, &label, &body);
        if (read == LABEL_CUT) {
            scan->at = begin;
            return PEM_MORE;
        }
        if (read == LABEL_NONE) {
            scan->at = begin + BEGIN_SIZE;
            continue;
        }
        /* The next BEGIN first, so that END is never searched for behind it: linear on a file of nothing but BEGIN lines. */
        size_t reach = scan->size - body > PEM_BLOCK_MAX ? body + PEM_BLOCK_MAX : scan->size;
        size_t next = find(scan, body, reach, BEGIN, BEGIN_SIZE);
        size_t end = find(scan, body, next, END, END_SIZE);
        if (end == reach && reach == scan->size && !scan->last) {
            scan->at = begin;
            return PEM_MORE;
        }
        *block = (struct pem_block){label, {(const uint8_t *)scan->data + body, end - body}, begin};
        /* The END line's label and dashes are left to the next search: files run together share the dashes at times. */
        scan->at = end == next ? end : end + END_SIZE;
        return end == next ? PEM_CUT : PEM_BLOCK;
    }
}

bool pem_label_is(const struct pem_block *block, const char *label)
{
    return block->label.size == strlen(label) && memcmp(block->label.data, label, block->label.size) == 0;
}

bool pem_says_encrypted(const struct pem_block *block)
{
    static const char type[] = "Proc-Type:", encrypted[] = "ENCRYPTED";
    size_t head = block->text.size < 256 ? block->text.size : 256;
    return memmem(block->text.data, head, type, sizeof type - 1) &&
           memmem(block->text.data, head, encrypted, sizeof encrypted - 1);
}

static bool is_base64(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
}

/* One line of the text, its end (LF, CR, CRLF, or those as escapes of a JSON string) taken off. */
static struct slice next_line(struct cursor *cursor)
{
    struct slice line = {cursor->at, 0};
    uint8_t c;
    while (!cursor_u8(cursor, &c)) {
        if (c == '\n' || c == '\r')
            return line;
        uint8_t escaped;
        if (c == '\\' && !cursor_peek_u8(cursor, &escaped) && (escaped == 'n' || escaped == 'r')) {
            cursor->at++;
            return line;
        }
        line.size++;
    }
    return line;
}

/* Appends a line's digits. Quotes, commas, plus signs of string concatenation stand around lines of source code and JSON; a backslash
 * before a slash is JSON's, one before another backslash is that of a string within a string. */
static int append_digits(struct slice line, struct buf *out)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = line.data[i];
        if (is_base64(c))
            buf_append_char(out, (char)c);
        else if (c == '\\' && i + 1 < line.size && line.data[i + 1] == 't')
            i++;
        else if (!memchr(" \t\v\f\"',;\\", c, 9))
            return CM_EMALFORMED;
    }
    return 0;
}

int pem_decode(const struct pem_block *block, struct buf *scratch, struct buf *out)
{
    buf_reset(scratch);
    buf_reset(out);
    int status = base64_read_loose((const char *)block->text.data, block->text.size, out); /* nearly all are plain */
    if (status != CM_EMALFORMED)
        return status;
    if (!buf_extend(scratch, block->text.size)) /* one allocation: no copies of a key left behind by growing */
        return CM_ELIMIT;
    buf_reset(scratch);
    struct cursor cursor;
    cursor_init_slice(&cursor, block->text);
    bool headers = true;
    while (!cursor_at_end(&cursor)) {
        struct slice line = next_line(&cursor);
        if (headers && line.size && memchr(line.data, ':', line.size))
            continue; /* RFC 1421 §4.4 */
        headers = headers && scratch->size == 0;
        if (append_digits(line, scratch))
            return CM_EMALFORMED;
    }
    return base64_read_loose(scratch->data, scratch->size, out);
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
    cursor_init_slice(&cursor, block->text);
    while (!cursor_at_end(&cursor)) {
        struct slice line = next_line(&cursor);
        if (line.size > 2 && memmem(line.data, line.size, "...", 3))
            return true;
        real = real || is_base64_line(line);
    }
    return !real;
}
