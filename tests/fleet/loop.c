/* The fleet's event loop (see loop.h). Clients are test programs that reset, stall and flood: no connection can keep another from
 * being served, and nothing is kept of one that has ended. */
#include "tests/fleet/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { MAX_LISTENERS = 128, BATCH = 512, ACCEPTS_PER_TURN = 256 };

struct loop {
    int epoll;
    bool shared;
    struct listener listeners[MAX_LISTENERS];
    size_t listener_count;
    struct conn *oldest, *newest;
    struct conn *closed; /* in this turn: events of theirs may still be in the batch */
    struct conn *unused;
    int64_t now_ms, next_tick_ms;
    size_t ticking;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

void loop_block_signals(sigset_t *before)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, before);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void loop_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct loop *loop_new(bool shared_listeners)
{
    struct loop *loop = cm_calloc(1, sizeof *loop);
    loop->shared = shared_listeners;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        say_error("epoll_create1 failed");
        exit(CM_EXIT_FAILED);
    }
    return loop;
}

void loop_listen(struct loop *loop, const struct listener *listener)
{
    struct epoll_event event = {.events = EPOLLIN | (loop->shared ? (uint32_t)EPOLLEXCLUSIVE : 0)};
    if (loop->listener_count == MAX_LISTENERS) {
        say_error("more than %d listeners", MAX_LISTENERS);
        exit(CM_EXIT_FAILED);
    }
    struct listener *copy = &loop->listeners[loop->listener_count++];
    *copy = *listener;
    event.data.ptr = copy;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, copy->fd, &event) != 0) {
        say_error("epoll_ctl failed");
        exit(CM_EXIT_FAILED);
    }
}

static struct conn *conn_new(struct loop *loop, int fd)
{
    struct conn *conn = loop->unused;
    if (conn != NULL)
        loop->unused = conn->newer;
    else
        conn = cm_malloc(sizeof *conn);
    *conn = (struct conn){.fd = fd, .deadline_ms = loop->now_ms + LOOP_LIFE_MS, .older = loop->newest};
    buf_init(&conn->in, LOOP_INPUT_MAX);
    *(loop->newest != NULL ? &loop->newest->newer : &loop->oldest) = conn;
    loop->newest = conn;
    return conn;
}

static void conn_end(struct loop *loop, struct conn *conn, enum conn_fate fate)
{
    if (fate == CONN_RESET) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    buf_done(&conn->in);
    close(conn->fd);
    conn->fd = -1;
    if (conn->play != NULL && conn->play->tick != NULL)
        loop->ticking--;
    *(conn->older != NULL ? &conn->older->newer : &loop->oldest) = conn->newer;
    *(conn->newer != NULL ? &conn->newer->older : &loop->newest) = conn->older;
    conn->newer = loop->closed;
    loop->closed = conn;
}

static void conn_begin(struct loop *loop, const struct listener *listener, int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    struct conn *conn = conn_new(loop, fd);
    if ((listener->want_address && getsockname(fd, (struct sockaddr *)&address, &size) != 0) ||
        !listener->accepted(listener, conn, &address)) {
        conn->play = NULL;
        conn_end(loop, conn, CONN_RESET);
        return;
    }
    if (conn->play->tick != NULL && loop->ticking++ == 0)
        loop->next_tick_ms = loop->now_ms + LOOP_DRIP_MS;
    enum conn_fate fate = conn->play->begin != NULL ? conn->play->begin(conn) : CONN_KEEP;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (fate == CONN_KEEP && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fate = CONN_CLOSE;
    if (fate != CONN_KEEP)
        conn_end(loop, conn, fate);
}

static void accept_some(struct loop *loop, const struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_begin(loop, listener, fd);
        else if ((errno == EMFILE || errno == ENFILE) && loop->oldest != NULL)
            conn_end(loop, loop->oldest, CONN_CLOSE);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void tick(struct loop *loop)
{
    while (loop->oldest != NULL && loop->oldest->deadline_ms <= loop->now_ms)
        conn_end(loop, loop->oldest, CONN_CLOSE);
    if (loop->ticking == 0 || loop->now_ms < loop->next_tick_ms)
        return;
    loop->next_tick_ms = loop->now_ms + LOOP_DRIP_MS;
    for (struct conn *conn = loop->oldest, *next; conn != NULL; conn = next) {
        next = conn->newer;
        enum conn_fate fate = conn->play->tick != NULL ? conn->play->tick(conn) : CONN_KEEP;
        if (fate != CONN_KEEP)
            conn_end(loop, conn, fate);
    }
}

static bool is_listener(const struct loop *loop, const void *pointer)
{
    const struct listener *listener = pointer;
    return listener >= loop->listeners && listener < loop->listeners + loop->listener_count;
}

static void turn(struct loop *loop, const sigset_t *open_signals)
{
    struct epoll_event events[BATCH];
    int wait_ms = loop->ticking == 0 ? 1000 : (int)(loop->next_tick_ms - loop->now_ms);
    int count = epoll_pwait(loop->epoll, events, BATCH, wait_ms > 0 ? wait_ms : 0, open_signals);
    loop->now_ms = clock_monotonic_ms();
    for (int i = 0; i < count && !stopping; i++) {
        if (is_listener(loop, events[i].data.ptr)) {
            accept_some(loop, events[i].data.ptr);
            continue;
        }
        struct conn *conn = events[i].data.ptr;
        enum conn_fate fate = conn->fd >= 0 ? conn->play->ready(conn) : CONN_KEEP;
        if (fate != CONN_KEEP)
            conn_end(loop, conn, fate);
    }
    tick(loop);
    while (loop->closed != NULL) {
        struct conn *conn = loop->closed;
        loop->closed = conn->newer;
        conn->newer = loop->unused;
        loop->unused = conn;
    }
}

void loop_run(struct loop *loop)
{
    sigset_t open_signals;
    sigprocmask(SIG_SETMASK, NULL, &open_signals);
    sigdelset(&open_signals, SIGTERM);
    sigdelset(&open_signals, SIGINT);
    loop->now_ms = clock_monotonic_ms();
    while (!stopping)
        turn(loop, &open_signals);
}

void loop_free(struct loop *loop)
{
    while (loop->oldest != NULL)
        conn_end(loop, loop->oldest, CONN_CLOSE);
    for (struct conn **list = &loop->closed; list != NULL; list = list == &loop->closed ? &loop->unused : NULL) {
        while (*list != NULL) {
            struct conn *conn = *list;
            *list = conn->newer;
            free(conn);
        }
    }
    for (size_t i = 0; i < loop->listener_count; i++)
        close(loop->listeners[i].fd);
    close(loop->epoll);
    free(loop);
}

/* --- for plays ------------------------------------------------------------------------------------------------------------- */

static ssize_t receive(struct conn *conn, char *bytes, size_t size)
{
    ssize_t got;
    do
        got = recv(conn->fd, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

enum conn_fate conn_read(struct conn *conn)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = receive(conn, bytes, sizeof bytes);
        if (got < 0 && errno == EAGAIN)
            return CONN_KEEP;
        if (got <= 0)
            return CONN_CLOSE;
        buf_append(&conn->in, bytes, (size_t)got);
        if (conn->in.failed)
            return CONN_CLOSE;
    }
}

enum conn_fate conn_drain(struct conn *conn)
{
    char bytes[16384];
    ssize_t got = receive(conn, bytes, sizeof bytes);
    return got > 0 || (got < 0 && errno == EAGAIN) ? CONN_KEEP : CONN_CLOSE;
}

enum conn_fate conn_send(struct conn *conn, const void *bytes, size_t size)
{
    ssize_t sent;
    do
        sent = send(conn->fd, bytes, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size ? CONN_KEEP : CONN_CLOSE;
}
