/* EAP in EAPOL and in RADIUS: packets, each behind a byte (who to whom, in which of the two) and two with its size. */
#include "scanner/watch/eap.h"
#include "tests/fuzz/watch/watched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct session_counts counts = {0};
    size_t told = 0;
    struct session_options options = {.observed = watch_observed, .context = &told, .counts = &counts};
    struct eaps *eaps = eaps_new(&options, 100000);
    while (!cursor_at_end(&input.at)) {
        uint8_t what = take_byte(&input);
        struct slice bytes;
        uint8_t *copy = take_copy(&input, take_u16(&input), &bytes);
        struct datagram datagram = {.protocol = what & 2 ? DATAGRAM_UDP : DATAGRAM_EAP,
                                    .source = watch_places[what & 1],
                                    .destination = watch_places[!(what & 1)],
                                    .payload = bytes,
                                    .at_us = what};
        datagram.source.ip[5] = what >> 4;
        (void)eaps_is_radius(&datagram);
        eaps_add(eaps, &datagram);
        free(copy);
    }
    eaps_flush(eaps);
    eaps_free(eaps);
    return 0;
}
