/* floor-tls12: the least that a client can do to see a certificate of TLS 1.2: connect, one fixed ClientHello, read up to the
 * Certificate message, reset. One thread, one epoll. Benchmarks compare certmuster-scan with it; tests read leaves with it (--print).
 *
 *   floor-tls12 BASE PORT COUNT [IN_FLIGHT] [--print]
 *
 * Prints "endpoints=N certificates=M cpu_us=X wall_us=Y"; with --print first a line "IP SHA256" for each leaf. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/cursor.h"
#include "certmuster/encode.h"
#include "certmuster/ipaddr.h"

enum { INPUT_MAX = 16384, BATCH = 256, IDLE_MS = 10000 };
enum { RECORD_HANDSHAKE = 22, MESSAGE_CERTIFICATE = 11 };

struct probe {
    int fd; /* -1: free */
    uint32_t index;
    bool said; /* the ClientHello is out */
    size_t size;
    uint8_t in[INPUT_MAX];
};

struct sweep {
    struct ipaddr base;
    unsigned port;
    uint32_t count, started, ended, certificates;
    bool print;
    int epoll;
};

/* TLS 1.2, four suites that any server has one of, the extensions that servers insist on; no server name. */
/* clang-format off */
static const uint8_t hello[] = {
    22, 3, 1, 0, 93,                                       /* record */
    1, 0, 0, 89, 3, 3,                                     /* ClientHello, TLS 1.2 */
    7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,        /* random */
    6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1,
    0,                                                     /* session id */
    0, 10, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x30, 0, 0x9c, 0, 0xff, /* suites, SCSV */
    1, 0,                                                  /* no compression */
    0, 38,                                                 /* extensions */
    0, 10, 0, 6, 0, 4, 0, 29, 0, 23,                       /* groups: x25519, P-256 */
    0, 11, 0, 2, 1, 0,                                     /* point formats */
    0, 13, 0, 14, 0, 12, 4, 3, 8, 7, 8, 4, 4, 1, 2, 1, 5, 1, /* signature algorithms */
    0, 23, 0, 0,                                           /* extended master secret */
};
/* clang-format on */
_Static_assert(sizeof hello == 98, "the lengths inside are those of 98 bytes");

/* Finds the leaf in the records so far: 1 with *leaf, 0 when more must come, negative when this will never be a certificate. */
static int find_leaf(const struct probe *probe, struct slice *leaf)
{
    uint8_t flight[INPUT_MAX], type, kind;
    size_t size = 0;
    uint16_t version;
    struct cursor input, record, messages, body, list, cert;
    cursor_init(&input, probe->in, probe->size);
    while (cursor_u8(&input, &type) == 0 && cursor_u16(&input, &version) == 0 &&
           cursor_vector16(&input, &record) == 0) {
        if (type != RECORD_HANDSHAKE)
            return CM_EMALFORMED;
        memcpy(flight + size, record.at, cursor_left(&record));
        size += cursor_left(&record);
    }
    cursor_init(&messages, flight, size);
    while (cursor_u8(&messages, &kind) == 0 && cursor_vector24(&messages, &body) == 0) {
        if (kind != MESSAGE_CERTIFICATE)
            continue;
        if (cursor_vector24(&body, &list) != 0 || cursor_vector24(&list, &cert) != 0)
            return CM_EMALFORMED;
        static uint8_t copy[INPUT_MAX]; /* flight is gone when we return */
        memcpy(copy, cert.at, cursor_left(&cert));
        *leaf = (struct slice){copy, cursor_left(&cert)};
        return 1;
    }
    return probe->size == INPUT_MAX ? CM_ELIMIT : 0;
}

static void address_of(const struct sweep *sweep, uint32_t index, char out[static IPADDR_TEXT_SIZE],
                       struct sockaddr_storage *address, socklen_t *size)
{
    struct ipaddr ip;
    ipaddr_add(&ip, &sweep->base, index);
    ipaddr_write(out, &ip);
    *size = ipaddr_to_sockaddr(&ip, (uint16_t)sweep->port, address);
}

static void print_leaf(const struct sweep *sweep, uint32_t index, struct slice leaf)
{
    char ip[IPADDR_TEXT_SIZE], hex[CM_SHA256_HEX_SIZE];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct sockaddr_storage address;
    socklen_t size;
    address_of(sweep, index, ip, &address, &size);
    if (EVP_Digest(leaf.data, leaf.size, digest, NULL, EVP_sha256(), NULL) != 1)
        exit(CM_EXIT_FAILED);
    hex_write(hex, digest, CM_SHA256_SIZE);
    printf("%s %s\n", ip, hex);
}

static void probe_end(struct sweep *sweep, struct probe *probe)
{
    close(probe->fd); /* SO_LINGER 0: a reset, no TIME_WAIT */
    probe->fd = -1;
    sweep->ended++;
}

static void probe_begin(struct sweep *sweep, struct probe *probe)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    char text[IPADDR_TEXT_SIZE];
    struct sockaddr_storage address;
    socklen_t size;
    probe->index = sweep->started++;
    probe->size = 0;
    probe->said = false;
    address_of(sweep, probe->index, text, &address, &size);
    probe->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0) {
        perror("socket");
        exit(CM_EXIT_FAILED);
    }
    setsockopt(probe->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (connect(probe->fd, (struct sockaddr *)&address, size) == 0)
        probe->said = send(probe->fd, hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello;
    else if (errno != EINPROGRESS) {
        probe_end(sweep, probe);
        return;
    }
    struct epoll_event event = {.events = probe->said ? EPOLLIN : EPOLLOUT, .data.ptr = probe};
    if (epoll_ctl(sweep->epoll, EPOLL_CTL_ADD, probe->fd, &event) != 0)
        probe_end(sweep, probe);
}

static void probe_ready(struct sweep *sweep, struct probe *probe)
{
    struct slice leaf;
    if (!probe->said) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = probe};
        probe->said = send(probe->fd, hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello;
        if (!probe->said || epoll_ctl(sweep->epoll, EPOLL_CTL_MOD, probe->fd, &event) != 0)
            probe_end(sweep, probe);
        return;
    }
    ssize_t got = recv(probe->fd, probe->in + probe->size, INPUT_MAX - probe->size, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    probe->size += got > 0 ? (size_t)got : 0;
    int found = got <= 0 ? CM_ETRUNCATED : find_leaf(probe, &leaf);
    if (found > 0) {
        sweep->certificates++;
        if (sweep->print)
            print_leaf(sweep, probe->index, leaf);
    }
    if (found != 0)
        probe_end(sweep, probe);
}

static int run(struct sweep *sweep, struct probe *probes, uint32_t in_flight)
{
    struct epoll_event events[BATCH];
    sweep->epoll = epoll_create1(EPOLL_CLOEXEC);
    while (sweep->ended < sweep->count) {
        for (uint32_t i = 0; i < in_flight; i++) {
            if (probes[i].fd < 0 && sweep->started < sweep->count)
                probe_begin(sweep, &probes[i]);
        }
        /* Events are worked off until a quarter is free, so that looking for free ones costs little. */
        uint32_t enough = sweep->ended + in_flight / 4;
        do {
            int count = epoll_wait(sweep->epoll, events, BATCH, IDLE_MS);
            if (count <= 0)
                return sweep->ended == sweep->count ? 0 : CM_ETIMEOUT;
            for (int i = 0; i < count; i++)
                probe_ready(sweep, events[i].data.ptr);
        } while (sweep->ended < enough && sweep->ended < sweep->started);
    }
    close(sweep->epoll);
    return 0;
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    struct sweep sweep = {.print = argc > 4 && strcmp(argv[argc - 1], "--print") == 0};
    uint32_t in_flight = argc > 4 && argv[4][0] != '-' ? (uint32_t)atoi(argv[4]) : 256;
    if (argc < 4 || ipaddr_read(argv[1], &sweep.base) != 0 || in_flight == 0 || in_flight > 10000) {
        fprintf(stderr, "usage: floor-tls12 BASE PORT COUNT [IN_FLIGHT] [--print]\n");
        return CM_EXIT_USAGE;
    }
    sweep.port = (unsigned)atoi(argv[2]);
    sweep.count = (uint32_t)atoi(argv[3]);
    struct probe *probes = cm_calloc(in_flight, sizeof *probes);
    for (uint32_t i = 0; i < in_flight; i++)
        probes[i].fd = -1;
    int64_t began = wall_us();
    int result = run(&sweep, probes, in_flight);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t cpu = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                  used.ru_stime.tv_usec;
    printf("endpoints=%u certificates=%u cpu_us=%lld wall_us=%lld\n", sweep.ended, sweep.certificates, (long long)cpu,
           (long long)(wall_us() - began));
    free(probes);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}
