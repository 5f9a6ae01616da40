/* The first line of a segment, which says whose it is. The name is JSON, as escape_json writes it; reading it needs no more of JSON than a string. */
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/utf8.h"
#include "lib/spool_private.h"

static const char start[] = "{\"v\":1,\"type\":\"segment\",\"scanner\":\"";

enum { NAME_MAX_BYTES = 4096, START_SIZE = sizeof start - 1 };

void spool_head_write(struct buf *out, const char *scanner)
{
    buf_append_str(out, start);
    escape_json(out, scanner, strlen(scanner));
    buf_append_str(out, "\"}");
}

bool spool_is_head(const char *record, size_t size)
{
    return size >= START_SIZE && memcmp(record, start, START_SIZE) == 0;
}

/* The four digits of a \u at their beginning; -1: they are none. */
static long read_unit(const char *text, size_t size)
{
    long unit = 0;
    for (size_t i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = i < size && text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return -1;
        long value = digit - digits;
        unit = unit * 16 + (value < 16 ? value : value - 6);
    }
    return unit;
}

/* What stands behind a backslash: how many bytes of it were read, 0: it is no escape (RFC 8259 §7). */
static size_t read_escape(const char *text, size_t size, struct buf *out)
{
    static const char shorts[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    for (size_t i = 0; size && i + 1 < sizeof shorts; i += 2)
        if (shorts[i] == text[0]) {
            buf_append_char(out, shorts[i + 1]);
            return 1;
        }
    if (!size || text[0] != 'u')
        return 0;
    long code = read_unit(text + 1, size - 1);
    size_t used = 5;
    if (code >= 0xD800 && code <= 0xDBFF) {
        long low = size > 7 && text[5] == '\\' && text[6] == 'u' ? read_unit(text + 7, size - 7) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return 0;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        used = 11;
    }
    if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF))
        return 0;
    utf8_append(out, (uint32_t)code);
    return used;
}

/* Up to the closing quote; false: there is none, or it is no string. */
static bool read_string(const char *text, size_t size, struct buf *out)
{
    for (size_t i = 0; i < size && !out->failed;) {
        if (text[i] == '"')
            return true;
        if (!text[i])
            return false;
        if (text[i] != '\\') {
            buf_append_char(out, text[i++]);
            continue;
        }
        size_t used = read_escape(text + i + 1, size - i - 1, out);
        if (!used)
            return false;
        i += 1 + used;
    }
    return false;
}

char *spool_head_read(const char *record, size_t size)
{
    struct buf name;
    char *scanner = NULL;
    buf_init(&name, NAME_MAX_BYTES);
    if (spool_is_head(record, size) && read_string(record + START_SIZE, size - START_SIZE, &name))
        scanner = cm_strndup(name.data, name.size);
    buf_done(&name);
    return scanner ? scanner : cm_strdup("");
}
