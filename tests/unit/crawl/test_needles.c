/* The search for several strings in one pass: where each may stand, across the lanes that are looked at together, beside a search that takes its time. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/crawl/formats/needles.h"

enum { LANE = 4096, SIZE = 3 * LANE * 2 + 100 };

static uint8_t *filled(int with)
{
    uint8_t *bytes = malloc(SIZE);
    unsigned seed = 1;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = with >= 0 ? (uint8_t)with : (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    return bytes;
}

/* One needle anywhere, at every place around the border of a lane; in bytes of which the needle itself begins, in its own middle and in noise. */
static void test_everywhere(void **state)
{
    (void)state;
    static const int fillings[] = {'-', 'B', -1};
    for (size_t f = 0; f < 3; f++) {
        uint8_t *bytes = filled(fillings[f]), before[NEEDLE_BYTES];
        for (size_t at = 0; at + NEEDLE_BYTES <= SIZE; at += (at + 24) % LANE < 48 ? 1 : 23) {
            enum needle which;
            memcpy(before, bytes + at, NEEDLE_BYTES);
            memcpy(bytes + at, "-----BEGIN", NEEDLE_BYTES);
            assert_int_equal(needles_find(bytes, SIZE, 0, &which), at);
            assert_int_equal(which, NEEDLE_PEM);
            assert_int_equal(needles_find(bytes, SIZE, at, &which), at);
            assert_int_equal(needles_find(bytes, SIZE, at + 1, &which), SIZE);
            assert_int_equal(which, NEEDLE_NONE);
            assert_int_equal(needles_find(bytes, at + NEEDLE_BYTES - 1, 0, &which), at + NEEDLE_BYTES - 1);
            memcpy(bytes + at, before, NEEDLE_BYTES);
        }
        free(bytes);
    }
}

/* The first of many is found, whichever lane it is in; then the next. */
static void test_many(void **state)
{
    (void)state;
    static const char *const texts[] = {"-----BEGIN", "PuTTY-User", "LS1CRUdJTi", "pkcs7-mime"};
    for (unsigned round = 0; round < 300; round++) {
        uint8_t *bytes = filled(-1);
        size_t places[SIZE / 64], count = 0, next;
        enum needle which;
        srand(round);
        for (size_t at = (size_t)rand() % 4000; at + NEEDLE_BYTES <= SIZE;
             at += NEEDLE_BYTES + 64 + (size_t)rand() % 6000) {
            memcpy(bytes + at, texts[rand() % 4], NEEDLE_BYTES);
            places[count++] = at;
        }
        size_t from = 0;
        for (size_t i = 0; i < count; i++, from = next + 1) {
            next = needles_find(bytes, SIZE, from, &which);
            assert_int_equal(next, places[i]);
            assert_int_not_equal(which, NEEDLE_NONE);
        }
        assert_int_equal(needles_find(bytes, SIZE, from, &which), SIZE);
        free(bytes);
    }
}

/* Bytes that end at the end of a lane, or a little behind it: no byte beyond them is looked at, which their own block of memory shows. */
static void test_ends(void **state)
{
    (void)state;
    for (size_t size = 3 * LANE; size < 3 * LANE + 32; size++) {
        enum needle which;
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        memset(bytes, 'x', size); /* of no needle: each step is the longest */
        for (size_t from = 0; from < 16; from++)
            assert_int_equal(needles_find(bytes, size, from, &which), size);
        assert_int_equal(which, NEEDLE_NONE);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everywhere), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
