/* NSS's Berkeley DB files of any bytes: pages that link in circles, pairs larger than pages, offsets out of order. */
#include "tests/fuzz/crawl/fuzzed_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzed_format(&format_nss_dbm, data, size);
    fuzzed_format(&format_nss_blob, data, size); /* a record alone */
    return 0;
}
