/* Records and messages read from a stream in pieces. The first byte chooses how large a message may be, the second how the rest, a TLS server's bytes, is
 * cut; whatever it is, the same records and messages come out as from the stream in one piece. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void log_bytes(struct buf *log, char what, unsigned number, struct slice bytes)
{
    buf_appendf(log, "%c %u %zu ", what, number, bytes.size);
    buf_append(log, bytes.data, bytes.size);
}

static void read_messages(struct message_reader *messages, struct slice fragment, struct buf *log)
{
    struct tls_message message;
    int code;
    tls_messages_feed(messages, fragment);
    while ((code = tls_messages_next(messages, &message)) == 0) {
        if (message.body.size > messages->message_max || message.whole.size != message.body.size + 4)
            abort();
        log_bytes(log, 'm', message.type, message.whole);
    }
    if (code == CM_ELIMIT)
        buf_append_char(log, 'l');
    if (messages->partial.size > 4 + messages->message_max)
        abort();
}

static void play(const uint8_t *data, size_t size, unsigned cut, size_t message_max, struct buf *log)
{
    struct record_reader records;
    struct message_reader messages;
    struct tls_record record;
    int code = CM_ETRUNCATED;
    uint32_t state = cut;
    tls_records_init(&records);
    tls_messages_init(&messages, message_max);
    for (size_t at = 0, step; at < size; at += step) {
        state = state * 1103515245u + 12345u;
        step = cut ? 1 + (state >> 16) % cut : size;
        step = step < size - at ? step : size - at;
        uint8_t *piece = malloc(step); /* AddressSanitizer sees who reads it after it is gone */
        memcpy(piece, data + at, step);
        tls_records_feed(&records, piece, step);
        while ((code = tls_records_next(&records, &record)) == 0) {
            log_bytes(log, 'r', (unsigned)record.type << 16 | record.version, record.fragment);
            if (record.type == TLS_HANDSHAKE)
                read_messages(&messages, record.fragment, log);
        }
        free(piece);
    }
    buf_appendf(log, "e %d %d", code, tls_messages_at_boundary(&messages));
    tls_records_done(&records);
    tls_messages_done(&messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {0, 1, 100, 70000};
    struct buf whole, pieces;
    if (size < 2)
        return 0;
    size_t message_max = limits[data[0] % 4];
    buf_init(&whole, 64 * 1024 * 1024);
    buf_init(&pieces, 64 * 1024 * 1024);
    play(data + 2, size - 2, 0, message_max, &whole);
    play(data + 2, size - 2, 1 + data[1], message_max, &pieces);
    if (whole.failed || !slice_equal(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
