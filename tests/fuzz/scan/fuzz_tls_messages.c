/* TLS handshake messages of a server: the first two bytes are the version, then type, length and body, as often as they come; and the
 * first bytes of what may be no TLS at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/fingerprint.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/sniff.h"
#include "scanner/tls/staple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

/* A slice lies inside the message that it was read from, or is empty. */
static void check_inside(struct slice body, struct slice slice)
{
    if (slice.size && (slice.data < body.data || slice.data + slice.size > body.data + body.size))
        abort();
    for (size_t i = 0; i < slice.size; i++)
        sum += slice.data[i];
}

static void read_server_hello(struct slice body)
{
    struct tls_server_hello hello;
    char ja3s[JA3_SIZE];
    if (tls_read_server_hello(body, &hello))
        return;
    const struct slice slices[] = {hello.random, hello.session_id, hello.share,     hello.cookie,
                                   hello.alpn,   hello.scts,       hello.extensions};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        check_inside(body, slices[i]);
    if (hello.random.size != 32 || hello.session_id.size > 32 || (hello.retry && hello.share.size) ||
        (hello.cookie.size && !hello.retry) || (hello.share.size && hello.version < TLS_VERSION_1_3))
        abort();
    ja3s_write(&hello, ja3s);
    if (strspn(ja3s, "0123456789abcdef") != JA3_SIZE - 1)
        abort();
}

static void read_staple(struct slice ocsp)
{
    struct staple staple;
    staple_read(ocsp, &staple);
    if (!staple.status != (ocsp.size == 0))
        abort();
}

static void read_certificate(struct slice body, uint16_t version)
{
    static struct tls_chain chain;
    unsigned scts;
    if (tls_read_certificate(body, version, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++) {
        if (chain.certs[i].size == 0)
            abort();
        check_inside(body, chain.certs[i]);
    }
    if ((chain.staple.size || chain.scts.size) && (version < TLS_VERSION_1_3 || chain.count == 0))
        abort();
    check_inside(body, chain.staple);
    check_inside(body, chain.scts);
    read_staple(chain.staple);
    if (sct_count(chain.scts, &scts) == 0 && scts > chain.scts.size)
        abort();
}

static void take_name(struct slice name, void *context)
{
    if (name.size == 0)
        abort();
    check_inside(*(struct slice *)context, name);
}

static void read_message(uint8_t type, uint16_t version, struct slice body)
{
    struct slice slice;
    uint16_t number;
    if (type == TLS_SERVER_HELLO)
        read_server_hello(body);
    else if (type == TLS_ENCRYPTED_EXTENSIONS && tls_read_encrypted_extensions(body, &slice) == 0)
        check_inside(body, slice);
    else if (type == TLS_SERVER_KEY_EXCHANGE && tls_read_ecdhe_group(body, &number) == 0)
        sum += number;
    else if (type == TLS_CERTIFICATE)
        read_certificate(body, version);
    else if (type == TLS_CERTIFICATE_REQUEST && tls_read_certificate_request(body, version, take_name, &body) > 0)
        abort();
    else if (type == TLS_CERTIFICATE_VERIFY && tls_read_certificate_verify(body, &number, &slice) == 0)
        check_inside(body, slice);
    else if (type == TLS_CERTIFICATE_STATUS && tls_read_certificate_status(body, &slice) == 0) {
        check_inside(body, slice);
        read_staple(slice);
    }
}

static void read_other_protocol(struct slice first)
{
    struct buf text;
    if ((size_t)sniff(first) >= SNIFFED_COUNT_)
        abort();
    buf_init(&text, 512);
    sniff_describe(first, &text);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            abort();
    }
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor at, body;
    uint16_t version;
    uint8_t type;
    read_other_protocol((struct slice){data, size});
    cursor_init(&at, data, size);
    if (cursor_u16(&at, &version))
        return 0;
    while (cursor_u8(&at, &type) == 0 && cursor_vector24(&at, &body) == 0)
        read_message(type, version, (struct slice){body.at, cursor_left(&body)});
    return 0;
}
