/* half-open: a capture of very many TCP connections that come to nothing, with honest handshakes among them, as pcap on standard output.
 *
 *   half-open FLOWS HONEST REPETITIONS
 *
 * HONEST: a capture of REPETITIONS conversations with equally many packets each, one behind the other (repeat-capture makes such). Fifty of them at a time run
 * beside each other, and the flood runs between any two of their packets. Of the others half are a SYN alone, a quarter are answered, and a quarter begin a
 * ClientHello; of those every fourth even ends it, and nobody answers. Each has endpoints of its own, all checksums are good. A million of them take a second
 * of the packets' clock. Prints "flows=N packets=N honest=N" on standard error. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/watch/capture_file.h"

enum {
    BESIDE = 50,
    ETHERNET = 14,
    IP = 20,
    TCP = 20,
    HELLO = 300, /* a record with its header */
    PIECE = 150, /* of it, where it does not end */
    SYN = 2,
    ACK = 16,
    BUFFER_BYTES = 1 << 20,
};

struct honest {
    uint8_t *bytes;
    size_t *at; /* of each packet; one more for the end */
    size_t count;
};

struct flood {
    FILE *out;
    uint64_t flows, packets;
    int64_t at_us;
    uint8_t hello[HELLO];
};

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

static uint16_t checksum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    if (size % 2)
        sum += (uint32_t)bytes[size - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void write_packet(struct flood *flood, const uint8_t *bytes, size_t size)
{
    uint32_t header[4] = {(uint32_t)(flood->at_us / 1000000), (uint32_t)(flood->at_us % 1000000), (uint32_t)size,
                          (uint32_t)size};
    fwrite(header, sizeof header, 1, flood->out);
    fwrite(bytes, size, 1, flood->out);
    flood->packets++;
}

struct ends { /* the client's first */
    uint32_t ip[2], sequence[2];
    uint16_t port[2];
};

static void write_segment(struct flood *flood, struct ends *ends, int from, unsigned flags, size_t size)
{
    uint8_t frame[ETHERNET + IP + TCP + HELLO] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, *ip = frame + ETHERNET,
                                        *tcp = ip + IP;
    size_t segment = TCP + size;
    ip[0] = 0x45;
    put_u16(ip + 2, (unsigned)(IP + segment));
    ip[8] = 64;
    ip[9] = 6;
    put_u32(ip + 12, ends->ip[from]);
    put_u32(ip + 16, ends->ip[!from]);
    put_u16(ip + 10, checksum(ip, IP, 0));
    put_u16(tcp, ends->port[from]);
    put_u16(tcp + 2, ends->port[!from]);
    put_u32(tcp + 4, ends->sequence[from]);
    put_u32(tcp + 8, flags & ACK ? ends->sequence[!from] : 0);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = (uint8_t)flags;
    put_u16(tcp + 14, 65535);
    memcpy(tcp + TCP, flood->hello, size);
    uint32_t pseudo = (ends->ip[0] >> 16) + (ends->ip[0] & 0xffff) + (ends->ip[1] >> 16) + (ends->ip[1] & 0xffff) + 6 +
                      (uint32_t)segment;
    put_u16(tcp + 16, checksum(tcp, segment, pseudo));
    ends->sequence[from] += (uint32_t)size + (flags & SYN ? 1 : 0);
    write_packet(flood, frame, ETHERNET + IP + segment);
}

/* An odd factor makes all addresses distinct, and no two neighbours alike. */
static void write_half_open(struct flood *flood)
{
    uint64_t i = flood->flows++;
    uint32_t scattered = (uint32_t)i * 2654435761u;
    struct ends ends = {{scattered, 0xc6120000 | (scattered >> 9 & 0xffff)}, {scattered * 69069u, ~scattered}, {0}};
    ends.port[0] = (uint16_t)(1024 + scattered % 60000);
    ends.port[1] = 443;
    flood->at_us += flood->flows % 1000000 ? 1 : 2;
    write_segment(flood, &ends, 0, SYN, 0);
    if (i % 2 == 0)
        return;
    write_segment(flood, &ends, 1, SYN | ACK, 0);
    if (i % 4 == 1)
        return;
    write_segment(flood, &ends, 0, ACK, 0);
    write_segment(flood, &ends, 0, ACK, i % 16 == 3 ? HELLO : PIECE);
}

/* A ClientHello that anybody would believe: TLS 1.2, one suite, padding (RFC 7685). */
static void make_hello(uint8_t *hello)
{
    static const uint8_t begin[] = {22, 3, 1};
    memset(hello, 0, HELLO);
    memcpy(hello, begin, sizeof begin);
    put_u16(hello + 3, HELLO - 5);
    hello[5] = 1;
    put_u16(hello + 7, HELLO - 9);
    put_u16(hello + 9, 0x0303);
    memset(hello + 11, 0x5a, 32);
    put_u16(hello + 44, 2);
    put_u16(hello + 46, 0xc02f);
    hello[48] = 1; /* one compression method, none */
    put_u16(hello + 50, HELLO - 52);
    put_u16(hello + 52, 21);
    put_u16(hello + 54, HELLO - 56);
}

/* --- honest ones ------------------------------------------------------------------------------------------------------ */

static void on_packet(const struct packet *packet, void *context)
{
    struct honest *honest = context;
    size_t end = honest->count ? honest->at[honest->count] : 0;
    honest->at = cm_realloc(honest->at, (honest->count + 2) * sizeof *honest->at);
    honest->bytes = cm_realloc(honest->bytes, end + packet->bytes.size);
    memcpy(honest->bytes + end, packet->bytes.data, packet->bytes.size);
    honest->at[honest->count] = end;
    honest->at[++honest->count] = end + packet->bytes.size;
}

static int read_honest(const char *path, struct honest *out)
{
    struct cm_error error;
    int fd = open(path, O_RDONLY), code;
    if (fd < 0)
        return -1;
    struct capture_file *file =
        capture_file_new(fd, &(struct capture_file_events){.packet = on_packet, .context = out});
    while ((code = capture_file_read(file, 1 << 20, &error)) == 1) {
    }
    capture_file_free(file);
    return code;
}

int main(int argc, char **argv)
{
    struct honest honest = {0};
    struct flood flood = {.out = stdout, .at_us = INT64_C(1700000000000000)};
    const uint32_t header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1};
    uint64_t flows = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    size_t repetitions = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (argc < 4 || read_honest(argv[2], &honest) || repetitions == 0 || honest.count < repetitions ||
        honest.count % repetitions) {
        fprintf(stderr, "usage: half-open FLOWS HONEST REPETITIONS\n");
        return 2;
    }
    make_hello(flood.hello);
    setvbuf(stdout, NULL, _IOFBF, BUFFER_BYTES);
    fwrite(header, sizeof header, 1, stdout);
    size_t each = honest.count / repetitions, told = 0;
    for (size_t group = 0; group < repetitions; group += BESIDE) {
        size_t end = group + BESIDE < repetitions ? group + BESIDE : repetitions;
        for (size_t i = 0; i < each * (end - group); i++) {
            size_t packet = (group + i % (end - group)) * each + i / (end - group);
            write_packet(&flood, honest.bytes + honest.at[packet], honest.at[packet + 1] - honest.at[packet]);
            told++;
            while (flood.flows < flows * told / honest.count)
                write_half_open(&flood);
        }
    }
    if (ferror(stdout) || fflush(stdout)) {
        perror("half-open");
        return 1;
    }
    fprintf(stderr, "flows=%" PRIu64 " packets=%" PRIu64 " honest=%zu\n", flood.flows, flood.packets, repetitions);
    return 0;
}
