/* Reassembly against a reference. The stream's bytes follow from their position, so that every byte that is delivered can be checked, gaps included; data with a bad
 * checksum is of another kind. Each step of the input: what to do, where, how much. */
#include "scanner/watch/stream.h"
#include "tests/fuzz/watch/watched.h"

enum { START = 0x7ffffff0, POOL = 30000 };

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)((position * 31 + position / 256 * 7) & 0x7f);
}

struct reading {
    uint64_t position; /* in the stream */
    bool bad_seen;     /* bytes of bad segments may be believed */
    bool floating;     /* the beginning is not known: the first bytes tell */
};

static void on_bytes(void *context, struct slice bytes)
{
    struct reading *reading = context;
    hold(bytes.size > 0);
    for (size_t i = 0; i < bytes.size && !reading->floating; i++)
        hold(bytes.data[i] == byte_at(reading->position + i) || (reading->bad_seen && bytes.data[i] & 0x80));
    reading->position += bytes.size;
}

static void on_gap(void *context, uint32_t missing)
{
    struct reading *reading = context;
    hold(missing > 0);
    reading->position += missing;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct stream_pool *pool = stream_pool_new(POOL);
    struct stream stream;
    struct reading reading = {0};
    struct stream_events events = {on_bytes, on_gap, &reading};
    stream_init(&stream);
    if (take_byte(&input) & 1)
        stream_syn(&stream, START - 1, true);
    else
        reading.floating = true;
    while (!cursor_at_end(&input.at)) {
        uint8_t what = take_byte(&input);
        uint32_t at = take_u16(&input);
        size_t part = what & 0x20 ? (take_byte(&input) + 1u) * 16 : take_byte(&input);
        if ((what & 0x1f) == 0) {
            stream_acknowledged(pool, &stream, START + at, &events);
            continue;
        }
        bool good = (what & 0x1f) > 3;
        uint8_t *copy = malloc(part ? part : 1);
        for (size_t i = 0; i < part; i++)
            copy[i] = byte_at(at + i) | (good ? 0 : 0x80);
        reading.bad_seen |= !good;
        struct stream_segment segment = {.sequence = START + at,
                                         .payload = {copy, part},
                                         .missing = what & 0x40 ? part / 2 : 0,
                                         .checksum_good = good};
        stream_add(pool, &stream, &segment, &events);
        free(copy);
        hold(stream.waiting_bytes <= POOL && (stream.waiting_count == 0) == (stream.waiting == NULL));
        if (!reading.floating)
            hold(stream.next == START + (uint32_t)reading.position);
    }
    stream_flush(pool, &stream, &events);
    hold(stream.waiting == NULL && stream.waiting_bytes == 0 && stream.waiting_count == 0);
    stream_done(pool, &stream);
    stream_pool_free(pool);
    return 0;
}
