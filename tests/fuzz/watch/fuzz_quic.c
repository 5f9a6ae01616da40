/* Datagrams of a QUIC conversation, each behind a byte and two with its size. The byte says from which side it is, and whether the bytes are a datagram
 * or the frames of an Initial packet, which is then sealed as it has to be. */
#include "scanner/watch/quic.h"
#include "tests/fuzz/watch/watched.h"
#include "tests/unit/watch/quic_pack.h"

enum { SERVER = 1, FRAMES = 0x80, SECOND_VERSION = 0x40, SHORT_MAX = 1400 };

static void seal(uint8_t what, struct slice frames, struct buf *out)
{
    struct buf padded;
    struct slice id = {rfc_id, sizeof rfc_id}, none = {NULL, 0};
    buf_init(&padded, PACKETS_BUF_MAX);
    buf_append(&padded, frames.data, frames.size < SHORT_MAX ? frames.size : SHORT_MAX);
    put_padding(&padded, 100);
    put_initial(out, &(struct quic_packet){.version = what & SECOND_VERSION ? QUIC_VERSION_2 : QUIC_VERSION_1,
                                           .number = what,
                                           .keyed_by = id,
                                           .destination = what & SERVER ? none : id,
                                           .server = what & SERVER,
                                           .frames = &padded});
    buf_done(&padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct session_counts counts = {0};
    size_t told = 0;
    bool more = true;
    struct session_options options = {.observed = watch_observed, .context = &told, .counts = &counts};
    struct quic *quic = quic_new(&options, watch_places, 1);
    while (more && !cursor_at_end(&input.at)) {
        uint8_t what = take_byte(&input);
        struct slice bytes;
        struct buf sealed;
        uint8_t *copy = take_copy(&input, take_u16(&input), &bytes);
        buf_init(&sealed, PACKETS_BUF_MAX);
        if (what & FRAMES)
            seal(what, bytes, &sealed);
        struct slice datagram = what & FRAMES ? buf_slice(&sealed) : bytes;
        (void)quic_may_be(datagram);
        more = quic_datagram(quic, what & SERVER, datagram, 2);
        free(copy);
        buf_done(&sealed);
        hold(quic_memory(quic) < 512 * 1024);
    }
    if (more)
        quic_end(quic);
    quic_free(quic);
    return 0;
}
