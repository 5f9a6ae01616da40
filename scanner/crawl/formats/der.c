/* Files of bare DER (or BER): certificates, requests, revocation lists, OCSP responses and private keys, one behind the other in any mixture.
 *
 * Zeros or line ends before the first do not count. What is none of these between them or behind the last is passed over (signatures, padding,
 * damage): the next whole certificate is looked for. What is behind is searched for PEM, too. */
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/cert.h"
#include "certmuster/der.h"
#include "scanner/crawl/formats/der_items.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sniff.h"

enum { PADDING_MAX = 4096 };

static size_t padding(struct slice bytes)
{
    size_t at = 0;
    while (at < bytes.size && at < PADDING_MAX && memchr("\0\n\r ", bytes.data[at], 4))
        at++;
    return at;
}

static bool identify(struct slice head)
{
    size_t skip = padding(head);
    enum sniffed sniffed = sniff(head.data + skip, head.size - skip);
    return sniffed == SNIFF_CERTIFICATE || sniffed == SNIFF_DER;
}

/* Where the next whole certificate begins; size when there is none. */
static size_t next_certificate(struct slice bytes, size_t from)
{
    const uint8_t *at = bytes.data + from, *end = bytes.data + bytes.size;
    size_t length;
    for (; at < end && (at = memchr(at, DER_SEQUENCE, (size_t)(end - at))); at++) {
        size_t left = (size_t)(end - at);
        if (sniff(at, left) == SNIFF_CERTIFICATE && !cert_length(at, left, &length) && length <= left &&
            sniff_certificate_shape(at, length))
            return (size_t)(at - bytes.data);
    }
    return bytes.size;
}

static enum format_result read_der(struct job *job, struct content *content)
{
    struct der_items items;
    uint8_t *bytes;
    size_t size, length = 0, count = 0;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    der_items_init(&items, job, "der", &content->told);
    for (size_t at = padding((struct slice){bytes, size}); at < size; at += length, count++) {
        struct slice rest = {bytes + at, size - at};
        enum der_item item = der_item_of(rest);
        if ((item == DER_ITEM_NONE && !count) || job_pulse(job))
            break;
        if (item == DER_ITEM_NONE || der_item_tell(&items, item, rest, &length)) {
            if (item != DER_ITEM_CERTIFICATE && !count) /* of a certificate it was told what is wrong */
                break;
            length = next_certificate((struct slice){bytes, size}, at + 1) - at;
            continue;
        }
        if (item == DER_ITEM_KEY)
            OPENSSL_cleanse(bytes + at, length);
    }
    der_items_done(&items);
    return count ? FORMAT_TAKEN : FORMAT_NOT_MINE;
}

const struct format format_der = {"der", identify, read_der, .search = true};
