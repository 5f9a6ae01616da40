/* TLS handshake messages of servers, up to the certificate: pure readers over the cursor.
 *
 * Each function reads like the presentation language of its section. Refuses: bytes left over where the RFC leaves none,
 * because a reader that skips them can be told two stories at once. */
#include "scanner/tls/messages.h"

#include <string.h>

enum { EXT_ALPN = 16, EXT_SUPPORTED_VERSIONS = 43, EXT_CERTIFICATE_AUTHORITIES = 47, EXT_KEY_SHARE = 51 };
enum { RANDOM_SIZE = 32, CURVE_TYPE_NAMED = 3 };

/* SHA-256 of "HelloRetryRequest", the random that marks one (RFC 8446 §4.1.3). */
static const uint8_t retry_random[RANDOM_SIZE] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static struct slice rest_of(const struct cursor *cursor)
{
    return (struct slice){cursor->at, cursor_left(cursor)};
}

/* extensions<0..2^16-1>, one at a time: 1 with type and data, 0 at the end, negative when damaged. */
static int next_extension(struct cursor *extensions, uint16_t *type, struct cursor *data)
{
    if (cursor_at_end(extensions))
        return 0;
    if (cursor_u16(extensions, type) || cursor_vector16(extensions, data))
        return CM_EMALFORMED;
    return 1;
}

/* ProtocolNameList with exactly one name (RFC 7301 §3.1). */
static int read_alpn(struct cursor data, struct slice *alpn)
{
    struct cursor list, name;
    if (cursor_vector16(&data, &list) || !cursor_at_end(&data) || cursor_vector8(&list, &name) ||
        !cursor_at_end(&list) || cursor_at_end(&name))
        return CM_EMALFORMED;
    *alpn = rest_of(&name);
    return 0;
}

int tls_read_server_hello(struct slice body, struct tls_server_hello *out)
{
    struct tls_server_hello hello = {0};
    struct cursor at, session, extensions, data;
    struct slice random;
    uint8_t compression;
    cursor_init_slice(&at, body);
    if (cursor_u16(&at, &hello.version) || cursor_slice(&at, RANDOM_SIZE, &random) || cursor_vector8(&at, &session) ||
        cursor_u16(&at, &hello.cipher) || cursor_u8(&at, &compression))
        return CM_EMALFORMED;
    hello.retry = memcmp(random.data, retry_random, RANDOM_SIZE) == 0;
    cursor_init(&extensions, NULL, 0); /* before 1.3 there may be none at all (RFC 5246 §7.4.1.3) */
    if (!cursor_at_end(&at) && (cursor_vector16(&at, &extensions) || !cursor_at_end(&at)))
        return CM_EMALFORMED;
    uint16_t type;
    int more;
    while ((more = next_extension(&extensions, &type, &data)) == 1) {
        if (type == EXT_SUPPORTED_VERSIONS && cursor_u16(&data, &hello.version))
            return CM_EMALFORMED;
        if (type == EXT_KEY_SHARE && cursor_u16(&data, &hello.group))
            return CM_EMALFORMED;
        if (type == EXT_ALPN && read_alpn(data, &hello.alpn))
            return CM_EMALFORMED;
    }
    if (more < 0)
        return CM_EMALFORMED;
    *out = hello;
    return 0;
}

int tls_read_encrypted_extensions(struct slice body, struct slice *alpn)
{
    struct cursor at, extensions, data;
    struct slice found = {NULL, 0};
    uint16_t type;
    int more;
    cursor_init_slice(&at, body);
    if (cursor_vector16(&at, &extensions) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    while ((more = next_extension(&extensions, &type, &data)) == 1) {
        if (type == EXT_ALPN && read_alpn(data, &found))
            return CM_EMALFORMED;
    }
    if (more < 0)
        return CM_EMALFORMED;
    *alpn = found;
    return 0;
}

int tls_read_certificate(struct slice body, uint16_t version, struct tls_chain *out)
{
    struct cursor at, context, list, cert, extensions;
    cursor_init_slice(&at, body);
    out->count = 0;
    if (version >= TLS_VERSION_1_3 && cursor_vector8(&at, &context))
        return CM_EMALFORMED;
    if (cursor_vector24(&at, &list) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_vector24(&list, &cert) || cursor_at_end(&cert))
            return CM_EMALFORMED;
        if (version >= TLS_VERSION_1_3 && cursor_vector16(&list, &extensions))
            return CM_EMALFORMED;
        if (out->count == CM_LIMIT_CHAIN_CERTS || cursor_left(&cert) > CM_LIMIT_CERT_BYTES)
            return CM_ELIMIT;
        out->certs[out->count++] = rest_of(&cert);
    }
    return 0;
}

/* DistinguishedName certificate_authorities<0..2^16-1> (RFC 5246 §7.4.4, RFC 8446 §4.2.4). */
static int read_ca_names(struct cursor *at, tls_ca_name_fn name, void *context)
{
    struct cursor list, one;
    if (cursor_vector16(at, &list) || !cursor_at_end(at))
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_vector16(&list, &one))
            return CM_EMALFORMED;
        name(rest_of(&one), context);
    }
    return 0;
}

int tls_read_certificate_request(struct slice body, uint16_t version, tls_ca_name_fn name, void *context)
{
    struct cursor at, skipped, extensions, data;
    uint16_t type;
    int more;
    cursor_init_slice(&at, body);
    if (cursor_vector8(&at, &skipped)) /* 1.3: the context; before: the certificate types */
        return CM_EMALFORMED;
    if (version < TLS_VERSION_1_3) {
        if (version == TLS_VERSION_1_2 && cursor_vector16(&at, &skipped)) /* signature algorithms */
            return CM_EMALFORMED;
        return read_ca_names(&at, name, context);
    }
    if (cursor_vector16(&at, &extensions) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    while ((more = next_extension(&extensions, &type, &data)) == 1) {
        if (type == EXT_CERTIFICATE_AUTHORITIES && read_ca_names(&data, name, context))
            return CM_EMALFORMED;
    }
    return more;
}

int tls_read_ecdhe_group(struct slice body, uint16_t *group)
{
    struct cursor at;
    uint8_t curve_type;
    uint16_t named;
    cursor_init_slice(&at, body);
    if (cursor_u8(&at, &curve_type))
        return CM_EMALFORMED;
    if (curve_type != CURVE_TYPE_NAMED) {
        *group = 0;
        return 0;
    }
    if (cursor_u16(&at, &named))
        return CM_EMALFORMED;
    *group = named;
    return 0;
}
