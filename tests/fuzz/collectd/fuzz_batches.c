/* Batches from strangers: the first byte chooses the encoding, the rest is the body. What was read must add up and be grouped whole, and its rows for COPY have the
 * columns of their tables (stage.sql), whatever stands in a text. */
#include <stdint.h>
#include <stdlib.h>

#include "collector/http/body.h"
#include "collector/ingest/batch.h"
#include "collector/ingest/rows.h"

static bool pass(void *context)
{
    (void)context;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACE_COLUMNS = 11, LOOK_COLUMNS = 15, LOCATION_COLUMNS = 12, CHAIN_COLUMNS = 2, RUN_COLUMNS = 17 };

static void end_row(struct buf *row, size_t columns)
{
    size_t seen = 1;
    for (size_t i = 0; i < row->size; i++) {
        seen += row->data[i] == '\t';
        if (row->data[i] == '\n' || row->data[i] == '\r' || !row->data[i])
            abort();
    }
    if (!row->failed && seen != columns)
        abort();
    buf_reset(row);
}

static void write_rows(struct batch *batch, const struct places *places)
{
    struct buf row;
    buf_init(&row, 1 << 24);
    for (size_t i = 0; i < places->count; i++) {
        const struct place *place = &places->list[i];
        struct look *first = &batch->looks[places->order[place->start]];
        row_place(&row, batch, places, place);
        end_row(&row, PLACE_COLUMNS);
        if (batch_unfold(batch, first, NULL) == 0) {
            row_location(&row, batch, first->location_id, first->location, place->first_ms);
            end_row(&row, LOCATION_COLUMNS);
        }
        for (size_t j = 0; j < place->count; j++) {
            const struct look *look = &batch->looks[places->order[place->start + j]];
            row_look(&row, batch, look);
            end_row(&row, LOOK_COLUMNS);
            row_chain(&row, batch, look);
            end_row(&row, CHAIN_COLUMNS);
        }
    }
    for (size_t i = 0; i < batch->asset_count; i++) {
        static const size_t columns[ASSET_KINDS_] = {
            [ASSET_KEY] = 8, [ASSET_STORE] = 7, [ASSET_CSR] = 4, [ASSET_CRL] = 4, [ASSET_SSH] = 4};
        row_asset(&row, batch, &batch->assets[i]);
        end_row(&row, columns[batch->assets[i].kind]);
        row_location(&row, batch, batch->assets[i].location_id, batch->assets[i].location, 0);
        end_row(&row, LOCATION_COLUMNS);
    }
    for (size_t i = 0; i < batch->run_count; i++) {
        row_run(&row, batch, &batch->runs[i]);
        end_row(&row, RUN_COLUMNS);
    }
    buf_done(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t run[CM_UUID_SIZE];
    static const struct batch_options options = {.scanner = "fuzz", .run = run, .now_ms = 1800000000000};
    static const struct body_gate gate = {.light = 1 << 18, .max = 1 << 20, .pass = pass};
    struct batch batch;
    struct buf body;
    if (size < 1)
        return 0;
    struct evbuffer *raw = evbuffer_new();
    evbuffer_add(raw, data + 1, size - 1);
    if (body_decode(raw, (enum body_encoding)(data[0] % 3), &gate, &body, NULL) == 0) {
        if (batch_read(body.data, body.size, &options, &batch, NULL) == 0) {
            struct places places;
            size_t grouped = 0, count;
            batch_settle(&batch);
            batch_group(&batch, &places);
            for (size_t i = 0; i < places.count; i++)
                grouped += places.list[i].count;
            if (grouped != places.order_count || batch.stored + batch.skipped > batch.lines)
                abort();
            write_rows(&batch, &places);
            free(batch_references(&batch, &places, &count));
            places_done(&places);
        }
        batch_done(&batch);
    }
    buf_done(&body);
    evbuffer_free(raw);
    return 0;
}
