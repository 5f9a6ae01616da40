/* What the two readers of capture files share: the buffer and its moves. */
#ifndef SCANNER_WATCH_CAPTURE_PRIVATE_H
#define SCANNER_WATCH_CAPTURE_PRIVATE_H

#include <endian.h>
#include <string.h>

#include "scanner/watch/capture_file.h"
#include "scanner/watch/unpack.h"

enum {
    CAPTURE_PACKET_MAX = 1024 * 1024, /* libpcap's own ceiling for usual links is 256 KiB; USB and D-Bus go beyond */
    CAPTURE_BLOCK_MAX = 16 * 1024 * 1024, /* of pcapng: a secrets block may be long */
    CAPTURE_INTERFACES_MAX = 4096,
};

enum capture_format { FORMAT_UNKNOWN, FORMAT_PCAP, FORMAT_PCAPNG };

struct capture_interface { /* of a pcapng section */
    int link_type;
    uint32_t snapshot;
    uint64_t ticks; /* per second */
    int64_t offset_s;
};

struct capture_file {
    int fd;
    bool patient; /* no regular file: reading it may have to wait */
    struct capture_file_events events;
    struct unpack *unpack; /* NULL: it is not compressed */
    uint8_t *buffer;
    size_t capacity, start, end; /* what is read and not yet taken: start to end */
    uint64_t offset;             /* in the file, of start; in what it unpacks to */
    enum capture_format format;
    bool swapped, nanoseconds; /* swapped: little-endian, as the cursor reads big-endian */
    uint32_t packet_header;    /* pcap: bytes before each packet */
    int link_type;
    struct capture_interface *interfaces;
    size_t interface_count;
    int64_t latest_us; /* of the packet before */
};

/* Makes `size` bytes stand at start. CM_ENOTFOUND: the end, and none is left; CM_ETRUNCATED: fewer are; CM_ETIMEOUT: fewer are, just
 * now; CM_EIO. */
CM_MUST_CHECK int capture_refill(struct capture_file *file, size_t size, struct cm_error *error);

CM_MUST_CHECK static inline int capture_need(struct capture_file *file, size_t size, struct cm_error *error)
{
    return file->end - file->start >= size ? 0 : capture_refill(file, size, error);
}

/* The next block of pcapng; as capture_need. */
CM_MUST_CHECK int capture_read_block(struct capture_file *file, struct cm_error *error);

static inline struct cursor capture_cursor(const struct capture_file *file, size_t size)
{
    struct cursor cursor;
    cursor_init(&cursor, file->buffer + file->start, size);
    return cursor;
}

static inline void capture_take(struct capture_file *file, size_t size)
{
    file->start += size;
    file->offset += size;
}

static inline uint32_t capture_u32(const struct capture_file *file, uint32_t value)
{
    return file->swapped ? __builtin_bswap32(value) : value;
}

/* A number in the byte order of the file, of four bytes that are there. */
static inline uint32_t capture_load(const struct capture_file *file, const uint8_t *at)
{
    uint32_t raw;
    memcpy(&raw, at, sizeof raw);
    return file->swapped ? le32toh(raw) : be32toh(raw);
}

static inline uint16_t capture_u16(const struct capture_file *file, uint16_t value)
{
    return file->swapped ? __builtin_bswap16(value) : value;
}

#endif
