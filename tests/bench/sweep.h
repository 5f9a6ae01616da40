/* What the floors and peers of tests/bench share: connections, and nothing of TLS. Plain non-blocking sockets and one edge-triggered epoll,
 * one thread, a fixed number of slots; a slot begins with the next address as soon as it has ended with one.
 *
 * For each endpoint: socket, setsockopt (a close that resets: no TIME_WAIT), connect, epoll_ctl, close and a share of epoll_wait; the
 * program does the rest in `ready`. Programs are called NAME BASE PORT COUNT [IN_FLIGHT] [--print] and print
 * "endpoints=N certificates=M cpu_us=X wall_us=Y"; with --print first a line "IP SHA256" for each leaf. */
#ifndef TESTS_BENCH_SWEEP_H
#define TESTS_BENCH_SWEEP_H

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

enum { SWEEP_BATCH = 256, SWEEP_IDLE_MS = 10000, SWEEP_IN_FLIGHT = 256 };

struct slot { /* the first member of a program's own */
    int fd;
    uint32_t index;
};

struct sweep;
struct sweep_program {
    size_t slot_size;
    void (*begin)(struct slot *slot); /* connect has been called */
    /* 1: a certificate was seen; 0: more must come; negative: none will. */
    int (*ready)(const struct sweep *sweep, struct slot *slot, uint32_t events);
    void (*end)(struct slot *slot); /* before close; may be NULL */
};

struct sweep {
    const struct sweep_program *program;
    struct ipaddr base;
    unsigned port;
    uint32_t count, started, ended, certificates;
    bool print;
    int epoll;
};

static inline void sweep_begin(struct sweep *sweep, struct slot *slot)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    struct ipaddr ip;
    struct sockaddr_storage address;
    slot->index = sweep->started++;
    ipaddr_add(&ip, &sweep->base, slot->index);
    socklen_t size = ipaddr_to_sockaddr(&ip, (uint16_t)sweep->port, &address);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = slot};
    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (slot->fd < 0 || setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0 ||
        (connect(slot->fd, (struct sockaddr *)&address, size) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(sweep->epoll, EPOLL_CTL_ADD, slot->fd, &event) != 0) {
        perror("connect");
        exit(CM_EXIT_FAILED);
    }
    sweep->program->begin(slot);
}

/* --print: the leaf of a slot's address. */
static inline void sweep_leaf(const struct sweep *sweep, const struct slot *slot, struct slice leaf)
{
    char text[IPADDR_TEXT_SIZE], hex[CM_SHA256_HEX_SIZE];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ipaddr ip;
    if (!sweep->print)
        return;
    ipaddr_add(&ip, &sweep->base, slot->index);
    ipaddr_write(text, &ip);
    if (EVP_Digest(leaf.data, leaf.size, digest, NULL, EVP_sha256(), NULL) != 1)
        exit(CM_EXIT_FAILED);
    hex_write(hex, digest, CM_SHA256_SIZE);
    printf("%s %s\n", text, hex);
}

static inline int sweep_run(struct sweep *sweep, void *slots, uint32_t in_flight)
{
    struct epoll_event events[SWEEP_BATCH];
    const struct sweep_program *program = sweep->program;
    sweep->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < in_flight && sweep->started < sweep->count; i++)
        sweep_begin(sweep, (void *)((char *)slots + i * program->slot_size));
    while (sweep->ended < sweep->count) {
        int count = epoll_wait(sweep->epoll, events, SWEEP_BATCH, SWEEP_IDLE_MS);
        if (count <= 0)
            return CM_ETIMEOUT;
        for (int i = 0; i < count; i++) {
            struct slot *slot = events[i].data.ptr;
            int found = program->ready(sweep, slot, events[i].events);
            if (found == 0)
                continue;
            sweep->certificates += found > 0;
            sweep->ended++;
            if (program->end != NULL)
                program->end(slot);
            close(slot->fd);
            if (sweep->started < sweep->count)
                sweep_begin(sweep, slot);
        }
    }
    close(sweep->epoll);
    return 0;
}

static inline int64_t sweep_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int sweep_main(const struct sweep_program *program, int argc, char **argv)
{
    struct sweep sweep = {.program = program, .print = argc > 4 && strcmp(argv[argc - 1], "--print") == 0};
    uint32_t in_flight = argc > 4 && argv[4][0] != '-' ? (uint32_t)atoi(argv[4]) : SWEEP_IN_FLIGHT;
    if (argc < 4 || ipaddr_read(argv[1], &sweep.base) != 0 || in_flight == 0 || in_flight > 10000) {
        fprintf(stderr, "usage: %s BASE PORT COUNT [IN_FLIGHT] [--print]\n", argv[0]);
        return CM_EXIT_USAGE;
    }
    sweep.port = (unsigned)atoi(argv[2]);
    sweep.count = (uint32_t)atoi(argv[3]);
    void *slots = cm_calloc(in_flight, program->slot_size);
    int64_t began = sweep_wall_us();
    int result = sweep_run(&sweep, slots, in_flight);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t cpu = (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                  used.ru_stime.tv_usec;
    printf("endpoints=%u certificates=%u cpu_us=%lld wall_us=%lld\n", sweep.ended, sweep.certificates, (long long)cpu,
           (long long)(sweep_wall_us() - began));
    free(slots);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}

#endif
