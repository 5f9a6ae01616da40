/* OpenSSL's server in memory, and the engine and certificates that the handshake tests share. No network. */
#ifndef TESTS_UNIT_SCAN_MEMORY_SERVER_H
#define TESTS_UNIT_SCAN_MEMORY_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "certmuster/buf.h"
#include "certmuster/limits.h"
#include "scanner/tls/handshake_private.h"
#include "tests/unit/lib/make_cert.h"

static struct key_shares *shares;
static struct handshake_engine *engine;
static X509 *leaf, *other, *ec_leaf;
static EVP_PKEY *leaf_key, *ec_key;
static uint8_t *leaf_der, *other_der;
static int leaf_size, other_size;
static uint8_t *piece; /* fed last; the result may lend from it */

static inline X509 *make_named_cert(EVP_PKEY *key, const char *name)
{
    struct recipe recipe = {.key = key,
                            .subject = make_name(name),
                            .version = 2,
                            .not_before = "20200101000000Z",
                            .not_after = "20400101000000Z"};
    X509 *cert = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    return cert;
}

static inline int set_up(void **state)
{
    (void)state;
    leaf_key = make_key("RSA", "2048");
    ec_key = make_key("EC", "P-256");
    leaf = make_named_cert(leaf_key, "leaf.example");
    other = make_named_cert(leaf_key, "Other CA");
    ec_leaf = make_named_cert(ec_key, "leaf.example");
    leaf_size = i2d_X509(leaf, &leaf_der);
    other_size = i2d_X509(other, &other_der);
    return key_shares_new(&shares, NULL) || handshake_engine_new(shares, &engine, NULL);
}

static inline int tear_down(void **state)
{
    (void)state;
    free(piece);
    handshake_engine_free(engine);
    key_shares_free(shares);
    OPENSSL_free(leaf_der);
    OPENSSL_free(other_der);
    X509_free(leaf);
    X509_free(other);
    X509_free(ec_leaf);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(ec_key);
    return 0;
}

/* Every ClientHello the same, so that a recorded flight fits. */
static inline void fill_constant(void *context, uint8_t *out, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i % HELLO_RANDOM_SIZE * 7 + 1);
}

/* Speaks this version alone, with every suite and a chain of leaf and twice the other. */
static inline SSL_CTX *make_server(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:eNULL:@SECLEVEL=0"), 1);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_dh_auto(context, 1);
    assert_int_equal(SSL_CTX_use_certificate(context, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, leaf_key), 1);
    SSL_CTX_add_extra_chain_cert(context, X509_dup(other));
    SSL_CTX_add_extra_chain_cert(context, X509_dup(other)); /* twice: as sent means twice */
    return context;
}

static inline SSL *make_session(SSL_CTX *context)
{
    SSL *server = SSL_new(context);
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server);
    return server;
}

/* What the handshake sends goes to the server, whose answer is appended. */
static inline void answer(struct handshake *handshake, SSL *server, struct buf *out)
{
    struct slice output = handshake_output(handshake);
    char *bytes;
    if (output.size)
        assert_int_equal(BIO_write(SSL_get_rbio(server), output.data, (int)output.size), output.size);
    handshake_sent(handshake, output.size);
    if (!(SSL_get_options(server) & SSL_OP_COOKIE_EXCHANGE) || SSL_stateless(server) == 1)
        SSL_do_handshake(server);
    long size = BIO_get_mem_data(SSL_get_wbio(server), &bytes);
    buf_append(out, bytes, (size_t)size);
    (void)BIO_reset(SSL_get_wbio(server));
}

static inline bool is_going(enum handshake_state state)
{
    return state == HANDSHAKE_GOING || state == HANDSHAKE_ENOUGH;
}

/* In pieces of step bytes, each of which is gone before the next comes: what the handshake needs must be its own by then. */
static inline enum handshake_state feed(struct handshake *handshake, struct slice bytes, size_t step)
{
    enum handshake_state state = handshake->state;
    for (size_t at = 0; at < bytes.size && is_going(state); at += step) {
        size_t left = bytes.size - at, size = left < step ? left : step;
        free(piece);
        piece = cm_malloc(size);
        memcpy(piece, bytes.data + at, size);
        state = handshake_feed(handshake, piece, size);
    }
    return state;
}

/* Carries bytes to and fro until nothing moves any more; step: how many at once towards the handshake. */
static inline enum handshake_state run(struct handshake *handshake, SSL_CTX *context, size_t step)
{
    SSL *server = make_session(context);
    enum handshake_state state = HANDSHAKE_GOING;
    struct buf said;
    buf_init(&said, 1 << 22);
    for (int turns = 0; turns < 5 && is_going(state); turns++) {
        buf_reset(&said);
        answer(handshake, server, &said);
        state = feed(handshake, buf_slice(&said), step);
    }
    buf_done(&said);
    SSL_free(server);
    return state;
}

static inline void check_chain(const struct handshake_result *result)
{
    assert_int_equal(result->chain_count, 3);
    assert_int_equal(result->chain[0].size, leaf_size);
    assert_memory_equal(result->chain[0].data, leaf_der, leaf_size);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(result->chain[i].size, other_size);
        assert_memory_equal(result->chain[i].data, other_der, other_size);
    }
}

#endif
