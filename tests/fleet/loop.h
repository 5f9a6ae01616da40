/* The fleet's event loop: one epoll, level-triggered connections, each driven by a play.
 *
 * A play is a pair of functions over one connection; what they return says what becomes of it. A connection lives at most
 * LOOP_LIFE_MS; when descriptors run out, the oldest is dropped for the newest, so that no client can stop the fleet. */
#ifndef CERTMUSTER_FLEET_LOOP_H
#define CERTMUSTER_FLEET_LOOP_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "certmuster/buf.h"

enum { LOOP_LIFE_MS = 300 * 1000, LOOP_DRIP_MS = 150, LOOP_INPUT_MAX = 32 * 1024 };

enum conn_fate { CONN_KEEP, CONN_CLOSE, CONN_RESET };

struct conn;
struct conn_play {
    enum conn_fate (*begin)(struct conn *conn); /* after accept; may be NULL */
    enum conn_fate (*ready)(struct conn *conn); /* readable or hung up: must read, or it is called again at once */
    enum conn_fate (*tick)(struct conn *conn);  /* every LOOP_DRIP_MS; may be NULL */
};

struct conn {
    struct conn *older, *newer;
    const struct conn_play *play;
    const void *place; /* what the play serves; lends */
    SSL *ssl;          /* owned; NULL until TLS begins */
    struct buf in;     /* what came and is not used yet */
    int64_t deadline_ms;
    uint32_t index; /* many: the endpoint's number */
    int fd;         /* -1: closed in this turn */
    uint8_t phase;  /* the play's own */
};

struct loop;
struct listener {
    int fd;
    /* Chooses play, place and index for a connection; false: it is reset. address: where it was accepted. */
    bool (*accepted)(const struct listener *listener, struct conn *conn, const struct sockaddr_in *address);
    const void *context;
    bool want_address; /* getsockname costs a call: only where one socket has many addresses */
};

struct loop *loop_new(bool shared_listeners);
/* The listener is copied; its socket is the loop's from now on. */
void loop_listen(struct loop *loop, const struct listener *listener);
/* Serves until SIGTERM or SIGINT, which loop_block_signals has blocked in everything else. */
void loop_run(struct loop *loop);
void loop_free(struct loop *loop);
void loop_block_signals(sigset_t *before);
/* Raises the soft limit of open files to the hard one. */
void loop_raise_files(void);

/* For plays. Reads what there is into conn->in: CONN_CLOSE at the end or on trouble, or when it holds more than LOOP_INPUT_MAX. */
enum conn_fate conn_read(struct conn *conn);
/* Reads and forgets; a flood is taken in portions. */
enum conn_fate conn_drain(struct conn *conn);
/* Sends all of it, or says CONN_CLOSE: everything that we say fits a socket's buffer, so nobody waits for room in one. */
enum conn_fate conn_send(struct conn *conn, const void *bytes, size_t size);

#endif
