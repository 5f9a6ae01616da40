/* Certificates in base64 without BEGIN and END: <ds:X509Certificate> of XML signatures and SAML metadata, "x5c" of JSON Web Keys. */
#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/limits.h"
#include "scanner/crawl/formats/search_private.h"

enum { LEAD_MAX = 32, DIGITS_MAX = 2 * CM_LIMIT_CERT_BYTES };

static bool is_digit(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\\' || c == 'n' || c == 'r';
}

/* Where the base64 behind an element's name or a member's begins: at its "MI", which is how DER of that size does. */
static size_t begin_of(const struct window *window, size_t from)
{
    for (size_t at = from; at + 2 < window->size && at - from < LEAD_MAX; at++)
        if (window->bytes[at] == 'M' && window->bytes[at + 1] == 'I' && at && !is_digit(window->bytes[at - 1]))
            return at;
    return 0;
}

/* The run of digits and line ends, escaped or not, from here. */
static size_t end_of(const struct window *window, size_t from)
{
    size_t at = from;
    while (at < window->size && at - from < DIGITS_MAX && (is_digit(window->bytes[at]) || is_blank(window->bytes[at])))
        at++;
    return at;
}

static bool take_one(struct search *search, struct slice text)
{
    struct buf der;
    bool told = false;
    buf_init(&der, DIGITS_MAX);
    if (!base64_read_loose((const char *)text.data, text.size, &der) &&
        der_item_of(buf_slice(&der)) == DER_ITEM_CERTIFICATE)
        told = !der_item_tell(&search->items, DER_ITEM_CERTIFICATE, buf_slice(&der), NULL);
    buf_done(&der);
    return told;
}

bool search_take_bare(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    (void)needle;
    if (window->size - *at < DIGITS_MAX && !window->last && *at)
        return false;
    *at += NEEDLE_BYTES - 3; /* "MI" may stand in the needle */
    size_t begin;
    while ((begin = begin_of(window, *at))) {
        size_t end = end_of(window, begin);
        struct slice text = {window->bytes + begin, end - begin};
        bool told = take_one(search, text);
        *at = end; /* an element's end would have ended the run: no other begins in it */
        if (!told || end >= window->size || window->bytes[end] != '"') /* one more of a list follows: "…","MI… */
            break;
    }
    *at += 3;
    if (*at > window->size)
        *at = window->size;
    return true;
}
