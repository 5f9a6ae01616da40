/* PuTTY's private keys (.ppk, versions 1 to 3): the public half stands in clear, the private one is never looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/search_private.h"

enum { LINES_MAX = 512 };

/* One line, its end taken off, and the blanks that indent it in a manual or in YAML; false at the end of the text. */
static bool next_line(struct cursor *cursor, struct slice *line)
{
    if (cursor_at_end(cursor))
        return false;
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
    const uint8_t *end = cursor->at;
    while (end < cursor->end && *end != '\n' && *end != '\r')
        end++;
    *line = (struct slice){cursor->at, (size_t)(end - cursor->at)};
    if (end + 1 < cursor->end && end[0] == '\r' && end[1] == '\n')
        end++;
    cursor->at = end < cursor->end ? end + 1 : end;
    while (line->size &&
           (line->data[0] == ' ' || line->data[0] == '\t' || line->data[0] == '>')) { /* indented, quoted */
        line->data++;
        line->size--;
    }
    return true;
}

/* The value behind "Name: "; false when the line has another name. */
static bool member(struct slice line, const char *name, struct slice *value)
{
    size_t size = strlen(name);
    if (line.size < size + 2 || memcmp(line.data, name, size) != 0 || line.data[size] != ':')
        return false;
    *value = (struct slice){line.data + size + 2, line.size - size - 2};
    return true;
}

static unsigned number(struct slice value)
{
    unsigned sum = 0;
    for (size_t i = 0; i < value.size && i < 4 && value.data[i] >= '0' && value.data[i] <= '9'; i++)
        sum = sum * 10 + (value.data[i] - '0');
    return sum;
}

struct putty {
    bool has_encryption, encrypted, has_public;
    struct buf blob;
    bool ended; /* the line that says how much of the private half follows was reached */
};

static void read_lines(struct cursor cursor, struct putty *out)
{
    struct slice line, value;
    struct buf digits;
    unsigned lines = 0;
    buf_init(&digits, SEARCH_LINE_MAX);
    while (lines++ < LINES_MAX && !out->ended && next_line(&cursor, &line)) {
        if (member(line, "Encryption", &value)) {
            out->has_encryption = true;
            out->encrypted = value.size != 4 || memcmp(value.data, "none", 4) != 0;
        } else if (member(line, "Public-Lines", &value)) {
            for (unsigned i = number(value); i && next_line(&cursor, &line); i--)
                buf_append(&digits, line.data, line.size);
            out->has_public = !digits.failed && !base64_read_loose(digits.data, digits.size, &out->blob);
        } else if (member(line, "Private-Lines", &value)) {
            out->ended = true;
        }
    }
    buf_done(&digits);
}

bool search_take_putty(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    static const char head[] = "PuTTY-User-Key-File-";
    struct cursor cursor;
    struct putty putty = {0};
    size_t left = window->size - *at, reach = left < SEARCH_LINE_MAX ? left : SEARCH_LINE_MAX;
    (void)needle;
    if (left < SEARCH_LINE_MAX && !window->last && *at)
        return false;
    const uint8_t *begin = window->bytes + *at;
    *at += NEEDLE_BYTES;
    if (reach < sizeof head + 2 || memcmp(begin, head, sizeof head - 1) != 0 || begin[sizeof head - 1] < '1' ||
        begin[sizeof head - 1] > '9' || begin[sizeof head] != ':' || !search_may_look(search, SEARCH_LINE_MAX / 16))
        return true;
    cursor_init(&cursor, begin, reach);
    buf_init(&putty.blob, SEARCH_LINE_MAX);
    read_lines(cursor, &putty);
    char entry[32];
    snprintf(entry, sizeof entry, "key-%zu", ++search->told->keys);
    struct found_key key = {.format = "putty", .entry = entry, .kind = "putty", .encrypted = putty.encrypted};
    if (putty.has_public)
        key_describe_ssh(buf_slice(&putty.blob), &key);
    if (putty.has_encryption && putty.ended)
        search->job->ops->key(search->job->ops->context, &key);
    else
        job_problem(search->job, "putty", entry, RECORD_ERROR_MALFORMED, "a PuTTY key that is cut or damaged");
    buf_done(&putty.blob);
    return true;
}
