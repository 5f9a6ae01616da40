/* Compound files of any bytes: chains of sectors that run in circles, small streams without a large one. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_msi, data, size);
    return 0;
}
