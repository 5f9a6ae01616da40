/* `certmuster-fleet serve`: every behaviour at an address of its own (see behaviour.c), all on one port.
 *
 * Makes or reads each chain, binds the addresses, writes MANIFEST.tsv and serves on one event loop until it is told to stop. */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "tests/fleet/fleet.h"
#include "tests/fleet/play.h"
#include "tests/fleet/store.h"

enum { MANIFEST_MAX = 1024 * 1024, PORT_TRIES = 50 };

struct served { /* everything that one place lends from */
    struct place place;
    STACK_OF(X509) * chains[2];
    unsigned connections;
    int fd;
};

/* RFC 6066 §3: a server that knows no such name may end the handshake with a fatal unrecognized_name. */
static int demand_name(SSL *ssl, int *alert, void *host)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name != NULL && strcmp(name, host) == 0)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *make_context(struct store *store, const struct behaviour *behaviour, enum fleet_key key,
                             STACK_OF(X509) * chain)
{
    SSL_CTX *context = fleet_context(behaviour->min_version != 0 ? behaviour->min_version : TLS1_2_VERSION,
                                     behaviour->max_version != 0 ? behaviour->max_version : TLS1_3_VERSION);
    pki_must_be(SSL_CTX_use_certificate(context, sk_X509_value(chain, 0)) == 1, behaviour->name);
    pki_must_be(SSL_CTX_use_PrivateKey(context, store_key(store, key)) == 1, behaviour->name);
    for (int i = 1; i < sk_X509_num(chain); i++)
        pki_must_be(SSL_CTX_add1_chain_cert(context, sk_X509_value(chain, i)) == 1, behaviour->name);
    if (behaviour->flags & FLAG_CLIENT_AUTH) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        pki_must_be(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), store->root) == 1, behaviour->name);
        pki_must_be(SSL_CTX_add_client_CA(context, store->root) == 1 &&
                        SSL_CTX_add_client_CA(context, store_intermediate(store, KEY_CA_EC)) == 1,
                    behaviour->name);
    }
    if (behaviour->flags & FLAG_NEED_SNI) {
        SSL_CTX_set_tlsext_servername_callback(context, demand_name);
        SSL_CTX_set_tlsext_servername_arg(context, (void *)(uintptr_t)behaviour->host);
    }
    return context;
}

static void prepare(struct store *store, const struct fleet_options *options, struct served *served, size_t row)
{
    const struct behaviour *behaviour = &behaviours[row];
    struct ipaddr ip;
    char text[IPADDR_TEXT_SIZE];
    ipaddr_add(&ip, &options->base, row);
    ipaddr_write(text, &ip);
    *served = (struct served){.place = {.behaviour = behaviour, .connections = &served->connections}, .fd = -1};
    snprintf(served->place.ip, sizeof served->place.ip, "%s", text);
    if (!behaviour_has_chain(behaviour))
        return;
    for (int i = 0; i < ((behaviour->flags & FLAG_BALANCED) ? 2 : 1); i++) {
        enum fleet_key key = i == 0 ? behaviour->key : KEY_P256;
        served->chains[i] = store_chain(store, behaviour, key, options->generation, text);
        served->place.contexts[i] = make_context(store, behaviour, key, served->chains[i]);
    }
}

/* One row: behaviour, ip, port, leaf, chain, expect, name. Where certificates take turns, leaves and chains are several: leaves
 * separated by commas, chains by semicolons. */
static void manifest_row(struct buf *out, const struct served *served, unsigned port)
{
    const struct behaviour *behaviour = served->place.behaviour;
    bool told = strcmp(behaviour->expect, "ok") == 0;
    char hex[65];
    buf_appendf(out, "%s\t%s\t%u\t", behaviour->name, served->place.ip, port);
    for (int i = 0; told && i < 2 && served->chains[i] != NULL; i++) {
        pki_sha256_hex(sk_X509_value(served->chains[i], 0), hex);
        buf_appendf(out, "%s%s", i > 0 ? "," : "", hex);
    }
    buf_append_str(out, told ? "\t" : "-\t");
    for (int i = 0; told && i < 2 && served->chains[i] != NULL; i++) {
        for (int j = 0; j < sk_X509_num(served->chains[i]); j++) {
            pki_sha256_hex(sk_X509_value(served->chains[i], j), hex);
            buf_appendf(out, "%s%s", j > 0 ? "," : i > 0 ? ";" : "", hex);
        }
    }
    buf_appendf(out, "%s%s\t%s\n", told ? "\t" : "-\t", behaviour->expect,
                (behaviour->flags & FLAG_SEND_NO_NAME) ? "-" : behaviour->host);
}

static bool accepted(const struct listener *listener, struct conn *conn, const struct sockaddr_in *address)
{
    (void)address;
    const struct place *place = listener->context;
    conn->place = place;
    conn->play = plays[place->behaviour->play];
    return true;
}

static void close_all(struct served *served)
{
    for (size_t i = 0; i < behaviour_count; i++) {
        if (served[i].fd >= 0)
            close(served[i].fd);
        served[i].fd = -1;
    }
}

/* Binds every address to one port. With port 0 the first address chooses, and another is chosen where a later one has it taken. */
static int listen_all(struct served *served, const struct fleet_options *options, unsigned *port,
                      struct cm_error *error)
{
    int result = CM_ECONFLICT;
    for (int attempt = 0; attempt < PORT_TRIES && result == CM_ECONFLICT; attempt++) {
        *port = options->port;
        result = 0;
        for (size_t i = 0; i < behaviour_count && result == 0; i++) {
            struct ipaddr ip;
            ipaddr_add(&ip, &options->base, i);
            if (behaviours[i].play != PLAY_REFUSE)
                result = fleet_listen(&ip, NULL, port, &served[i].fd, error);
        }
        if (result != 0)
            close_all(served);
        if (options->port != 0)
            break;
    }
    return result;
}

static int run(struct store *store, const struct fleet_options *options, struct served *served, struct cm_error *error)
{
    unsigned port = 0;
    sigset_t before;
    struct buf manifest;
    int result = listen_all(served, options, &port, error);
    if (result != 0)
        return result;
    buf_init(&manifest, MANIFEST_MAX);
    for (size_t i = 0; i < behaviour_count; i++)
        manifest_row(&manifest, &served[i], port);
    result = store_write(store, "MANIFEST.tsv", &manifest, 0644, error);
    buf_done(&manifest);
    store_unlock(store);
    if (result != 0) {
        close_all(served);
        return result;
    }
    loop_block_signals(&before);
    struct loop *loop = loop_new(false);
    for (size_t i = 0; i < behaviour_count; i++) {
        const struct listener listener = {.fd = served[i].fd, .accepted = accepted, .context = &served[i].place};
        if (listener.fd >= 0)
            loop_listen(loop, &listener);
    }
    fleet_ready(port);
    loop_run(loop);
    loop_free(loop);
    return 0;
}

int fleet_serve(const struct fleet_options *options)
{
    struct store store;
    struct cm_error error;
    struct served *served = cm_calloc(behaviour_count, sizeof *served);
    loop_raise_files();
    int result = store_open(&store, options->dir, &error);
    if (result == 0) {
        for (size_t i = 0; i < behaviour_count; i++)
            prepare(&store, options, &served[i], i);
        result = run(&store, options, served, &error);
    }
    for (size_t i = 0; i < behaviour_count; i++) {
        for (int j = 0; j < 2; j++) {
            SSL_CTX_free(served[i].place.contexts[j]);
            sk_X509_pop_free(served[i].chains[j], X509_free);
        }
    }
    store_done(&store);
    free(served);
    if (result != 0)
        say_error("%s: %s", error.reason, error.detail);
    return result == 0 ? CM_EXIT_OK : CM_EXIT_FAILED;
}
