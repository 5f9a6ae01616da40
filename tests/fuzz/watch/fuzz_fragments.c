/* Fragments of a few datagrams whose contents are known: whatever the order and the overlaps, what is put together is nothing but bytes that were sent at
 * their place. Four bytes a fragment: datagram and family, offset, size and whether it is the last, time. */
#include "scanner/watch/fragments.h"
#include "tests/fuzz/watch/watched.h"

enum { MEMORY = 20000 };

static uint8_t byte_at(unsigned datagram, size_t offset)
{
    return (uint8_t)(offset * 31 + offset / 256 * 7 + datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ip[2][16] = {{1}, {2}};
    static uint8_t bytes[4096];
    struct input input = input_of(data, size);
    struct fragments *fragments = fragments_new(MEMORY);
    int64_t at_us = 0;
    struct slice whole;
    while (cursor_left(&input.at) >= 4) {
        unsigned what = take_byte(&input), offset = take_byte(&input), length = take_byte(&input);
        at_us += (int64_t)(int8_t)take_byte(&input) * 1000000;
        unsigned id = what & 7;
        size_t part = length & 0x40 ? (length & 0x3f) : (length & 0x3f) * 8;
        uint32_t from = offset * 8;
        uint8_t *copy = malloc(part ? part : 1);
        for (size_t i = 0; i < part; i++)
            copy[i] = byte_at(id, from + i);
        struct fragment fragment = {.family = what & 8 ? 4 : 6,
                                    .protocol = 6,
                                    .source = ip[0],
                                    .destination = ip[1],
                                    .id = id,
                                    .offset = from,
                                    .more = !(length & 0x80),
                                    .payload = {copy, part},
                                    .at_us = at_us};
        bool done = fragments_add(fragments, &fragment, &whole);
        free(copy);
        if (!done)
            continue;
        hold(whole.size > 0 && whole.size <= sizeof bytes);
        for (size_t i = 0; i < whole.size; i++)
            hold(whole.data[i] == byte_at(id, i));
    }
    struct fragments_counts counts = fragments_get_counts(fragments);
    hold(counts.completed <= counts.seen && counts.refused <= counts.seen);
    fragments_free(fragments);
    return 0;
}
