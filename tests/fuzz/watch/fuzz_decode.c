/* Link layers, tunnels, IP and transports. The first byte chooses the link type, the second what the capture cut off; the rest is the packet. */
#include "scanner/watch/decode.h"
#include "tests/fuzz/watch/watched.h"

static const int link_types[] = {1, 113, 276, 12, 101, 228, 0, 108, 9, 50, 51, 104, 204, 105, 127, 192, 119, 147};

static void on_datagram(const struct datagram *datagram, void *context)
{
    size_t *count = context;
    ++*count;
    touch(datagram->payload);
    hold(datagram->missing <= 0xffffffffu / 2 && datagram->payload.size <= 1 << 20);
    if (datagram->protocol == DATAGRAM_TCP)
        (void)tcp_checksum_good(datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct decoder decoder = {.fragments = fragments_new(100000), .emit = on_datagram};
    int link_type = link_types[take_byte(&input) % (sizeof link_types / sizeof *link_types)];
    uint32_t cut = take_byte(&input);
    struct slice bytes;
    uint8_t *copy = take_copy(&input, SIZE_MAX, &bytes);
    size_t count = 0;
    decoder.context = &count;
    for (int i = 0; i < 2; i++) { /* the same fragment twice */
        struct packet packet = {
            .bytes = bytes, .length = (uint32_t)bytes.size + cut, .link_type = link_type, .at_us = i};
        decode_packet(&decoder, &packet);
    }
    hold(count <= 2 && decoder.counts.packets == 2);
    hold(count + decoder.counts.other + decoder.counts.damaged <= 2);
    free(copy);
    fragments_free(decoder.fragments);
    return 0;
}
