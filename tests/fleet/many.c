/* `certmuster-fleet many`: up to a million endpoints behind one wildcard socket, a certificate for each destination address.
 *
 * getsockname tells which address a connection came to, and so which certificate it gets: made for the handshake, forgotten after it.
 * Canned answers skip the handshake (see canned.c). Worker processes share the socket. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/encode.h"
#include "certmuster/log.h"
#include "tests/fleet/canned.h"
#include "tests/fleet/fleet.h"
#include "tests/fleet/play.h"

enum { MANIFEST_ROWS = 20000, ROW_MAX = 512, MAX_WORKERS = 64 };

struct many {
    const struct fleet_options *options;
    struct stamp *stamp;
    struct canned *canned;
    SSL_CTX *context;
    X509 *intermediate; /* lends from the store */
    uint32_t base;      /* host order */
};

/* --- real handshakes --------------------------------------------------------------------------------------------------------- */

/* The certificate is made when the client has said something: one that resets at once costs nothing. */
static enum conn_fate real_ready(struct conn *conn)
{
    const struct many *many = conn->place;
    if (conn->ssl == NULL) {
        const uint8_t *der = stamp_make(many->stamp, conn->index);
        X509 *leaf = pki_must(d2i_X509(NULL, &der, (long)stamp_size(many->stamp)), "leaf");
        conn->ssl = SSL_new(many->context);
        bool good =
            conn->ssl != NULL && SSL_use_certificate(conn->ssl, leaf) == 1 && SSL_set_fd(conn->ssl, conn->fd) == 1;
        X509_free(leaf);
        if (!good)
            return CONN_CLOSE;
    }
    return play_tls_step(conn);
}

/* The context holds the key, the intermediate and some leaf; each connection replaces the leaf. */
static SSL_CTX *make_context(struct many *many, struct store *store)
{
    SSL_CTX *context = fleet_context(TLS1_2_VERSION, many->options->newest);
    const uint8_t *der = stamp_make(many->stamp, 0);
    X509 *leaf = pki_must(d2i_X509(NULL, &der, (long)stamp_size(many->stamp)), "leaf");
    pki_must_be(SSL_CTX_use_certificate(context, leaf) == 1 &&
                    SSL_CTX_use_PrivateKey(context, store_key(store, KEY_P256)) == 1 &&
                    SSL_CTX_add1_chain_cert(context, many->intermediate) == 1,
                "context");
    X509_free(leaf);
    return context;
}

/* --- canned answers ---------------------------------------------------------------------------------------------------------- */

static enum conn_fate canned_ready(struct conn *conn)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40}; /* fatal, handshake_failure */
    static char bytes[16384 + 5];
    const struct many *many = conn->place;
    struct slice answer;
    if (conn->phase != 0)
        return conn_drain(conn);
    ssize_t got = recv(conn->fd, bytes, sizeof bytes, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? CONN_KEEP : CONN_CLOSE;
    struct slice hello = {(const uint8_t *)bytes, (size_t)got};
    if (conn->in.size > 0) {
        buf_append(&conn->in, bytes, (size_t)got);
        hello = buf_slice(&conn->in);
    }
    int result = canned_answer(many->canned, conn->index, hello.data, hello.size, &answer);
    if (result == CM_ETRUNCATED) {
        if (conn->in.size == 0)
            buf_append(&conn->in, bytes, (size_t)got);
        return conn->in.failed || conn->in.size > sizeof bytes ? CONN_CLOSE : CONN_KEEP;
    }
    conn->phase = result != CANNED_MORE;
    if (result < 0)
        return conn_send(conn, alert, sizeof alert);
    buf_reset(&conn->in);
    return conn_send(conn, answer.data, answer.size);
}

static const struct conn_play play_real = {.ready = real_ready};
/* The socket hands out connections that have sent something (TCP_DEFER_ACCEPT): the first look can be taken at once. */
static const struct conn_play play_canned = {.begin = canned_ready, .ready = canned_ready};

static bool accepted(const struct listener *listener, struct conn *conn, const struct sockaddr_in *address)
{
    const struct many *many = listener->context;
    conn->index = ntohl(address->sin_addr.s_addr) - many->base;
    conn->place = many;
    conn->play = many->canned != NULL ? &play_canned : &play_real;
    return conn->index < many->options->count;
}

/* --- the manifest ------------------------------------------------------------------------------------------------------------ */

static void manifest_row(const struct many *many, uint32_t index, unsigned port, const char *intermediate,
                         struct buf *out)
{
    struct ipaddr ip;
    char text[IPADDR_TEXT_SIZE], name[STAMP_NAME_SIZE], hex[CM_SHA256_HEX_SIZE];
    uint8_t digest[EVP_MAX_MD_SIZE];
    pki_must_be(EVP_Digest(stamp_make(many->stamp, index), stamp_size(many->stamp), digest, NULL, EVP_sha256(), NULL) ==
                    1,
                "SHA-256");
    ipaddr_add(&ip, &many->options->base, index);
    ipaddr_write(text, &ip);
    stamp_name(index, name);
    hex_write(hex, digest, CM_SHA256_SIZE);
    buf_appendf(out, "many\t%s\t%u\t%s\t%s,%s\tok\t%s\n", text, port, hex, hex, intermediate, name);
}

static int print_manifest(const struct many *many)
{
    char intermediate[CM_SHA256_HEX_SIZE];
    struct buf row;
    pki_sha256_hex(many->intermediate, intermediate);
    buf_init(&row, ROW_MAX);
    for (uint32_t i = 0; i < many->options->count; i++) {
        buf_reset(&row);
        manifest_row(many, i, many->options->port, intermediate, &row);
        fwrite(row.data, 1, row.size, stdout);
    }
    buf_done(&row);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : CM_EIO;
}

/* For small fleets only: a million rows would take a minute of signing. A manifest of another start is never left in place. */
static int write_manifest(const struct many *many, const struct store *store, unsigned port, struct cm_error *error)
{
    char intermediate[CM_SHA256_HEX_SIZE];
    struct buf text;
    pki_sha256_hex(many->intermediate, intermediate);
    buf_init(&text, (size_t)MANIFEST_ROWS * ROW_MAX);
    for (uint32_t i = 0; i < many->options->count && many->options->count <= MANIFEST_ROWS; i++)
        manifest_row(many, i, port, intermediate, &text);
    int result = store_write(store, "MANIFEST.tsv", &text, 0644, error);
    buf_done(&text);
    return result;
}

/* --- serving ----------------------------------------------------------------------------------------------------------------- */

static void serve_until_told(const struct many *many, int fd, unsigned port)
{
    pid_t workers[MAX_WORKERS];
    int count = 0;
    sigset_t before;
    bool parent = true;
    loop_block_signals(&before);
    while (parent && count < many->options->workers - 1) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        parent = pid != 0;
        if (parent)
            workers[count++] = pid;
        else
            prctl(PR_SET_PDEATHSIG, SIGTERM);
    }
    struct loop *loop = loop_new(many->options->workers > 1);
    const struct listener listener = {.fd = fd, .accepted = accepted, .context = many, .want_address = true};
    loop_listen(loop, &listener);
    if (parent)
        fleet_ready(port);
    loop_run(loop);
    loop_free(loop);
    for (int i = 0; parent && i < count; i++) {
        kill(workers[i], SIGTERM);
        waitpid(workers[i], NULL, 0);
    }
}

static int run(struct many *many, struct store *store, struct cm_error *error)
{
    const struct fleet_options *options = many->options;
    const struct stamp_options stamp = {
        .base = many->base, .days = options->days, .sign = options->canned == CANNED_NONE};
    unsigned port = options->port;
    int fd = -1, result;
    const int seconds = 5;
    many->stamp = stamp_new(store, &stamp);
    many->intermediate = store_intermediate(store, KEY_CA_BULK);
    if (options->manifest_only) {
        result = print_manifest(many);
        return result == 0 ? 0 : error_setf(error, result, 0, "cannot print the manifest", "stdout");
    }
    if (options->canned != CANNED_NONE)
        many->canned = canned_new(options->canned, many->stamp, many->intermediate);
    else
        many->context = make_context(many, store);
    result = fleet_listen(&options->base, options->device ? options->device : "lo", &port, &fd, error);
    if (result == 0)
        result = write_manifest(many, store, port, error);
    store_unlock(store);
    if (result == 0) {
        if (options->canned != CANNED_NONE)
            setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
        serve_until_told(many, fd, port);
    } else if (fd >= 0) {
        close(fd);
    }
    return result;
}

int fleet_many(const struct fleet_options *options)
{
    struct store store;
    struct cm_error error;
    const uint8_t *base = options->base.bytes;
    struct many many = {.options = options,
                        .base = (uint32_t)base[0] << 24 | (uint32_t)base[1] << 16 | (uint32_t)base[2] << 8 | base[3]};
    loop_raise_files();
    int result = store_open(&store, options->dir, &error);
    if (result == 0)
        result = run(&many, &store, &error);
    SSL_CTX_free(many.context);
    canned_free(many.canned);
    stamp_free(many.stamp);
    store_done(&store);
    if (result != 0)
        say_error("%s: %s", error.reason, error.detail);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}
