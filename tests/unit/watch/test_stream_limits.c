/* What one stream may cost: waiting data and the pool that all share are bounded, hoarders lose before others do, and tiny segments in the worst order cost little
 * time. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/buf.h"
#include "scanner/watch/stream.h"
#include "tests/unit/watch/memory.h"

enum { MIB = 1024 * 1024 };

static void on_bytes(void *context, struct slice bytes)
{
    buf_append(context, bytes.data, bytes.size);
}

static void on_gap(void *context, uint32_t missing)
{
    (void)missing;
    buf_append_char(context, '?');
}

static struct stream_events into(struct buf *got)
{
    return (struct stream_events){on_bytes, on_gap, got};
}

static void add(struct stream_pool *pool, struct stream *stream, uint32_t sequence, const void *bytes, size_t size,
                struct buf *got)
{
    struct stream_segment segment = {.sequence = sequence, .payload = {bytes, size}, .checksum_good = true};
    struct stream_events events = into(got);
    stream_add(pool, stream, &segment, &events);
}

static void begin(struct stream_pool *pool, struct stream *stream, struct buf *got)
{
    struct stream_events events = into(got);
    stream_init(stream);
    stream_syn(stream, 99, true);
    stream_acknowledged(pool, stream, 100, &events);
}

/* Hundreds of streams that only ever send what is behind a hole; and honest ones that are a little out of order. */
static void test_hoarders_lose(void **state)
{
    enum { HOARDERS = 300, SEGMENT = 1400 };
    static struct stream hoarders[HOARDERS];
    static uint8_t bytes[SEGMENT];
    struct stream_pool *pool = stream_pool_new(MIB);
    struct buf got, honest_got;
    size_t before = bytes_in_use();
    (void)state;
    buf_init(&got, 64 * MIB);
    buf_init(&honest_got, 64 * MIB);
    for (size_t i = 0; i < HOARDERS; i++)
        begin(pool, &hoarders[i], &got);
    for (uint32_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < HOARDERS; i++) {
            add(pool, &hoarders[i], 200 + round * SEGMENT, bytes, SEGMENT, &got);
            assert_true(bytes_in_use() < before + got.capacity + honest_got.capacity + 2 * MIB);
            if (i % 100)
                continue;
            struct stream honest;
            begin(pool, &honest, &honest_got);
            buf_reset(&honest_got);
            add(pool, &honest, 103, "DE", 2, &honest_got);
            add(pool, &hoarders[i], 300 + (round + 1) * SEGMENT, bytes, SEGMENT, &got);
            add(pool, &honest, 100, "ABC", 3, &honest_got);
            assert_int_equal(honest_got.size, 5);
            assert_memory_equal(honest_got.data, "ABCDE", 5);
            stream_done(pool, &honest);
        }
    }
    assert_int_equal(got.size, 0);
    assert_true(stream_pool_counts(pool).pool_full > 1000);
    for (size_t i = 0; i < HOARDERS; i++)
        stream_done(pool, &hoarders[i]);
    buf_done(&got);
    buf_done(&honest_got);
    stream_pool_free(pool);
}

/* More than a stream may have waiting: its hole is given up, although nobody acknowledged it. */
static void test_one_stream_is_bounded(void **state)
{
    enum { SEGMENT = 1400 };
    static uint8_t bytes[SEGMENT];
    struct stream_pool *pool = stream_pool_new(64 * MIB);
    struct stream stream;
    struct buf got;
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    buf_init(&got, 64 * MIB);
    begin(pool, &stream, &got);
    for (uint32_t i = 0; i < 2000; i++) {
        add(pool, &stream, 200 + i * SEGMENT, bytes, SEGMENT, &got);
        assert_true(stream.waiting_bytes <= 512 * 1024 + SEGMENT);
    }
    assert_true(got.size > SEGMENT);
    assert_int_equal(got.data[0], '?');
    assert_null(memchr(got.data + 1, '?', got.size - 1));
    stream_done(pool, &stream);
    buf_done(&got);
    stream_pool_free(pool);
}

/* Numbers that are nowhere near belong to nobody here. */
static void test_far_away(void **state)
{
    struct stream_pool *pool = stream_pool_new(MIB);
    struct stream stream;
    struct buf got;
    (void)state;
    buf_init(&got, MIB);
    begin(pool, &stream, &got);
    add(pool, &stream, 100 + (1u << 25), "far", 3, &got);
    add(pool, &stream, 100 - (1u << 25), "far", 3, &got);
    add(pool, &stream, 100 + (1u << 31), "far", 3, &got);
    assert_int_equal(stream.waiting_count, 0);
    add(pool, &stream, 100, "near", 4, &got);
    assert_int_equal(got.size, 4);
    buf_done(&got);
    stream_pool_free(pool);
}

/* A handshake in many tiny segments, backwards or anyhow, behind its SYN, acknowledged before it comes, or caught in the middle: none is too many up to here. */
static void test_many_tiny_segments(void **state)
{
    enum { COUNT = 1400, SIZE = 7 };
    static uint8_t bytes[COUNT * SIZE];
    static uint32_t order[COUNT];
    (void)state;
    srand(5);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    for (unsigned round = 0; round < 8; round++) {
        struct stream_pool *pool = stream_pool_new(MIB);
        struct stream stream;
        struct buf got;
        buf_init(&got, MIB);
        struct stream_events events = into(&got);
        begin(pool, &stream, &got);
        if (round & 1)
            stream_init(&stream);
        else
            stream_acknowledged(pool, &stream, 100 + sizeof bytes, &events);
        for (uint32_t i = 0; i < COUNT; i++)
            order[i] = COUNT - 1 - i;
        for (uint32_t i = 0; i < COUNT && round >= 2; i++) {
            uint32_t other = i + (uint32_t)rand() % (COUNT - i), at = order[i];
            order[i] = order[other];
            order[other] = at;
        }
        for (uint32_t i = 0; i < COUNT; i++)
            add(pool, &stream, 100 + order[i] * SIZE, bytes + order[i] * SIZE, SIZE, &got);
        stream_flush(pool, &stream, &events);
        assert_int_equal(got.size, sizeof bytes);
        assert_memory_equal(got.data, bytes, sizeof bytes);
        buf_done(&got);
        stream_pool_free(pool);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Tiny segments behind a hole, upwards, downwards, anyhow, and without a beginning: the time per segment does not grow with their number. */
static void test_worst_orders_are_cheap(void **state)
{
    enum { COUNT = 100000 };
    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        struct stream_pool *pool = stream_pool_new(64 * MIB);
        struct stream stream;
        struct buf got;
        double began = seconds();
        buf_init(&got, 64 * MIB);
        begin(pool, &stream, &got);
        srand(4);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t at = order % 3 == 0 ? i : order % 3 == 1 ? COUNT - i : (uint32_t)rand() % COUNT;
            if (order >= 3 && !stream.floating) { /* ever new connections that were caught in the middle */
                stream_done(pool, &stream);
                stream_init(&stream);
            }
            add(pool, &stream, 1000 + 2 * at, "x", 1, &got);
        }
        /* 100,000 of them; a walk over all would be 5e9 steps. A sanitized build on a loaded machine included: */
        assert_true(seconds() - began < 4);
        stream_done(pool, &stream);
        buf_done(&got);
        stream_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hoarders_lose),
        cmocka_unit_test(test_one_stream_is_bounded),
        cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_many_tiny_segments),
        cmocka_unit_test(test_worst_orders_are_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
