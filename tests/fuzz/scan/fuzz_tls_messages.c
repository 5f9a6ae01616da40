/* TLS handshake messages of a server: the first two bytes are the version, then type, length and body, as often as they come; and the
 * first bytes of what may be no TLS at all. */
#include <stdint.h>
#include <stdlib.h>

#include "scanner/tls/messages.h"
#include "scanner/tls/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte of a slice, so that the sanitizer sees one that points outside. */
static unsigned touch(struct slice slice)
{
    unsigned sum = 0;
    for (size_t i = 0; i < slice.size; i++)
        sum += slice.data[i];
    return sum;
}

static void touch_name(struct slice name, void *context)
{
    *(unsigned *)context += touch(name);
}

static unsigned read_message(uint8_t type, uint16_t version, struct slice body)
{
    static struct tls_chain chain;
    struct tls_server_hello hello;
    struct slice alpn;
    uint16_t group;
    unsigned sum = 0;
    if (type == TLS_SERVER_HELLO && tls_read_server_hello(body, &hello) == 0)
        sum += touch(hello.alpn) + hello.version;
    if (type == TLS_ENCRYPTED_EXTENSIONS && tls_read_encrypted_extensions(body, &alpn) == 0)
        sum += touch(alpn);
    if (type == TLS_SERVER_KEY_EXCHANGE && tls_read_ecdhe_group(body, &group) == 0)
        sum += group;
    if (type == TLS_CERTIFICATE && tls_read_certificate(body, version, &chain) == 0) {
        for (size_t i = 0; i < chain.count; i++) {
            if (chain.certs[i].size == 0)
                abort();
            sum += touch(chain.certs[i]);
        }
    }
    if (type == TLS_CERTIFICATE_REQUEST && tls_read_certificate_request(body, version, touch_name, &sum) > 0)
        abort();
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor at, body;
    uint16_t version;
    uint8_t type;
    volatile unsigned sum = sniff((struct slice){data, size});
    struct buf text;
    buf_init(&text, 512);
    sniff_describe((struct slice){data, size}, &text);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            abort();
    }
    buf_done(&text);
    cursor_init(&at, data, size);
    if (cursor_u16(&at, &version))
        return 0;
    while (cursor_u8(&at, &type) == 0 && cursor_vector24(&at, &body) == 0)
        sum += read_message(type, version, (struct slice){body.at, cursor_left(&body)});
    (void)sum;
    return 0;
}
