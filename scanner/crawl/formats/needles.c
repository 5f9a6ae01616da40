/* Several strings in one pass (Wu and Manber, 1994): a table says for each pair of bytes how far the next needle's end can be at least, so that most
 * bytes are never looked at. Twenty needles cost little more than one with memmem, and a file is read once.
 *
 * Owns the list of needles, all of one length. search.c calls it. Pure. */
#include "scanner/crawl/formats/needles.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
    PAIR_SLOTS = 4096, /* fits into the first level of the cache */
    SHIFT_MAX = NEEDLE_BYTES - 1,
    LANES = 3,
    LANE_BYTES = 4096,
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
    {"\"kty\":\"RSA", NEEDLE_JWK},
    {"\"kty\": \"RS", NEEDLE_JWK},
    {"\"kty\":\"EC\"", NEEDLE_JWK},
    {"\"kty\": \"EC", NEEDLE_JWK},
    {"\"kty\":\"OKP", NEEDLE_JWK},
    {"\"kty\": \"OK", NEEDLE_JWK},
    {"\\\"kty\\\":\\\"", NEEDLE_JWK}, /* in a string */
    {"X509Certif", NEEDLE_BARE},
    {"\"x5c\":[\"MI", NEEDLE_BARE},
    {"\"x5c\": [\"M", NEEDLE_BARE},
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

/* From where a needle's last pair may stand to `end`: there it stands, and *which is it; or nothing does, and the next place to look at is returned. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end, enum needle *which)
{
    while (at < end) {
        unsigned shift = shifts[slot_of(at)];
        if (!shift) {
            *which = match(at - (NEEDLE_BYTES - 2));
            if (*which != NEEDLE_NONE)
                return at;
            shift = 1;
        }
        at += shift;
    }
    return at;
}

/* Three lanes at once, one behind the other in the bytes: each step waits for two loads, and three waits take as long as one. Stops before a lane may
 * leave its bytes, and at a needle, of which it says nothing. */
static void skip_together(const uint8_t *lanes[static LANES], const uint8_t *start)
{
    const uint8_t *a = lanes[0], *b = lanes[1], *c = lanes[2];
    bool found = false;
    while (!found) {
        size_t left = (size_t)(start + LANE_BYTES - a), left_b = (size_t)(start + 2 * LANE_BYTES - b),
               left_c = (size_t)(start + 3 * LANE_BYTES - c);
        left = left < left_b ? left : left_b;
        left = left < left_c ? left : left_c;
        size_t steps = left / SHIFT_MAX;
        if (!steps)
            break;
        for (; steps && !found; steps--) {
            unsigned shift_a = shifts[slot_of(a)], shift_b = shifts[slot_of(b)], shift_c = shifts[slot_of(c)];
            if (!shift_a || !shift_b || !shift_c) {
                found = (!shift_a && match(a - (NEEDLE_BYTES - 2)) != NEEDLE_NONE) ||
                        (!shift_b && match(b - (NEEDLE_BYTES - 2)) != NEEDLE_NONE) ||
                        (!shift_c && match(c - (NEEDLE_BYTES - 2)) != NEEDLE_NONE);
                if (found)
                    break;
                shift_a = shift_a ? shift_a : 1;
                shift_b = shift_b ? shift_b : 1;
                shift_c = shift_c ? shift_c : 1;
            }
            a += shift_a;
            b += shift_b;
            c += shift_c;
        }
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
}

size_t needles_find(const uint8_t *bytes, size_t size, size_t from, enum needle *which)
{
    if (!atomic_load_explicit(&ready, memory_order_acquire))
        prepare();
    *which = NEEDLE_NONE;
    if (size < NEEDLE_BYTES || from > size - NEEDLE_BYTES)
        return size;
    const uint8_t *at = bytes + from + NEEDLE_BYTES - 2, *end = bytes + size - 1;
    while (at < end && (size_t)(end - at) >= LANES * LANE_BYTES) { /* the last skip may have gone beyond the end */
        const uint8_t *start = at, *lanes[LANES] = {start, start + LANE_BYTES, start + 2 * LANE_BYTES};
        skip_together(lanes, start);
        for (size_t i = 0; i < LANES && *which == NEEDLE_NONE; i++) /* the first needle is the one in the first lane */
            at = skip(lanes[i], start + (i + 1) * LANE_BYTES, which);
        if (*which != NEEDLE_NONE)
            return (size_t)(at - bytes) - (NEEDLE_BYTES - 2);
    }
    at = skip(at, end, which);
    return *which != NEEDLE_NONE ? (size_t)(at - bytes) - (NEEDLE_BYTES - 2) : size;
}
