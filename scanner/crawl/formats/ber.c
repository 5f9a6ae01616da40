/* BER elements, as far as files need them. Pure; cms.c and the PKCS#12 reader call it. */
#include "scanner/crawl/formats/ber.h"

enum {
    OPEN_MAX = 64, /* indefinite lengths within each other */
    PIECES_DEPTH_MAX = 4,
    TAG_CONSTRUCTED = 0x20,
};

/* Tag and length; *indefinite instead of a length. */
static int read_head(struct cursor *cursor, uint8_t *tag, size_t *length, bool *indefinite)
{
    uint8_t first, byte;
    if (cursor_u8(cursor, tag) || cursor_u8(cursor, &first))
        return CM_ETRUNCATED;
    if ((*tag & 0x1f) == 0x1f)
        return CM_EMALFORMED;
    *indefinite = first == 0x80;
    *length = first < 0x80 ? first : 0;
    if (first <= 0x80)
        return *indefinite && !(*tag & TAG_CONSTRUCTED) ? CM_EMALFORMED : 0;
    for (unsigned i = first & 0x7fu; i; i--) {
        if (cursor_u8(cursor, &byte))
            return CM_ETRUNCATED;
        if (*length >> (8 * (sizeof *length - 1)))
            return CM_EMALFORMED;
        *length = *length << 8 | byte;
    }
    return 0;
}

/* Moves to the end-of-contents octets that close what was opened before the cursor, and behind them. */
static int skip_indefinite(struct cursor *cursor, size_t *contents_size)
{
    const uint8_t *start = cursor->at;
    unsigned open = 1;
    while (open) {
        const uint8_t *before = cursor->at;
        uint8_t tag;
        size_t length;
        bool indefinite;
        int status = read_head(cursor, &tag, &length, &indefinite);
        if (status)
            return status;
        if (tag == 0 && length == 0 && !indefinite) {
            open--;
            *contents_size = (size_t)(before - start);
        } else if (indefinite) {
            if (++open > OPEN_MAX)
                return CM_ELIMIT;
        } else if (cursor_skip(cursor, length)) {
            return CM_ETRUNCATED;
        }
    }
    return 0;
}

int ber_next(struct cursor *cursor, struct der_element *out)
{
    struct cursor trial = *cursor;
    struct der_element element;
    size_t length;
    bool indefinite;
    int status = read_head(&trial, &element.tag, &length, &indefinite);
    if (status)
        return status;
    element.contents.data = trial.at;
    if (indefinite)
        status = skip_indefinite(&trial, &length);
    else
        status = cursor_skip(&trial, length);
    if (status)
        return status;
    element.contents.size = length;
    element.whole = (struct slice){cursor->at, (size_t)(trial.at - cursor->at)};
    *cursor = trial;
    *out = element;
    return 0;
}

int ber_expect(struct cursor *cursor, uint8_t tag, struct cursor *out)
{
    struct cursor trial = *cursor;
    struct der_element element;
    int status = ber_next(&trial, &element);
    if (status)
        return status;
    if (element.tag != tag)
        return CM_EMALFORMED;
    cursor_init_slice(out, element.contents);
    *cursor = trial;
    return 0;
}

static int join(struct slice pieces, struct buf *out, unsigned depth)
{
    struct cursor cursor;
    struct der_element piece;
    cursor_init_slice(&cursor, pieces);
    while (!cursor_at_end(&cursor)) {
        if (depth > PIECES_DEPTH_MAX || ber_next(&cursor, &piece))
            return CM_EMALFORMED;
        if (piece.tag == (DER_OCTET_STRING | TAG_CONSTRUCTED)) {
            if (join(piece.contents, out, depth + 1))
                return CM_EMALFORMED;
        } else if (piece.tag == DER_OCTET_STRING) {
            buf_append(out, piece.contents.data, piece.contents.size);
        } else {
            return CM_EMALFORMED;
        }
    }
    return out->failed ? CM_ELIMIT : 0;
}

int ber_octets(const struct der_element *element, struct buf *joined, struct slice *out)
{
    if (!(element->tag & TAG_CONSTRUCTED)) {
        *out = element->contents;
        return 0;
    }
    buf_reset(joined);
    int status = join(element->contents, joined, 0);
    if (!status)
        *out = buf_slice(joined);
    return status;
}

static int transcode(struct cursor *cursor, struct buf *out, unsigned depth)
{
    enum { DEPTH_MAX = 24 };
    struct der_element element;
    struct cursor inside;
    struct buf contents, joined;
    struct slice octets;
    int status = depth > DEPTH_MAX ? CM_ELIMIT : ber_next(cursor, &element);
    if (status)
        return status;
    if (!(element.tag & TAG_CONSTRUCTED)) {
        der_append(out, element.tag, element.contents.data, element.contents.size);
        return out->failed ? CM_ELIMIT : 0;
    }
    if (element.tag == (DER_OCTET_STRING | TAG_CONSTRUCTED)) {
        buf_init(&joined, element.contents.size);
        status = ber_octets(&element, &joined, &octets);
        if (!status)
            der_append(out, DER_OCTET_STRING, octets.data, octets.size);
        buf_done(&joined);
        return status;
    }
    buf_init(&contents, out->max);
    cursor_init_slice(&inside, element.contents);
    while (!status && !cursor_at_end(&inside))
        status = transcode(&inside, &contents, depth + 1);
    if (!status)
        der_append(out, element.tag, contents.data, contents.size);
    buf_done(&contents);
    return status ? status : out->failed ? CM_ELIMIT : 0;
}

int ber_to_der(struct slice in, struct buf *out)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, in);
    buf_reset(out);
    return transcode(&cursor, out, 0);
}
