/* Batches from strangers: the first byte chooses the encoding, the rest is the body. What was read must add up and be grouped whole. */
#include <stdint.h>
#include <stdlib.h>

#include "collector/http/body.h"
#include "collector/ingest/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t run[CM_UUID_SIZE];
    static const struct batch_options options = {.scanner = "fuzz", .run = run, .now_ms = 1800000000000};
    struct batch batch;
    struct buf body;
    if (size < 1)
        return 0;
    struct evbuffer *raw = evbuffer_new();
    evbuffer_add(raw, data + 1, size - 1);
    buf_init(&body, 1 << 20);
    if (body_decode(raw, (enum body_encoding)(data[0] % 3), &body, NULL) == 0) {
        if (batch_read(body.data, body.size, &options, &batch, NULL) == 0) {
            struct places places;
            size_t grouped = 0, count;
            batch_settle(&batch);
            batch_group(&batch, &places);
            for (size_t i = 0; i < places.count; i++)
                grouped += places.list[i].count;
            if (grouped != places.order_count || batch.stored + batch.skipped > batch.lines)
                abort();
            free(batch_references(&batch, &places, &count));
            places_done(&places);
        }
        batch_done(&batch);
    }
    buf_done(&body);
    evbuffer_free(raw);
    return 0;
}
