/* The blocks of pcapng (draft-ietf-opsawg-pcapng): sections, interfaces, packets in their three forms, secrets. Other blocks are passed over.
 *
 * Each block says its length twice; both must agree, or the file is damaged there. A new section forgets the interfaces of the one before. */
#include <stdlib.h>

#include "scanner/watch/capture_private.h"

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_PACKET_SIMPLE = 3,
    BLOCK_PACKET = 6,
    BLOCK_SECRETS = 10,
    BLOCK_SECTION = 0x0a0d0d0a,
};

enum { BLOCK_HEADER = 8, BLOCK_FRAME = 12 /* header and the length at the end */, BYTE_ORDER_MAGIC = 0x1a2b3c4d };
enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14, SECRETS_TLS = 0x544c534b };
enum { TICKS_DEFAULT = 1000000 };
#define SECONDS_MAX (INT64_C(1) << 38)

static int u32(const struct capture_file *file, struct cursor *at, uint32_t *value)
{
    uint32_t raw;
    if (cursor_u32(at, &raw))
        return CM_ETRUNCATED;
    *value = capture_u32(file, raw);
    return 0;
}

static int u16(const struct capture_file *file, struct cursor *at, uint16_t *value)
{
    uint16_t raw;
    if (cursor_u16(at, &raw))
        return CM_ETRUNCATED;
    *value = capture_u16(file, raw);
    return 0;
}

/* if_tsresol: a power of ten, or of two with the highest bit. More than 64 bits of ticks make no sense. */
static uint64_t ticks_of(uint8_t resolution)
{
    unsigned power = resolution & 0x7f;
    if (resolution & 0x80)
        return power < 64 ? (uint64_t)1 << power : TICKS_DEFAULT;
    uint64_t ticks = 1;
    if (power > 19)
        return TICKS_DEFAULT;
    while (power-- > 0)
        ticks *= 10;
    return ticks;
}

static int read_options(const struct capture_file *file, struct cursor *body, struct capture_interface *interface)
{
    uint16_t code, size;
    struct cursor value;
    struct slice bytes;
    while (u16(file, body, &code) == 0 && u16(file, body, &size) == 0 && code != OPTION_END) {
        size_t padded = ((size_t)size + 3) & ~(size_t)3;
        if (cursor_slice(body, padded, &bytes))
            return CM_EMALFORMED;
        cursor_init(&value, bytes.data, size);
        uint8_t resolution;
        uint32_t words[2];
        if (code == OPTION_RESOLUTION && cursor_u8(&value, &resolution) == 0)
            interface->ticks = ticks_of(resolution);
        if (code == OPTION_OFFSET && u32(file, &value, &words[0]) == 0 && u32(file, &value, &words[1]) == 0)
            interface->offset_s =
                (int64_t)(file->swapped ? (uint64_t)words[1] << 32 | words[0] : (uint64_t)words[0] << 32 | words[1]);
    }
    /* An offset of more than some thousand years is damage; a sum with it must not overflow. */
    if (interface->offset_s > INT64_C(1) << 40 || interface->offset_s < -(INT64_C(1) << 40))
        interface->offset_s = 0;
    return 0;
}

static int read_interface(struct capture_file *file, struct cursor *body)
{
    struct capture_interface interface = {.ticks = TICKS_DEFAULT};
    uint16_t link, reserved;
    if (u16(file, body, &link) || u16(file, body, &reserved) || u32(file, body, &interface.snapshot))
        return CM_EMALFORMED;
    interface.link_type = link;
    if (read_options(file, body, &interface) || file->interface_count == CAPTURE_INTERFACES_MAX)
        return CM_EMALFORMED;
    file->interfaces = cm_realloc(file->interfaces, (file->interface_count + 1) * sizeof interface);
    file->interfaces[file->interface_count++] = interface;
    return 0;
}

/* Since the epoch; 0 for what lies beyond some ten thousand years, so that times can be reckoned with. */
static int64_t microseconds(const struct capture_interface *interface, uint64_t stamp)
{
    uint64_t seconds = stamp / interface->ticks, rest = stamp % interface->ticks;
    int64_t sum;
    if (seconds > SECONDS_MAX)
        return 0;
    uint64_t micro = interface->ticks <= UINT64_MAX / 1000000 ? rest * 1000000 / interface->ticks
                                                              : rest / (interface->ticks / 1000000);
    sum = (int64_t)seconds + interface->offset_s;
    return sum >= -SECONDS_MAX && sum <= SECONDS_MAX ? sum * 1000000 + (int64_t)micro : 0;
}

/* The packet's bytes are the next `captured` of the block. stamp NULL: it has none, and the time of the one before is the best guess. */
static int give_packet(struct capture_file *file, uint32_t number, const uint64_t *stamp, uint32_t captured,
                       uint32_t length, struct cursor *body)
{
    struct packet packet;
    if (number >= file->interface_count || captured > CAPTURE_PACKET_MAX || cursor_slice(body, captured, &packet.bytes))
        return CM_EMALFORMED;
    const struct capture_interface *interface = &file->interfaces[number];
    packet.length = length;
    packet.link_type = interface->link_type;
    if (stamp)
        file->latest_us = microseconds(interface, *stamp);
    packet.at_us = file->latest_us;
    file->events.packet(&packet, file->events.context);
    return 0;
}

static int read_packet(struct capture_file *file, struct cursor *body)
{
    uint32_t interface, high, low, captured, length;
    if (u32(file, body, &interface) || u32(file, body, &high) || u32(file, body, &low) || u32(file, body, &captured) ||
        u32(file, body, &length))
        return CM_EMALFORMED;
    uint64_t stamp = (uint64_t)high << 32 | low;
    return give_packet(file, interface, &stamp, captured, length, body);
}

static int read_packet_old(struct capture_file *file, struct cursor *body)
{
    uint16_t interface, drops;
    uint32_t high, low, captured, length;
    if (u16(file, body, &interface) || u16(file, body, &drops) || u32(file, body, &high) || u32(file, body, &low) ||
        u32(file, body, &captured) || u32(file, body, &length))
        return CM_EMALFORMED;
    uint64_t stamp = (uint64_t)high << 32 | low;
    return give_packet(file, interface, &stamp, captured, length, body);
}

/* No time, no interface but the first, and no length but that on the wire, cut to the snapshot length. */
static int read_packet_simple(struct capture_file *file, struct cursor *body)
{
    uint32_t length;
    if (u32(file, body, &length) || file->interface_count == 0)
        return CM_EMALFORMED;
    uint32_t snapshot = file->interfaces[0].snapshot, captured = length;
    if (snapshot && captured > snapshot)
        captured = snapshot;
    return give_packet(file, 0, NULL, captured, length, body);
}

static int read_secrets(struct capture_file *file, struct cursor *body)
{
    uint32_t type, size;
    struct slice text;
    if (u32(file, body, &type) || u32(file, body, &size) || cursor_slice(body, size, &text))
        return CM_EMALFORMED;
    if (type == SECRETS_TLS && file->events.secrets)
        file->events.secrets(text, file->events.context);
    return 0;
}

static int read_body(struct capture_file *file, uint32_t type, struct cursor *body)
{
    switch (type) {
    case BLOCK_SECTION:
        file->interface_count = 0;
        return 0;
    case BLOCK_INTERFACE:
        return read_interface(file, body);
    case BLOCK_PACKET:
        return read_packet(file, body);
    case BLOCK_PACKET_OLD:
        return read_packet_old(file, body);
    case BLOCK_PACKET_SIMPLE:
        return read_packet_simple(file, body);
    case BLOCK_SECRETS:
        return read_secrets(file, body);
    default:
        return 0;
    }
}

/* A section says its byte order in its own header, behind the length that is to be read by it. */
static int read_byte_order(struct capture_file *file, struct cm_error *error)
{
    uint32_t type, length, magic;
    int code = capture_need(file, BLOCK_HEADER + 4, error);
    if (code)
        return code == CM_ENOTFOUND ? CM_ETRUNCATED : code;
    struct cursor at = capture_cursor(file, BLOCK_HEADER + 4);
    if (cursor_u32(&at, &type) || cursor_u32(&at, &length) || cursor_u32(&at, &magic))
        return CM_ETRUNCATED;
    if (magic != BYTE_ORDER_MAGIC && magic != 0x4d3c2b1a)
        return error_set(error, CM_EMALFORMED, file->offset, "a section of unknown byte order");
    file->swapped = magic != BYTE_ORDER_MAGIC;
    return 0;
}

int capture_read_block(struct capture_file *file, struct cm_error *error)
{
    uint32_t type, length, again;
    struct cursor at, body;
    struct slice bytes;
    int code = capture_need(file, BLOCK_HEADER, error);
    if (code)
        return code;
    at = capture_cursor(file, BLOCK_HEADER);
    if (u32(file, &at, &type) == 0 && type == BLOCK_SECTION && (code = read_byte_order(file, error)))
        return code;
    at = capture_cursor(file, BLOCK_HEADER);
    if (u32(file, &at, &type) || u32(file, &at, &length))
        return CM_ETRUNCATED;
    if (length < BLOCK_FRAME || length % 4 || length > CAPTURE_BLOCK_MAX)
        return error_setf(error, CM_EMALFORMED, file->offset, "a block makes no sense",
                          "a block of %u bytes is announced", length);
    code = capture_need(file, length, error);
    if (code)
        return code == CM_ENOTFOUND ? CM_ETRUNCATED : code;
    at = capture_cursor(file, length);
    if (cursor_skip(&at, BLOCK_HEADER) || cursor_slice(&at, length - BLOCK_FRAME, &bytes) || u32(file, &at, &again))
        return CM_ETRUNCATED;
    if (again != length)
        return error_set(error, CM_EMALFORMED, file->offset, "the two lengths of a block differ");
    cursor_init_slice(&body, bytes);
    code = read_body(file, type, &body);
    if (code)
        return error_set(error, CM_EMALFORMED, file->offset, "a block that is shorter than what it says it holds");
    capture_take(file, length);
    return 0;
}
