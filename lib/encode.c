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

/* One more than the digit's value; 0: no digit. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int hex_read(const char *text, size_t text_size, uint8_t *out, size_t size)
{
    const uint8_t *in = (const uint8_t *)text;
    bool bad = text_size % 2 || text_size / 2 != size;
    for (size_t i = 0; i < text_size && !bad; i++)
        bad = !hex_values[in[i]];
    if (bad)
        return CM_EMALFORMED;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((hex_values[in[2 * i]] - 1) << 4 | (hex_values[in[2 * i + 1]] - 1));
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

enum { BASE64_SPACE = 65, BASE64_PADDING = 66 };

/* One more than the digit's value; 0: nothing of base64. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,
    ['B'] = 2,
    ['C'] = 3,
    ['D'] = 4,
    ['E'] = 5,
    ['F'] = 6,
    ['G'] = 7,
    ['H'] = 8,
    ['I'] = 9,
    ['J'] = 10,
    ['K'] = 11,
    ['L'] = 12,
    ['M'] = 13,
    ['N'] = 14,
    ['O'] = 15,
    ['P'] = 16,
    ['Q'] = 17,
    ['R'] = 18,
    ['S'] = 19,
    ['T'] = 20,
    ['U'] = 21,
    ['V'] = 22,
    ['W'] = 23,
    ['X'] = 24,
    ['Y'] = 25,
    ['Z'] = 26,
    ['a'] = 27,
    ['b'] = 28,
    ['c'] = 29,
    ['d'] = 30,
    ['e'] = 31,
    ['f'] = 32,
    ['g'] = 33,
    ['h'] = 34,
    ['i'] = 35,
    ['j'] = 36,
    ['k'] = 37,
    ['l'] = 38,
    ['m'] = 39,
    ['n'] = 40,
    ['o'] = 41,
    ['p'] = 42,
    ['q'] = 43,
    ['r'] = 44,
    ['s'] = 45,
    ['t'] = 46,
    ['u'] = 47,
    ['v'] = 48,
    ['w'] = 49,
    ['x'] = 50,
    ['y'] = 51,
    ['z'] = 52,
    ['0'] = 53,
    ['1'] = 54,
    ['2'] = 55,
    ['3'] = 56,
    ['4'] = 57,
    ['5'] = 58,
    ['6'] = 59,
    ['7'] = 60,
    ['8'] = 61,
    ['9'] = 62,
    ['+'] = 63,
    ['/'] = 64,
    [' '] = BASE64_SPACE,
    ['\t'] = BASE64_SPACE,
    ['\r'] = BASE64_SPACE,
    ['\n'] = BASE64_SPACE,
    ['\v'] = BASE64_SPACE,
    ['\f'] = BASE64_SPACE,
    ['='] = BASE64_PADDING,
};

/* 0 to 63 for a digit, -1 for white space, -2 for '=', -3 for anything else. */
static int base64_value(uint8_t c)
{
    unsigned value = base64_values[c];
    return value == 0 ? -3 : value == BASE64_PADDING ? -2 : value == BASE64_SPACE ? -1 : (int)value - 1;
}

/* Four digits, which most of a text is: their three bytes. */
static bool base64_group(const uint8_t *in, char *out)
{
    uint32_t group = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = base64_values[in[i]] - 1U;
        if (value > 63)
            return false;
        group = group << 6 | value;
    }
    out[0] = (char)(group >> 16);
    out[1] = (char)(group >> 8);
    out[2] = (char)group;
    return true;
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
        if (digits == 0 && padding == 0 && size - i >= 4 && base64_group((const uint8_t *)text + i, at)) {
            at += 3;
            i += 3;
            continue;
        }
        int value = base64_value((uint8_t)text[i]);
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
