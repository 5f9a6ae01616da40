/* Datagrams of a DTLS conversation, each behind a byte that says from which side it is and two with its size. */
#include "scanner/watch/dtls.h"
#include "tests/fuzz/watch/watched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct session_counts counts = {0};
    size_t told = 0, seen = 0;
    bool more = true;
    struct session_options options = {.observed = watch_observed, .context = &told, .counts = &counts};
    struct dtls *dtls = dtls_new(&options, watch_places, 1);
    while (more && !cursor_at_end(&input.at)) {
        int direction = take_byte(&input) & 1;
        struct slice bytes;
        uint8_t *copy = take_copy(&input, take_u16(&input), &bytes);
        (void)dtls_may_be(bytes);
        more = dtls_datagram(dtls, direction, bytes, 2);
        free(copy);
        seen += bytes.size;
        hold(dtls_memory(dtls) < 2 * 1024 * 1024 + 8 * seen);
    }
    if (more)
        dtls_end(dtls);
    dtls_free(dtls);
    return 0;
}
