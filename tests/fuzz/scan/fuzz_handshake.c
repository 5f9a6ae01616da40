/* A server's bytes against the handshake: in clear as they are, or as messages sealed under the keys of TLS 1.3. The first byte picks hello and
 * mode, the second how the bytes are cut: the result must not depend on that. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/scan/fuzzed_handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLAG_PROVE = 8, FLAG_POLITE = 16, FLAG_SEALED = 32, FLAG_SMALL = 64, SMALL_FLIGHT = 1500 };

static struct handshake *begin(struct fuzzed *fuzzed, uint8_t flags)
{
    struct handshake_ask ask = {.hello = flags % 8 % HELLO_KIND_COUNT,
                                .name = "fuzz.example",
                                .alpn = true,
                                .prove = flags & FLAG_PROVE,
                                .polite = flags & FLAG_POLITE,
                                .flight_max = flags & FLAG_SMALL ? SMALL_FLIGHT : 0};
    if (flags & FLAG_SEALED)
        ask.hello = HELLO_FULL;
    return handshake_new(fuzzed->engine, &ask);
}

/* All that the server says, made once: every ClientHello is the same. */
static void play(struct fuzzed *fuzzed, const uint8_t *data, size_t size, uint8_t flags)
{
    struct handshake *handshake = begin(fuzzed, flags);
    played_reset(&fuzzed->played);
    if (flags & FLAG_SEALED) {
        play_listen(&fuzzed->played, handshake);
        play_keys(&fuzzed->played, fuzzed->shares, (uint16_t)(0x1301 + flags % 5), TLS_GROUP_X25519);
        fuzz_sealed(fuzzed, data, size);
    } else {
        buf_append(&fuzzed->played.out, data, size);
    }
    handshake_free(handshake);
}

static void run(struct fuzzed *fuzzed, uint8_t flags, size_t step, struct buf *told)
{
    struct handshake *handshake = begin(fuzzed, flags);
    fuzz_feed(handshake, buf_slice(&fuzzed->played.out), step);
    handshake_finish(handshake, HANDSHAKE_END_CLOSED);
    fuzz_tell(handshake, told);
    if (handshake_farewell(handshake).size > FAREWELL_MAX || handshake_output(handshake).size)
        abort();
    handshake_free(handshake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzzed *fuzzed = fuzz_get();
    struct buf whole, cut;
    if (size < 2)
        return 0;
    buf_init(&whole, 1 << 22);
    buf_init(&cut, 1 << 22);
    play(fuzzed, data + 2, size - 2, data[0]);
    run(fuzzed, data[0], SIZE_MAX, &whole);
    run(fuzzed, data[0], (size_t)data[1] + 1, &cut);
    if (!slice_equal(buf_slice(&whole), buf_slice(&cut)))
        abort();
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
