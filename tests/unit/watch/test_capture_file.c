/* Capture files: every form of pcap and pcapng in both byte orders, cut at every byte, damaged, lying about lengths, and growing while
 * they are read. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "certmuster/buf.h"
#include "scanner/watch/capture_file.h"
#include "tests/unit/watch/capture_writer.h"
#include "tests/unit/watch/memory.h"

enum { PACKETS = 5 };

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

struct told {
    struct buf lines;
    size_t count;
};

static void on_packet(const struct packet *packet, void *context)
{
    struct told *told = context;
    told->count++;
    buf_appendf(&told->lines, "%d %lld %u %.*s\n", packet->link_type, (long long)(packet->at_us - START * SECOND),
                packet->length, (int)packet->bytes.size, (const char *)packet->bytes.data);
}

static void on_secrets(struct slice text, void *context)
{
    struct told *told = context;
    buf_appendf(&told->lines, "secrets %.*s\n", (int)text.size, (const char *)text.data);
}

static int memory_file(const void *bytes, size_t size)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static struct capture_file *open_bytes(const void *bytes, size_t size, struct told *told)
{
    struct capture_file_events events = {on_packet, on_secrets, told};
    *told = (struct told){0};
    buf_init(&told->lines, 64 * MIB);
    return capture_file_new(memory_file(bytes, size), &events);
}

static int read_all(const void *bytes, size_t size, struct told *told, struct cm_error *error)
{
    struct capture_file *file = open_bytes(bytes, size, told);
    int code;
    *error = (struct cm_error){0};
    while ((code = capture_file_read(file, 2, error)) == 1) {
    }
    capture_file_free(file);
    return code;
}

static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};

static struct writer whole_pcap(size_t i)
{
    struct writer w = {.big = i & 1};
    buf_init(&w.out, MIB);
    put_pcap(&w, magics[i / 2], 101);
    for (unsigned j = 0; j < PACKETS; j++)
        put_pcap_packet(&w, magics[i / 2], j);
    return w;
}

static void test_pcap(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct writer w = whole_pcap(i);
        struct told told;
        struct cm_error error;
        assert_int_equal(read_all(w.out.data, w.out.size, &told, &error), 0);
        assert_string_equal(told.lines.data,
                            "101 0 0 \n101 1000001 2 b\n101 2000002 4 cc\n101 3000003 6 ddd\n101 4000004 8 eeee\n");
        buf_done(&told.lines);
        buf_done(&w.out);
    }
}

static void test_pcapng(void **state)
{
    (void)state;
    for (unsigned big = 0; big < 2; big++) {
        struct writer w = {.big = big};
        struct told told;
        struct cm_error error;
        buf_init(&w.out, MIB);
        put_all_blocks(&w);
        assert_int_equal(read_all(w.out.data, w.out.size, &told, &error), 0);
        assert_string_equal(told.lines.data,
                            "1 1 3 one\n113 2 600 seco\nsecrets SECRETS\n113 0 3 old\n101 0 9 simpl\n");
        buf_done(&told.lines);
        buf_done(&w.out);
    }
}

/* if_tsresol in powers of ten and of two, if_tsoffset on either side; what makes no sense gives a time, too. */
static void test_times(void **state)
{
    static const struct {
        int resolution;
        int64_t offset;
        uint64_t stamp;
        const char *line;
    } times[] = {
        {6, 0, 1700000000000007, "1 7 1 x\n"},
        {0, 0, 1700000001, "1 1000000 1 x\n"},
        {3, 100, 1699999900002, "1 2000 1 x\n"},
        {9, -100, 1700000100000004999, "1 4 1 x\n"},
        {0x80 | 10, 0, UINT64_C(1700000000) << 10 | 512, "1 500000 1 x\n"},
        {12, 1700000000, 5000000, "1 5 1 x\n"},
        {19, 1700000000, UINT64_C(10000000000000000000), "1 1000000 1 x\n"},
        {0x80 | 63, 1700000000, UINT64_C(1) << 62, "1 500000 1 x\n"},
        {0, 0, UINT64_MAX, "1 -1700000000000000 1 x\n"},
        {6, INT64_MAX, UINT64_MAX, "1 "},
        {6, INT64_MIN, 0, "1 "},
        {127, 0, UINT64_MAX, "1 "},
        {255, 0, UINT64_MAX, "1 "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct writer w = {.big = i & 1};
        struct told told;
        struct cm_error error;
        buf_init(&w.out, MIB);
        put_section(&w);
        put_interface(&w, 1, 0, times[i].resolution, times[i].offset);
        put_packet(&w, 0, times[i].stamp, "x", 1);
        assert_int_equal(read_all(w.out.data, w.out.size, &told, &error), 0);
        assert_int_equal(strncmp(told.lines.data, times[i].line, strlen(times[i].line)), 0);
        buf_done(&told.lines);
        buf_done(&w.out);
    }
}

/* --- damage ------------------------------------------------------------------------------------------------------------------- */

/* Packets of the first `size` bytes of a file come before its end; that is one error, with a reason and a place, and reading on says the
 * same. */
static void cut_everywhere(const struct buf *whole)
{
    struct told all, told;
    struct cm_error error;
    assert_int_equal(read_all(whole->data, whole->size, &all, &error), 0);
    size_t before = 0;
    for (size_t cut = 0; cut < whole->size; cut++) {
        int code = read_all(whole->data, cut, &told, &error);
        assert_true(code == 0 || code == CM_ETRUNCATED);
        if (code) {
            assert_true(error.reason && error.reason[0]);
            assert_true(error.offset <= cut);
        }
        assert_true(told.count >= before);
        assert_int_equal(strncmp(all.lines.data, told.lines.data, told.lines.size), 0);
        before = told.count;
        buf_done(&told.lines);
    }
    assert_true(before + 1 >= all.count);
    buf_done(&all.lines);
}

static void test_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct writer w = whole_pcap(i);
        cut_everywhere(&w.out);
        buf_done(&w.out);
    }
    for (unsigned big = 0; big < 2; big++) {
        struct writer w = {.big = big};
        buf_init(&w.out, MIB);
        put_all_blocks(&w);
        cut_everywhere(&w.out);
        buf_done(&w.out);
    }
}

/* The file grows by one byte at a time, and by some: in the end everything was told, once. */
static void test_growing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct writer w = {.big = i & 1};
        struct told told, all;
        struct cm_error error;
        if (i < 6)
            w = whole_pcap(i);
        else {
            buf_init(&w.out, MIB);
            put_all_blocks(&w);
        }
        assert_int_equal(read_all(w.out.data, w.out.size, &all, &error), 0);
        char name[64];
        int writing = memfd_create("growing", MFD_CLOEXEC);
        snprintf(name, sizeof name, "/proc/self/fd/%d", writing);
        struct capture_file_events events = {on_packet, on_secrets, &told};
        told = (struct told){0};
        buf_init(&told.lines, MIB);
        FILE *reading = fopen(name, "r");
        struct capture_file *file = capture_file_new(dup(fileno(reading)), &events);
        fclose(reading);
        for (size_t at = 0, step; at < w.out.size; at += step) {
            int code;
            while ((code = capture_file_read(file, 1, &error)) == 1) {
            }
            assert_true(code == 0 || code == CM_ETRUNCATED);
            step = at % 7 == 0 && at + 5 < w.out.size ? 5 : 1;
            assert_int_equal(write(writing, w.out.data + at, step), step);
        }
        int code;
        while ((code = capture_file_read(file, 1, &error)) == 1) {
        }
        assert_int_equal(code, 0);
        assert_string_equal(told.lines.data, all.lines.data);
        assert_int_equal(capture_file_offset(file), w.out.size);
        capture_file_free(file);
        close(writing);
        buf_done(&told.lines);
        buf_done(&all.lines);
        buf_done(&w.out);
    }
}

/* Lengths of gigabytes in every header: refused or waited for, and never allocated. */
static void test_giant_lengths(void **state)
{
    size_t before = bytes_in_use();
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct writer w = {.big = i & 1};
        if (i < 6)
            w = whole_pcap(i);
        else {
            buf_init(&w.out, MIB);
            put_all_blocks(&w);
        }
        for (size_t at = 0; at + 4 <= w.out.size; at++) {
            char kept[4];
            struct told told;
            struct cm_error error;
            memcpy(kept, w.out.data + at, 4);
            memcpy(w.out.data + at, at % 2 ? "\xff\xff\xff\xff" : "\x00\xff\xff\x00", 4);
            int code = read_all(w.out.data, w.out.size, &told, &error);
            assert_true(code <= 0);
            assert_true(code == 0 || (error.reason && error.reason[0]));
            assert_true(bytes_in_use() < before + 4 * MIB);
            buf_done(&told.lines);
            memcpy(w.out.data + at, kept, 4);
        }
        buf_done(&w.out);
    }
}

/* --- compressed --------------------------------------------------------------------------------------------------------------- */

static struct buf squeeze(const struct buf *plain, bool zstd)
{
    struct buf out;
    buf_init(&out, MIB);
    if (zstd) {
        char *to = buf_extend(&out, ZSTD_compressBound(plain->size));
        out.size = ZSTD_compress(to, ZSTD_compressBound(plain->size), plain->data, plain->size, 3);
        assert_false(ZSTD_isError(out.size));
        return out;
    }
    z_stream gzip = {.next_in = (Bytef *)plain->data, .avail_in = (uInt)plain->size};
    assert_int_equal(deflateInit2(&gzip, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    gzip.avail_out = (uInt)deflateBound(&gzip, plain->size);
    gzip.next_out = (Bytef *)buf_extend(&out, gzip.avail_out);
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    out.size = gzip.total_out;
    deflateEnd(&gzip);
    return out;
}

/* Whole, cut at every byte, with every byte changed: what comes is what was there, or its beginning, and one error; memory stays small. */
static void test_packed(void **state)
{
    size_t before = bytes_in_use();
    (void)state;
    for (unsigned zstd = 0; zstd < 2; zstd++) {
        struct writer w = whole_pcap(0);
        struct buf packed = squeeze(&w.out, zstd);
        struct told all, told;
        struct cm_error error;
        assert_int_equal(read_all(w.out.data, w.out.size, &all, &error), 0);
        assert_int_equal(read_all(packed.data, packed.size, &told, &error), 0);
        assert_string_equal(told.lines.data, all.lines.data);
        buf_done(&told.lines);
        for (size_t cut = 0; cut < packed.size; cut++) {
            assert_int_equal(read_all(packed.data, cut, &told, &error), CM_ETRUNCATED);
            assert_int_equal(strncmp(all.lines.data, told.lines.data, told.lines.size), 0);
            buf_done(&told.lines);
        }
        for (size_t at = 0; at < packed.size; at++) {
            packed.data[at] ^= 0x21;
            int code = read_all(packed.data, packed.size, &told, &error);
            assert_true(code == 0 || (code < 0 && error.reason && error.reason[0]));
            assert_true(bytes_in_use() < before + 12 * MIB); /* a window as large as may be */
            packed.data[at] ^= 0x21;
            buf_done(&told.lines);
        }
        buf_done(&all.lines);
        buf_done(&packed);
        buf_done(&w.out);
    }
}

/* A frame that wants 128 MiB to be unpacked is refused before it gets them. */
static void test_packed_giant(void **state)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0};
    struct told told;
    struct cm_error error;
    (void)state;
    assert_int_equal(read_all(frame, sizeof frame, &told, &error), CM_EMALFORMED);
    assert_non_null(strstr(error.detail, "memory"));
    buf_done(&told.lines);
}

static void test_no_capture(void **state)
{
    static const char *const files[] = {"", "\x1f\x8b\x08\0 a compressed file", "GET / HTTP/1.0\r\n", "\xa1\xb2\xc3"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct told told;
        struct cm_error error;
        int code = read_all(files[i], i == 1 ? 20 : strlen(files[i]), &told, &error);
        assert_int_equal(code, i == 0 || i == 3 ? CM_ETRUNCATED : CM_EMALFORMED);
        assert_int_equal(told.count, 0);
        buf_done(&told.lines);
    }
}

/* More interfaces than any machine has. */
static void test_many_interfaces(void **state)
{
    struct writer w = {0};
    struct told told;
    struct cm_error error;
    (void)state;
    buf_init(&w.out, 64 * MIB);
    put_section(&w);
    for (unsigned i = 0; i < 100000; i++)
        put_interface(&w, 1, 0, -1, 0);
    assert_int_equal(read_all(w.out.data, w.out.size, &told, &error), CM_EMALFORMED);
    buf_done(&told.lines);
    buf_done(&w.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcap),       cmocka_unit_test(test_pcapng),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_growing),    cmocka_unit_test(test_giant_lengths),
        cmocka_unit_test(test_packed),     cmocka_unit_test(test_packed_giant),
        cmocka_unit_test(test_no_capture), cmocka_unit_test(test_many_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
