/* Reads an interface through a TPACKET_V3 ring and does nothing with the packets: what a live watch is compared with.
 *
 *     watch-floor IFACE RING-MIB      until SIGTERM; prints "ready", then at the end the packets and drops as one JSON line */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { BLOCK = 256 * 1024, FRAME = 2048, WAIT_MS = 100 };

static volatile sig_atomic_t stop;

static void on_end(int number)
{
    stop = number;
}

static void fail(const char *what)
{
    fprintf(stderr, "watch-floor: %s: %s\n", what, strerror(errno));
    exit(3);
}

static uint8_t *open_ring(int fd, const char *name, unsigned blocks)
{
    int version = TPACKET_V3;
    struct tpacket_req3 request = {.tp_block_size = BLOCK,
                                   .tp_block_nr = blocks,
                                   .tp_frame_size = FRAME,
                                   .tp_frame_nr = blocks * (BLOCK / FRAME),
                                   .tp_retire_blk_tov = WAIT_MS};
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = __builtin_bswap16(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(name)};
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
        fail("ring");
    uint8_t *ring = mmap(NULL, (size_t)BLOCK * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED || bind(fd, (struct sockaddr *)&address, sizeof address))
        fail(name);
    return ring;
}

int main(int argc, char **argv)
{
    struct sigaction end = {.sa_handler = on_end};
    struct tpacket_stats_v3 stats = {0};
    socklen_t size = sizeof stats;
    if (argc != 3)
        return 2;
    unsigned blocks = (unsigned)strtoul(argv[2], NULL, 10) * (1024 * 1024 / BLOCK), at = 0;
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0 || blocks == 0)
        fail("socket");
    uint8_t *ring = open_ring(fd, argv[1], blocks);
    uint64_t packets = 0;
    sigaction(SIGTERM, &end, NULL);
    puts("ready");
    fflush(stdout);
    while (!stop) {
        struct tpacket_block_desc *block = (struct tpacket_block_desc *)(void *)(ring + (size_t)BLOCK * at);
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
            poll(&ready, 1, WAIT_MS);
            continue;
        }
        packets += block->hdr.bh1.num_pkts;
        __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        at = (at + 1) % blocks;
    }
    getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    printf("{\"packets\":%llu,\"drops\":%u}\n", (unsigned long long)packets, stats.tp_drops);
    return 0;
}
