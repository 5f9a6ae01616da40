/* pcap and pcapng, also packed: packets and secrets lie in the file, times can be reckoned with, and it ends once. */
#include "tests/fuzz/watch/capture_memory.h"

struct told {
    size_t packets, bytes;
};

static void on_packet(const struct packet *packet, void *context)
{
    struct told *told = context;
    told->packets++;
    told->bytes += packet->bytes.size;
    touch(packet->bytes);
    hold(packet->at_us < INT64_MAX / 2 && packet->at_us > INT64_MIN / 2);
}

static void on_secrets(struct slice text, void *context)
{
    struct told *told = context;
    told->bytes += text.size;
    touch(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told told = {0};
    struct capture_file_events events = {on_packet, on_secrets, &told};
    struct capture_file *file = capture_file_new(memory_file(data, size), &events);
    struct cm_error error = {0};
    int code;
    while ((code = capture_file_read(file, 3, &error)) == 1) {
    }
    hold(code == 0 || (code < 0 && error.reason && error.reason[0]));
    hold(capture_file_is_packed(file) || (told.bytes <= size && told.packets <= size / 12));
    if (code == CM_ETRUNCATED) /* it has not grown */
        hold(capture_file_read(file, 3, &error) == CM_ETRUNCATED);
    capture_file_free(file);
    return 0;
}
