/* UEFI's signature lists and updates of any bytes. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_uefi, data, size);
    return 0;
}
