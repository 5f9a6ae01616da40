/* --prove on a leaf and a message of a hostile server: the first two bytes are the cipher suite (TLS 1.3 ones: the message is
 * CertificateVerify, else ServerKeyExchange), two are the version, two the leaf's size, then leaf and message. The transcript is that of
 * RFC 8448 §3, so that its CertificateVerify, a seed, is good. */
#include <stdint.h>
#include <stdlib.h>

#include "scanner/tls/prove.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t transcript[32] = {0x76, 0x4d, 0x66, 0x32, 0xb3, 0xc3, 0x5c, 0x3f, 0x32, 0x05, 0xe3,
                                           0x49, 0x9a, 0xc3, 0xed, 0xba, 0xab, 0xb8, 0x82, 0x95, 0xfb, 0xa7,
                                           0x51, 0x46, 0x1d, 0x36, 0x78, 0xe2, 0xe5, 0xea, 0x06, 0x87};
    static const uint8_t random[32] = {1};
    struct cursor at;
    struct slice leaf, body;
    uint16_t suite, version, leaf_size;
    const char *detail = "untouched";
    cursor_init(&at, data, size);
    if (cursor_u16(&at, &suite) != 0 || cursor_u16(&at, &version) != 0 || cursor_u16(&at, &leaf_size) != 0 ||
        cursor_slice(&at, leaf_size, &leaf) != 0 || cursor_slice(&at, cursor_left(&at), &body) != 0)
        return 0;
    enum proof proof = suite >> 8 == 0x13
                           ? prove_certificate_verify(leaf, body, transcript, sizeof transcript, &detail)
                           : prove_server_key_exchange(leaf, body, version, suite, random, random, &detail);
    if (proof == PROOF_NONE || proof_name(proof) == NULL || (proof == PROOF_GOOD) != (detail == NULL))
        abort();
    return 0;
}
