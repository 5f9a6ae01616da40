/* What both floor programs share: connections, and nothing of TLS. Plain non-blocking sockets and one edge-triggered epoll, one thread, a
 * fixed number of slots; a slot begins with the next address as soon as it has ended with one.
 *
 * For each endpoint: socket, setsockopt (a close that resets: no TIME_WAIT), connect, epoll_ctl, send, recv, close, and a share of
 * epoll_wait. A floor gives a ClientHello and a function that looks at what has arrived. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include <errno.h>
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

enum { FLOOR_INPUT_MAX = 16384, FLOOR_BATCH = 256, FLOOR_IDLE_MS = 10000, FLOOR_STATE_SIZE = 64 };
enum { RECORD_HANDSHAKE = 22, RECORD_DATA = 23, MESSAGE_SERVER_HELLO = 2, MESSAGE_CERTIFICATE = 11 };

struct probe {
    int fd;
    uint32_t index;
    bool said;                     /* the ClientHello is out */
    size_t size, read, plain_size; /* bytes in, of these used by look, plain */
    uint8_t in[FLOOR_INPUT_MAX], plain[FLOOR_INPUT_MAX];
    _Alignas(8) uint8_t state[FLOOR_STATE_SIZE]; /* of look; zeros at the beginning */
};

struct floor {
    struct slice hello;
    /* 1 with *leaf, which lends from the probe; 0 when more must come; negative: this will never be a certificate. */
    int (*look)(struct probe *probe, struct slice *leaf);
};

struct sweep {
    const struct floor *floor;
    struct ipaddr base;
    unsigned port;
    uint32_t count, started, ended, certificates;
    bool print;
    int epoll;
};

/* The leaf of the first Certificate message in these handshake messages; empty_context: TLS 1.3 has an octet more before the list. */
static int floor_find_leaf(struct slice messages, bool tls13, struct slice *leaf)
{
    struct cursor at, body, context, list, cert;
    uint8_t kind;
    cursor_init_slice(&at, messages);
    while (cursor_u8(&at, &kind) == 0 && cursor_vector24(&at, &body) == 0) {
        if (kind != MESSAGE_CERTIFICATE)
            continue;
        if ((tls13 && cursor_vector8(&body, &context) != 0) || cursor_vector24(&body, &list) != 0 ||
            cursor_vector24(&list, &cert) != 0)
            return CM_EMALFORMED;
        *leaf = (struct slice){cert.at, cursor_left(&cert)};
        return 1;
    }
    return 0;
}

static void floor_begin(struct sweep *sweep, struct probe *probe)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    struct ipaddr ip;
    struct sockaddr_storage address;
    probe->index = sweep->started++;
    probe->size = probe->read = probe->plain_size = 0;
    probe->said = false;
    memset(probe->state, 0, sizeof probe->state);
    ipaddr_add(&ip, &sweep->base, probe->index);
    socklen_t size = ipaddr_to_sockaddr(&ip, (uint16_t)sweep->port, &address);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = probe};
    probe->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0 || setsockopt(probe->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0 ||
        (connect(probe->fd, (struct sockaddr *)&address, size) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(sweep->epoll, EPOLL_CTL_ADD, probe->fd, &event) != 0) {
        perror("floor");
        exit(CM_EXIT_FAILED);
    }
}

static void floor_end(struct sweep *sweep, struct probe *probe)
{
    close(probe->fd);
    sweep->ended++;
    if (sweep->started < sweep->count)
        floor_begin(sweep, probe);
}

static void floor_print(const struct sweep *sweep, uint32_t index, struct slice leaf)
{
    char text[IPADDR_TEXT_SIZE], hex[CM_SHA256_HEX_SIZE];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ipaddr ip;
    ipaddr_add(&ip, &sweep->base, index);
    ipaddr_write(text, &ip);
    if (EVP_Digest(leaf.data, leaf.size, digest, NULL, EVP_sha256(), NULL) != 1)
        exit(CM_EXIT_FAILED);
    hex_write(hex, digest, CM_SHA256_SIZE);
    printf("%s %s\n", text, hex);
}

static void floor_ready(struct sweep *sweep, struct probe *probe, uint32_t events)
{
    const struct slice hello = sweep->floor->hello;
    struct slice leaf;
    if (!probe->said && (events & EPOLLOUT)) {
        probe->said = send(probe->fd, hello.data, hello.size, MSG_NOSIGNAL) == (ssize_t)hello.size;
        if (!probe->said)
            floor_end(sweep, probe);
        if (!probe->said || !(events & EPOLLIN))
            return;
    }
    ssize_t got = recv(probe->fd, probe->in + probe->size, FLOOR_INPUT_MAX - probe->size, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    probe->size += got > 0 ? (size_t)got : 0;
    int found = got <= 0 ? CM_ETRUNCATED : sweep->floor->look(probe, &leaf);
    if (found > 0 && sweep->print)
        floor_print(sweep, probe->index, leaf);
    sweep->certificates += found > 0;
    if (found != 0 || probe->size == FLOOR_INPUT_MAX)
        floor_end(sweep, probe);
}

static int floor_sweep(struct sweep *sweep, struct probe *probes, uint32_t in_flight)
{
    struct epoll_event events[FLOOR_BATCH];
    sweep->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < in_flight && sweep->started < sweep->count; i++)
        floor_begin(sweep, &probes[i]);
    while (sweep->ended < sweep->count) {
        int count = epoll_wait(sweep->epoll, events, FLOOR_BATCH, FLOOR_IDLE_MS);
        if (count <= 0)
            return CM_ETIMEOUT;
        for (int i = 0; i < count; i++)
            floor_ready(sweep, events[i].data.ptr, events[i].events);
    }
    close(sweep->epoll);
    return 0;
}

static int64_t floor_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* NAME BASE PORT COUNT [IN_FLIGHT] [--print] */
static int floor_main(const struct floor *floor, int argc, char **argv)
{
    struct sweep sweep = {.floor = floor, .print = argc > 4 && strcmp(argv[argc - 1], "--print") == 0};
    uint32_t in_flight = argc > 4 && argv[4][0] != '-' ? (uint32_t)atoi(argv[4]) : 256;
    if (argc < 4 || ipaddr_read(argv[1], &sweep.base) != 0 || in_flight == 0 || in_flight > 10000) {
        fprintf(stderr, "usage: %s BASE PORT COUNT [IN_FLIGHT] [--print]\n", argv[0]);
        return CM_EXIT_USAGE;
    }
    sweep.port = (unsigned)atoi(argv[2]);
    sweep.count = (uint32_t)atoi(argv[3]);
    struct probe *probes = cm_calloc(in_flight, sizeof *probes);
    int64_t began = floor_wall_us();
    int result = floor_sweep(&sweep, probes, in_flight);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t cpu = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                  used.ru_stime.tv_usec;
    printf("endpoints=%u certificates=%u cpu_us=%lld wall_us=%lld\n", sweep.ended, sweep.certificates, (long long)cpu,
           (long long)(floor_wall_us() - began));
    free(probes);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}

#endif
