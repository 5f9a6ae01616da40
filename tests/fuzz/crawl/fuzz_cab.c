/* Cabinets of any bytes: the field that says where a signature lies. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_cab, data, size);
    return 0;
}
