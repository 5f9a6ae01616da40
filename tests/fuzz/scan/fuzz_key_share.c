/* A server's key exchange value: two bytes of group, then the value. A second derivation with the same value must agree, whatever the first
 * left behind in the tools that both use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/key_share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key_shares *shares; /* for the life of the process: ffdhe8192 takes its time */
    static uint8_t first[SHARED_SECRET_MAX], second[SHARED_SECRET_MAX];
    size_t first_size = 0, second_size = 0;
    if (size < 2 || (shares == NULL && key_shares_new(&shares, NULL) != 0))
        return 0;
    uint16_t group = (uint16_t)(data[0] << 8 | data[1]);
    struct slice value = {data + 2, size - 2};
    int result = key_shares_derive(shares, group, value, first, &first_size);
    if (result != 0 && result != CM_EMALFORMED && (result != CM_EUNSUPPORTED || key_shares_knows(group)))
        abort();
    if (key_shares_derive(shares, group, value, second, &second_size) != result || first_size != second_size ||
        memcmp(first, second, first_size) != 0)
        abort();
    return 0;
}
