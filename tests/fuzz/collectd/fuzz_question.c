/* A question about fingerprints: whatever is read is sorted, each once, and no more than may be asked; and it is read again from how
 * submit would write it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/delivery.h"
#include "collector/ingest/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_again(sha256_value *list, size_t count)
{
    struct buf body;
    struct cm_error error;
    sha256_value *again = NULL;
    size_t again_count = 0;
    buf_init(&body, 8 << 20);
    buf_append_str(&body, "{\"sha256\":[");
    for (size_t i = 0; i < count; i++) {
        buf_append_str(&body, i ? ",\"" : "\"");
        hex_append(&body, list[i], CM_SHA256_SIZE);
        buf_append_char(&body, '"');
    }
    buf_append_str(&body, "]}");
    if (question_read(body.data, body.size, &again, &again_count, &error) != 0 || again_count != count ||
        (count && memcmp(list, again, count * CM_SHA256_SIZE) != 0))
        abort();
    free(again);
    buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cm_error error;
    sha256_value *list = NULL;
    size_t count = 0;
    if (question_read((const char *)bytes, size, &list, &count, &error) != 0)
        return 0;
    if (count > DELIVERY_MISSING_MAX)
        abort();
    for (size_t i = 1; i < count; i++)
        if (memcmp(list[i - 1], list[i], CM_SHA256_SIZE) >= 0)
            abort();
    check_again(list, count);
    free(list);
    return 0;
}
