/* CompressedCertificate messages: whatever comes out is as long as was announced, and no longer than a Certificate may be. */
#include "scanner/tls/messages.h"
#include "scanner/watch/certificate_unpack.h"
#include "tests/fuzz/watch/watched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_chain chain;
    struct input input = input_of(data, size);
    struct slice body;
    struct buf out;
    uint8_t *copy = take_copy(&input, size, &body);
    buf_init(&out, CM_LIMIT_FLIGHT_BYTES);
    if (certificate_unpack(body, &out)) {
        hold(out.size == ((size_t)data[2] << 16 | (size_t)data[3] << 8 | data[4]) && out.size <= CM_LIMIT_FLIGHT_BYTES);
        touch(buf_slice(&out));
        if (tls_read_certificate(buf_slice(&out), TLS_VERSION_1_3, &chain) == 0) {
            for (size_t i = 0; i < chain.count; i++)
                touch(chain.certs[i]);
        }
    }
    buf_done(&out);
    free(copy);
    return 0;
}
