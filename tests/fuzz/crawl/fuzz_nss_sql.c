/* SQLite files of any bytes, which the table of formats takes for NSS's: damaged trees, schemas that are made to harm. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_nss_sql, data, size);
    return 0;
}
