/* STARTTLS dialogues: the first byte picks the protocol, the second how the rest is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/scan/starttls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum dialogue_state run(enum starttls protocol, const uint8_t *data, size_t size, size_t step, struct buf *said)
{
    struct dialogue dialogue;
    enum dialogue_state state = DIALOGUE_GOING;
    dialogue_init(&dialogue, protocol, "fuzz.example");
    for (size_t at = 0; at < size && state == DIALOGUE_GOING; at += step) {
        struct slice output = dialogue_output(&dialogue);
        buf_append(said, output.data, output.size);
        dialogue_sent(&dialogue, output.size);
        state = dialogue_feed(&dialogue, data + at, size - at < step ? size - at : step);
    }
    if ((state == DIALOGUE_FAILED) != (dialogue.error != RECORD_ERROR_NONE))
        abort();
    if (dialogue.in.size > 64 * 1024 || memchr(dialogue.detail, '\0', sizeof dialogue.detail) == NULL)
        abort();
    dialogue_done(&dialogue);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf cut, single;
    if (size < 2)
        return 0;
    enum starttls protocol = (enum starttls)(STARTTLS_SMTP + data[0] % 5);
    size_t step = (size_t)data[1] + 1;
    buf_init(&cut, 4096);
    buf_init(&single, 4096);
    run(protocol, data + 2, size - 2, step, &cut);
    enum dialogue_state state = run(protocol, data + 2, size - 2, 1, &single);
    /* Byte by byte the server is never early, so READY needs every one of our lines to have been said. */
    if (state == DIALOGUE_READY && protocol == STARTTLS_SMTP && !memmem(single.data, single.size, "STARTTLS\r\n", 10))
        abort();
    buf_done(&cut);
    buf_done(&single);
    return 0;
}
