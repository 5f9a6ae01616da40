/* What both floor programs share beyond sweep.h: one send of a ClientHello that never changes, receiving, and where the leaf stands in
 * handshake messages. Each brings a function that looks at what has arrived. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include "tests/bench/sweep.h"

enum { FLOOR_INPUT_MAX = 16384 };
enum { RECORD_HANDSHAKE = 22, RECORD_DATA = 23, MESSAGE_SERVER_HELLO = 2, MESSAGE_CERTIFICATE = 11 };

struct floor_keys { /* TLS 1.3: the server's handshake keys */
    bool agreed;
    uint8_t sequence; /* a flight has less than 256 records */
    uint8_t key[16], iv[12];
};

struct probe {
    struct slot slot;
    bool said;                     /* the ClientHello is out */
    size_t size, read, plain_size; /* bytes in, of these looked at, plain */
    struct floor_keys keys;
    uint8_t in[FLOOR_INPUT_MAX], plain[FLOOR_INPUT_MAX];
};

/* 1 with *leaf, which lends from the probe; 0 when more must come; negative: this will never be a certificate. */
typedef int (*floor_look_fn)(struct probe *probe, struct slice *leaf);

static void floor_begin(struct slot *slot)
{
    struct probe *probe = (struct probe *)slot;
    probe->size = probe->read = probe->plain_size = 0;
    probe->said = probe->keys.agreed = false;
}

static inline int floor_step(const struct sweep *sweep, struct slot *slot, uint32_t events, struct slice hello,
                             floor_look_fn look)
{
    struct probe *probe = (struct probe *)slot;
    struct slice leaf;
    if (!probe->said && (events & EPOLLOUT)) {
        if (send(slot->fd, hello.data, hello.size, MSG_NOSIGNAL) != (ssize_t)hello.size)
            return CM_EIO;
        probe->said = true;
        if (!(events & EPOLLIN))
            return 0;
    }
    ssize_t got = recv(slot->fd, probe->in + probe->size, FLOOR_INPUT_MAX - probe->size, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : CM_ETRUNCATED;
    probe->size += (size_t)got;
    int found = look(probe, &leaf);
    if (found > 0)
        sweep_leaf(sweep, slot, leaf);
    return found == 0 && probe->size == FLOOR_INPUT_MAX ? CM_ELIMIT : found;
}

/* The leaf of the first Certificate in these handshake messages; in TLS 1.3 a context stands before the list. */
static inline int floor_find_leaf(struct slice messages, bool tls13, struct slice *leaf)
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

#endif
