/* Several strings in one pass (Wu and Manber, 1994): a table says for each pair of bytes how far the next needle's end can be at least, so that most
 * bytes are never looked at. Ten needles cost what one costs with memmem, and a file is read once.
 *
 * Owns the list of needles, all of one length. search.c calls it. Pure. */
#include "scanner/crawl/formats/needles.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
    PAIR_SLOTS = 4096, /* fits into the first level of the cache */
    SHIFT_MAX = NEEDLE_BYTES - 1,
};

static const struct {
    char text[NEEDLE_BYTES + 1];
    enum needle needle;
} needles[] = {
    {"-----BEGIN", NEEDLE_PEM},
    {"-\0-\0B\0E\0G\0", NEEDLE_UTF16},
    {"U\0d\0J\0T\0i\0", NEEDLE_UTF16}, /* and of its base64 */
    {"LS1CRUdJTi", NEEDLE_BASE64},
    {"0tQkVHSU4g", NEEDLE_BASE64_SHIFTED},
    {"tLUJFR0lOI", NEEDLE_BASE64_SHIFTED2},
    {"TFMwdExTMU", NEEDLE_BASE64_TWICE},
    {"-cert-v01@", NEEDLE_SSH_CERTIFICATE},
    {"---- BEGIN", NEEDLE_SSH2},
    {"PuTTY-User", NEEDLE_PUTTY},
    {"pkcs7-mime", NEEDLE_MAIL},
    {"pkcs7-sign", NEEDLE_MAIL},
};
enum { NEEDLE_COUNT = sizeof needles / sizeof *needles };

static uint8_t shifts[PAIR_SLOTS];
static atomic_bool ready;

/* Text differs in the low bits of each byte. */
static inline unsigned slot_of(const uint8_t *pair)
{
    return (pair[0] ^ (unsigned)pair[1] << 5) & (PAIR_SLOTS - 1);
}

/* The table is the same whoever fills it, so two threads may. */
static void prepare(void)
{
    memset(shifts, SHIFT_MAX, sizeof shifts);
    for (size_t i = 0; i < NEEDLE_COUNT; i++)
        for (unsigned at = 0; at + 2 <= NEEDLE_BYTES; at++) {
            uint8_t *shift = &shifts[slot_of((const uint8_t *)needles[i].text + at)];
            uint8_t left = (uint8_t)(NEEDLE_BYTES - 2 - at);
            if (left < *shift)
                *shift = left;
        }
    atomic_store(&ready, true);
}

static enum needle match(const uint8_t *bytes)
{
    for (size_t i = 0; i < NEEDLE_COUNT; i++)
        if (memcmp(bytes, needles[i].text, NEEDLE_BYTES) == 0)
            return needles[i].needle;
    return NEEDLE_NONE;
}

size_t needles_find(const uint8_t *bytes, size_t size, size_t from, enum needle *which)
{
    if (!atomic_load_explicit(&ready, memory_order_acquire))
        prepare();
    *which = NEEDLE_NONE;
    if (size < NEEDLE_BYTES || from > size - NEEDLE_BYTES)
        return size;
    const uint8_t *at = bytes + from + NEEDLE_BYTES - 2, *last = bytes + size - 2;
    while (at <= last) {
        unsigned shift = shifts[slot_of(at)];
        if (!shift) {
            *which = match(at - (NEEDLE_BYTES - 2));
            if (*which != NEEDLE_NONE)
                return (size_t)(at - (NEEDLE_BYTES - 2) - bytes);
            shift = 1;
        }
        at += shift;
    }
    return size;
}
