/* The bodies of answers: JSON, written by hand. */
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/escape.h"
#include "collector/ingest/work.h"

void answer_error(struct delivery_answer *answer, int status, const struct cm_error *error)
{
    buf_reset(&answer->body);
    answer->status = status;
    buf_append_str(&answer->body, "{\"error\":\"");
    escape_json(&answer->body, error->reason, strlen(error->reason));
    if (error->detail[0]) {
        buf_append_str(&answer->body, ": ");
        escape_json(&answer->body, error->detail, strlen(error->detail));
    }
    buf_append_str(&answer->body, "\"}\n");
}

void answer_stored(struct delivery_answer *answer, uint64_t stored, const char *rejected)
{
    buf_reset(&answer->body);
    answer->status = 200;
    answer->stored = stored;
    buf_append_str(&answer->body, "{\"stored\":");
    buf_append_u64(&answer->body, stored);
    buf_append_str(&answer->body, ",\"rejected\":");
    buf_append_str(&answer->body, rejected);
    buf_append_str(&answer->body, "}\n");
}

void answer_write_rejections(const struct batch *batch, struct buf *out)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < batch->rejection_count; i++) {
        const char *reason = batch_text(batch, batch->rejections[i].reason);
        buf_appendf(out, "%s{\"line\":%u,\"reason\":\"", i ? "," : "", batch->rejections[i].line);
        escape_json(out, reason, strlen(reason));
        buf_append_str(out, "\"}");
    }
    buf_append_char(out, ']');
}

void answer_missing(struct delivery_answer *answer, int status, const uint8_t (*list)[CM_SHA256_SIZE], size_t count)
{
    buf_reset(&answer->body);
    answer->status = status;
    buf_append_str(&answer->body, "{\"missing\":[");
    for (size_t i = 0; i < count; i++) {
        buf_append_str(&answer->body, i ? ",\"" : "\"");
        hex_append(&answer->body, list[i], CM_SHA256_SIZE);
        buf_append_char(&answer->body, '"');
    }
    buf_append_str(&answer->body, "]}\n");
}
