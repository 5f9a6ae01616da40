/* PE files of any bytes: lying headers, certificate tables and what stands in them. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_pe, data, size);
    return 0;
}
