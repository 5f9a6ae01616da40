/* Sends TLS conversations as raw frames into an interface, at a given rate: the traffic that a live watch is measured with.
 *
 *     watch-flood IFACE PACKETS-PER-SECOND SECONDS CERTIFICATE.der      0 packets per second: as fast as it goes
 *
 * Each conversation is a TCP connection of its own (SYN, a ClientHello, the server's flight with that certificate, data, FIN; right checksums), thousands are under way at
 * once. Prints what was sent as one JSON line. For namespaces and veth pairs of a test; frames carry an address that no machine has. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    STEPS_MAX = 32,
    SEGMENT = 1400,
    UNDER_WAY = 2048,
    SERVERS = 4096,
    BATCH = 64,
    HEADERS = 14 + 20 + 20,
    FRAME_MAX = HEADERS + SEGMENT,
    FIN = 1,
    SYN = 2,
    ACK = 16,
};

struct step { /* of every conversation */
    int from_server;
    uint8_t flags;
    uint32_t sequence, acknowledgment;
    size_t size;
    uint8_t payload[SEGMENT];
    uint32_t payload_sum;
};

static struct step steps[STEPS_MAX];
static size_t step_count;

static void fail(const char *what)
{
    fprintf(stderr, "watch-flood: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* --- the conversation ------------------------------------------------------------------------------------------------ */

static uint32_t sum_of(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return sum;
}

static uint32_t next[2] = {1000, 5000}; /* sequence numbers: of the client, of the server */

static void add_step(int from_server, uint8_t flags, const uint8_t *payload, size_t size)
{
    struct step *step = &steps[step_count++];
    step->from_server = from_server;
    step->flags = flags;
    step->sequence = next[from_server];
    step->acknowledgment = flags & ACK ? next[!from_server] : 0;
    step->size = size;
    if (size)
        memcpy(step->payload, payload, size);
    step->payload_sum = sum_of(step->payload, size);
    next[from_server] += (uint32_t)size + (flags & (SYN | FIN) ? 1 : 0);
}

static void add_bytes(int from_server, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += SEGMENT)
        add_step(from_server, ACK | 8, bytes + at, size - at < SEGMENT ? size - at : SEGMENT);
}

static uint8_t *put(uint8_t *at, size_t width, size_t value)
{
    while (width--)
        *at++ = (uint8_t)(value >> 8 * width);
    return at;
}

static size_t client_hello(uint8_t *out)
{
    static const char name[] = "flood.example";
    uint8_t extensions[64], *e = extensions, *at;
    e = put(put(put(put(put(e, 2, 0), 2, sizeof name + 4), 2, sizeof name + 2), 1, 0), 2, sizeof name - 1);
    memcpy(e, name, sizeof name - 1);
    e += sizeof name - 1;
    size_t size = (size_t)(e - extensions), body = 2 + 32 + 1 + 4 + 2 + 2 + size;
    at = put(put(put(put(put(put(out, 1, 22), 2, 0x0301), 2, body + 4), 1, 1), 3, body), 2, 0x0303);
    memset(at, 7, 32);
    at = put(put(put(put(put(at + 32, 1, 0), 2, 2), 2, 0xc02f), 2, 0x0100), 2, size);
    memcpy(at, extensions, size);
    return (size_t)(at - out) + size;
}

static size_t server_flight(uint8_t *out, const uint8_t *der, size_t size)
{
    uint8_t *at = put(put(put(put(put(put(out, 1, 22), 2, 0x0303), 2, 4 + 38), 1, 2), 3, 38), 2, 0x0303);
    memset(at, 9, 32);
    at = put(put(put(at + 32, 1, 0), 2, 0xc02f), 1, 0);
    at = put(put(put(at, 1, 22), 2, 0x0303), 2, size + 10 + 4);
    at = put(put(put(put(at, 1, 11), 3, size + 6), 3, size + 3), 3, size);
    memcpy(at, der, size);
    return (size_t)(put(put(at + size, 1, 14), 3, 0) - out);
}

static void make_conversation(const uint8_t *der, size_t size)
{
    static uint8_t bytes[32 * 1024];
    static const uint8_t finished[] = {22, 3, 3, 0, 4, 16, 0, 0, 0, 20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 2, 1, 2};
    add_step(0, SYN, NULL, 0);
    add_step(1, SYN | ACK, NULL, 0);
    add_step(0, ACK, NULL, 0);
    add_bytes(0, bytes, client_hello(bytes));
    add_bytes(1, bytes, server_flight(bytes, der, size));
    add_step(0, ACK, NULL, 0);
    add_bytes(0, finished, sizeof finished);
    add_bytes(1, finished + 9, sizeof finished - 9);
    memset(bytes, 0, sizeof bytes);
    put(bytes, 5, (size_t)23 << 32 | 0x0303 << 16 | (4 * SEGMENT - 5));
    add_bytes(1, bytes, 4 * SEGMENT);
    add_step(0, ACK, NULL, 0);
    add_step(0, FIN | ACK, NULL, 0);
    add_step(1, FIN | ACK, NULL, 0);
}

/* --- frames ------------------------------------------------------------------------------------------------------------ */

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* The nth conversation's frame of this step. */
static size_t make_frame(uint8_t *out, const struct step *step, uint32_t number)
{
    static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0};
    uint8_t *ip = out + sizeof ethernet, *tcp = ip + 20;
    uint32_t client = 0x0a400000 + (number / 50000 << 8) + 1, server = 0x0a800000 + number % SERVERS;
    uint16_t port = (uint16_t)(10000 + number % 50000);
    memcpy(out, ethernet, sizeof ethernet);
    put(put(put(put(ip, 2, 0x4500), 2, 40 + step->size), 4, 0x00004000), 4, 64 << 24 | 6 << 16);
    put(put(ip + 12, 4, step->from_server ? server : client), 4, step->from_server ? client : server);
    put(ip + 10, 2, fold(sum_of(ip, 20)));
    put(put(tcp, 2, step->from_server ? 443 : port), 2, step->from_server ? port : 443);
    put(put(put(tcp + 4, 4, step->sequence), 4, step->acknowledgment), 2, 0x5000 | step->flags);
    put(put(put(tcp + 14, 2, 65000), 2, 0), 2, 0);
    put(tcp + 16, 2, fold(sum_of(tcp, 20) + sum_of(ip + 12, 8) + 6 + 20 + (uint32_t)step->size + step->payload_sum));
    memcpy(tcp + 20, step->payload, step->size);
    return HEADERS + step->size;
}

/* --- sending ----------------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_interface(const char *name)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, bytes = 4 << 20;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        fail(name);
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes))
        fail("setsockopt");
    return fd;
}

struct batch {
    uint8_t frames[BATCH][FRAME_MAX];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    unsigned count;
};

static void send_batch(int fd, struct batch *batch)
{
    for (unsigned done = 0; done < batch->count;) {
        int sent = sendmmsg(fd, batch->messages + done, batch->count - done, 0);
        if (sent < 0 && errno != ENOBUFS && errno != EINTR)
            fail("sendmmsg");
        done += sent > 0 ? (unsigned)sent : 0;
    }
    batch->count = 0;
}

static void add_frame(struct batch *batch, const struct step *step, uint32_t number)
{
    unsigned at = batch->count++;
    batch->parts[at] = (struct iovec){batch->frames[at], make_frame(batch->frames[at], step, number)};
    batch->messages[at].msg_hdr = (struct msghdr){.msg_iov = &batch->parts[at], .msg_iovlen = 1};
}

static void keep_pace(int64_t began_ns, uint64_t sent, double rate)
{
    int64_t early_ns = began_ns + (int64_t)((double)sent * 1e9 / rate) - now_ns();
    struct timespec pause = {.tv_sec = early_ns / 1000000000, .tv_nsec = early_ns % 1000000000};
    if (early_ns > 50000)
        nanosleep(&pause, NULL);
}

/* Groups of conversations, each step of all of them after the other; the last group is sent to its end. */
static void flood(int fd, double rate, double seconds)
{
    static struct batch batch;
    int64_t began_ns = now_ns(), end_ns = began_ns + (int64_t)(seconds * 1e9);
    uint64_t sent = 0;
    uint32_t conversations = 0;
    for (; now_ns() < end_ns; conversations += UNDER_WAY) {
        for (size_t step = 0; step < step_count; step++) {
            for (uint32_t i = 0; i < UNDER_WAY; i++) {
                add_frame(&batch, &steps[step], conversations + i);
                if (batch.count < BATCH)
                    continue;
                sent += BATCH;
                send_batch(fd, &batch);
                if (rate > 0)
                    keep_pace(began_ns, sent, rate);
            }
        }
    }
    double took = (double)(now_ns() - began_ns) / 1e9;
    printf("{\"packets\":%llu,\"conversations\":%u,\"seconds\":%.3f,\"rate\":%.0f}\n", (unsigned long long)sent,
           conversations, took, (double)sent / took);
}

int main(int argc, char **argv)
{
    static uint8_t der[16 * 1024];
    if (argc != 5) {
        fprintf(stderr, "usage: watch-flood IFACE PACKETS-PER-SECOND SECONDS CERTIFICATE.der\n");
        return 2;
    }
    FILE *file = fopen(argv[4], "rb");
    size_t size = file ? fread(der, 1, sizeof der, file) : 0;
    if (size == 0)
        fail(argv[4]);
    fclose(file);
    make_conversation(der, size);
    flood(open_interface(argv[1]), strtod(argv[2], NULL), strtod(argv[3], NULL));
    return 0;
}
