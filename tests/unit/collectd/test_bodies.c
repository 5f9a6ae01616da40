/* Request bodies: every encoding, the limit at its byte, damage, and every cut. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "collector/http/body.h"

enum { PLAIN_SIZE = 3000 };
static char plain[PLAIN_SIZE];

struct asked {
    unsigned times;
    bool answer;
};

static bool pass(void *context)
{
    struct asked *asked = context;
    asked->times++;
    return asked->answer;
}

static int decode_gated(const void *bytes, size_t size, enum body_encoding encoding, const struct body_gate *gate,
                        struct buf *out)
{
    struct cm_error error;
    struct evbuffer *raw = evbuffer_new();
    evbuffer_add(raw, bytes, size);
    int code = body_decode(raw, encoding, gate, out, &error);
    evbuffer_free(raw);
    return code;
}

static int decode(const void *bytes, size_t size, enum body_encoding encoding, size_t max, struct buf *out)
{
    struct asked asked = {.answer = true};
    return decode_gated(bytes, size, encoding,
                        &(struct body_gate){.light = max, .max = max, .pass = pass, .context = &asked}, out);
}

static size_t gzip(const char *bytes, size_t size, char *out, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)size,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAIN_SIZE; i++)
        plain[i] = (char)('a' + i * i % 23);
    return 0;
}

static size_t encode(enum body_encoding encoding, char *out, size_t room)
{
    if (encoding == BODY_GZIP)
        return gzip(plain, PLAIN_SIZE, out, room);
    if (encoding == BODY_ZSTD)
        return ZSTD_compress(out, room, plain, PLAIN_SIZE, 3);
    memcpy(out, plain, PLAIN_SIZE);
    return PLAIN_SIZE;
}

static void test_whole_and_limit(void **state)
{
    (void)state;
    static const enum body_encoding all[] = {BODY_IDENTITY, BODY_GZIP, BODY_ZSTD};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char coded[2 * PLAIN_SIZE];
        size_t size = encode(all[i], coded, sizeof coded);
        struct buf out;
        assert_int_equal(decode(coded, size, all[i], PLAIN_SIZE, &out), 0);
        assert_int_equal(out.size, PLAIN_SIZE);
        assert_memory_equal(out.data, plain, PLAIN_SIZE);
        buf_done(&out);
        assert_int_equal(decode(coded, size, all[i], PLAIN_SIZE - 1, &out), CM_ELIMIT);
        buf_done(&out);
    }
}

/* Who has a say about large bodies is asked once, when one passes what is usual, and not of others. */
static void test_gate(void **state)
{
    (void)state;
    static const enum body_encoding all[] = {BODY_IDENTITY, BODY_GZIP, BODY_ZSTD};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char coded[2 * PLAIN_SIZE];
        size_t size = encode(all[i], coded, sizeof coded);
        struct asked asked = {.answer = false};
        struct body_gate gate = {.light = PLAIN_SIZE, .max = PLAIN_SIZE, .pass = pass, .context = &asked};
        struct buf out;
        assert_int_equal(decode_gated(coded, size, all[i], &gate, &out), 0);
        assert_int_equal(asked.times, 0);
        buf_done(&out);
        gate.light = PLAIN_SIZE - 1;
        assert_int_equal(decode_gated(coded, size, all[i], &gate, &out), CM_ECONFLICT);
        assert_int_equal(asked.times, 1);
        buf_done(&out);
        asked = (struct asked){.answer = true};
        assert_int_equal(decode_gated(coded, size, all[i], &gate, &out), 0);
        assert_int_equal(asked.times, 1);
        assert_int_equal(out.size, PLAIN_SIZE);
        buf_done(&out);
    }
}

/* Bodies that end just where a window of the decoder does. */
static void test_window_edges(void **state)
{
    static const enum body_encoding coded_ones[] = {BODY_GZIP, BODY_ZSTD};
    static const size_t windows[] = {1 << 15, 1 << 16, 1 << 17, 3 << 16, 1 << 20, 1 << 22};
    size_t room = 5 << 20;
    char *text = cm_malloc(room), *coded = cm_malloc(room);
    (void)state;
    for (size_t i = 0; i < room; i++)
        text[i] = (char)('a' + i * i % 23);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        for (size_t size = windows[i] - 1; size <= windows[i] + 1; size++)
            for (size_t k = 0; k < sizeof coded_ones / sizeof *coded_ones; k++) {
                struct buf out;
                size_t coded_size = coded_ones[k] == BODY_GZIP ? gzip(text, size, coded, room)
                                                               : ZSTD_compress(coded, room, text, size, 3);
                assert_int_equal(decode(coded, coded_size, coded_ones[k], room, &out), 0);
                assert_int_equal(out.size, size);
                assert_memory_equal(out.data, text, size);
                buf_done(&out);
            }
    free(text);
    free(coded);
}

static void test_every_cut(void **state)
{
    (void)state;
    static const enum body_encoding coded_ones[] = {BODY_GZIP, BODY_ZSTD};
    for (size_t i = 0; i < sizeof coded_ones / sizeof *coded_ones; i++) {
        char coded[2 * PLAIN_SIZE];
        size_t size = encode(coded_ones[i], coded, sizeof coded);
        for (size_t cut = 1; cut < size; cut++) {
            struct buf out;
            int code = decode(coded, cut, coded_ones[i], PLAIN_SIZE, &out);
            assert_true(code == CM_ETRUNCATED || code == CM_EMALFORMED);
            buf_done(&out);
        }
        for (size_t at = 0; at < size; at++) { /* every byte wrong: an answer, and never more than the limit */
            struct buf out;
            coded[at] ^= 0x55;
            (void)decode(coded, size, coded_ones[i], PLAIN_SIZE, &out);
            assert_true(out.size <= PLAIN_SIZE);
            coded[at] ^= 0x55;
            buf_done(&out);
        }
    }
}

/* 64 MiB of zeros in a few kilobytes end at the limit, in memory of its order. */
static void test_bombs(void **state)
{
    (void)state;
    enum { ZEROS = 64 << 20, LIMIT = 1 << 20 };
    char *zeros = calloc(1, ZEROS), *coded = malloc(1 << 20);
    struct buf out;
    size_t size = gzip(zeros, ZEROS, coded, 1 << 20);
    assert_true(size < ZEROS / 500);
    assert_int_equal(decode(coded, size, BODY_GZIP, LIMIT, &out), CM_ELIMIT);
    assert_true(out.capacity <= 2 * LIMIT + 4096);
    buf_done(&out);
    size = ZSTD_compress(coded, 1 << 20, zeros, ZEROS, 3);
    assert_int_equal(decode(coded, size, BODY_ZSTD, LIMIT, &out), CM_ELIMIT);
    assert_true(out.capacity <= 2 * LIMIT + 4096);
    buf_done(&out);
    free(zeros);
    free(coded);
}

static void test_encodings(void **state)
{
    (void)state;
    enum body_encoding encoding = BODY_ZSTD;
    assert_int_equal(body_encoding_read(NULL, &encoding), 0);
    assert_int_equal(encoding, BODY_IDENTITY);
    assert_int_equal(body_encoding_read("gzip", &encoding), 0);
    assert_int_equal(encoding, BODY_GZIP);
    assert_int_equal(body_encoding_read("zstd", &encoding), 0);
    assert_int_equal(encoding, BODY_ZSTD);
    assert_int_equal(body_encoding_read("br", &encoding), CM_EUNSUPPORTED);
    assert_int_equal(body_encoding_read("gzip, zstd", &encoding), CM_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_and_limit), cmocka_unit_test(test_gate),  cmocka_unit_test(test_window_edges),
        cmocka_unit_test(test_every_cut),       cmocka_unit_test(test_bombs), cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
