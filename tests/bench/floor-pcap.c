/* floor-pcap: the least that a program over libpcap does with a capture file: pcap_loop with a callback that only counts. Benchmarks compare certmuster-watch with it.
 *
 *   floor-pcap FILE [BUFFER_BYTES]
 *   floor-pcap --version
 *
 * BUFFER_BYTES: of the stdio buffer that libpcap reads through (128 KiB); 0: stdio's own, which is what pcap_open_offline gives. Prints "packets=N bytes=N". */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 128 * 1024 };

struct counts {
    uint64_t packets, bytes;
};

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct counts *counts = (struct counts *)(void *)user;
    (void)bytes;
    counts->packets++;
    counts->bytes += header->caplen;
}

int main(int argc, char **argv)
{
    char trouble[PCAP_ERRBUF_SIZE] = "cannot be opened";
    struct counts counts = {0};
    size_t size = argc > 2 ? strtoull(argv[2], NULL, 10) : BUFFER_BYTES;
    if (argc < 2) {
        fprintf(stderr, "usage: floor-pcap FILE [BUFFER_BYTES]\n");
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts(pcap_lib_version());
        return 0;
    }
    FILE *file = fopen(argv[1], "rb");
    char *buffer = size ? malloc(size) : NULL;
    if (file && buffer)
        setvbuf(file, buffer, _IOFBF, size);
    pcap_t *pcap = file ? pcap_fopen_offline(file, trouble) : NULL;
    if (!pcap) {
        fprintf(stderr, "floor-pcap: %s: %s\n", argv[1], trouble);
        return 1;
    }
    int code = pcap_loop(pcap, -1, on_packet, (u_char *)&counts);
    if (code)
        fprintf(stderr, "floor-pcap: %s: %s\n", argv[1], pcap_geterr(pcap));
    pcap_close(pcap);
    free(buffer);
    printf("packets=%" PRIu64 " bytes=%" PRIu64 "\n", counts.packets, counts.bytes);
    return code ? 1 : 0;
}
