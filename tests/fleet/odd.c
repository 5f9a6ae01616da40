/* `certmuster-fleet odd`: every odd server at an address of its own, all on one port (see odd.h).
 *
 * One socket listens for all of them; row number (address - base) modulo the rows is played, so that --count can tell of a table many
 * times over. A thread for each connection; SIGTERM hangs up on all of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certmuster/encode.h"
#include "certmuster/log.h"
#include "tests/fleet/fleet.h"
#include "tests/fleet/loop.h"
#include "tests/fleet/odd.h"
#include "tests/fleet/store.h"

enum {
    MANIFEST_MAX = 64 * 1024 * 1024,
    MAX_CONNS = 6000,
    STACK_SIZE = 1024 * 1024,
    PATIENCE_S = 120,
    IN_MAX = 1024 * 1024,
    SEND_BUFFER = 128 * 1024,
    FLOOD_NICE = 10
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct odd_conn *conns;
    unsigned count;
    struct odd_place *places;
    uint32_t base; /* host order */
} fleet = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static const struct odd_table *const tables[] = {&odd_table_script, &odd_table_ssl, &odd_table_text};

size_t odd_row_count(void)
{
    return odd_table_script.count + odd_table_ssl.count + odd_table_text.count;
}

const struct odd_row *odd_row(size_t number)
{
    size_t table = 0;
    while (number >= tables[table]->count)
        number -= tables[table++]->count;
    return &tables[table]->rows[number];
}

/* --- connections ------------------------------------------------------------------------------------------------------------------- */

static void close_conn(struct odd_conn *conn)
{
    if (conn->end == ODD_RESET) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    } else { /* what the peer sends is still read: unread bytes would turn the close into a reset */
        shutdown(conn->fd, SHUT_WR);
        odd_hold(conn);
    }
    pthread_mutex_lock(&fleet.lock);
    *(conn->before != NULL ? &conn->before->after : &fleet.conns) = conn->after;
    if (conn->after != NULL)
        conn->after->before = conn->before;
    close(conn->fd);
    fleet.count--;
    pthread_cond_signal(&fleet.ended);
    pthread_mutex_unlock(&fleet.lock);
    buf_done(&conn->in);
    buf_done(&conn->hello_bytes);
    free(conn);
}

static void *serve(void *argument)
{
    struct odd_conn *conn = argument;
    if (conn->place->row->flags & ODD_FLOOD) /* fast, but not at the expense of the other servers of this host */
        setpriority(PRIO_PROCESS, (id_t)gettid(), FLOOD_NICE);
    conn->place->row->play(conn);
    close_conn(conn);
    return NULL;
}

static void accept_one(int listener, const pthread_attr_t *attributes)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int send_buffer = SEND_BUFFER; /* a flood that nobody reads shall not fill megabytes of kernel memory first */
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    struct odd_conn *conn = cm_calloc(1, sizeof *conn);
    conn->fd = fd;
    conn->place = &fleet.places[(ntohl(address.sin_addr.s_addr) - fleet.base) % odd_row_count()];
    inet_ntop(AF_INET, &address.sin_addr, conn->ip, sizeof conn->ip);
    buf_init(&conn->in, IN_MAX);
    buf_init(&conn->hello_bytes, IN_MAX);
    pthread_mutex_lock(&fleet.lock);
    conn->after = fleet.conns;
    if (conn->after != NULL)
        conn->after->before = conn;
    fleet.conns = conn;
    fleet.count++;
    pthread_mutex_unlock(&fleet.lock);
    pthread_t thread;
    if (pthread_create(&thread, attributes, serve, conn) != 0) {
        conn->end = ODD_RESET;
        close_conn(conn);
    }
}

static void hang_up_on_all(void)
{
    pthread_mutex_lock(&fleet.lock);
    for (struct odd_conn *conn = fleet.conns; conn != NULL; conn = conn->after)
        shutdown(conn->fd, SHUT_RDWR);
    while (fleet.count > 0)
        pthread_cond_wait(&fleet.ended, &fleet.lock);
    pthread_mutex_unlock(&fleet.lock);
}

static void serve_all(int listener, int signals)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    for (;;) {
        pthread_mutex_lock(&fleet.lock);
        bool full = fleet.count >= MAX_CONNS;
        pthread_mutex_unlock(&fleet.lock);
        struct pollfd wait[] = {{.fd = signals, .events = POLLIN}, {.fd = full ? -1 : listener, .events = POLLIN}};
        if (poll(wait, 2, full ? 50 : -1) < 0 && errno != EINTR)
            break;
        if (wait[0].revents != 0)
            break;
        if (wait[1].revents != 0)
            accept_one(listener, &attributes);
    }
    close(listener);
    hang_up_on_all();
    pthread_attr_destroy(&attributes);
}

/* --- the manifest: one row for each place, see main.c for its columns ------------------------------------------------------------------ */

static void put_fingerprint(struct buf *out, const struct odd_cert *cert)
{
    uint8_t digest[32];
    char hex[65];
    odd_hash((struct slice){cert->der, cert->size}, digest);
    hex_write(hex, digest, sizeof digest);
    buf_append_str(out, hex);
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void manifest_row(struct buf *out, const struct odd_place *place, const struct ipaddr *ip, unsigned port)
{
    const struct odd_row *row = place->row;
    bool told = strcmp(row->expect, "ok") == 0;
    char text[IPADDR_TEXT_SIZE];
    ipaddr_write(text, ip);
    buf_appendf(out, "%s\t%s\t%u\t", row->name, text, port);
    if (told)
        put_fingerprint(out, &place->certs[0]);
    buf_append_str(out, told ? "\t" : "-\t");
    /* An SSL 2.0 server has one certificate to show. */
    for (size_t i = 0; told && i < (row->version == 2 ? 1 : place->cert_count); i++) {
        buf_append_str(out, i > 0 ? "," : "");
        put_fingerprint(out, &place->certs[i]);
    }
    buf_appendf(out, "%s\t%s\t%s\t", told ? "" : "-", row->expect, row->flags & ODD_SEND_NAME ? place->host : "-");
    buf_appendf(out, "%s\t%s\t%s\t%s\t", or_dash(row->detail), or_dash(row->told), or_dash(row->attempts),
                row->flags & ODD_FLOOD  ? "flood"
                : row->flags & ODD_SLOW ? "slow"
                                        : "-");
    buf_appendf(out, "%s%s\n", row->flags & ODD_WRONG_NAME ? "wrong.odd.example " : "",
                row->flags & ODD_KNOWN_NAME ? place->host : "-");
}

static int write_manifest(const struct store *store, const struct fleet_options *options, unsigned port,
                          struct cm_error *error)
{
    struct buf manifest;
    struct ipaddr ip;
    buf_init(&manifest, MANIFEST_MAX);
    for (uint32_t i = 0; i < options->count * odd_row_count(); i++) {
        ipaddr_add(&ip, &options->base, i);
        manifest_row(&manifest, &fleet.places[i % odd_row_count()], &ip, port);
    }
    int result = manifest.failed ? error_set(error, CM_ELIMIT, 0, "the manifest is too long")
                                 : store_write(store, "MANIFEST.tsv", &manifest, 0644, error);
    buf_done(&manifest);
    return result;
}

/* --- start and end ---------------------------------------------------------------------------------------------------------------------- */

static int run(struct store *store, const struct fleet_options *options, struct cm_error *error)
{
    unsigned port = options->port;
    int listener;
    sigset_t set;
    int result = fleet_listen(&options->base, "lo", &port, &listener, error);
    if (result == 0)
        result = write_manifest(store, options, port, error);
    store_unlock(store);
    if (result != 0)
        return result;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0)
        return error_setf(error, CM_EIO, 0, "signalfd", "%s", strerror(errno));
    fleet_ready(port);
    serve_all(listener, signals);
    close(signals);
    return 0;
}

int fleet_odd(const struct fleet_options *options)
{
    struct store store;
    struct cm_error error;
    struct odd_fillers *fillers = NULL;
    loop_raise_files();
    fleet.places = cm_calloc(odd_row_count(), sizeof *fleet.places);
    memcpy(&fleet.base, options->base.bytes, sizeof fleet.base);
    fleet.base = ntohl(fleet.base);
    int result = store_open(&store, options->dir, &error);
    if (result == 0) {
        for (size_t i = 0; i < odd_row_count(); i++)
            odd_fill_place(&store, &fillers, odd_row(i), &fleet.places[i]);
        result = run(&store, options, &error);
        for (size_t i = 0; i < odd_row_count(); i++)
            odd_free_place(&fleet.places[i]);
    }
    odd_free_fillers(fillers);
    store_done(&store);
    free(fleet.places);
    if (result != 0)
        say_error("%s: %s", error.reason, error.detail);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}
