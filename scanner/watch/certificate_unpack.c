/* Compressed Certificate messages: one row for each algorithm, all in one piece, because the length is announced and capped.
 *
 * Called with what a key log opened. A few bytes may unpack to the ceiling, once for each message, and never to more. */
#include "scanner/watch/certificate_unpack.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "certmuster/limits.h"

/* Unpacks into exactly size bytes. */
typedef bool unpack_fn(struct slice packed, uint8_t *out, size_t size);

static bool unpack_zlib(struct slice packed, uint8_t *out, size_t size)
{
    uLongf got = size;
    uLong read = packed.size;
    return uncompress2(out, &got, packed.data, &read) == Z_OK && got == size;
}

static bool unpack_brotli(struct slice packed, uint8_t *out, size_t size)
{
    size_t got = size;
    return BrotliDecoderDecompress(packed.size, packed.data, &got, out) == BROTLI_DECODER_RESULT_SUCCESS && got == size;
}

static bool unpack_zstd(struct slice packed, uint8_t *out, size_t size)
{
    return ZSTD_decompress(out, size, packed.data, packed.size) == size;
}

static unpack_fn *const algorithms[] = {[1] = unpack_zlib, [2] = unpack_brotli, [3] = unpack_zstd};

bool certificate_unpack(struct slice body, struct buf *out)
{
    struct cursor at, packed;
    struct slice bytes;
    uint16_t algorithm;
    uint32_t size;
    cursor_init_slice(&at, body);
    if (cursor_u16(&at, &algorithm) || cursor_u24(&at, &size) || cursor_vector24(&at, &packed) || !cursor_at_end(&at) ||
        cursor_slice(&packed, cursor_left(&packed), &bytes))
        return false;
    if (algorithm >= sizeof algorithms / sizeof *algorithms || !algorithms[algorithm] || size == 0 ||
        size > CM_LIMIT_FLIGHT_BYTES || bytes.size == 0)
        return false;
    buf_reset(out);
    char *room = buf_extend(out, size);
    return room && algorithms[algorithm](bytes, (uint8_t *)room, size);
}
