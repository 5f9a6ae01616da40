/* The decoders: gzip by zlib, xz and lzma and lzip by liblzma, zstd. A row for each. */
#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "scanner/crawl/formats/expand.h"

static bool stands(struct slice head, size_t at, const void *magic, size_t size)
{
    return head.size >= at + size && memcmp(head.data + at, magic, size) == 0;
}

#define STANDS(head, at, magic) stands(head, at, magic, sizeof(magic) - 1)

/* The pieces that a decoder gets; input stays below EXPAND_IN_BYTES, but whoever reads may give room for gigabytes. */
static unsigned bounded(size_t size)
{
    return size < INT_MAX ? (unsigned)size : INT_MAX;
}

static void moved(struct expand_flow *flow, size_t in, size_t out)
{
    flow->in += in;
    flow->in_size -= in;
    flow->out += out;
    flow->out_size -= out;
}

/* --- gzip (RFC 1952) ---------------------------------------------------------------------------------------------------- */

static bool is_gzip(struct slice head)
{
    enum { RESERVED = 0xE0 };
    return STANDS(head, 0, "\x1F\x8B\x08") && head.size > 3 && !(head.data[3] & RESERVED);
}

static void *gzip_begin(uint64_t memory_bytes)
{
    enum { WINDOW_BITS = 15, WITH_HEADER = 16 };
    z_stream *stream = cm_calloc(1, sizeof *stream);
    if (memory_bytes < 64 * 1024 || inflateInit2(stream, WINDOW_BITS + WITH_HEADER) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

static enum expand_result gzip_step(void *state, struct expand_flow *flow)
{
    z_stream *stream = state;
    unsigned in = bounded(flow->in_size), out = bounded(flow->out_size);
    stream->next_in = (Bytef *)(uintptr_t)flow->in;
    stream->avail_in = in;
    stream->next_out = flow->out;
    stream->avail_out = out;
    int code = inflate(stream, Z_SYNC_FLUSH);
    moved(flow, in - stream->avail_in, out - stream->avail_out);
    return code == Z_STREAM_END                  ? EXPAND_END
           : code == Z_OK || code == Z_BUF_ERROR ? EXPAND_MORE
           : code == Z_MEM_ERROR                 ? EXPAND_MEMORY
                                                 : EXPAND_DAMAGED;
}

static void gzip_end(void *state)
{
    inflateEnd(state);
    free(state);
}

/* --- xz, lzma, lzip -------------------------------------------------------------------------------------------------------- */

static bool is_xz(struct slice head)
{
    return STANDS(head, 0,
                  "\xFD"
                  "7zXZ\0");
}

static bool is_lzip(struct slice head)
{
    return STANDS(head, 0, "LZIP\0") || STANDS(head, 0, "LZIP\1");
}

/* No magic: the properties that every writer uses (lc=3, lp=0, pb=2), a dictionary of 2^n or 2^n + 2^(n-1) bytes, and a size that is unknown or below 256 GiB. */
static bool is_lzma(struct slice head)
{
    uint32_t dictionary = 0;
    if (head.size < 14 || head.data[0] != 0x5D || head.data[13] != 0)
        return false;
    for (size_t i = 4; i > 0; i--)
        dictionary = dictionary << 8 | head.data[i];
    uint32_t rest = dictionary & (dictionary - 1);
    bool power = dictionary && (rest == 0 || rest >> 1 == (dictionary ^ rest));
    bool unknown = STANDS(head, 5, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    return power && dictionary >= 4096 && (unknown || STANDS(head, 10, "\0\0\0"));
}

static void *lzma_begun(lzma_stream *stream, lzma_ret code)
{
    if (code == LZMA_OK)
        return stream;
    lzma_end(stream);
    free(stream);
    return NULL;
}

static lzma_stream *lzma_new(void)
{
    lzma_stream *stream = cm_calloc(1, sizeof *stream);
    *stream = (lzma_stream)LZMA_STREAM_INIT;
    return stream;
}

static void *xz_begin(uint64_t memory_bytes)
{
    lzma_stream *stream = lzma_new();
    return lzma_begun(stream, lzma_stream_decoder(stream, memory_bytes, 0));
}

static void *lzma_begin(uint64_t memory_bytes)
{
    lzma_stream *stream = lzma_new();
    return lzma_begun(stream, lzma_alone_decoder(stream, memory_bytes));
}

static void *lzip_begin(uint64_t memory_bytes)
{
    lzma_stream *stream = lzma_new();
    return lzma_begun(stream, lzma_lzip_decoder(stream, memory_bytes, 0));
}

static enum expand_result lzma_step(void *state, struct expand_flow *flow)
{
    lzma_stream *stream = state;
    stream->next_in = flow->in;
    stream->avail_in = flow->in_size;
    stream->next_out = flow->out;
    stream->avail_out = flow->out_size;
    lzma_ret code = lzma_code(stream, LZMA_RUN);
    moved(flow, flow->in_size - stream->avail_in, flow->out_size - stream->avail_out);
    return code == LZMA_STREAM_END                                 ? EXPAND_END
           : code == LZMA_OK || code == LZMA_BUF_ERROR             ? EXPAND_MORE
           : code == LZMA_MEM_ERROR || code == LZMA_MEMLIMIT_ERROR ? EXPAND_MEMORY
                                                                   : EXPAND_DAMAGED;
}

static void lzma_ended(void *state)
{
    lzma_end(state);
    free(state);
}

/* --- zstd (RFC 8878) --------------------------------------------------------------------------------------------------------- */

static bool is_zstd(struct slice head)
{
    bool skippable = STANDS(head, 1, "\x2A\x4D\x18") && (head.data[0] & 0xF0) == 0x50;
    return STANDS(head, 0, "\x28\xB5\x2F\xFD") || skippable;
}

/* A frame may ask for a window of 2 GiB. */
static void *zstd_begin(uint64_t memory_bytes)
{
    enum { LEAST = 20, MOST = 27 /* what zstd(1) takes without being asked */ };
    int bits = MOST;
    ZSTD_DStream *stream = ZSTD_createDStream();
    while (bits > LEAST && UINT64_C(3) << (bits - 1) > memory_bytes) /* the window and half as much around it */
        bits--;
    if (stream && (ZSTD_isError(ZSTD_initDStream(stream)) ||
                   ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, bits)))) {
        ZSTD_freeDStream(stream);
        stream = NULL;
    }
    return stream;
}

static enum expand_result zstd_step(void *state, struct expand_flow *flow)
{
    ZSTD_inBuffer in = {flow->in, flow->in_size, 0};
    ZSTD_outBuffer out = {flow->out, flow->out_size, 0};
    size_t code = ZSTD_decompressStream(state, &out, &in);
    moved(flow, in.pos, out.pos);
    if (!ZSTD_isError(code))
        return code ? EXPAND_MORE : EXPAND_END;
    ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    return error == ZSTD_error_frameParameter_windowTooLarge || error == ZSTD_error_memory_allocation ? EXPAND_MEMORY
                                                                                                      : EXPAND_DAMAGED;
}

static void zstd_end(void *state)
{
    ZSTD_freeDStream(state);
}

static const struct expand_codec codecs[] = {
    {"gzip", is_gzip, false, gzip_begin, gzip_step, gzip_end},
    {"xz", is_xz, false, xz_begin, lzma_step, lzma_ended},
    {"zstd", is_zstd, false, zstd_begin, zstd_step, zstd_end},
    {"lzip", is_lzip, false, lzip_begin, lzma_step, lzma_ended},
    {"lzma", is_lzma, true, lzma_begin, lzma_step, lzma_ended},
};

const struct expand_codec *expand_codec_of(struct slice head)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i].identify(head))
            return &codecs[i];
    return NULL;
}
