/* ServerHello, ClientHello and EncryptedExtensions: pure readers over the cursor.
 *
 * Each function reads like the presentation language of its section. Refuses: bytes left over where the RFC leaves none, and an
 * extension that we interpret standing there twice, because a reader that skips them can be told two stories at once. */
#include <string.h>

#include "scanner/tls/extensions.h"
#include "scanner/tls/messages.h"

enum { RANDOM_SIZE = 32, SESSION_ID_MAX = 32, NAME_TYPE_HOST = 0 };

/* SHA-256 of "HelloRetryRequest", the random that marks one (RFC 8446 §4.1.3). */
static const uint8_t retry_random[RANDOM_SIZE] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool tls_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* legacy_version, random, session_id: the first three fields of both hellos. */
static int read_start(struct cursor *at, uint16_t *version, struct slice *random, struct slice *session_id)
{
    struct cursor session;
    if (cursor_u16(at, version) || cursor_slice(at, RANDOM_SIZE, random) || cursor_vector8(at, &session) ||
        cursor_left(&session) > SESSION_ID_MAX)
        return CM_EMALFORMED;
    *session_id = tls_rest(&session);
    return 0;
}

/* The extensions at the end of a hello. Before 1.3 there may be none at all (RFC 5246 §7.4.1.3). */
static int read_extensions(struct cursor at, struct cursor *extensions)
{
    if (!cursor_at_end(&at))
        return tls_whole_vector16(at, extensions);
    cursor_init(extensions, NULL, 0);
    return 0;
}

/* ProtocolNameList with exactly one name (RFC 7301 §3.1). */
static int read_chosen_alpn(struct cursor data, struct slice *alpn)
{
    struct cursor list, name;
    if (tls_whole_vector16(data, &list) || tls_whole_vector8(list, &name) || cursor_at_end(&name))
        return CM_EMALFORMED;
    *alpn = tls_rest(&name);
    return 0;
}

/* KeyShareHelloRetryRequest is a group alone; KeyShareServerHello a KeyShareEntry (RFC 8446 §4.2.8). */
static int read_key_share(struct cursor data, struct tls_server_hello *hello)
{
    struct cursor key_exchange;
    if (cursor_u16(&data, &hello->group))
        return CM_EMALFORMED;
    if (hello->retry)
        return cursor_at_end(&data) ? 0 : CM_EMALFORMED;
    if (tls_whole_vector16(data, &key_exchange) || cursor_at_end(&key_exchange))
        return CM_EMALFORMED;
    hello->share = tls_rest(&key_exchange);
    return 0;
}

static int read_cookie(struct cursor data, struct slice *cookie)
{
    struct cursor inner;
    if (tls_whole_vector16(data, &inner) || cursor_at_end(&inner))
        return CM_EMALFORMED;
    *cookie = tls_rest(&inner);
    return 0;
}

/* What an extension means depends on the version that another one chose, so all of them are picked out first. An old server that
 * echoes what it does not understand is not held to the meaning of 1.3. */
static int read_server_extensions(struct cursor list, struct tls_server_hello *hello)
{
    enum { VERSION, SHARE, COOKIE, ALPN, SCT, COUNT };
    struct picked_extension found[COUNT] = {
        [VERSION] = {.type = TLS_EXT_SUPPORTED_VERSIONS},
        [SHARE] = {.type = TLS_EXT_KEY_SHARE},
        [COOKIE] = {.type = TLS_EXT_COOKIE},
        [ALPN] = {.type = TLS_EXT_ALPN},
        [SCT] = {.type = TLS_EXT_SCT},
    };
    hello->extensions = tls_rest(&list);
    if (tls_pick_extensions(list, found, COUNT))
        return CM_EMALFORMED;
    struct cursor *version = &found[VERSION].data;
    if (found[VERSION].present && (cursor_u16(version, &hello->version) || !cursor_at_end(version)))
        return CM_EMALFORMED;
    if (hello->version >= TLS_VERSION_1_3) {
        if (found[SHARE].present && read_key_share(found[SHARE].data, hello))
            return CM_EMALFORMED;
        if (hello->retry && found[COOKIE].present && read_cookie(found[COOKIE].data, &hello->cookie))
            return CM_EMALFORMED;
        return 0;
    }
    if (found[ALPN].present && read_chosen_alpn(found[ALPN].data, &hello->alpn))
        return CM_EMALFORMED;
    hello->scts = tls_rest(&found[SCT].data);
    return 0;
}

int tls_read_server_hello(struct slice body, struct tls_server_hello *out)
{
    struct tls_server_hello hello = {0};
    struct cursor at, extensions;
    uint8_t compression;
    cursor_init_slice(&at, body);
    if (read_start(&at, &hello.legacy_version, &hello.random, &hello.session_id) || cursor_u16(&at, &hello.cipher) ||
        cursor_u8(&at, &compression) || read_extensions(at, &extensions))
        return CM_EMALFORMED;
    hello.version = hello.legacy_version;
    hello.retry = memcmp(hello.random.data, retry_random, RANDOM_SIZE) == 0;
    if (read_server_extensions(extensions, &hello))
        return CM_EMALFORMED;
    *out = hello;
    return 0;
}

int tls_read_encrypted_extensions(struct slice body, struct slice *alpn)
{
    struct picked_extension found = {.type = TLS_EXT_ALPN};
    struct cursor at, extensions;
    struct slice chosen = {NULL, 0};
    cursor_init_slice(&at, body);
    if (tls_whole_vector16(at, &extensions) || tls_pick_extensions(extensions, &found, 1) ||
        (found.present && read_chosen_alpn(found.data, &chosen)))
        return CM_EMALFORMED;
    *alpn = chosen;
    return 0;
}

/* ServerNameList (RFC 6066 §3): at most one name of each type; other types than host_name are passed over. */
static int read_server_name(struct cursor data, struct slice *name)
{
    struct cursor list, one;
    uint8_t type;
    bool have = false;
    if (tls_whole_vector16(data, &list))
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_u8(&list, &type) || cursor_vector16(&list, &one))
            return CM_EMALFORMED;
        if (type != NAME_TYPE_HOST)
            continue;
        if (have)
            return CM_EMALFORMED;
        have = true;
        *name = tls_rest(&one);
    }
    return 0;
}

/* ProtocolNameList: every name is looked at, so that who walks the list later need not doubt it. */
static int read_offered_alpn(struct cursor data, struct slice *alpn)
{
    struct cursor list, name;
    if (tls_whole_vector16(data, &list))
        return CM_EMALFORMED;
    *alpn = tls_rest(&list);
    while (!cursor_at_end(&list)) {
        if (cursor_vector8(&list, &name))
            return CM_EMALFORMED;
    }
    return 0;
}

/* A vector of uint16 behind a length of one or two bytes. */
static int read_numbers(const struct picked_extension *found, unsigned length_bytes, struct slice *out)
{
    struct cursor list;
    if (!found->present)
        return 0;
    if (length_bytes == 1 ? tls_whole_vector8(found->data, &list) : tls_whole_vector16(found->data, &list))
        return CM_EMALFORMED;
    if (cursor_left(&list) % 2)
        return CM_EMALFORMED;
    *out = tls_rest(&list);
    return 0;
}

static int read_client_extensions(struct cursor list, struct tls_client_hello *hello)
{
    enum { NAME, ALPN, GROUPS, FORMATS, SIGNATURES, VERSIONS, COUNT };
    struct picked_extension found[COUNT] = {
        [NAME] = {.type = TLS_EXT_SERVER_NAME},
        [ALPN] = {.type = TLS_EXT_ALPN},
        [GROUPS] = {.type = TLS_EXT_GROUPS},
        [FORMATS] = {.type = TLS_EXT_POINT_FORMATS},
        [SIGNATURES] = {.type = TLS_EXT_SIGNATURE_ALGORITHMS},
        [VERSIONS] = {.type = TLS_EXT_SUPPORTED_VERSIONS},
    };
    struct cursor formats;
    hello->extensions = tls_rest(&list);
    if (tls_pick_extensions(list, found, COUNT) ||
        (found[NAME].present && read_server_name(found[NAME].data, &hello->name)) ||
        (found[ALPN].present && read_offered_alpn(found[ALPN].data, &hello->alpn)) ||
        read_numbers(&found[GROUPS], 2, &hello->groups) ||
        read_numbers(&found[SIGNATURES], 2, &hello->signature_algorithms) ||
        read_numbers(&found[VERSIONS], 1, &hello->supported_versions))
        return CM_EMALFORMED;
    if (!found[FORMATS].present)
        return 0;
    if (tls_whole_vector8(found[FORMATS].data, &formats))
        return CM_EMALFORMED;
    hello->point_formats = tls_rest(&formats);
    return 0;
}

int tls_read_client_hello(struct slice body, struct tls_client_hello *out)
{
    struct tls_client_hello hello = {0};
    struct cursor at, suites, compression, extensions;
    cursor_init_slice(&at, body);
    if (read_start(&at, &hello.legacy_version, &hello.random, &hello.session_id) || cursor_vector16(&at, &suites) ||
        cursor_left(&suites) % 2 || cursor_vector8(&at, &compression) || read_extensions(at, &extensions))
        return CM_EMALFORMED;
    hello.suites = tls_rest(&suites);
    if (read_client_extensions(extensions, &hello))
        return CM_EMALFORMED;
    *out = hello;
    return 0;
}
