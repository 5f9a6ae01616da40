/* TCP data in order, against the simplest reference there is: the stream that was cut. In any order, doubled, in pieces of a byte, over the wrap of sequence numbers
 * exactly that stream comes out; what is lost is a gap of its size; what is damaged waits for a good copy. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/watch/stream.h"
#include "tests/unit/watch/memory.h"

enum { STREAM_BYTES = 20000, MIB = 1024 * 1024 };

struct reading {
    struct stream_pool *pool;
    struct stream stream;
    struct stream_events events;
    struct buf got; /* a gap is as many '?' */
    uint64_t gaps, missing, garbage;
};

static void on_bytes(void *context, struct slice bytes)
{
    struct reading *reading = context;
    assert_true(bytes.size > 0);
    buf_append(&reading->got, bytes.data, bytes.size);
}

static void on_gap(void *context, uint32_t missing)
{
    struct reading *reading = context;
    if (missing == 0)
        reading->garbage++;
    reading->gaps++;
    reading->missing += missing;
    for (uint32_t i = 0; i < missing && i < STREAM_BYTES; i++)
        buf_append_char(&reading->got, '?');
}

static void reading_init(struct reading *reading, size_t pool)
{
    *reading = (struct reading){.pool = stream_pool_new(pool)};
    reading->events = (struct stream_events){on_bytes, on_gap, reading};
    buf_init(&reading->got, 64 * MIB);
    stream_init(&reading->stream);
}

static void reading_done(struct reading *reading)
{
    stream_done(reading->pool, &reading->stream);
    stream_pool_free(reading->pool);
    buf_done(&reading->got);
}

static void add(struct reading *reading, uint32_t sequence, const void *bytes, size_t size, bool good)
{
    uint8_t *copy = malloc(size ? size : 1); /* what is lent must not be kept */
    memcpy(copy, bytes, size);
    struct stream_segment segment = {.sequence = sequence, .payload = {copy, size}, .checksum_good = good};
    stream_add(reading->pool, &reading->stream, &segment, &reading->events);
    free(copy);
}

static void assert_got(const struct reading *reading, const void *bytes, size_t size)
{
    assert_int_equal(reading->got.size, size);
    assert_memory_equal(reading->got.data, bytes, size);
}

static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i % 251 + 1);
}

struct cut {
    uint32_t at, size;
};

/* Segments of a stream, from one byte to `most`. */
static size_t cut_up(struct cut *cuts, uint32_t size, uint32_t most)
{
    size_t count = 0;
    for (uint32_t at = 0; at < size; count++) {
        uint32_t part = 1 + (uint32_t)rand() % most;
        part = part < size - at ? part : size - at;
        cuts[count] = (struct cut){at, part};
        at += part;
    }
    return count;
}

/* No segment comes later than `distance` others that were sent after it. */
static void disorder(struct cut *cuts, size_t count, size_t distance)
{
    static size_t due[STREAM_BYTES];
    for (size_t i = 0; i < count; i++) {
        struct cut cut = cuts[i];
        size_t j = i, when = i + (distance ? (size_t)rand() % distance : 0);
        for (; j > 0 && due[j - 1] > when; j--) {
            due[j] = due[j - 1];
            cuts[j] = cuts[j - 1];
        }
        due[j] = when;
        cuts[j] = cut;
    }
}

/* --- the same stream, whatever the order --------------------------------------------------------------------------------- */

static void test_any_order(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    static struct cut cuts[STREAM_BYTES];
    static const uint32_t sizes[] = {1, 7, 100, 1460, 9000}, starts[] = {0, 1, 0x7fffff00, 0xfffff000, 0xffffffff};
    (void)state;
    fill(bytes, sizeof bytes);
    srand(1);
    for (unsigned round = 0; round < 600; round++) {
        struct reading reading;
        uint32_t start = starts[round % 5], size = 1 + (uint32_t)rand() % STREAM_BYTES;
        size_t count = cut_up(cuts, size, sizes[(round / 5) % 5]);
        disorder(cuts, count, round % 3 ? 40 : 0);
        reading_init(&reading, MIB);
        stream_syn(&reading.stream, start - 1, true);
        stream_acknowledged(reading.pool, &reading.stream, start, &reading.events); /* what is missing may still come */
        for (size_t i = 0; i < count; i++) {
            add(&reading, start + cuts[i].at, bytes + cuts[i].at, cuts[i].size, true);
            if (rand() % 4 == 0) { /* again, an older one, or one that reaches over two */
                size_t j = (size_t)rand() % (i + 1);
                uint32_t longer = cuts[j].size * 2;
                longer = longer < size - cuts[j].at ? longer : size - cuts[j].at;
                add(&reading, start + cuts[j].at, bytes + cuts[j].at, rand() % 2 ? longer : cuts[j].size, true);
            }
        }
        assert_got(&reading, bytes, size);
        assert_int_equal(reading.gaps, 0);
        assert_int_equal(stream_pool_counts(reading.pool).conflicts, 0);
        assert_null(reading.stream.waiting);
        reading_done(&reading);
    }
}

/* Everything backwards, where the beginning is known and where it is not. */
static void test_reversed(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    (void)state;
    fill(bytes, sizeof bytes);
    for (unsigned syn = 0; syn < 2; syn++) {
        struct reading reading;
        uint32_t start = 0xfffffff0, size = 20 * 700;
        reading_init(&reading, MIB);
        if (syn)
            stream_syn(&reading.stream, start - 1, true);
        for (uint32_t at = size; at > 0; at -= 700)
            add(&reading, start + at - 700, bytes + at - 700, 700, true);
        stream_flush(reading.pool, &reading.stream, &reading.events);
        assert_got(&reading, bytes, size);
        assert_int_equal(reading.gaps, 0);
        reading_done(&reading);
    }
}

/* A capture that begins in the middle: what comes first is not the beginning, and it is told all the same. */
static void test_without_a_beginning(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    static struct cut cuts[STREAM_BYTES];
    (void)state;
    fill(bytes, sizeof bytes);
    srand(2);
    for (unsigned round = 0; round < 300; round++) {
        struct reading reading;
        uint32_t start = (uint32_t)rand() * 3u, size = 1 + (uint32_t)rand() % STREAM_BYTES;
        size_t count = cut_up(cuts, size, 1460);
        disorder(cuts, count, 8);
        reading_init(&reading, MIB);
        for (size_t i = 0; i < count; i++)
            add(&reading, start + cuts[i].at, bytes + cuts[i].at, cuts[i].size, true);
        stream_flush(reading.pool, &reading.stream, &reading.events);
        assert_got(&reading, bytes, size);
        assert_int_equal(reading.gaps, 0);
        reading_done(&reading);
    }
}

/* A hello settles at once where the stream begins: nobody waits for more. */
static void test_a_hello_is_the_beginning(void **state)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3};
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    add(&reading, 5000, hello, sizeof hello, true);
    assert_got(&reading, hello, sizeof hello);
    add(&reading, 4000, "what came before it", 19, true);
    assert_got(&reading, hello, sizeof hello);
    reading_done(&reading);
}

/* An encrypted Finished whose first byte is by chance the type of a hello, whole or in pieces: the beginning is still awaited. */
static void test_a_finished_is_not_the_beginning(void **state)
{
    static const char before[] = "what was sent before, and comes later";
    uint8_t finished[] = {22, 3, 3, 0, 40, 0, 0xd1, 0x5c, 0x9e, 0x07, 0xb3, 0x44};
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        size_t step = round / 2 % 2 ? 4 : sizeof finished, below = sizeof before - 1;
        struct reading reading;
        finished[5] = (uint8_t)(1 + round % 2);
        finished[6] = round < 4 ? 0xd1 : 0; /* and the next one that of its length */
        reading_init(&reading, MIB);
        for (size_t at = 0; at < sizeof finished; at += step)
            add(&reading, 5000 + (uint32_t)at, finished + at, step, true);
        assert_int_equal(reading.got.size, 0);
        add(&reading, 5000 - (uint32_t)below, before, below, true);
        stream_flush(reading.pool, &reading.stream, &reading.events);
        assert_int_equal(reading.got.size, below + sizeof finished);
        assert_memory_equal(reading.got.data, before, below);
        assert_int_equal(reading.gaps, 0);
        reading_done(&reading);
    }
}

/* --- loss ------------------------------------------------------------------------------------------------------------------ */

static void test_acknowledged_loss(void **state)
{
    static uint8_t bytes[3 * STREAM_BYTES];
    struct reading reading;
    (void)state;
    fill(bytes, sizeof bytes);
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 100, bytes, 1000, true);
    stream_acknowledged(reading.pool, &reading.stream, 1100, &reading.events);
    for (uint32_t at = 1500; at < sizeof bytes; at += 500) {
        add(&reading, 100 + at, bytes + at, 500, true);
        stream_acknowledged(reading.pool, &reading.stream, 100 + at + 500, &reading.events);
    }
    memset(bytes + 1000, '?', 500);
    assert_got(&reading, bytes, sizeof bytes);
    assert_int_equal(reading.gaps, 1);
    assert_int_equal(reading.missing, 500);
    assert_int_equal(stream_pool_counts(reading.pool).gaps, 1);
    assert_int_equal(stream_pool_counts(reading.pool).gap_bytes, 500);
    reading_done(&reading);
}

/* As long as the receiver has not got it either, it may come; and it comes. */
static void test_loss_that_is_sent_again(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    struct reading reading;
    (void)state;
    fill(bytes, sizeof bytes);
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    for (uint32_t at = 500; at < STREAM_BYTES; at += 500) {
        add(&reading, 100 + at, bytes + at, 500, true);
        stream_acknowledged(reading.pool, &reading.stream, 100, &reading.events);
    }
    assert_int_equal(reading.got.size, 0);
    add(&reading, 100, bytes, 500, true);
    assert_got(&reading, bytes, STREAM_BYTES);
    assert_int_equal(reading.gaps, 0);
    reading_done(&reading);
}

/* A capture of one side has no acknowledgments: a bounded number of segments later the hole is given up. */
static void test_loss_that_nobody_acknowledges(void **state)
{
    static uint8_t bytes[3 * STREAM_BYTES];
    struct reading reading;
    (void)state;
    fill(bytes, sizeof bytes);
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    for (uint32_t at = 100; at < sizeof bytes; at += 100)
        add(&reading, 100 + at, bytes + at, 100, true);
    memset(bytes, '?', 100);
    assert_got(&reading, bytes, sizeof bytes);
    assert_int_equal(reading.gaps, 1);
    reading_done(&reading);
}

static void test_flush_tells_what_is_there(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 103, "DE", 2, true);
    add(&reading, 108, "I", 1, true);
    stream_flush(reading.pool, &reading.stream, &reading.events);
    assert_got(&reading, "???DE???I", 9);
    assert_int_equal(reading.gaps, 2);
    stream_flush(reading.pool, &reading.stream, &reading.events);
    assert_got(&reading, "???DE???I", 9);
    reading_done(&reading);
}

/* What the snapshot length cut off is a gap at its place, in order and out of order. */
static void test_missing_ends(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    struct stream_segment cut = {
        .sequence = 104, .payload = {(const uint8_t *)"EF", 2}, .missing = 3, .checksum_good = true};
    stream_add(reading.pool, &reading.stream, &cut, &reading.events);
    add(&reading, 109, "J", 1, true);
    add(&reading, 100, "ABCD", 4, true);
    assert_got(&reading, "ABCDEF???J", 10);
    cut.sequence = 110;
    stream_add(reading.pool, &reading.stream, &cut, &reading.events);
    cut.sequence = 115;
    cut.payload.size = 0;
    stream_add(reading.pool, &reading.stream, &cut, &reading.events);
    add(&reading, 118, "S", 1, true);
    assert_got(&reading, "ABCDEF???JEF??????S", 19);
    reading_done(&reading);
}

/* --- whom to believe --------------------------------------------------------------------------------------------------- */

static void test_the_first_copy_counts(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 104, "EFGH", 4, true);
    add(&reading, 102, "xxxxxxxx", 8, true); /* new on both sides of what waits */
    add(&reading, 100, "AB", 2, true);
    assert_got(&reading, "ABxxEFGHxx", 10);
    assert_int_equal(stream_pool_counts(reading.pool).conflicts, 1);
    add(&reading, 100, "zzzzzzzzzzKL", 12, true); /* what was delivered stays */
    assert_got(&reading, "ABxxEFGHxxKL", 12);
    assert_int_equal(stream_pool_counts(reading.pool).retransmitted, 1);
    reading_done(&reading);
}

static void test_equal_copies_are_no_conflict(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 104, "EFGH", 4, true);
    add(&reading, 102, "CDEFGHIJ", 8, true);
    add(&reading, 100, "ABCDEFGHIJ", 10, true);
    assert_got(&reading, "ABCDEFGHIJ", 10);
    assert_int_equal(stream_pool_counts(reading.pool).conflicts, 0);
    assert_true(stream_pool_counts(reading.pool).overlaps > 0);
    reading_done(&reading);
}

/* Garbage with a bad checksum, before, after and across the good data, cut otherwise: the good data comes out. */
static void test_good_checksums_win(void **state)
{
    static uint8_t bytes[STREAM_BYTES], garbage[STREAM_BYTES];
    static struct cut cuts[STREAM_BYTES];
    (void)state;
    fill(bytes, sizeof bytes);
    memset(garbage, 0xee, sizeof garbage);
    uint64_t bad = 0;
    srand(3);
    for (unsigned round = 0; round < 300; round++) {
        struct reading reading;
        uint32_t size = 200 + (uint32_t)rand() % (STREAM_BYTES - 200);
        size_t count = cut_up(cuts, size, 1460);
        disorder(cuts, count, round % 2 ? 6 : 0);
        reading_init(&reading, MIB);
        stream_syn(&reading.stream, 99, true);
        for (size_t i = 0; i < count; i++) {
            uint32_t at = cuts[i].at, part = cuts[i].size;
            if (rand() % 2) {
                uint32_t from = at > 100 ? at - (uint32_t)rand() % 100 : at;
                uint32_t end = at + part + (uint32_t)rand() % (round % 3 ? 100 : 4000); /* over segments yet to come */
                end = end < size ? end : size;
                add(&reading, 100 + from, garbage, end - from, false);
            }
            add(&reading, 100 + at, bytes + at, part, true);
            if (round % 2 == 0) /* what has arrived is acknowledged; garbage behind it is not meant */
                stream_acknowledged(reading.pool, &reading.stream, 100 + at + part, &reading.events);
        }
        stream_flush(reading.pool, &reading.stream, &reading.events);
        assert_got(&reading, bytes, size);
        assert_int_equal(reading.gaps, 0);
        bad += stream_pool_counts(reading.pool).bad_checksums;
        reading_done(&reading);
    }
    assert_true(bad > 1000);
}

/* A host that has its card compute checksums: all of its own are bad, and all of them are believed. */
static void test_offload(void **state)
{
    static uint8_t bytes[STREAM_BYTES];
    struct reading reading;
    (void)state;
    fill(bytes, sizeof bytes);
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, false);
    for (uint32_t at = 0; at < STREAM_BYTES; at += 1000)
        add(&reading, 100 + at, bytes + at, 1000, false);
    assert_got(&reading, bytes, STREAM_BYTES);
    reading_done(&reading);
}

/* Data with bad checksums alone, behind a SYN with a good one: the receiver took it. Beside good data it is garbage, and the good copy is waited for. */
static void test_offload_that_is_acknowledged(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 100, "AB", 2, false);
    stream_acknowledged(reading.pool, &reading.stream, 102, &reading.events);
    assert_int_equal(reading.got.size, 0); /* garbage, perhaps */
    add(&reading, 102, "CD", 2, false);
    add(&reading, 104, "EF", 2, false);
    stream_acknowledged(reading.pool, &reading.stream, 103, &reading.events);
    assert_got(&reading, "AB", 2);
    stream_acknowledged(reading.pool, &reading.stream, 106, &reading.events);
    assert_got(&reading, "ABCDEF", 6);
    reading_done(&reading);
    reading_init(&reading, MIB);
    stream_syn(&reading.stream, 99, true);
    add(&reading, 100, "AB", 2, true);
    add(&reading, 102, "XY", 2, false);
    stream_acknowledged(reading.pool, &reading.stream, 106, &reading.events);
    add(&reading, 104, "EF", 2, true);
    assert_got(&reading, "AB", 2);
    add(&reading, 102, "CD", 2, true);
    assert_got(&reading, "ABCDEF", 6);
    reading_done(&reading);
}

/* Believed as long as nothing better was there, and all of it forgotten when something is. */
static void test_garbage_that_is_acknowledged(void **state)
{
    struct reading reading;
    (void)state;
    reading_init(&reading, MIB);
    add(&reading, 100, "XY", 2, false);
    stream_acknowledged(reading.pool, &reading.stream, 102, &reading.events);
    assert_got(&reading, "XY", 2);
    add(&reading, 102, "CD", 2, true);
    assert_int_equal(reading.garbage, 1);
    add(&reading, 100, "AB", 2, true);
    stream_flush(reading.pool, &reading.stream, &reading.events);
    assert_got(&reading, "XYABCD", 6);
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_reversed),
        cmocka_unit_test(test_without_a_beginning),
        cmocka_unit_test(test_a_hello_is_the_beginning),
        cmocka_unit_test(test_a_finished_is_not_the_beginning),
        cmocka_unit_test(test_acknowledged_loss),
        cmocka_unit_test(test_loss_that_is_sent_again),
        cmocka_unit_test(test_loss_that_nobody_acknowledges),
        cmocka_unit_test(test_flush_tells_what_is_there),
        cmocka_unit_test(test_missing_ends),
        cmocka_unit_test(test_the_first_copy_counts),
        cmocka_unit_test(test_equal_copies_are_no_conflict),
        cmocka_unit_test(test_good_checksums_win),
        cmocka_unit_test(test_offload),
        cmocka_unit_test(test_offload_that_is_acknowledged),
        cmocka_unit_test(test_garbage_that_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
