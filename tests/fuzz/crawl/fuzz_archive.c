/* Archives and compressed files of any bytes, through the table and with what lies inside. What libarchive allocates is refused beyond 256 MiB, as the
 * fence of memory.h does it where no sanitizer is. */
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_job(data, size);
    return 0;
}
