/* A worker with all its stages on a capture file. */
#include "scanner/watch/keylog.h"
#include "scanner/watch/worker.h"
#include "tests/fuzz/watch/capture_memory.h"

struct watching {
    struct worker *worker;
    struct keylog *keylog;
};

static void on_packet(const struct packet *packet, void *context)
{
    const struct watching *watching = context;
    worker_packet(packet, watching->worker);
}

static void on_secrets(struct slice text, void *context)
{
    const struct watching *watching = context;
    keylog_add(watching->keylog, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t told = 0;
    struct watching watching = {.keylog = keylog_new()};
    struct worker_options options = {
        .memory_max = 1 << 20, .keylog = watching.keylog, .observed = watch_observed, .context = &told};
    watching.worker = worker_new(&options);
    struct capture_file_events events = {on_packet, on_secrets, &watching};
    struct capture_file *file = capture_file_new(memory_file(data, size), &events);
    struct cm_error error = {0};
    while (capture_file_read(file, 100, &error) == 1) {
    }
    worker_flush(watching.worker);
    struct worker_counts counts = worker_get_counts(watching.worker);
    hold(counts.flows.under_way == 0 && counts.decode.packets <= size / 12);
    capture_file_free(file);
    worker_free(watching.worker);
    keylog_free(watching.keylog);
    return 0;
}
