/* Texts in disguise: UTF-16 and base64 around what the search looks for. They are undone into memory and searched again, as deep as three
 * within each other; ordinals go on, since it is one file all the same. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "scanner/crawl/formats/search_private.h"

enum { BASE64_BYTES_MAX = 7 * 1024 * 1024 /* of one run of base64: less than a window */ };

static void finish(struct buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->capacity);
    buf_done(buf);
}

/* Searches what was undone; returns how many of its bytes are done with. */
static size_t search_undone(struct search *search, struct buf *text, bool last)
{
    struct window window = {(uint8_t *)text->data, text->size, last};
    if (search->disguises == SEARCH_DISGUISES_MAX)
        return text->size;
    search->disguises++;
    size_t done = search_window(search, &window);
    search->disguises--;
    return done;
}

/* Every other byte is zero as long as it is ASCII; big-endian text, seen from its second byte on, looks the same as little-endian. */
bool search_take_utf16(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    enum { BEFORE_MAX = 2 * 14 }; /* the needle is the end of what makes a beginning */
    size_t start = *at, end;
    struct buf text;
    (void)needle;
    while (start >= 2 && *at - start < BEFORE_MAX && window->bytes[start - 2] && !window->bytes[start - 1])
        start -= 2;
    end = start;
    while (end + 1 < window->size && window->bytes[end] && !window->bytes[end + 1])
        end += 2;
    bool open = end + 1 >= window->size && !window->last;
    if (open && start) {
        *at = start;
        return false;
    }
    buf_init(&text, (end - start) / 2 + 1);
    char *out = buf_extend(&text, (end - start) / 2);
    for (size_t i = start; out && i < end; i += 2)
        *out++ = (char)window->bytes[i];
    size_t done = search_undone(search, &text, !open);
    if (open &&
        done) { /* a whole window of UTF-16: what is done of it goes, the rest comes again with more behind it */
        *at = start + 2 * done;
        finish(&text);
        return false;
    }
    *at = end > *at + NEEDLE_BYTES ? end : *at + NEEDLE_BYTES;
    finish(&text);
    return true;
}

/* Digits of base64 or of its form for URLs; line ends, blanks and their escapes in strings go between them. Returns where they end. out may be
 * NULL: they are counted alone. */
static size_t gather(const struct window *window, size_t from, char *out, size_t *count)
{
    enum { BLANKS_MAX = 128 };
    unsigned blanks = 0;
    size_t at = from, size = 0;
    for (; at < window->size && size < BASE64_BYTES_MAX && blanks <= BLANKS_MAX; at++) {
        char c = (char)window->bytes[at], next = at + 1 < window->size ? (char)window->bytes[at + 1] : 0;
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (digit || c == '-' || c == '_') {
            if (out)
                out[size] = digit ? c : c == '-' ? '+' : '/';
            size++;
            blanks = 0;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            blanks++;
        } else if (c == '\\' && next && strchr("nr\n\\/", next)) {
            at += next == 'n' || next == 'r';
            blanks++;
        } else {
            break;
        }
    }
    *count = size;
    return at;
}

/* Where the group of four begins in which the text's first byte stands: count digits before from. */
static size_t step_back(const struct window *window, size_t from, unsigned count)
{
    enum { BLANKS_MAX = 8 };
    size_t at = from;
    for (unsigned blanks = 0; count && at && blanks <= BLANKS_MAX;) {
        at--;
        if (memchr(" \t\r\n", window->bytes[at], 4))
            blanks++;
        else
            count--;
    }
    return at;
}

bool search_take_base64(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    /* How many digits of the encoded BEGIN stand before the needle. */
    static const unsigned before[] = {
        [NEEDLE_BASE64] = 4, [NEEDLE_BASE64_SHIFTED] = 6, [NEEDLE_BASE64_SHIFTED2] = 7, [NEEDLE_BASE64_TWICE] = 0};
    size_t start = step_back(window, *at, before[needle]);
    size_t count, end = gather(window, start, NULL, &count);
    bool open = end == window->size && !window->last && count < BASE64_BYTES_MAX;
    if (open && start) {
        *at = start;
        return false;
    }
    struct buf digits, text;
    buf_init(&digits, count + 1);
    buf_init(&text, count);
    char *out = buf_extend(&digits, count); /* one allocation each: growing would leave copies of a key behind */
    (void)gather(window, start, out, &count);
    digits.size = count - count % 4; /* what is left of a group is a dash, or the next word's */
    if (out && buf_extend(&text, digits.size / 4 * 3)) {
        buf_reset(&text);
        if (!base64_read_loose(digits.data, digits.size, &text))
            (void)search_undone(search, &text, true);
    }
    finish(&digits);
    finish(&text);
    *at = end > *at + NEEDLE_BYTES ? end : *at + NEEDLE_BYTES;
    return true;
}
