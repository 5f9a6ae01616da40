/* Stapled OCSP responses and lists of SCTs: the same bytes are taken for both. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/staple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {data, size};
    struct staple staple;
    unsigned count;
    staple_read(bytes, &staple);
    if (!staple.status != (size == 0))
        abort();
    bool answered = staple.status && (strcmp(staple.status, "good") == 0 || strcmp(staple.status, "revoked") == 0 ||
                                      strcmp(staple.status, "unknown") == 0);
    if (answered != (staple.this_update != INT64_MIN) || (staple.next_update != INT64_MIN && !answered))
        abort();
    if (sct_count(bytes, &count) == 0 && 2 + 3 * (size_t)count > size)
        abort();
    return 0;
}
