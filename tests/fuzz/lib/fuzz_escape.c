/* The escapers over any bytes: output is always valid UTF-8 and holds no raw control; each medium's own promise is checked too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An independent reading of RFC 3629 §4 by its grammar, so that escape.c's decoder is not its own judge. Returns the code point. */
static uint32_t next(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    size_t left = (size_t)(end - p);
    unsigned length = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (length == 0 || length > left)
        abort();
    for (unsigned i = 1; i < length; i++)
        if (p[i] < 0x80 || p[i] > 0xBF)
            abort();
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        abort();
    uint32_t code = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (unsigned i = 1; i < length; i++)
        code = code << 6 | (p[i] & 0x3F);
    *at += length;
    return code;
}

static void check(const struct buf *out)
{
    const uint8_t *at = (const uint8_t *)out->data, *end = at + out->size;
    while (at < end) {
        uint32_t code = next(&at, end);
        if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            abort();
        if ((code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
            (code >= 0x200B && code <= 0x200F) || code == 0xFEFF)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct buf out;
    if (size > 1 << 16)
        return 0;
    buf_init(&out, 16 * (size + 4));

    escape_json(&out, text, size);
    check(&out);
    buf_reset(&out);
    escape_terminal(&out, text, size, false);
    check(&out);
    buf_reset(&out);
    escape_terminal(&out, text, size, true);
    for (size_t i = 0; i < out.size; i++)
        if ((unsigned char)out.data[i] < 0x20 || (unsigned char)out.data[i] > 0x7E)
            abort();
    buf_reset(&out);
    escape_csv(&out, text, size);
    check(&out);
    if (out.size && strchr("=+-@", out.data[out.data[0] == '"' && out.size > 1]))
        abort();
    buf_reset(&out);
    escape_html(&out, text, size);
    check(&out);
    if (strpbrk(out.data, "<>\"'"))
        abort();
    if (out.failed)
        abort(); /* sixteen times the input is room enough for every escape */
    if (text_fit(text, size, text_columns(text, size)) != size)
        abort();
    buf_done(&out);
    return 0;
}
