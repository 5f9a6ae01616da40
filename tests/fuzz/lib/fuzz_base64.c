/* Base64: what the strict reader takes, the writer gives back byte for byte; the loose one takes all of it and more. Hex beside it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf strict, loose, again;
    buf_init(&strict, size + 8);
    buf_init(&loose, size + 8);
    buf_init(&again, 2 * size + 8);

    int loose_status = base64_read_loose((const char *)data, size, &loose);
    if (base64_read((const char *)data, size, &strict) == 0) {
        base64_append(&again, strict.data, strict.size);
        if (again.size != size || memcmp(again.data, data, size) != 0)
            abort();
        if (loose_status || loose.size != strict.size || memcmp(loose.data, strict.data, strict.size) != 0)
            abort();
    } else if (strict.size) {
        abort();
    }

    buf_reset(&again); /* any bytes survive the way there and back */
    buf_reset(&strict);
    base64_append(&again, data, size);
    if (base64_read(again.data, again.size, &strict) || strict.size != size || memcmp(strict.data, data, size) != 0)
        abort();
    buf_reset(&again);
    hex_append(&again, data, size);
    uint8_t *back = malloc(size ? size : 1);
    if (!back || hex_read(again.data, again.size, back, size) || memcmp(back, data, size) != 0)
        abort();
    free(back);
    buf_done(&strict);
    buf_done(&loose);
    buf_done(&again);
    return 0;
}
