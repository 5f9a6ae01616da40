/* ClientHello and its fingerprints: the input is the message's body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/fingerprint.h"
#include "scanner/tls/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void check_inside(struct slice body, struct slice slice, size_t unit)
{
    if (slice.size % unit)
        abort();
    if (slice.size && (slice.data < body.data || slice.data + slice.size > body.data + body.size))
        abort();
    for (size_t i = 0; i < slice.size; i++)
        sum += slice.data[i];
}

/* "t13d1516h2_8daaf6152771_e5627efa2ab1" */
static void check_ja4(const char *ja4)
{
    static const char hex[] = "0123456789abcdef";
    if (strlen(ja4) != 36 || ja4[10] != '_' || strspn(ja4 + 11, hex) != 12 || ja4[23] != '_' ||
        strspn(ja4 + 24, hex) != 12 || strspn(ja4 + 4, "0123456789") < 4 || !strchr("di", ja4[3]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = {data, size};
    struct tls_client_hello hello;
    char ja3[JA3_SIZE], ja4[JA4_SIZE];
    if (tls_read_client_hello(body, &hello))
        return 0;
    check_inside(body, hello.random, 32);
    check_inside(body, hello.session_id, 1);
    check_inside(body, hello.suites, 2);
    check_inside(body, hello.extensions, 1);
    check_inside(body, hello.name, 1);
    check_inside(body, hello.alpn, 1);
    check_inside(body, hello.groups, 2);
    check_inside(body, hello.point_formats, 1);
    check_inside(body, hello.signature_algorithms, 2);
    check_inside(body, hello.supported_versions, 2);
    ja3_write(&hello, ja3);
    if (strspn(ja3, "0123456789abcdef") != JA3_SIZE - 1)
        abort();
    for (const char *transport = "tqd"; *transport; transport++) {
        ja4_write(&hello, *transport, ja4);
        if (ja4[0] != *transport)
            abort();
        check_ja4(ja4);
    }
    return 0;
}
