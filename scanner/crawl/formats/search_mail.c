/* S/MIME (RFC 8551): a CMS in base64 behind the headers of a mail or of one of its parts, with or without a name like smime.p7m. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "scanner/crawl/formats/cms.h"
#include "scanner/crawl/formats/search_private.h"

enum { HEADER_BYTES_MAX = 8192, BODY_BYTES_MAX = 7 * 1024 * 1024 };

/* The end of the header block: behind the first empty line, or 0 when there is none near. */
static size_t body_of(const struct window *window, size_t from)
{
    size_t line = 0; /* characters of the line so far */
    for (size_t at = from; at < window->size && at - from < HEADER_BYTES_MAX; at++) {
        if (window->bytes[at] == '\n') {
            if (!line && at > from)
                return at + 1;
            line = 0;
        } else if (window->bytes[at] != '\r') {
            line++;
        }
    }
    return 0;
}

/* Where the base64 ends: an empty line, a boundary, or anything else. */
static size_t end_of(const struct window *window, size_t from)
{
    size_t at = from;
    for (; at < window->size && at - from < BODY_BYTES_MAX; at++) {
        uint8_t c = window->bytes[at];
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                     c == '/' || c == '=';
        if (c == '\n' && at + 1 < window->size && memchr("\n\r-", window->bytes[at + 1], 3))
            return at;
        if (!digit && c != '\r' && c != '\n' && c != ' ' && c != '\t')
            return at;
    }
    return at;
}

bool search_take_mail(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    (void)needle;
    if (window->size - *at < HEADER_BYTES_MAX && !window->last && *at)
        return false;
    size_t from = *at + NEEDLE_BYTES, body = search_may_look(search, HEADER_BYTES_MAX / 4) ? body_of(window, from) : 0,
           end = body ? end_of(window, body) : 0;
    if (body && end == window->size && !window->last && *at && end - body < BODY_BYTES_MAX)
        return false;
    *at = from;
    if (!body || end - body < 64)
        return true;
    struct buf der;
    buf_init(&der, BODY_BYTES_MAX);
    if (buf_extend(&der, (end - body) / 4 * 3 + 3)) {
        buf_reset(&der);
        if (!base64_read_loose((const char *)window->bytes + body, end - body, &der) &&
            !der_item_tell(&search->items, DER_ITEM_CMS, buf_slice(&der), NULL))
            *at = end;
        OPENSSL_cleanse(der.data, der.capacity);
    }
    buf_done(&der);
    return true;
}
