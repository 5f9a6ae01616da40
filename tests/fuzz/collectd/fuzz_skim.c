/* Two readers of one batch: lines that repeat skimmed, and every line read whole. They must agree about whatever strangers send, and a
 * line that was skimmed must be one that can be read. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/collectd/batch_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch skimmed, whole;
    int codes[] = {compare_read((const char *)data, size, false, &skimmed),
                   compare_read((const char *)data, size, true, &whole)};
    if (codes[0] != codes[1] || !same_batch(&skimmed, &whole))
        abort();
    for (size_t i = 0; codes[0] == 0 && i < skimmed.look_count; i++)
        if (batch_unfold(&skimmed, &skimmed.looks[i], NULL) != 0)
            abort();
    batch_done(&skimmed);
    batch_done(&whole);
    return 0;
}
