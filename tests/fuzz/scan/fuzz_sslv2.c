/* The SERVER-HELLO of SSL 2.0: what it lends lies in the input, and more bytes change neither a "yes" nor a "never". */
#include <stdint.h>
#include <stdlib.h>

#include "scanner/tls/sslv2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sslv2_server_hello hello = {0};
    int last = CM_ETRUNCATED;
    for (size_t have = 0; have <= size; have += have < 64 ? 1 : 251) {
        int code = sslv2_read_server_hello((struct slice){data, have}, &hello);
        if (last != CM_ETRUNCATED && code != last)
            abort();
        if (code == 0 && hello.certificate.size &&
            (hello.certificate.data < data || hello.certificate.data + hello.certificate.size > data + have))
            abort();
        last = code;
    }
    if (sslv2_read_server_hello((struct slice){data, size}, &hello) == 0 && hello.version != 2)
        abort();
    return 0;
}
