/* BKS of any bytes. Its own iterations are beyond the ceiling; those of a mutation that are not are cheap. */
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_job(data, size);
    return 0;
}
