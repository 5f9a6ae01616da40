/* Fields, modified UTF-8 and UTF-16, in the one direction that a reader needs. Owns nothing. */
#include "scanner/crawl/formats/java_text.h"

#include <string.h>

#include "certmuster/utf8.h"

int java_read_text(struct cursor *cursor, struct slice *text)
{
    struct cursor bytes;
    if (cursor_vector16(cursor, &bytes))
        return CM_ETRUNCATED;
    *text = (struct slice){bytes.at, cursor_left(&bytes)};
    return 0;
}

int java_read_data(struct cursor *cursor, struct slice *data)
{
    struct cursor at = *cursor;
    uint32_t size;
    if (cursor_u32(&at, &size) || cursor_slice(&at, size, data))
        return CM_ETRUNCATED;
    *cursor = at;
    return 0;
}

/* One half of a surrogate pair, three bytes of its own in modified UTF-8: its value, or 0. */
static uint32_t surrogate(const uint8_t *at, size_t size)
{
    if (size < 3 || at[0] != 0xED || at[1] < 0xA0 || at[1] > 0xBF || (at[2] & 0xC0) != 0x80)
        return 0;
    return 0xD000u | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3Fu);
}

/* The code point at the start of text (not empty), how many bytes it takes; bytes that are none are U+FFFD. */
static size_t next_code(struct slice text, uint32_t *code)
{
    const uint8_t *at = text.data;
    unsigned length = utf8_decode((const char *)at, text.size, code);
    if (length)
        return length;
    *code = UTF8_REPLACEMENT;
    if (text.size >= 2 && at[0] == 0xC0 && at[1] == 0x80) {
        *code = 0;
        return 2;
    }
    uint32_t high = surrogate(at, text.size), low = high ? surrogate(at + 3, text.size - 3) : 0;
    if (!high)
        return 1;
    if (high >= 0xDC00 || low < 0xDC00)
        return 3;
    *code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 6;
}

bool java_text_append(struct buf *out, struct slice text, size_t max)
{
    while (text.size) {
        uint32_t code;
        size_t length = next_code(text, &code), before = out->size;
        utf8_append(out, code ? code : UTF8_REPLACEMENT); /* a NUL would end the name */
        if (out->size > max || out->failed) {
            out->size = before;
            out->data[before] = '\0';
            return false;
        }
        text.data += length;
        text.size -= length;
    }
    return true;
}

bool java_text_plausible(struct slice text)
{
    while (text.size) {
        uint32_t code;
        size_t length = next_code(text, &code);
        if (code < ' ' || code == 0x7F || code == UTF8_REPLACEMENT)
            return false;
        text.data += length;
        text.size -= length;
    }
    return true;
}

static void append_u16(struct java_password *out, uint32_t unit)
{
    if (out->size + 2 < sizeof out->bytes) { /* as many bytes as the password has, twice, are always enough */
        out->bytes[out->size++] = (uint8_t)(unit >> 8);
        out->bytes[out->size++] = (uint8_t)unit;
    }
}

bool java_password(const char *password, unsigned reading, struct java_password *out)
{
    size_t size = strlen(password);
    bool plain = true;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < size;) {
        uint32_t code = (unsigned char)password[i];
        unsigned length = reading == 0 ? utf8_decode(password + i, size - i, &code) : 1;
        plain = plain && code < 0x80;
        if (code >= 0x10000) {
            append_u16(out, 0xD800 + ((code - 0x10000) >> 10));
            code = 0xDC00 + (code & 0x3FF);
        }
        append_u16(out, code);
        i += length ? length : 1;
    }
    return reading == 0 || !plain;
}
