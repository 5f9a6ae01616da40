/* JKS and JCEKS of any bytes; and any bytes as a serialised object, the way from one end of it to the other. */
#include "scanner/crawl/formats/java_stream.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor cursor;
    cursor_init(&cursor, data, size);
    if (java_stream_skip(&cursor) == 0 && (cursor_offset(&cursor) < 5 || cursor_offset(&cursor) > size))
        abort();
    fuzzed_job(data, size);
    return 0;
}
