/* The reader of capture files. The buffer, the choice of format and pcap are here; the blocks of pcapng are in capture_ng.c.
 *
 * The buffer is filled by large reads and packets are lent from it; it grows only for a packet that has really arrived in part, up to BLOCK_MAX. */
#include "scanner/watch/capture_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/watch/capture_private.h"

enum {
    BUFFER_BYTES = 256 * 1024,
    PCAP_HEADER = 24,
    PACKET_HEADER = 16,
    MODIFIED_PACKET_HEADER = 24,
    PATIENCE_MS = 100
};

struct capture_file *capture_file_new(int fd, const struct capture_file_events *events)
{
    struct capture_file *file = cm_calloc(1, sizeof *file);
    struct stat status;
    file->fd = fd;
    file->patient = fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
    file->events = *events;
    file->capacity = BUFFER_BYTES;
    file->buffer = cm_malloc(file->capacity);
    return file;
}

void capture_file_free(struct capture_file *file)
{
    if (!file)
        return;
    close(file->fd);
    unpack_free(file->unpack);
    free(file->interfaces);
    free(file->buffer);
    free(file);
}

/* --- the buffer ---------------------------------------------------------------------------------------------------- */

/* Whoever waits for a pipe has other things to do as well: records that wait, signals. */
static bool has_nothing_now(const struct capture_file *file)
{
    struct pollfd ready = {.fd = file->fd, .events = POLLIN};
    if (!file->patient || (file->unpack && unpack_has_input(file->unpack)))
        return false;
    return poll(&ready, 1, PATIENCE_MS) <= 0;
}

/* Some bytes behind those that are there. 1, 2: none yet, 0: the end, or an error. */
static int read_some(struct capture_file *file, struct cm_error *error)
{
    uint8_t *to = file->buffer + file->end;
    size_t room = file->capacity - file->end, got = 0;
    if (file->unpack) {
        int code = unpack_read(file->unpack, file->fd, to, room, &got, error);
        file->end += got;
        if (code < 0 && error)
            error->offset = (size_t)file->offset;
        return code;
    }
    ssize_t came = read(file->fd, to, room);
    if (came < 0 && errno != EINTR)
        return error_setf(error, CM_EIO, file->offset, "cannot read", "%s", strerror(errno));
    file->end += came > 0 ? (size_t)came : 0;
    return came > 0 ? 1 : came < 0 ? 2 : 0;
}

int capture_refill(struct capture_file *file, size_t size, struct cm_error *error)
{
    memmove(file->buffer, file->buffer + file->start, file->end - file->start);
    file->end -= file->start;
    file->start = 0;
    while (file->end < size) {
        if (file->end == file->capacity) { /* double what has arrived, not what was announced */
            file->capacity *= 2;
            file->buffer = cm_realloc(file->buffer, file->capacity);
        }
        if (has_nothing_now(file))
            return CM_ETIMEOUT;
        int code = read_some(file, error);
        if (code < 0)
            return code;
        if (code == 0)
            return file->end == 0 && (!file->unpack || unpack_is_ended(file->unpack)) ? CM_ENOTFOUND : CM_ETRUNCATED;
    }
    return 0;
}

/* --- pcap ---------------------------------------------------------------------------------------------------------- */

/* https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap: magic, version, two words unused, snapshot length, link type. */
static int read_pcap_header(struct capture_file *file, struct cm_error *error)
{
    int code = capture_need(file, PCAP_HEADER, error);
    if (code)
        return code;
    struct cursor at = capture_cursor(file, PCAP_HEADER);
    uint32_t magic, versions, zone, sigfigs, snapshot, link;
    if (cursor_u32(&at, &magic) || cursor_u32(&at, &versions) || cursor_u32(&at, &zone) || cursor_u32(&at, &sigfigs) ||
        cursor_u32(&at, &snapshot) || cursor_u32(&at, &link))
        return CM_ETRUNCATED;
    file->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1 || magic == 0x34cdb2a1;
    magic = capture_u32(file, magic);
    file->nanoseconds = magic == 0xa1b23c4d;
    file->packet_header = magic == 0xa1b2cd34 ? MODIFIED_PACKET_HEADER : PACKET_HEADER;
    file->link_type = (int)(capture_u32(file, link) & 0xffff); /* above: the length of a frame check sequence */
    capture_take(file, PCAP_HEADER);
    file->format = FORMAT_PCAP;
    return 0;
}

/* Packets that stand in the buffer as a whole, up to `most`. How many that were. */
static unsigned lend_packets(struct capture_file *file, unsigned most)
{
    const uint8_t *start = file->buffer + file->start, *end = file->buffer + file->end, *at = start;
    const size_t header = file->packet_header;
    struct packet packet = {.link_type = file->link_type};
    unsigned count = 0;
    for (; count < most && (size_t)(end - at) >= header; count++) {
        uint32_t seconds = capture_load(file, at), fraction = capture_load(file, at + 4);
        packet.bytes = (struct slice){at + header, capture_load(file, at + 8)};
        packet.length = capture_load(file, at + 12);
        packet.at_us = (int64_t)seconds * 1000000 + (file->nanoseconds ? fraction / 1000 : fraction);
        if (packet.bytes.size > CAPTURE_PACKET_MAX || packet.bytes.size > (size_t)(end - at) - header)
            break;
        file->events.packet(&packet, file->events.context);
        at += header + packet.bytes.size;
    }
    capture_take(file, (size_t)(at - start));
    return count;
}

/* Has the next packet, which did not stand there as a whole, in the buffer. */
static int need_packet(struct capture_file *file, struct cm_error *error)
{
    int code = capture_need(file, file->packet_header, error);
    if (code)
        return code;
    uint32_t captured = capture_load(file, file->buffer + file->start + 8);
    if (captured > CAPTURE_PACKET_MAX)
        return error_setf(error, CM_EMALFORMED, file->offset, "a packet header makes no sense",
                          "a packet of %u bytes is announced", captured);
    code = capture_need(file, (size_t)file->packet_header + captured, error);
    return code == CM_ENOTFOUND ? CM_ETRUNCATED : code;
}

static int read_pcap_packets(struct capture_file *file, unsigned most, struct cm_error *error)
{
    int code = 0;
    while (!code && (most -= lend_packets(file, most)) > 0)
        code = need_packet(file, error);
    return code;
}

/* --- either -------------------------------------------------------------------------------------------------------- */

/* What was read so far goes to what unpacks it. A packed file inside a packed file is none of ours. */
static int read_packed(struct capture_file *file, struct cm_error *error)
{
    const char *name = NULL;
    const uint8_t *at = file->buffer + file->start;
    enum unpack_format format = file->unpack ? UNPACK_NONE : unpack_sniff(at, &name);
    if (format == UNPACK_NONE)
        return error_set(error, CM_EMALFORMED, 0, "not a capture file");
    if (format == UNPACK_UNREAD)
        return error_setf(error, CM_EUNSUPPORTED, 0, "compressed in a way that is not read; unpack it first", "%s",
                          name);
    file->unpack = unpack_new(format, (struct slice){at, file->end - file->start});
    file->start = file->end = 0;
    return 0;
}

static int read_format(struct capture_file *file, struct cm_error *error)
{
    uint32_t magic;
    int code = capture_need(file, sizeof magic, error);
    if (code == CM_ENOTFOUND)
        return error_set(error, CM_ETRUNCATED, 0, "an empty file");
    if (code)
        return code;
    struct cursor at = capture_cursor(file, sizeof magic);
    if (cursor_u32(&at, &magic))
        return CM_ETRUNCATED;
    switch (magic) {
    case 0x0a0d0d0a:
        file->format = FORMAT_PCAPNG;
        return 0;
    case 0xa1b2c3d4:
    case 0xd4c3b2a1:
    case 0xa1b23c4d:
    case 0x4d3cb2a1:
    case 0xa1b2cd34:
    case 0x34cdb2a1:
        return read_pcap_header(file, error);
    default:
        return read_packed(file, error);
    }
}

static const char *truncated(const struct capture_file *file)
{
    if (file->unpack && !unpack_is_ended(file->unpack))
        return "the compressed data ends early";
    return file->format ? "the file ends inside a packet" : "the file ends inside its header";
}

int capture_file_read(struct capture_file *file, unsigned most, struct cm_error *error)
{
    int code = file->format == FORMAT_UNKNOWN ? read_format(file, error) : 0;
    if (!code && file->format == FORMAT_UNKNOWN) /* packed: what is in it? */
        code = read_format(file, error);
    if (!code && file->format == FORMAT_PCAP)
        code = read_pcap_packets(file, most, error);
    for (; !code && file->format == FORMAT_PCAPNG && most > 0; most--)
        code = capture_read_block(file, error);
    if (code == CM_ENOTFOUND) /* nothing is left, and nothing is missing */
        return 0;
    if (code == CM_ETIMEOUT)
        return 2;
    if (code == CM_ETRUNCATED)
        return error_set(error, code, file->offset, truncated(file));
    return code ? code : 1;
}

uint64_t capture_file_offset(const struct capture_file *file)
{
    return file->unpack ? unpack_taken(file->unpack) : file->offset;
}

bool capture_file_is_packed(const struct capture_file *file)
{
    return file->unpack != NULL;
}
