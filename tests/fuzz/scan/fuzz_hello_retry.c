/* The HelloRetryRequest path: a request that the input makes up or fills in, then a server that keeps to it or does not. The first byte picks
 * the suite and the mode, the second how the bytes are cut, the next two a group, the fifth the size of the cookie that follows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/scan/fuzzed_handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLAG_WIDE = 8, FLAG_PROVE = 16, FLAG_RAW = 32, FLAG_CERTIFICATE = 64, HEAD = 5 };

struct input {
    uint8_t flags;
    size_t step;
    uint16_t suite, group;
    struct slice cookie, rest;
};

static struct input read_input(const uint8_t *data, size_t size)
{
    struct input input = {.flags = data[0],
                          .step = (size_t)data[1] + 1,
                          .suite = (uint16_t)(0x1301 + data[0] % 8 % 5),
                          .group = (uint16_t)(data[2] << 8 | data[3]),
                          .cookie = {data + HEAD, data[4] < size - HEAD ? data[4] : size - HEAD}};
    input.rest = (struct slice){input.cookie.data + input.cookie.size, size - HEAD - input.cookie.size};
    return input;
}

/* Whether that request is one that we follow: a group that is offered and can be computed, or none but a cookie. */
static bool is_fine(const struct input *input)
{
    if (input->flags & FLAG_RAW)
        return false;
    return input->group ? key_shares_knows(input->group) && input->group != TLS_GROUP_X25519 : input->cookie.size > 0;
}

/* What the server says to the second ClientHello. The large groups would only cost time. */
static void play_second(struct fuzzed *fuzzed, const struct input *input)
{
    static const char *const certs[] = {"one", "two"};
    struct played *played = &fuzzed->played;
    uint16_t group =
        is_fine(input) && input->group && input->group <= TLS_GROUP_FFDHE2048 ? input->group : TLS_GROUP_X25519;
    buf_reset(&played->out);
    play_keys(played, fuzzed->shares, input->suite, group);
    if (input->flags & FLAG_CERTIFICATE)
        play_certificate(played, certs, 2);
    fuzz_sealed(fuzzed, input->rest.data, input->rest.size);
}

static void run(struct fuzzed *fuzzed, const struct input *input, size_t step, struct buf *told)
{
    struct handshake_ask ask = {.hello = input->flags & FLAG_WIDE ? HELLO_WIDE : HELLO_FULL,
                                .name = "fuzz.example",
                                .prove = input->flags & FLAG_PROVE};
    struct handshake *handshake = handshake_new(fuzzed->engine, &ask);
    struct played *played = &fuzzed->played;
    played_reset(played);
    play_listen(played, handshake);
    if (input->flags & FLAG_RAW)
        play_server_hello(played, RETRY_RANDOM, TLS_VERSION_1_2, input->suite, input->rest.data,
                          input->rest.size < 16000 ? input->rest.size : 16000);
    else
        play_retry(played, input->suite, input->group, input->cookie);
    fuzz_feed(handshake, buf_slice(&played->out), step);
    struct slice second = handshake_output(handshake);
    if (is_fine(input) && (handshake_over(handshake) || second.size == 0))
        abort();
    if (is_fine(input) && input->cookie.size &&
        !memmem(second.data, second.size, input->cookie.data, input->cookie.size))
        abort();
    if (second.size) {
        play_listen(played, handshake);
        play_second(fuzzed, input);
        fuzz_feed(handshake, buf_slice(&played->out), step);
        if (is_fine(input) && input->flags & FLAG_CERTIFICATE && input->group <= TLS_GROUP_FFDHE2048 &&
            !handshake->flight->have_chain)
            abort();
    }
    handshake_finish(handshake, HANDSHAKE_END_CLOSED);
    fuzz_tell(handshake, told);
    handshake_free(handshake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, cut;
    if (size < HEAD)
        return 0;
    struct input input = read_input(data, size);
    buf_init(&whole, 1 << 22);
    buf_init(&cut, 1 << 22);
    run(fuzz_get(), &input, SIZE_MAX, &whole);
    run(fuzz_get(), &input, input.step, &cut);
    if (!slice_equal(buf_slice(&whole), buf_slice(&cut)))
        abort();
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
