/* Writes the ClientHellos of client_hello.h: the lists of hello_tables.h and a few patches, straight into the output.
 *
 * Owns the order and form of the extensions. Pure: the same ask gives the same bytes. What it takes care of, because somebody's server or
 * middlebox fails otherwise: the last extension is not empty (WebSphere, old F5); the record is not 256 to 511 bytes long (F5: RFC 7685) nor 10 or
 * 14 bytes above a multiple of 256 (seen by testssl.sh, #1113); no extension stands twice. pre_shared_key and psk_key_exchange_modes are
 * absent, there is nothing to resume; so is compress_certificate, which we could not read. */
#include "scanner/tls/client_hello.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/hello_tables.h"
#include "scanner/tls/key_share.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/records.h"
#include "scanner/tls/sslv2.h"

enum extension {
    EXT_SERVER_NAME = 0,
    EXT_STATUS_REQUEST = 5,
    EXT_SUPPORTED_GROUPS = 10,
    EXT_EC_POINT_FORMATS = 11,
    EXT_SIGNATURE_ALGORITHMS = 13,
    EXT_ALPN = 16,
    EXT_SCT = 18,
    EXT_PADDING = 21,
    EXT_EXTENDED_MASTER_SECRET = 23,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_COOKIE = 44,
    EXT_KEY_SHARE = 51,
};

const char *hello_kind_name(enum hello_kind kind)
{
    static const char *const names[HELLO_KIND_COUNT] = {"tls", "tls-wide", "tls1.2", "tls1.0-plain", "sslv2"};
    return names[kind];
}

static bool does_tls13(enum hello_kind kind)
{
    return kind == HELLO_FULL || kind == HELLO_WIDE;
}

/* --- integers and vectors --------------------------------------------------------------------------------------------- */

static void store_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u16(struct buf *out, size_t value)
{
    uint8_t bytes[2];
    store_u16(bytes, value);
    buf_append(out, bytes, sizeof bytes);
}

static void put_slice(struct buf *out, struct slice bytes)
{
    buf_append(out, bytes.data, bytes.size);
}

/* Two parts of one list behind their common length. */
static void put_list(struct buf *out, const struct slice parts[2])
{
    put_u16(out, parts[0].size + parts[1].size);
    put_slice(out, parts[0]);
    put_slice(out, parts[1]);
}

static void patch_u16(struct buf *out, size_t at, size_t value)
{
    if (!out->failed)
        store_u16((uint8_t *)out->data + at, value);
}

/* --- extensions ------------------------------------------------------------------------------------------------------- */

static void put_extension(struct buf *out, enum extension type, size_t size)
{
    put_u16(out, type);
    put_u16(out, size);
}

static void put_server_name(struct buf *out, const char *name)
{
    size_t size = name ? strlen(name) : 0;
    if (size == 0 || size > HELLO_NAME_MAX)
        return;
    put_extension(out, EXT_SERVER_NAME, size + 5);
    put_u16(out, size + 3);
    buf_append_char(out, 0); /* host_name */
    put_u16(out, size);
    buf_append(out, name, size);
}

static void put_groups(struct buf *out, const struct hello_tables *tables)
{
    static const uint8_t point_formats[] = {0, EXT_EC_POINT_FORMATS, 0, 2, 1, 0 /* uncompressed */};
    put_extension(out, EXT_SUPPORTED_GROUPS, 2 + tables->groups[0].size + tables->groups[1].size);
    put_list(out, tables->groups);
    buf_append(out, point_formats, sizeof point_formats);
}

static void put_signature_algorithms(struct buf *out, struct slice algorithms)
{
    put_extension(out, EXT_SIGNATURE_ALGORITHMS, 2 + algorithms.size);
    put_u16(out, algorithms.size);
    put_slice(out, algorithms);
}

/* What only the hellos with TLS 1.3 carry, though not all of it is of 1.3. */
static void put_tls13(struct buf *out, const struct hello_ask *ask)
{
    static const uint8_t alpn[] = "\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1";
    static const uint8_t fixed[] = {
        /* clang-format off */
        0, EXT_EXTENDED_MASTER_SECRET, 0, 0, /* servers in FIPS mode insist on it */
        0, EXT_STATUS_REQUEST, 0, 5, 1 /* ocsp */, 0, 0, 0, 0,
        0, EXT_SCT, 0, 0,
        /* SSLv3 too: NSS knows this extension, may be told to speak nothing else, and believes no other field. */
        0, EXT_SUPPORTED_VERSIONS, 0, 11, 10, 3, 4, 3, 3, 3, 2, 3, 1, 3, 0,
        /* clang-format on */
    };
    if (ask->alpn)
        buf_append(out, alpn, sizeof alpn - 1);
    buf_append(out, fixed, sizeof fixed);
    if (ask->cookie.size) {
        put_extension(out, EXT_COOKIE, 2 + ask->cookie.size);
        put_u16(out, ask->cookie.size);
        put_slice(out, ask->cookie);
    }
    if (ask->share.size) {
        put_extension(out, EXT_KEY_SHARE, 2 + 4 + ask->share.size);
        put_u16(out, 4 + ask->share.size);
        put_u16(out, ask->share_group);
        put_u16(out, ask->share.size);
        put_slice(out, ask->share);
    }
}

/* The padding extension, where the message of this size would be one that some servers fail on: both readings of "the length" are avoided,
 * with the message's header of four bytes and without. */
static void put_padding(struct buf *out, size_t message_size)
{
    static const uint8_t zeros[256];
    enum { OVERHEAD = 4, F5_FROM = 256, F5_TO = 511 + 4 };
    size_t low = message_size & 0xff, size = 0;
    if (message_size >= F5_FROM && message_size <= F5_TO) {
        size = F5_TO + 1 - message_size;
        size = size > OVERHEAD ? size - OVERHEAD : 1;
    } else if (message_size > F5_TO && (low == 10 || low == 14 || low == 18)) {
        size = 1;
    }
    if (size == 0)
        return;
    put_extension(out, EXT_PADDING, size);
    buf_append(out, zeros, size);
}

static void put_extensions(struct buf *out, const struct hello_ask *ask, size_t message_start)
{
    const struct hello_tables *tables = hello_tables_get(ask->kind);
    size_t start = out->size;
    put_u16(out, 0);
    put_server_name(out, ask->name);
    put_groups(out, tables);
    if (does_tls13(ask->kind))
        put_tls13(out, ask);
    put_signature_algorithms(out, tables->signature_algorithms);
    put_padding(out, out->size - message_start);
    patch_u16(out, start, out->size - start - 2);
}

/* --- the message ------------------------------------------------------------------------------------------------------ */

/* In TLS 1.3 a session id that means nothing makes middleboxes believe in a resumption (RFC 8446 §D.4); elsewhere it is empty. It is the
 * random's bytes backwards and inverted, so that it is the same again without being kept. */
static void put_session_id(struct buf *out, const struct hello_ask *ask)
{
    uint8_t bytes[1 + HELLO_RANDOM_SIZE] = {HELLO_RANDOM_SIZE};
    if (!does_tls13(ask->kind)) {
        buf_append_char(out, 0);
        return;
    }
    for (size_t i = 0; i < HELLO_RANDOM_SIZE; i++)
        bytes[1 + i] = (uint8_t)~ask->random[HELLO_RANDOM_SIZE - 1 - i];
    buf_append(out, bytes, sizeof bytes);
}

void client_hello_message(const struct hello_ask *ask, struct buf *out)
{
    if (ask->kind == HELLO_SSLV2)
        return;
    assert(ask->cookie.size <= HELLO_COOKIE_MAX && ask->share.size <= KEY_SHARE_MAX);
    size_t start = out->size;
    static const uint8_t header[4] = {TLS_CLIENT_HELLO}, null_compression[] = {1, 0};
    buf_append(out, header, sizeof header);
    put_u16(out, ask->kind == HELLO_PLAIN ? TLS_VERSION_1_0 : TLS_VERSION_1_2);
    buf_append(out, ask->random, HELLO_RANDOM_SIZE);
    put_session_id(out, ask);
    put_list(out, hello_tables_get(ask->kind)->suites);
    buf_append(out, null_compression, sizeof null_compression);
    if (ask->kind != HELLO_PLAIN)
        put_extensions(out, ask, start);
    size_t body = out->size - start - sizeof header;
    if (!out->failed)
        out->data[start + 1] = (char)(body >> 16);
    patch_u16(out, start + 2, body & 0xffff);
}

/* --- records ---------------------------------------------------------------------------------------------------------- */

/* RFC 8446 §5.1 wants 0x0301 for the first and 0x0303 from then on. HELLO_PLAIN comes when the others have failed, so it takes the value that they
 * did not try and that SSL 3.0 servers know best: "no single value will guarantee interoperability with all old servers" (RFC 5246 §E.1). */
static uint16_t record_version(const struct hello_ask *ask)
{
    if (ask->kind == HELLO_PLAIN)
        return TLS_VERSION_SSL3;
    bool second = ask->cookie.size || (ask->share.size && ask->share_group != TLS_GROUP_X25519);
    return second ? TLS_VERSION_1_2 : TLS_VERSION_1_0;
}

static void put_record_header(struct buf *out, uint16_t version, size_t size)
{
    buf_append_char(out, TLS_HANDSHAKE);
    put_u16(out, version);
    put_u16(out, size);
}

/* A message that one record cannot hold, which only a cookie makes. */
static void put_records(struct buf *out, uint16_t version, struct slice message)
{
    while (message.size) {
        size_t size = message.size < TLS_RECORD_MAX ? message.size : TLS_RECORD_MAX;
        put_record_header(out, version, size);
        buf_append(out, message.data, size);
        message.data += size;
        message.size -= size;
    }
}

void client_hello_write(const struct hello_ask *ask, struct buf *out)
{
    uint16_t version = record_version(ask);
    if (ask->kind == HELLO_SSLV2) {
        sslv2_client_hello(ask->random, out);
    } else if (ask->cookie.size < TLS_RECORD_MAX / 2) {
        size_t start = out->size;
        put_record_header(out, version, 0);
        client_hello_message(ask, out);
        patch_u16(out, start + 3, out->size - start - TLS_RECORD_HEADER_SIZE);
    } else {
        struct buf message;
        buf_init(&message, 2 * HELLO_COOKIE_MAX);
        client_hello_message(ask, &message);
        put_records(out, version, buf_slice(&message));
        buf_done(&message);
    }
}

/* --- what was offered ------------------------------------------------------------------------------------------------- */

static bool list_has(struct slice list, uint16_t number)
{
    for (size_t i = 0; i + 1 < list.size; i += 2) {
        if (list.data[i] == number >> 8 && list.data[i + 1] == (number & 0xff))
            return true;
    }
    return false;
}

bool client_hello_offers_group(enum hello_kind kind, uint16_t group)
{
    const struct hello_tables *tables = hello_tables_get(kind);
    return list_has(tables->groups[0], group) || list_has(tables->groups[1], group);
}

bool client_hello_offers_suite(enum hello_kind kind, uint16_t suite)
{
    const struct hello_tables *tables = hello_tables_get(kind);
    return list_has(tables->suites[0], suite) || list_has(tables->suites[1], suite);
}
