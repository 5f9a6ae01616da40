/* What the fleet does on the wire (see play.h). A play's functions say what becomes of the connection; loop.c does it. */
#include "tests/fleet/play.h"

#include <openssl/err.h>
#include <sys/socket.h>

enum { PHASE_LEAVING = 255 };

enum conn_fate play_tls_step(struct conn *conn)
{
    char bytes[4096];
    if (conn->phase == PHASE_LEAVING)
        return conn_drain(conn);
    ERR_clear_error();
    int result = SSL_is_init_finished(conn->ssl) ? 1 : SSL_accept(conn->ssl);
    if (result == 1) {
        do
            result = SSL_read(conn->ssl, bytes, sizeof bytes);
        while (result > 0 && SSL_pending(conn->ssl) > 0);
        if (result > 0)
            return CONN_KEEP;
    }
    int why = SSL_get_error(conn->ssl, result);
    if (why == SSL_ERROR_WANT_READ)
        return CONN_KEEP;
    if (why == SSL_ERROR_ZERO_RETURN)
        SSL_shutdown(conn->ssl);
    if (why == SSL_ERROR_SYSCALL)
        return CONN_CLOSE;
    /* Our alert is on its way: a close with bytes unread would send RST, which destroys it. */
    shutdown(conn->fd, SHUT_WR);
    conn->phase = PHASE_LEAVING;
    return CONN_KEEP;
}

enum conn_fate play_tls_begin(struct conn *conn)
{
    const struct place *place = conn->place;
    bool second = place->contexts[1] != NULL && ++*place->connections % 2 == 0;
    conn->ssl = SSL_new(place->contexts[second]);
    if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->fd) != 1)
        return CONN_CLOSE;
    return CONN_KEEP;
}

/* The same handshake, written to memory; tick lets one byte of it out at a time. */
static enum conn_fate drip_begin(struct conn *conn)
{
    enum conn_fate fate = play_tls_begin(conn);
    if (fate != CONN_KEEP)
        return fate;
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory == NULL)
        return CONN_CLOSE;
    SSL_set0_wbio(conn->ssl, memory);
    return CONN_KEEP;
}

static enum conn_fate drip_tick(struct conn *conn)
{
    char byte;
    if (BIO_read(SSL_get_wbio(conn->ssl), &byte, 1) != 1)
        return CONN_KEEP;
    return conn_send(conn, &byte, 1);
}

/* Waits for whatever the client says first (phase 0), answers once, then reads until the client ends. */
static enum conn_fate after_first_bytes(struct conn *conn, const void *answer, size_t size)
{
    enum conn_fate fate = conn->phase == 0 ? conn_read(conn) : conn_drain(conn);
    if (fate != CONN_KEEP || conn->phase != 0 || conn->in.size == 0)
        return fate;
    conn->phase = 1;
    buf_reset(&conn->in);
    return conn_send(conn, answer, size);
}

static enum conn_fate then_half_close(struct conn *conn, enum conn_fate fate)
{
    if (fate == CONN_KEEP && conn->phase == 1) {
        conn->phase = 2;
        shutdown(conn->fd, SHUT_WR);
    }
    return fate;
}

static enum conn_fate http_ready(struct conn *conn)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 57\r\nConnection: close\r\n\r\n"
                                 "The plain HTTP request was sent to a port of plain HTTP.\n";
    return then_half_close(conn, after_first_bytes(conn, answer, sizeof answer - 1));
}

static enum conn_fate ssh_begin(struct conn *conn)
{
    static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
    return conn_send(conn, banner, sizeof banner - 1);
}

/* The same 16 KiB every time; the first byte is no TLS content type (RFC 8446 §B.1). */
static enum conn_fate noise_ready(struct conn *conn)
{
    uint8_t noise[16384];
    uint32_t state = 0x5eed5eed;
    for (size_t i = 0; i < sizeof noise; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        noise[i] = (uint8_t)(state >> 24);
    }
    noise[0] = 0x9d;
    return after_first_bytes(conn, noise, sizeof noise);
}

static enum conn_fate reset_ready(struct conn *conn)
{
    enum conn_fate fate = conn_read(conn);
    return fate == CONN_KEEP && conn->in.size > 0 ? CONN_RESET : fate;
}

/* FIN at once. What the client sends is still read: unread bytes would turn the close into a reset. */
static enum conn_fate close_begin(struct conn *conn)
{
    shutdown(conn->fd, SHUT_WR);
    return CONN_KEEP;
}

static enum conn_fate alert_ready(struct conn *conn)
{
    /* alert(21), TLS 1.2, two bytes: fatal(2), handshake_failure(40); RFC 8446 §6 */
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
    return then_half_close(conn, after_first_bytes(conn, alert, sizeof alert));
}

static const struct conn_play play_tls = {.begin = play_tls_begin, .ready = play_tls_step};
static const struct conn_play play_drip = {.begin = drip_begin, .ready = play_tls_step, .tick = drip_tick};
static const struct conn_play play_silent = {.ready = conn_drain};
static const struct conn_play play_http = {.ready = http_ready};
static const struct conn_play play_ssh = {.begin = ssh_begin, .ready = conn_drain};
static const struct conn_play play_noise = {.ready = noise_ready};
static const struct conn_play play_reset = {.ready = reset_ready};
static const struct conn_play play_close = {.begin = close_begin, .ready = conn_drain};
static const struct conn_play play_alert = {.ready = alert_ready};

const struct conn_play *const plays[PLAY_COUNT] = {
    [PLAY_TLS] = &play_tls,     [PLAY_DRIP] = &play_drip,   [PLAY_SILENT] = &play_silent,
    [PLAY_REFUSE] = NULL,       [PLAY_HTTP] = &play_http,   [PLAY_SSH] = &play_ssh,
    [PLAY_NOISE] = &play_noise, [PLAY_RESET] = &play_reset, [PLAY_CLOSE] = &play_close,
    [PLAY_ALERT] = &play_alert, [PLAY_SMTP] = &play_smtp,   [PLAY_IMAP] = &play_imap,
    [PLAY_POP3] = &play_pop3,   [PLAY_LDAP] = &play_ldap,   [PLAY_POSTGRES] = &play_postgres,
};
