/* Fragments in any order, doubled, overlapping, lying, by the hundred thousand: what comes out is the datagram as it was sent, or nothing, and memory
 * and time stay bounded. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scanner/watch/fragments.h"
#include "tests/unit/watch/memory.h"

enum { SECOND_US = 1000000, MIB = 1024 * 1024 };

static const uint8_t addresses[2][16] = {{192, 0, 2, 1}, {198, 51, 100, 2}};

static struct fragment piece(uint8_t family, uint32_t id, const uint8_t *bytes, uint32_t offset, size_t size, bool more)
{
    return (struct fragment){
        .family = family,
        .protocol = 6,
        .source = addresses[0],
        .destination = addresses[1],
        .id = id,
        .offset = offset,
        .more = more,
        .payload = {bytes + offset, size},
        .at_us = SECOND_US,
    };
}

static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static void assert_whole(struct slice whole, const uint8_t *bytes, size_t size)
{
    assert_int_equal(whole.size, size);
    assert_memory_equal(whole.data, bytes, size);
}

/* Every cut into pieces, every order that a shuffle gives, pieces sent twice: once whole, and only with the last missing one. */
static void test_any_order(void **state)
{
    uint8_t bytes[4096];
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    (void)state;
    fill(bytes, sizeof bytes);
    srand(1);
    for (uint32_t round = 0; round < 2000; round++) {
        struct fragment pieces[64];
        size_t count = 0, size = 1 + (size_t)rand() % sizeof bytes;
        uint8_t family = round % 2 ? 4 : 6;
        for (uint32_t at = 0; at < size; count++) {
            uint32_t part = 8 * (1 + (uint32_t)rand() % 100);
            bool more = at + part < size && count < 63;
            part = more ? part : (uint32_t)size - at;
            pieces[count] = piece(family, round, bytes, at, part, more);
            at += part;
        }
        for (size_t i = count - 1; i > 0; i--) {
            size_t j = (size_t)rand() % (i + 1);
            struct fragment swapped = pieces[i];
            pieces[i] = pieces[j];
            pieces[j] = swapped;
        }
        for (size_t i = 0; i < count; i++) {
            bool done = fragments_add(fragments, &pieces[i], &whole);
            assert_int_equal(done, i + 1 == count);
            if (!done && rand() % 3 == 0)
                assert_false(fragments_add(fragments, &pieces[i], &whole));
        }
        assert_whole(whole, bytes, size);
    }
    assert_int_equal(fragments_get_counts(fragments).completed, 2000);
    assert_int_equal(fragments_get_counts(fragments).overlapping, 0);
    assert_int_equal(fragments_get_counts(fragments).refused, 0);
    fragments_free(fragments);
}

/* What makes two datagrams different, and what does not. */
static void test_keys(void **state)
{
    uint8_t bytes[16];
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    (void)state;
    fill(bytes, sizeof bytes);
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct fragment first = piece(family, 1, bytes, 0, 8, true);
        assert_false(fragments_add(fragments, &first, &whole));
        struct fragment last = piece(family, 2, bytes, 8, 8, false);
        assert_false(fragments_add(fragments, &last, &whole)); /* another id */
        last.id = 1;
        last.source = addresses[1];
        assert_false(fragments_add(fragments, &last, &whole));
        last.source = addresses[0];
        last.protocol = 17; /* of IPv6 only the first fragment's next header counts (RFC 8200 §4.5) */
        assert_int_equal(fragments_add(fragments, &last, &whole), family == 6);
        last.protocol = 6;
        if (family == 4)
            assert_true(fragments_add(fragments, &last, &whole));
        assert_whole(whole, bytes, 16);
    }
    fragments_free(fragments);
}

static void test_overlaps(void **state)
{
    uint8_t bytes[64], others[64];
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    (void)state;
    fill(bytes, sizeof bytes);
    memset(others, 0xee, sizeof others);
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct fragment there = piece(family, 1, bytes, 16, 16, true), over = piece(family, 1, others, 8, 32, true),
                        first = piece(family, 1, bytes, 0, 8, true), last = piece(family, 1, bytes, 40, 24, false);
        assert_false(fragments_add(fragments, &there, &whole));
        assert_false(fragments_add(fragments, &over, &whole));
        assert_false(fragments_add(fragments, &first, &whole));
        assert_int_equal(fragments_add(fragments, &last, &whole), family == 4); /* RFC 5722: all of it is dropped */
        if (family == 4) {
            assert_memory_equal(whole.data + 8, others, 8);
            assert_memory_equal(whole.data + 16, bytes + 16, 16); /* the first copy */
            assert_memory_equal(whole.data + 32, others, 8);
        }
        assert_int_equal(fragments_get_counts(fragments).overlapping, family == 4 ? 1 : 2);
    }
    assert_int_equal(fragments_get_counts(fragments).completed, 1);
    /* The datagram of IPv6 stays refused, whatever else comes. */
    struct fragment again = piece(6, 1, bytes, 0, 64, false);
    assert_false(fragments_add(fragments, &again, &whole));
    fragments_free(fragments);
}

static void test_lies(void **state)
{
    uint8_t bytes[1 << 16];
    struct slice whole;
    (void)state;
    fill(bytes, sizeof bytes);
    const struct fragment lies[] = {
        piece(4, 1, bytes, 65528, 8, false), /* behind the end of what IP can carry */
        piece(4, 1, bytes, 8, 9, true),      /* not a multiple of eight, and not the last */
        piece(4, 1, bytes, 8, 0, true),      /* nothing */
        piece(4, 1, bytes, 4096, 8, true),   /* behind the last */
        piece(4, 1, bytes, 2000, 16, false), /* another last */
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct fragments *fragments = fragments_new(MIB);
        struct fragment last = piece(4, 1, bytes, 1600, 8, false), first = piece(4, 1, bytes, 0, 1600, true);
        assert_false(fragments_add(fragments, &last, &whole));
        assert_false(fragments_add(fragments, &lies[i], &whole));
        assert_false(fragments_add(fragments, &first, &whole));
        assert_int_equal(fragments_get_counts(fragments).refused, 1);
        first.id = 2; /* the next datagram is another matter */
        last.id = 2;
        assert_false(fragments_add(fragments, &last, &whole));
        assert_true(fragments_add(fragments, &first, &whole));
        assert_whole(whole, bytes, 1608);
        fragments_free(fragments);
    }
    struct fragments *fragments = fragments_new(MIB); /* a shorter end than what was there completes nothing */
    struct fragment far = piece(4, 1, bytes, 800, 8, true), end = piece(4, 1, bytes, 0, 80, false);
    assert_false(fragments_add(fragments, &far, &whole));
    assert_false(fragments_add(fragments, &end, &whole));
    fragments_free(fragments);
    fragments = fragments_new(MIB); /* the largest datagram that there is */
    struct fragment most = piece(4, 1, bytes, 0, 65528, true), rest = piece(4, 1, bytes, 65528, 7, false);
    assert_false(fragments_add(fragments, &most, &whole));
    assert_true(fragments_add(fragments, &rest, &whole));
    assert_whole(whole, bytes, 65535);
    fragments_free(fragments);
}

/* --- time ---------------------------------------------------------------------------------------------------------------- */

static bool ends_after(int64_t first_us, const int64_t *between_us, size_t count, int64_t last_us)
{
    uint8_t bytes[16] = {0};
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    struct fragment first = piece(4, 1, bytes, 0, 8, true), last = piece(4, 1, bytes, 8, 8, false);
    first.at_us = first_us;
    assert_false(fragments_add(fragments, &first, &whole));
    for (size_t i = 0; i < count; i++) {
        struct fragment other = piece(4, 2, bytes, 0, 8, true);
        other.at_us = between_us[i];
        assert_false(fragments_add(fragments, &other, &whole));
    }
    last.at_us = last_us;
    bool done = fragments_add(fragments, &last, &whole);
    assert_int_equal(fragments_get_counts(fragments).timed_out > 0, !done);
    fragments_free(fragments);
    return done;
}

static void test_timeouts(void **state)
{
    int64_t steps[40];
    (void)state;
    for (int i = 0; i < 40; i++)
        steps[i] = (i + 1) * SECOND_US;
    assert_true(ends_after(0, NULL, 0, SECOND_US));
    assert_true(ends_after(0, steps, 29, 30 * SECOND_US));
    assert_false(ends_after(0, steps, 31, 32 * SECOND_US));
    /* A damaged stamp, and back: nothing is given up for it. */
    const int64_t damaged[] = {INT64_MAX, INT64_MIN, INT64_C(253402300800) * SECOND_US};
    for (size_t i = 0; i < 3; i++)
        assert_true(ends_after(SECOND_US, &damaged[i], 1, SECOND_US));
    /* An older capture read after a newer one: its clock runs on. */
    int64_t newer = 1000 * (int64_t)SECOND_US;
    assert_true(ends_after(newer, steps, 29, 29 * SECOND_US));
    assert_false(ends_after(newer, steps, 40, 40 * SECOND_US));
}

/* --- floods --------------------------------------------------------------------------------------------------------------- */

static void test_floods_stay_bounded(void **state)
{
    uint8_t bytes[1480];
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    size_t before = bytes_in_use();
    (void)state;
    fill(bytes, sizeof bytes);
    for (uint32_t id = 0; id < 300000; id++) { /* first pieces without a second; an honest datagram now and then */
        struct fragment flood = piece(4, id, bytes, 0, id % 2 ? 1480 : 8, true);
        assert_false(fragments_add(fragments, &flood, &whole));
        if (id % 100 == 0) {
            struct fragment last = piece(6, id, bytes, 800, 600, false), first = piece(6, id, bytes, 0, 800, true);
            assert_false(fragments_add(fragments, &last, &whole));
            assert_true(fragments_add(fragments, &first, &whole));
            assert_whole(whole, bytes, 1400);
        }
        if (id % 1000 == 0)
            assert_true(bytes_in_use() < before + 2 * MIB);
    }
    assert_true(fragments_get_counts(fragments).evicted > 100000);
    assert_int_equal(fragments_get_counts(fragments).completed, 3000);
    fragments_free(fragments);
}

/* A datagram in more pieces than anybody needs is refused, in little time, even when they come backwards and overlap. */
static void test_too_many_pieces(void **state)
{
    uint8_t bytes[65536];
    struct slice whole;
    struct fragments *fragments = fragments_new(MIB);
    (void)state;
    fill(bytes, sizeof bytes);
    for (uint32_t offset = 65520; offset > 0; offset -= 16) {
        struct fragment tiny = piece(4, 1, bytes, offset, 8, true);
        assert_false(fragments_add(fragments, &tiny, &whole));
    }
    assert_int_equal(fragments_get_counts(fragments).refused, 1);
    fragments_free(fragments);
}

/* Addresses that differ only where a weak hash does not look: no slower than others. */
static void test_chosen_addresses(void **state)
{
    uint8_t bytes[8] = {0}, source[16] = {0x20, 0x01};
    struct fragments *fragments = fragments_new(64 * MIB);
    struct timespec began, ended;
    struct slice whole;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    for (unsigned i = 0; i < 130000; i++) {
        struct fragment flood = piece(6, i >> 16, bytes, 0, 8, true);
        source[14] = (uint8_t)(i >> 8);
        source[15] = (uint8_t)i;
        flood.source = source;
        assert_false(fragments_add(fragments, &flood, &whole));
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    assert_true(ended.tv_sec - began.tv_sec < 4);
    fragments_free(fragments);
}

/* Even when nothing but the datagram at hand could make room for it. */
static void test_smallest_memory(void **state)
{
    uint8_t bytes[2048];
    struct slice whole;
    (void)state;
    fill(bytes, sizeof bytes);
    for (size_t memory = 0; memory < 3000; memory += 100) {
        struct fragments *fragments = fragments_new(memory);
        struct fragment first = piece(4, 1, bytes, 0, 1024, true), last = piece(4, 1, bytes, 1024, 1024, false);
        bool done = fragments_add(fragments, &first, &whole) || fragments_add(fragments, &last, &whole);
        assert_true(done ? memory >= 2048 : memory < 2048 + 300);
        if (done)
            assert_whole(whole, bytes, 2048);
        fragments_free(fragments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),       cmocka_unit_test(test_keys),
        cmocka_unit_test(test_overlaps),        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_timeouts),        cmocka_unit_test(test_floods_stay_bounded),
        cmocka_unit_test(test_too_many_pieces), cmocka_unit_test(test_chosen_addresses),
        cmocka_unit_test(test_smallest_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
