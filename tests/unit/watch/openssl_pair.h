/* A client and a server of OpenSSL that talk in memory, and a record of every write of either: what a capture of them would hold. TLS or DTLS, with client certificate,
 * resumption, early data, and the key log that OpenSSL writes. */
#ifndef TESTS_UNIT_WATCH_OPENSSL_PAIR_H
#define TESTS_UNIT_WATCH_OPENSSL_PAIR_H

#include "tests/unit/lib/cmocka_first.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "tests/unit/lib/make_cert.h"
#include "tests/unit/watch/packets.h"

enum { CLIENT_SIDE, SERVER_SIDE, WRITES_MAX = 4096 };

struct write { /* a datagram, or a piece of a stream */
    int side;
    size_t at, size;
};

struct pair;
struct pair_end {
    struct pair *pair;
    int side;
    size_t next, offset; /* which write of the other side is read next, and from where */
};

struct pair {
    bool datagrams;
    struct buf bytes, keylog;
    struct write writes[WRITES_MAX];
    size_t count;
    struct pair_end ends[2];
    SSL *ssl[2];
};

struct pair_options {
    bool datagrams;
    int version; /* TLS1_2_VERSION … DTLS1_2_VERSION */
    bool ask;    /* the server wants a certificate, and gets one */
    bool retry;  /* the client's first share is of a group that the server does not do */
    const char *suites;
    SSL_SESSION *session; /* resumed */
    const char *early;    /* data */
    int mtu;
};

static EVP_PKEY *pair_key;
static X509 *pair_certs[3]; /* the server's leaf, its CA, the client's */
static int pair_sizes[3];
static SSL_CTX *pair_server; /* one for all, so that tickets are its own */

static inline int pair_bio_write(BIO *bio, const char *bytes, int size)
{
    struct pair_end *end = BIO_get_data(bio);
    struct pair *pair = end->pair;
    assert_true(pair->count < WRITES_MAX);
    pair->writes[pair->count++] = (struct write){end->side, pair->bytes.size, (size_t)size};
    buf_append(&pair->bytes, bytes, (size_t)size);
    return size;
}

static inline int pair_bio_read(BIO *bio, char *bytes, int size)
{
    struct pair_end *end = BIO_get_data(bio);
    struct pair *pair = end->pair;
    BIO_clear_retry_flags(bio);
    while (end->next < pair->count && pair->writes[end->next].side == end->side)
        end->next++;
    if (end->next == pair->count) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const struct write *write = &pair->writes[end->next];
    size_t part = write->size - end->offset < (size_t)size ? write->size - end->offset : (size_t)size;
    memcpy(bytes, pair->bytes.data + write->at + end->offset, part);
    end->offset += part;
    if (pair->datagrams || end->offset == write->size) {
        end->next++;
        end->offset = 0;
    }
    return (int)part;
}

static inline long pair_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static inline int pair_bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static inline BIO *pair_bio(struct pair_end *end)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pair");
        BIO_meth_set_write(method, pair_bio_write);
        BIO_meth_set_read(method, pair_bio_read);
        BIO_meth_set_ctrl(method, pair_bio_ctrl);
        BIO_meth_set_create(method, pair_bio_create);
    }
    BIO *bio = BIO_new(method);
    BIO_set_data(bio, end);
    return bio;
}

static inline void pair_keylog(const SSL *ssl, const char *line)
{
    struct pair *pair = SSL_get_app_data(ssl);
    if (pair)
        buf_appendf(&pair->keylog, "%s\n", line);
}

static inline X509 *pair_cert(const char *name)
{
    struct recipe recipe = {.key = pair_key,
                            .subject = make_name(name),
                            .version = 2,
                            .not_before = "20200101000000Z",
                            .not_after = "20400101000000Z"};
    X509 *cert = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    return cert;
}

static inline int pair_accepts(X509_STORE_CTX *store, void *context)
{
    (void)store;
    (void)context;
    return 1;
}

static inline int pair_set_up(void **state)
{
    static const char *const names[] = {"server.example", "Some long name of a CA", "a client"};
    (void)state;
    pair_key = make_key("EC", "P-256");
    for (size_t i = 0; i < 3; i++) {
        pair_certs[i] = pair_cert(names[i]);
        pair_sizes[i] = i2d_X509(pair_certs[i], NULL);
    }
    return 0;
}

static inline int pair_tear_down(void **state)
{
    (void)state;
    SSL_CTX_free(pair_server);
    for (size_t i = 0; i < 3; i++)
        X509_free(pair_certs[i]);
    EVP_PKEY_free(pair_key);
    return 0;
}

static inline SSL_CTX *pair_context(const struct pair_options *options, int side)
{
    const SSL_METHOD *methods[2][2] = {{TLS_client_method(), TLS_server_method()},
                                       {DTLS_client_method(), DTLS_server_method()}};
    SSL_CTX *context = SSL_CTX_new(methods[options->datagrams][side]);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, options->version);
    SSL_CTX_set_max_proto_version(context, options->version);
    SSL_CTX_set_keylog_callback(context, pair_keylog);
    SSL_CTX_set_cert_verify_callback(context, pair_accepts, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    if (options->suites)
        SSL_CTX_set_ciphersuites(context, options->suites);
    if (side == SERVER_SIDE || options->ask) {
        SSL_CTX_use_certificate(context, pair_certs[side == SERVER_SIDE ? 0 : 2]);
        SSL_CTX_use_PrivateKey(context, pair_key);
    }
    if (side == SERVER_SIDE) {
        SSL_CTX_add1_chain_cert(context, pair_certs[1]);
        SSL_CTX_set_session_id_context(context, (const uint8_t *)"x", 1);
        SSL_CTX_set_max_early_data(context, 16384);
        SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
        if (options->ask)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

static inline void pair_early(struct pair *pair, const char *early)
{
    size_t done;
    char got[64];
    if (!early)
        return;
    assert_int_equal(SSL_write_early_data(pair->ssl[CLIENT_SIDE], early, strlen(early), &done), 1);
    assert_int_equal(SSL_read_early_data(pair->ssl[SERVER_SIDE], got, sizeof got, &done), SSL_READ_EARLY_DATA_SUCCESS);
    assert_int_equal(done, strlen(early));
}

/* A whole handshake, and a few bytes of data each way. The session that the client can resume is given back: SSL_SESSION_free. */
static inline SSL_SESSION *pair_talk(struct pair *pair, const struct pair_options *options)
{
    SSL_CTX *client = pair_context(options, CLIENT_SIDE);
    if (!options->session) {
        SSL_CTX_free(pair_server);
        pair_server = pair_context(options, SERVER_SIDE);
    }
    *pair = (struct pair){.datagrams = options->datagrams};
    buf_init(&pair->bytes, PACKETS_BUF_MAX);
    buf_init(&pair->keylog, PACKETS_BUF_MAX);
    for (int side = 0; side < 2; side++) {
        pair->ends[side] = (struct pair_end){.pair = pair, .side = side};
        pair->ssl[side] = SSL_new(side == CLIENT_SIDE ? client : pair_server);
        BIO *bio = pair_bio(&pair->ends[side]);
        SSL_set_bio(pair->ssl[side], bio, bio);
        if (options->mtu)
            SSL_set_mtu(pair->ssl[side], options->mtu);
    }
    SSL_set_app_data(pair->ssl[CLIENT_SIDE], pair);
    SSL_set_tlsext_host_name(pair->ssl[CLIENT_SIDE], "server.example");
    if (options->retry) {
        SSL_set1_groups_list(pair->ssl[CLIENT_SIDE], "P-256:X25519");
        SSL_set1_groups_list(pair->ssl[SERVER_SIDE], "X25519");
    }
    if (options->session)
        SSL_set_session(pair->ssl[CLIENT_SIDE], options->session);
    SSL_set_connect_state(pair->ssl[CLIENT_SIDE]);
    SSL_set_accept_state(pair->ssl[SERVER_SIDE]);
    pair_early(pair, options->early);
    for (int i = 0; i < 20 && !(SSL_is_init_finished(pair->ssl[0]) && SSL_is_init_finished(pair->ssl[1])); i++) {
        (void)SSL_do_handshake(pair->ssl[CLIENT_SIDE]);
        (void)SSL_do_handshake(pair->ssl[SERVER_SIDE]);
    }
    assert_true(SSL_is_init_finished(pair->ssl[0]) && SSL_is_init_finished(pair->ssl[1]));
    assert_int_equal(SSL_session_reused(pair->ssl[0]), options->session != NULL);
    for (int i = 0; i < 5; i++) {
        char got[16];
        assert_int_equal(SSL_write(pair->ssl[SERVER_SIDE], "from the server", 15), 15);
        assert_int_equal(SSL_read(pair->ssl[CLIENT_SIDE], got, sizeof got), 15);
        assert_int_equal(SSL_write(pair->ssl[CLIENT_SIDE], "from the client", 15), 15);
    }
    SSL_CTX_free(client);
    SSL_SESSION *session = SSL_get1_session(pair->ssl[CLIENT_SIDE]);
    for (int side = 0; side < 2; side++) { /* without a farewell, which would spoil the session */
        SSL_set_shutdown(pair->ssl[side], SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(pair->ssl[side]);
    }
    return session;
}

static inline void pair_done(struct pair *pair)
{
    buf_done(&pair->bytes);
    buf_done(&pair->keylog);
}

#endif
