/* Hex and base64 (RFC 4648 §4, §8).
 *
 * Owns nothing. Records, ids and the PEM finder call it. Decoding is strict (one text for one value), except where PEM asks otherwise. */
#include "certmuster/encode.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void hex_fill(char *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
}

void hex_append(struct buf *out, const void *bytes, size_t size)
{
    char *at = size > SIZE_MAX / 2 ? NULL : buf_extend(out, 2 * size);
    if (at)
        hex_fill(at, bytes, size);
}

void hex_write(char *out, const void *bytes, size_t size)
{
    hex_fill(out, bytes, size);
    out[2 * size] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_read(const char *text, size_t text_size, uint8_t *out, size_t size)
{
    if (text_size % 2 || text_size / 2 != size)
        return CM_EMALFORMED;
    for (size_t i = 0; i < text_size; i++)
        if (hex_value(text[i]) < 0)
            return CM_EMALFORMED;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return 0;
}

void base64_append(struct buf *out, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    char *at = size / 3 >= SIZE_MAX / 4 ? NULL : buf_extend(out, (size + 2) / 3 * 4);
    if (!at)
        return;
    for (; size >= 3; size -= 3, in += 3) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *at++ = base64_digits[group >> 18];
        *at++ = base64_digits[group >> 12 & 63];
        *at++ = base64_digits[group >> 6 & 63];
        *at++ = base64_digits[group & 63];
    }
    if (!size)
        return;
    uint32_t group = (uint32_t)in[0] << 16 | (size == 2 ? (uint32_t)in[1] << 8 : 0);
    *at++ = base64_digits[group >> 18];
    *at++ = base64_digits[group >> 12 & 63];
    *at++ = size == 2 ? base64_digits[group >> 6 & 63] : '=';
    *at = '=';
}

/* 0 to 63 for a digit, -1 for white space, -2 for '=', -3 for anything else. */
static int base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    switch (c) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return -2;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '\v':
    case '\f':
        return -1;
    default:
        return -3;
    }
}

/* Both forms: out grows only when all of the text was right. */
static int base64_decode(const char *text, size_t size, bool loose, struct buf *out)
{
    size_t before = out->size;
    char *at = buf_extend(out, size / 4 * 3 + 3);
    if (!at)
        return CM_ELIMIT;
    uint32_t group = 0;
    unsigned digits = 0, padding = 0;
    bool bad = false;
    for (size_t i = 0; i < size && !bad; i++) {
        int value = base64_value((unsigned char)text[i]);
        if (value == -1 && loose)
            continue;
        if (value == -2) {
            bad = ++padding > 2;
            continue;
        }
        bad = value < 0 || padding;
        group = group << 6 | (uint32_t)(value & 63);
        if (++digits == 4) {
            *at++ = (char)(group >> 16);
            *at++ = (char)(group >> 8);
            *at++ = (char)group;
            group = digits = 0;
        }
    }
    /* One digit alone cannot make a byte. Strict text pads to four and leaves the bits that make no byte zero. */
    bool padded = digits ? digits + padding == 4 : padding == 0;
    bad = bad || digits == 1 || (loose ? digits + padding > 4 || (digits == 0 && padding) : !padded);
    if (digits == 2 && !bad) {
        *at++ = (char)(group >> 4);
        bad = !loose && (group & 15);
    } else if (digits == 3 && !bad) {
        *at++ = (char)(group >> 10);
        *at++ = (char)(group >> 2);
        bad = !loose && (group & 3);
    }
    out->size = bad ? before : (size_t)(at - out->data);
    out->data[out->size] = '\0';
    return bad ? CM_EMALFORMED : 0;
}

int base64_read(const char *text, size_t size, struct buf *out)
{
    return base64_decode(text, size, false, out);
}

int base64_read_loose(const char *text, size_t size, struct buf *out)
{
    return base64_decode(text, size, true, out);
}
