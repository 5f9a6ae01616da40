/* A TLS conversation: chunks of either direction and gaps. Before each chunk a byte that says whose it is (or that a gap is here) and two with its size.
 * The same chunks cut to single bytes must tell as much. */
#include "scanner/watch/keylog.h"
#include "tests/fuzz/watch/watched.h"

static size_t play(const uint8_t *data, size_t size, bool bytewise, struct session_counts *counts,
                   struct keylog *keylog)
{
    struct input input = input_of(data, size);
    size_t told = 0, seen = 0;
    bool more = true;
    *counts = (struct session_counts){0};
    struct session_options options = {.keylog = keylog, .observed = watch_observed, .context = &told, .counts = counts};
    struct session *session = session_new(&options, watch_places, 1);
    while (more && !cursor_at_end(&input.at)) {
        uint8_t what = take_byte(&input);
        struct slice bytes;
        uint8_t *copy = take_copy(&input, take_u16(&input), &bytes);
        if (what & 0x80)
            more = session_gap(session, what & 1, (uint32_t)bytes.size);
        for (size_t at = 0, part; more && !(what & 0x80) && at < bytes.size; at += part) {
            part = bytewise ? 1 : bytes.size;
            more = session_bytes(session, what & 1, (struct slice){bytes.data + at, part}, 2);
        }
        seen += bytes.size;
        free(copy);
        hold(session_memory(session) <= 8192 + 6 * seen);
        hold(session_usefulness(session) >= 0 && session_usefulness(session) <= 3);
    }
    if (more)
        session_end(session);
    session_free(session);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_counts whole, bytes;
    struct keylog *keylog = size && data[0] & 0x40 ? keylog_new() : NULL;
    if (keylog) { /* for the randoms of our seeds: what comes behind them is tried, and does not open */
        static const char text[] =
            "SERVER_HANDSHAKE_TRAFFIC_SECRET c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1 "
            "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n";
        keylog_add(keylog, (struct slice){(const uint8_t *)text, sizeof text - 1});
    }
    size_t told = play(data, size, false, &whole, keylog), told_bytewise = play(data, size, true, &bytes, keylog);
    hold(told == told_bytewise && told <= size + 1);
    keylog_free(keylog);
    return 0;
}
