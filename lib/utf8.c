/* UTF-8 for the escapers and for names of certificates.
 *
 * Owns the list of characters that a terminal or a page must not be given raw. */
#include "certmuster/utf8.h"

unsigned utf8_decode(const char *text, size_t size, uint32_t *code)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned length;
    uint32_t least, sum;
    if (in[0] < 0x80) {
        *code = in[0];
        return 1;
    } else if (in[0] >= 0xC2 && in[0] <= 0xDF) {
        length = 2, least = 0x80, sum = in[0] & 0x1Fu;
    } else if (in[0] >= 0xE0 && in[0] <= 0xEF) {
        length = 3, least = 0x800, sum = in[0] & 0x0Fu;
    } else if (in[0] >= 0xF0 && in[0] <= 0xF4) {
        length = 4, least = 0x10000, sum = in[0] & 0x07u;
    } else {
        return 0;
    }
    if (size < length)
        return 0;
    for (unsigned i = 1; i < length; i++) {
        if ((in[i] & 0xC0) != 0x80)
            return 0;
        sum = sum << 6 | (in[i] & 0x3Fu);
    }
    if (sum < least || sum > 0x10FFFF || (sum >= 0xD800 && sum <= 0xDFFF))
        return 0;
    *code = sum;
    return length;
}

void utf8_append(struct buf *out, uint32_t code)
{
    char bytes[4];
    unsigned size;
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        code = UTF8_REPLACEMENT;
    if (code < 0x80) {
        buf_append_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        size = 2, bytes[0] = (char)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        size = 3, bytes[0] = (char)(0xE0 | code >> 12);
    } else {
        size = 4, bytes[0] = (char)(0xF0 | code >> 18);
    }
    for (unsigned i = 1; i < size; i++)
        bytes[i] = (char)(0x80 | (code >> (6 * (size - 1 - i)) & 0x3F));
    buf_append(out, bytes, size);
}

bool utf8_is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x0080, 0x009F},   /* C1 controls: U+009B is CSI, U+0090 DCS, U+009D OSC */
        {0x00AD, 0x00AD},   /* soft hyphen */
        {0x034F, 0x034F},   /* combining grapheme joiner */
        {0x061C, 0x061C},   /* Arabic letter mark */
        {0x115F, 0x1160},   /* Hangul fillers: blank */
        {0x17B4, 0x17B5},   /* Khmer inherent vowels: invisible */
        {0x180B, 0x180F},   /* Mongolian selectors and vowel separator */
        {0x200B, 0x200F},   /* zero-width space, joiners, left-to-right and right-to-left marks */
        {0x2028, 0x202E},   /* line and paragraph separators, embeddings and overrides */
        {0x2060, 0x206F},   /* word joiner, invisible operators, isolates, deprecated format characters */
        {0x2800, 0x2800},   /* braille blank */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xFE00, 0xFE0F},   /* variation selectors */
        {0xFEFF, 0xFEFF},   /* zero-width no-break space */
        {0xFFA0, 0xFFA0},   /* halfwidth Hangul filler */
        {0xFFF9, 0xFFFB},   /* interlinear annotations */
        {0x1BCA0, 0x1BCA3}, /* shorthand format controls */
        {0x1D173, 0x1D17A}, /* musical format controls */
        {0xE0000, 0xE0FFF}, /* tags and more variation selectors */
    };
    if (code < hidden[0].first)
        return false;
    for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    return false;
}
