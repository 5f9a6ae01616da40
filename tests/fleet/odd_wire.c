/* Connections of the odd servers (see odd.h): blocking reads and sends with an end to everybody's patience, the ClientHello as far as
 * the plays ask for it, and the writing of length-prefixed bytes. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fleet/odd.h"

enum { RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1, DRIP_MS = 150, BYTES_APART = 256 };
enum {
    EXT_SERVER_NAME = 0,
    EXT_STATUS_REQUEST = 5,
    EXT_GROUPS = 10,
    EXT_ALPN = 16,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_KEY_SHARE = 51
};

bool odd_fill(struct odd_conn *conn)
{
    char bytes[4096];
    ssize_t got;
    do
        got = recv(conn->fd, bytes, sizeof bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        buf_append(&conn->in, bytes, (size_t)got);
    return got > 0 && !conn->in.failed;
}

bool odd_send(struct odd_conn *conn, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t sent = send(conn->fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

bool odd_pause(struct odd_conn *conn, int ms)
{
    struct pollfd wait = {.fd = conn->fd, .events = POLLRDHUP};
    return poll(&wait, 1, ms) == 0;
}

void odd_hold(struct odd_conn *conn)
{
    while (odd_fill(conn))
        buf_reset(&conn->in);
}

/* Handshake records as records of one byte, or with an empty one before each; other records as they are. */
static void cut_records(const struct buf *records, enum odd_cut cut, struct buf *out)
{
    struct cursor input, fragment;
    uint8_t type;
    uint16_t version;
    cursor_init_slice(&input, buf_slice(records));
    while (cursor_u8(&input, &type) == 0 && cursor_u16(&input, &version) == 0 &&
           cursor_vector16(&input, &fragment) == 0) {
        struct slice rest = {fragment.at, cursor_left(&fragment)};
        if (type == RECORD_HANDSHAKE && cut == CUT_EMPTY)
            odd_put_record(out, type, version, (struct slice){NULL, 0});
        for (; type == RECORD_HANDSHAKE && cut == CUT_RECORDS_1 && rest.size > 1; rest.data++, rest.size--)
            odd_put_record(out, type, version, (struct slice){rest.data, 1});
        odd_put_record(out, type, version, rest);
    }
}

bool odd_send_cut(struct odd_conn *conn, const struct buf *records, enum odd_cut cut)
{
    bool alive = true;
    if (cut == CUT_RECORDS_1 || cut == CUT_EMPTY) {
        struct buf again;
        buf_init(&again, 8 * records->size + 64);
        cut_records(records, cut, &again);
        alive = odd_send(conn, again.data, again.size);
        buf_done(&again);
        return alive;
    }
    for (size_t at = 0, step; alive && at < records->size; at += step) {
        bool whole = cut == CUT_NOT || (cut == CUT_BYTES && at >= BYTES_APART);
        step = whole ? records->size - at : 1;
        alive = odd_send(conn, records->data + at, step) && (whole || odd_pause(conn, cut == CUT_DRIP ? DRIP_MS : 1));
    }
    return alive;
}

/* --- the ClientHello (RFC 8446 §4.1.2) ------------------------------------------------------------------------------------------ */

static struct slice rest_of(const struct cursor *cursor)
{
    return (struct slice){cursor->at, cursor_left(cursor)};
}

static void read_extension(uint16_t type, struct cursor body, struct odd_hello *hello)
{
    struct cursor list, name;
    uint8_t kind;
    hello->extensions++;
    hello->status_request |= type == EXT_STATUS_REQUEST;
    hello->alpn |= type == EXT_ALPN;
    if (type == EXT_SERVER_NAME && cursor_vector16(&body, &list) == 0 && cursor_u8(&list, &kind) == 0 &&
        cursor_vector16(&list, &name) == 0)
        hello->name = rest_of(&name);
    if (type == EXT_GROUPS && cursor_vector16(&body, &list) == 0)
        hello->groups = rest_of(&list);
    if (type == EXT_SUPPORTED_VERSIONS && cursor_vector8(&body, &list) == 0)
        hello->versions = rest_of(&list);
    if (type == EXT_KEY_SHARE && cursor_vector16(&body, &list) == 0)
        hello->shares = rest_of(&list);
}

static bool parse_hello(struct slice message, struct odd_hello *hello)
{
    struct cursor input, body, part;
    uint8_t type;
    uint16_t kind;
    *hello = (struct odd_hello){.message = message};
    cursor_init_slice(&input, message);
    if (cursor_u8(&input, &type) != 0 || type != CLIENT_HELLO || cursor_vector24(&input, &body) != 0 ||
        cursor_u16(&body, &hello->version) != 0 || cursor_slice(&body, 32, &hello->random) != 0 ||
        cursor_vector8(&body, &part) != 0)
        return false;
    hello->session_id = rest_of(&part);
    if (cursor_vector16(&body, &part) != 0 || cursor_vector8(&body, &part) != 0)
        return false;
    if (cursor_at_end(&body))
        return true;
    struct cursor list;
    if (cursor_vector16(&body, &list) != 0)
        return false;
    while (cursor_u16(&list, &kind) == 0 && cursor_vector16(&list, &part) == 0)
        read_extension(kind, part, hello);
    return true;
}

/* Moves the next whole record's fragment from conn->in to hello_bytes. CM_ETRUNCATED: more must come. */
static int take_record(struct odd_conn *conn)
{
    struct cursor input, fragment;
    uint8_t type;
    uint16_t version;
    cursor_init_slice(&input, buf_slice(&conn->in));
    if (cursor_u8(&input, &type) != 0 || cursor_u16(&input, &version) != 0 || cursor_vector16(&input, &fragment) != 0)
        return CM_ETRUNCATED;
    if (type == RECORD_HANDSHAKE)
        buf_append(&conn->hello_bytes, fragment.at, cursor_left(&fragment));
    buf_consume(&conn->in, cursor_offset(&input));
    return 0;
}

static bool is_sslv2(const struct buf *in)
{
    const uint8_t *at = (const uint8_t *)in->data;
    return in->size >= 3 && (at[0] & 0x80) != 0 && at[2] == CLIENT_HELLO;
}

bool odd_read_hello(struct odd_conn *conn)
{
    buf_reset(&conn->hello_bytes);
    for (;;) {
        const uint8_t *at = (const uint8_t *)conn->hello_bytes.data;
        size_t have = conn->hello_bytes.size;
        if (have >= 4 && have >= 4 + ((size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3]))
            return parse_hello(buf_slice(&conn->hello_bytes), &conn->hello);
        if (have == 0 && is_sslv2(&conn->in)) {
            conn->hello = (struct odd_hello){.sslv2 = true, .version = 2};
            buf_reset(&conn->in);
            return true;
        }
        if (take_record(conn) == CM_ETRUNCATED && !odd_fill(conn))
            return false;
    }
}

/* --- writing ------------------------------------------------------------------------------------------------------------------------ */

void odd_put(struct buf *out, uint64_t value, unsigned octets)
{
    while (octets-- > 0)
        buf_append_char(out, (char)(value >> (8 * octets)));
}

size_t odd_open_vector(struct buf *out, unsigned octets)
{
    odd_put(out, 0, octets);
    return out->size;
}

void odd_close_vector(struct buf *out, size_t at, unsigned octets)
{
    size_t size = out->size - at;
    for (unsigned i = 1; i <= octets; i++, size >>= 8)
        out->data[at - i] = (char)size;
}

void odd_put_record(struct buf *out, uint8_t type, uint16_t version, struct slice fragment)
{
    odd_put(out, type, 1);
    odd_put(out, version, 2);
    odd_put(out, fragment.size, 2);
    buf_append(out, fragment.data, fragment.size);
}
