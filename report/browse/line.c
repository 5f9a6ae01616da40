/* A line editor with the keys that readline taught everybody. Called by prompt.c. */
#include "report/browse/line.h"

#include <string.h>

#include "report/browse/screen.h"

enum {
    CONTROL_A = 1,
    CONTROL_B = 2,
    CONTROL_D = 4,
    CONTROL_E = 5,
    CONTROL_F = 6,
    CONTROL_K = 11,
    CONTROL_U = 21,
    CONTROL_W = 23
};

void line_clear(struct line *line)
{
    *line = (struct line){.size = 0};
}

void line_set(struct line *line, const char *text)
{
    size_t size = strlen(text);
    line_clear(line);
    if (size >= LINE_BYTES_MAX)
        return;
    memcpy(line->text, text, size + 1);
    line->size = line->cursor = size;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t before(const struct line *line, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && continues(line->text[at]))
        at--;
    return at;
}

static size_t after(const struct line *line, size_t at)
{
    if (at < line->size)
        at++;
    while (at < line->size && continues(line->text[at]))
        at++;
    return at;
}

/* Takes out [from, to) and leaves the cursor there. */
static bool cut(struct line *line, size_t from, size_t to)
{
    memmove(line->text + from, line->text + to, line->size - to + 1);
    line->size -= to - from;
    line->cursor = from;
    return to > from;
}

static size_t encode(char out[static 4], int code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF0 << (4 - length)) | code);
    return length;
}

static bool insert(struct line *line, int code)
{
    char bytes[4];
    if (code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
        return false;
    size_t length = encode(bytes, code);
    if (line->size + length >= LINE_BYTES_MAX)
        return false;
    memmove(line->text + line->cursor + length, line->text + line->cursor, line->size - line->cursor + 1);
    memcpy(line->text + line->cursor, bytes, length);
    line->size += length;
    line->cursor += length;
    return true;
}

/* Where the word before the cursor starts. */
static size_t word_start(const struct line *line)
{
    size_t at = line->cursor;
    while (at > 0 && line->text[at - 1] == ' ')
        at--;
    while (at > 0 && line->text[at - 1] != ' ')
        at--;
    return at;
}

bool line_key(struct line *line, int key)
{
    switch (key) {
    case INPUT_LEFT:
    case CONTROL_B:
        line->cursor = before(line, line->cursor);
        return false;
    case INPUT_RIGHT:
    case CONTROL_F:
        line->cursor = after(line, line->cursor);
        return false;
    case INPUT_HOME:
    case CONTROL_A:
        line->cursor = 0;
        return false;
    case INPUT_END:
    case CONTROL_E:
        line->cursor = line->size;
        return false;
    case INPUT_BACKSPACE:
        return cut(line, before(line, line->cursor), line->cursor);
    case INPUT_DELETE:
    case CONTROL_D:
        return cut(line, line->cursor, after(line, line->cursor));
    case CONTROL_U:
        return cut(line, 0, line->cursor);
    case CONTROL_K:
        return cut(line, line->cursor, line->size);
    case CONTROL_W:
        return cut(line, word_start(line), line->cursor);
    default:
        return insert(line, key);
    }
}
