/* zlib and libzstd behind one face. */
#include "scanner/watch/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* What a file may ask for: zstd -19 takes 8 MiB, only --ultra and --long more. */
enum { ZSTD_WINDOW_LOG = 23, GZIP_WINDOW = 15 + 16 };
enum { OUTPUT_AT_ONCE = 16 * 1024 /* what damage may cost of that which was good before it */ };

struct unpack {
    enum unpack_format format;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool begun; /* a member or frame that has not ended */
    bool broken;
    bool full; /* the output was filled to its end: more may be there without input */
    uint64_t taken;
    size_t start, end;
    uint8_t input[UNPACK_INPUT];
};

enum unpack_format unpack_sniff(const uint8_t *bytes, const char **name)
{
    static const struct {
        uint8_t magic[UNPACK_MAGIC], size;
        enum unpack_format format;
        const char *name;
    } rows[] = {
        {{0x1f, 0x8b, 8}, 3, UNPACK_GZIP, "gzip"},           {{0x28, 0xb5, 0x2f, 0xfd}, 4, UNPACK_ZSTD, "zstd"},
        {{0xfd, '7', 'z', 'X'}, 4, UNPACK_UNREAD, "xz"},     {{'B', 'Z', 'h'}, 3, UNPACK_UNREAD, "bzip2"},
        {{0x04, 0x22, 0x4d, 0x18}, 4, UNPACK_UNREAD, "lz4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (memcmp(bytes, rows[i].magic, rows[i].size) == 0) {
            *name = rows[i].name;
            return rows[i].format;
        }
    }
    return UNPACK_NONE;
}

struct unpack *unpack_new(enum unpack_format format, struct slice begun)
{
    struct unpack *unpack = cm_calloc(1, sizeof *unpack);
    unpack->format = format;
    unpack->begun = true;
    unpack->end = begun.size < sizeof unpack->input ? begun.size : sizeof unpack->input;
    memcpy(unpack->input, begun.data, unpack->end);
    bool good;
    if (format == UNPACK_GZIP) {
        good = inflateInit2(&unpack->gzip, GZIP_WINDOW) == Z_OK;
    } else {
        unpack->zstd = ZSTD_createDStream();
        good =
            unpack->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
    }
    if (!good) /* as every allocation of ours that fails */
        abort();
    return unpack;
}

void unpack_free(struct unpack *unpack)
{
    if (!unpack)
        return;
    if (unpack->format == UNPACK_GZIP)
        inflateEnd(&unpack->gzip);
    ZSTD_freeDStream(unpack->zstd);
    free(unpack);
}

bool unpack_has_input(const struct unpack *unpack)
{
    return unpack->full || unpack->broken || unpack->start < unpack->end;
}

bool unpack_is_ended(const struct unpack *unpack)
{
    return !unpack->begun && !unpack_has_input(unpack);
}

uint64_t unpack_taken(const struct unpack *unpack)
{
    return unpack->taken;
}

static int damaged(const struct unpack *unpack, const char *detail, struct cm_error *error)
{
    return error_setf(error, CM_EMALFORMED, (size_t)unpack->taken, "the compressed data cannot be unpacked", "%s",
                      detail ? detail : "");
}

/* How many bytes of the input were used, or an error; *got is set. */
static int inflate_some(struct unpack *unpack, uint8_t *out, size_t size, size_t *got, struct cm_error *error)
{
    z_stream *gzip = &unpack->gzip;
    if (!unpack->begun && inflateReset(gzip) != Z_OK)
        return damaged(unpack, gzip->msg, error);
    gzip->next_in = unpack->input + unpack->start;
    gzip->avail_in = (uInt)(unpack->end - unpack->start);
    gzip->next_out = out;
    gzip->avail_out = (uInt)size;
    uInt before = gzip->avail_in;
    int code = unpack->broken ? Z_DATA_ERROR : inflate(gzip, Z_NO_FLUSH);
    *got = size - gzip->avail_out;
    unpack->broken = code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR;
    if (unpack->broken && *got == 0) /* else the next time */
        return damaged(unpack, gzip->msg, error);
    unpack->begun = code != Z_STREAM_END;
    return (int)(before - gzip->avail_in);
}

static int decompress_some(struct unpack *unpack, uint8_t *out, size_t size, size_t *got, struct cm_error *error)
{
    ZSTD_inBuffer input = {unpack->input + unpack->start, unpack->end - unpack->start, 0};
    ZSTD_outBuffer output = {out, size, 0};
    size_t code = ZSTD_decompressStream(unpack->zstd, &output, &input);
    if (ZSTD_isError(code))
        return damaged(unpack, ZSTD_getErrorName(code), error);
    unpack->begun = code != 0;
    *got = output.pos;
    return (int)input.pos;
}

int unpack_read(struct unpack *unpack, int fd, uint8_t *out, size_t size, size_t *got, struct cm_error *error)
{
    *got = 0;
    size = size < OUTPUT_AT_ONCE ? size : OUTPUT_AT_ONCE;
    if (!unpack_has_input(unpack)) {
        ssize_t came = read(fd, unpack->input, sizeof unpack->input);
        if (came < 0 && errno == EINTR)
            return 2;
        if (came < 0)
            return error_setf(error, CM_EIO, (size_t)unpack->taken, "cannot read", "%s", strerror(errno));
        if (came == 0)
            return 0;
        unpack->start = 0;
        unpack->end = (size_t)came;
    }
    int used = unpack->format == UNPACK_GZIP ? inflate_some(unpack, out, size, got, error)
                                             : decompress_some(unpack, out, size, got, error);
    if (used < 0)
        return used;
    unpack->start += (size_t)used;
    unpack->taken += (uint64_t)used;
    unpack->full = *got == size && unpack->begun;
    return *got ? 1 : 2;
}
