/* Zips with a signing block of any bytes. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_apk, data, size);
    return 0;
}
