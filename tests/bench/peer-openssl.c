/* peer-openssl: certificates read by an event loop over OpenSSL, as a good C program of the usual kind would: one epoll, non-blocking sockets,
 * one SSL_CTX, an SSL for each connection, SHA-256 of each certificate. Benchmarks compare certmuster-scan with it.
 *
 *   peer-openssl [--full] BASE PORT COUNT [IN_FLIGHT] [--print]
 *
 * The cheapest way that OpenSSL offers: nothing is verified, and the handshake is left as soon as the chain is there. The verify callback
 * is where that is; SSL_set_retry_verify suspends the handshake in it, so that neither the server's signature is checked nor an alert
 * or a Finished sent. Sessions and tickets are off, buffers are released when idle. --full: the way that is met in the field, SSL_connect to
 * its end and SSL_get_peer_cert_chain then; fails on canned servers, whose signatures are zeros. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/bench/sweep.h"

struct client {
    struct slot slot;
    SSL *ssl;
    bool seen;
    uint8_t digest[CM_SHA256_SIZE]; /* of the certificate that was hashed last */
};

static SSL_CTX *context;
static EVP_MD *sha256;
static int client_of_ssl; /* ex_data index */
static const struct sweep *current;

/* The chain as sent: hashed one by one, as a record of it would need. */
static void see(struct client *client, const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        uint8_t *der = NULL;
        int size = i2d_X509(sk_X509_value(chain, i), &der);
        if (size <= 0 || EVP_Digest(der, (size_t)size, client->digest, NULL, sha256, NULL) != 1)
            return;
        if (i == 0)
            sweep_leaf(current, &client->slot, (struct slice){der, (size_t)size});
        OPENSSL_free(der);
        client->seen = true;
    }
}

static int chain_is_there(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    see(SSL_get_ex_data(ssl, client_of_ssl), X509_STORE_CTX_get0_untrusted(store));
    return SSL_set_retry_verify(ssl);
}

static void begin(struct slot *slot)
{
    struct client *client = (struct client *)slot;
    client->seen = false;
    client->ssl = SSL_new(context);
    if (client->ssl == NULL || SSL_set_fd(client->ssl, slot->fd) != 1 ||
        SSL_set_ex_data(client->ssl, client_of_ssl, client) != 1) {
        ERR_print_errors_fp(stderr);
        exit(CM_EXIT_FAILED);
    }
    SSL_set_connect_state(client->ssl);
}

static int ready(const struct sweep *sweep, struct slot *slot, uint32_t events)
{
    struct client *client = (struct client *)slot;
    (void)events;
    current = sweep;
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    if (result == 1)
        see(client, SSL_get_peer_cert_chain(client->ssl));
    if (client->seen)
        return 1;
    int why = SSL_get_error(client->ssl, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : CM_EMALFORMED;
}

static void end(struct slot *slot)
{
    struct client *client = (struct client *)slot;
    SSL_free(client->ssl); /* says nothing: the socket is reset */
    client->ssl = NULL;
}

int main(int argc, char **argv)
{
    const struct sweep_program peer = {.slot_size = sizeof(struct client), .begin = begin, .ready = ready, .end = end};
    context = SSL_CTX_new(TLS_client_method());
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    client_of_ssl = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (context == NULL || sha256 == NULL || client_of_ssl < 0) {
        ERR_print_errors_fp(stderr);
        return CM_EXIT_FAILED;
    }
    bool full = argc > 1 && strcmp(argv[1], "--full") == 0;
    if (!full) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); /* else the callback's word would not count */
        SSL_CTX_set_cert_verify_callback(context, chain_is_there, NULL);
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    int status = sweep_main(&peer, argc - full, argv + full);
    SSL_CTX_free(context);
    EVP_MD_free(sha256);
    return status;
}
