/* repeat-capture: one large capture out of many small ones, for benchmarks: each repetition of each file has endpoints of its own, so that nothing
 * in it was told before.
 *
 *   repeat-capture OUT BYTES FILE...
 *
 * Repetition i (from 0) of file j (of n) adds r = i × n + j + 1 to one 16-bit word of every IP address and subtracts it from another, in ones' complement: all
 * checksums stay as good or bad as they were (RFC 1624). Every IP header that a decoder would come to is rewritten, those in tunnels too. Each gets a
 * stretch of time of its own, behind the one before. OUT is pcap, link type Ethernet: IP packets of other link types get an Ethernet header,
 * and what holds no IP packet is left out when it is not Ethernet. As many whole repetitions are written as it takes to reach BYTES.
 *
 * Prints "repetitions=N files=N packets=N bytes=N"; stderr says what is left out, by link type. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/watch/capture_file.h"
#include "scanner/watch/decode_private.h"

enum {
    ETHERNET = 1,
    ETHERNET_HEADER = 14,
    PCAP_HEADER = 24,
    PACKET_HEADER = 16,
    HEADERS_MAX = 16,
    LINK_TYPES = 512,
    SPAN_MAX_US = 3600 * 1000000LL, /* of a file whose clock was set meanwhile */
    BEGIN_S = 1700000000,
    LAST_WORDS = 12, /* of an IPv6 address: the two that are changed */
};

struct frame {
    size_t at;     /* in bytes */
    uint32_t size; /* captured */
    uint32_t length;
    int64_t after_us; /* the file's first */
    size_t rewrite, rewrite_count;
};

struct file {
    size_t frame, frame_count;
    int64_t begin_us, span_us;
};

struct corpus {
    uint8_t *bytes;
    size_t size, capacity;
    struct frame *frames;
    size_t frame_count, frame_capacity;
    uint32_t *rewrites; /* offsets in frames, of two words each */
    size_t rewrite_count, rewrite_capacity;
    struct file *files;
    size_t file_count;
    uint64_t left_out[LINK_TYPES];
};

static void *room(void *list, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return list;
    *capacity = needed * 2;
    return cm_realloc(list, *capacity * size);
}

/* --- where the addresses are ----------------------------------------------------------------------------------------- */

static void note(struct corpus *corpus, size_t offset)
{
    corpus->rewrites =
        room(corpus->rewrites, &corpus->rewrite_capacity, corpus->rewrite_count + 1, sizeof *corpus->rewrites);
    corpus->rewrites[corpus->rewrite_count++] = (uint32_t)offset;
}

/* What follows an IPv6 header; the payload of a fragment but the first is nothing that we could read. */
static enum step pass_extensions(struct walk *walk)
{
    struct slice header, rest;
    for (unsigned i = 0; i < HEADERS_MAX; i++) {
        uint8_t protocol = walk->protocol;
        bool fragment = protocol == 44;
        if (protocol != 0 && protocol != 43 && protocol != 51 && protocol != 60 && protocol != 135 && !fragment)
            return STEP_PROTOCOL;
        if (cursor_slice(&walk->at, 8, &header) || (fragment && ((header.data[2] << 8 | header.data[3]) & 0xfff8)))
            return STEP_DONE;
        size_t more = fragment ? 0 : protocol == 51 ? header.data[1] * 4u : header.data[1] * 8u;
        if (cursor_slice(&walk->at, more, &rest))
            return STEP_DONE;
        walk->protocol = header.data[0];
    }
    return STEP_DONE;
}

static enum step note_ip(struct corpus *corpus, struct walk *walk)
{
    const uint8_t *ip = walk->at.at;
    size_t offset = (size_t)(ip - walk->packet->bytes.data);
    struct slice header;
    uint8_t first;
    if (cursor_peek_u8(&walk->at, &first))
        return STEP_DONE;
    if (first >> 4 == 4 && cursor_slice(&walk->at, 20, &header) == 0) {
        note(corpus, offset + 12);
        note(corpus, offset + 16);
        walk->protocol = ip[9];
        if ((first & 15) < 5 || ((ip[6] << 8 | ip[7]) & 0x1fff) ||
            cursor_slice(&walk->at, (first & 15) * 4u - 20, &header))
            return STEP_DONE;
        return STEP_PROTOCOL;
    }
    if (first >> 4 == 6 && cursor_slice(&walk->at, 40, &header) == 0) {
        note(corpus, offset + 8 + LAST_WORDS);
        note(corpus, offset + 24 + LAST_WORDS);
        walk->protocol = ip[6];
        return pass_extensions(walk);
    }
    return STEP_DONE;
}

static enum step pass_protocol(struct walk *walk)
{
    struct slice udp;
    switch (walk->protocol) {
    case 4:
    case 41:
        return STEP_IP;
    case 17:
        if (cursor_slice(&walk->at, 8, &udp))
            return STEP_DONE;
        walk->datagram.destination.port = (uint16_t)(udp.data[2] << 8 | udp.data[3]);
        return decode_udp_tunnel(walk);
    case 47:
        return decode_gre(walk);
    case 97:
        return cursor_slice(&walk->at, 2, &udp) ? STEP_DONE : STEP_ETHERNET;
    case 137:
        return STEP_MPLS;
    default:
        return STEP_DONE;
    }
}

/* Notes every address. False: there is no IP header; else outermost is where the first stands. */
static bool note_addresses(struct corpus *corpus, const struct packet *packet, size_t *outermost)
{
    struct walk walk = {.packet = packet};
    bool found = false;
    cursor_init_slice(&walk.at, packet->bytes);
    enum step step = decode_link(&walk);
    for (unsigned headers = 0; headers < HEADERS_MAX; headers++) {
        switch (step) {
        case STEP_IP:
            if (!found)
                *outermost = cursor_offset(&walk.at);
            found = true;
            step = note_ip(corpus, &walk);
            break;
        case STEP_ETHERNET:
            step = decode_ethernet(&walk);
            break;
        case STEP_ETHERTYPE:
            step = decode_ethertype(&walk);
            break;
        case STEP_MPLS:
            step = decode_mpls(&walk);
            break;
        case STEP_PPP:
            step = decode_ppp(&walk);
            break;
        case STEP_PROTOCOL:
            step = pass_protocol(&walk);
            break;
        default:
            return found;
        }
    }
    return found;
}

/* --- reading ----------------------------------------------------------------------------------------------------------- */

static void append(struct corpus *corpus, const void *bytes, size_t size)
{
    corpus->bytes = room(corpus->bytes, &corpus->capacity, corpus->size + size, 1);
    memcpy(corpus->bytes + corpus->size, bytes, size);
    corpus->size += size;
}

static void on_packet(const struct packet *packet, void *context)
{
    struct corpus *corpus = context;
    struct file *file = &corpus->files[corpus->file_count - 1];
    struct frame frame = {.at = corpus->size, .rewrite = corpus->rewrite_count};
    size_t drop = 0, header = 0;
    bool ip = note_addresses(corpus, packet, &drop);
    if (packet->link_type != ETHERNET) {
        uint8_t ethernet[ETHERNET_HEADER] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
        if (!ip) {
            corpus->left_out[packet->link_type < LINK_TYPES ? packet->link_type : LINK_TYPES - 1]++;
            return;
        }
        bool six = packet->bytes.data[drop] >> 4 == 6;
        ethernet[12] = six ? 0x86 : 0x08;
        ethernet[13] = six ? 0xdd : 0x00;
        append(corpus, ethernet, sizeof ethernet);
        header = sizeof ethernet;
    } else {
        drop = 0;
    }
    append(corpus, packet->bytes.data + drop, packet->bytes.size - drop);
    for (size_t i = frame.rewrite; i < corpus->rewrite_count; i++)
        corpus->rewrites[i] += (uint32_t)(header - drop);
    if (file->frame_count++ == 0)
        file->begin_us = packet->at_us;
    int64_t after_us = packet->at_us - file->begin_us;
    frame.after_us = after_us < 0 ? 0 : after_us > SPAN_MAX_US ? SPAN_MAX_US : after_us;
    if (frame.after_us > file->span_us)
        file->span_us = frame.after_us;
    frame.size = (uint32_t)(packet->bytes.size - drop + header);
    frame.length = (uint32_t)(packet->length - drop + header);
    frame.rewrite_count = corpus->rewrite_count - frame.rewrite;
    corpus->frames = room(corpus->frames, &corpus->frame_capacity, corpus->frame_count + 1, sizeof *corpus->frames);
    corpus->frames[corpus->frame_count++] = frame;
}

/* A damaged file counts up to its damage. */
static void read_file(struct corpus *corpus, const char *path)
{
    struct cm_error error;
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    corpus->files = cm_realloc(corpus->files, (corpus->file_count + 1) * sizeof *corpus->files);
    corpus->files[corpus->file_count++] = (struct file){.frame = corpus->frame_count};
    struct capture_file *file =
        capture_file_new(fd, &(struct capture_file_events){.packet = on_packet, .context = corpus});
    while (capture_file_read(file, UINT16_MAX, &error) == 1) {
    }
    capture_file_free(file);
}

/* --- writing ----------------------------------------------------------------------------------------------------------- */

static void add_word(uint8_t *at, uint16_t value)
{
    uint32_t sum = (uint32_t)(at[0] << 8 | at[1]) + value;
    sum = (sum & 0xffff) + (sum >> 16);
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

/* Adds to what the repetition before left there. */
static void write_frame(struct corpus *corpus, const struct frame *frame, uint16_t more, int64_t at_us, FILE *out)
{
    uint8_t *bytes = corpus->bytes + frame->at;
    uint32_t header[4] = {(uint32_t)(at_us / 1000000), (uint32_t)(at_us % 1000000), frame->size, frame->length};
    fwrite(header, sizeof header, 1, out);
    for (size_t i = frame->rewrite; i < frame->rewrite + frame->rewrite_count; i++) {
        add_word(bytes + corpus->rewrites[i], more);
        add_word(bytes + corpus->rewrites[i] + 2, (uint16_t)~more);
    }
    fwrite(bytes, frame->size, 1, out);
}

static void write_repetitions(struct corpus *corpus, uint64_t repetitions, FILE *out)
{
    const uint32_t header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, ETHERNET};
    int64_t at_us = BEGIN_S * INT64_C(1000000);
    fwrite(header, sizeof header, 1, out);
    for (uint64_t i = 0; i < repetitions; i++) {
        for (size_t j = 0; j < corpus->file_count; j++) {
            const struct file *file = &corpus->files[j];
            for (size_t k = file->frame; k < file->frame + file->frame_count; k++) {
                const struct frame *frame = &corpus->frames[k];
                write_frame(corpus, frame, (uint16_t)(i ? corpus->file_count : j + 1), at_us + frame->after_us, out);
            }
            at_us += file->span_us + 1000;
        }
    }
}

int main(int argc, char **argv)
{
    struct corpus corpus = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: repeat-capture OUT BYTES FILE...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        read_file(&corpus, argv[i]);
    for (size_t i = 0; i < LINK_TYPES; i++) {
        if (corpus.left_out[i])
            fprintf(stderr, "left out: %" PRIu64 " packets of link type %zu, which hold no IP packet in clear\n",
                    corpus.left_out[i], i);
    }
    uint64_t bytes = strtoull(argv[2], NULL, 10), each = corpus.size + corpus.frame_count * PACKET_HEADER;
    uint64_t repetitions = each ? (bytes + each - 1) / each : 0;
    if (repetitions == 0 || repetitions * corpus.file_count >= UINT16_MAX) {
        fprintf(stderr, "repeat-capture: %zu files have %" PRIu64 " bytes: too few to make %" PRIu64 " of\n",
                corpus.file_count, each, bytes);
        return 1;
    }
    FILE *out = fopen(argv[1], "wb");
    if (out)
        write_repetitions(&corpus, repetitions, out);
    if (!out || ferror(out) || fclose(out)) {
        perror(argv[1]);
        return 1;
    }
    printf("repetitions=%" PRIu64 " files=%zu packets=%" PRIu64 " bytes=%" PRIu64 "\n", repetitions, corpus.file_count,
           repetitions * corpus.frame_count, PCAP_HEADER + repetitions * each);
    return 0;
}
