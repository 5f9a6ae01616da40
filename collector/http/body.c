/* Unpacks bodies. A few kilobytes can unpack into gigabytes: output goes through one small window, and the limit is checked before a
 * window's worth is kept. */
#include "collector/http/body.h"

#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    WINDOW_BYTES = 64 * 1024,
    ZSTD_WINDOW_LOG_MAX = 24,   /* 16 MiB, what a batch may be: zstd allocates what a frame's header claims */
    GZIP_WINDOW_BITS = 15 + 16, /* gzip only */
};

int body_encoding_read(const char *value, enum body_encoding *out)
{
    if (!value || !*value || strcasecmp(value, "identity") == 0)
        *out = BODY_IDENTITY;
    else if (strcasecmp(value, "gzip") == 0 || strcasecmp(value, "x-gzip") == 0)
        *out = BODY_GZIP;
    else if (strcasecmp(value, "zstd") == 0)
        *out = BODY_ZSTD;
    else
        return CM_EUNSUPPORTED;
    return 0;
}

static int too_large(struct cm_error *error)
{
    return error_set(error, CM_ELIMIT, 0, "the body is too large when unpacked");
}

struct sink {
    struct buf *out;
    const struct body_gate *gate; /* NULL: passed */
};

static int keep(struct sink *sink, const void *bytes, size_t size, struct cm_error *error)
{
    struct buf *out = sink->out;
    if (sink->gate && out->size + size > sink->gate->light) {
        if (!sink->gate->pass(sink->gate->context))
            return error_set(error, CM_ECONFLICT, 0, "a batch larger than a segment is worked on already");
        sink->gate = NULL;
    }
    buf_append(out, bytes, size);
    return out->failed ? too_large(error) : 0;
}

/* The next piece of the body, as it lies in memory; it is dropped with the next call's drained bytes. */
static struct evbuffer_iovec next_piece(struct evbuffer *raw)
{
    struct evbuffer_iovec piece = {NULL, 0};
    if (evbuffer_peek(raw, -1, NULL, &piece, 1) < 1)
        piece.iov_len = 0;
    return piece;
}

static int decode_identity(struct evbuffer *raw, struct sink *out, struct cm_error *error)
{
    int code = 0;
    for (struct evbuffer_iovec piece = next_piece(raw); !code && piece.iov_len; piece = next_piece(raw)) {
        code = keep(out, piece.iov_base, piece.iov_len, error);
        evbuffer_drain(raw, piece.iov_len);
    }
    return code;
}

static int inflate_piece(z_stream *stream, struct evbuffer_iovec piece, bool *ended, struct sink *out,
                         struct cm_error *error)
{
    unsigned char window[WINDOW_BYTES];
    stream->next_in = piece.iov_base;
    stream->avail_in = (uInt)piece.iov_len;
    for (bool more = true; more;) {
        if (*ended && stream->avail_in) { /* members may follow each other (RFC 1952 section 2.2) */
            if (inflateReset(stream) != Z_OK)
                return error_set(error, CM_EMALFORMED, 0, "gzip does not restart");
            *ended = false;
        }
        if (*ended)
            break;
        stream->next_out = window;
        stream->avail_out = sizeof window;
        int status = inflate(stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return error_set(error, CM_EMALFORMED, (size_t)stream->total_in,
                             "the body is not the gzip that it claims to be");
        int code = keep(out, window, sizeof window - stream->avail_out, error);
        if (code)
            return code;
        *ended = status == Z_STREAM_END;
        more = stream->avail_in > 0 || stream->avail_out == 0;
    }
    return 0;
}

static int decode_gzip(struct evbuffer *raw, struct sink *out, struct cm_error *error)
{
    z_stream stream = {.next_in = NULL};
    bool ended = false;
    int code = 0;
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK)
        return error_set(error, CM_EIO, 0, "zlib does not start");
    for (struct evbuffer_iovec piece = next_piece(raw); !code && piece.iov_len; piece = next_piece(raw)) {
        code = inflate_piece(&stream, piece, &ended, out, error);
        evbuffer_drain(raw, piece.iov_len);
    }
    inflateEnd(&stream);
    if (!code && !ended)
        code = error_set(error, CM_ETRUNCATED, 0, "the body ends inside a gzip member");
    return code;
}

static int unzstd_piece(ZSTD_DStream *stream, struct evbuffer_iovec piece, size_t *left, struct sink *out,
                        struct cm_error *error)
{
    unsigned char window[WINDOW_BYTES];
    ZSTD_inBuffer in = {piece.iov_base, piece.iov_len, 0};
    for (bool more = true; more;) {
        ZSTD_outBuffer to = {window, sizeof window, 0};
        *left = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(*left))
            return ZSTD_getErrorCode(*left) == ZSTD_error_frameParameter_windowTooLarge
                       ? too_large(error)
                       : error_set(error, CM_EMALFORMED, in.pos, "the body is not the zstd that it claims to be");
        int code = keep(out, window, to.pos, error);
        if (code)
            return code;
        more = in.pos < in.size ||
               (*left && to.pos == to.size); /* behind the end of a frame a further call would begin the next */
    }
    return 0;
}

static int decode_zstd(struct evbuffer *raw, struct sink *out, struct cm_error *error)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    size_t left = 1; /* an empty body is no frame */
    int code = 0;
    if (!stream || ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
        code = error_set(error, CM_EIO, 0, "zstd does not start");
    for (struct evbuffer_iovec piece = next_piece(raw); !code && piece.iov_len; piece = next_piece(raw)) {
        code = unzstd_piece(stream, piece, &left, out, error);
        evbuffer_drain(raw, piece.iov_len);
    }
    ZSTD_freeDStream(stream);
    if (!code && left)
        code = error_set(error, CM_ETRUNCATED, 0, "the body ends inside a zstd frame");
    return code;
}

static int decode(struct evbuffer *raw, enum body_encoding encoding, struct sink *out, struct cm_error *error)
{
    switch (encoding) {
    case BODY_GZIP:
        return decode_gzip(raw, out, error);
    case BODY_ZSTD:
        return decode_zstd(raw, out, error);
    default:
        return decode_identity(raw, out, error);
    }
}

int body_decode(struct evbuffer *raw, enum body_encoding encoding, const struct body_gate *gate, struct buf *out,
                struct cm_error *error)
{
    struct sink sink = {.out = out, .gate = gate};
    buf_init(out, gate->max);
    return decode(raw, encoding, &sink, error);
}
