/* Odd servers that need real handshakes: OpenSSL behind memory BIOs, its output cut anew on its way (see odd.h).
 *
 * TLS 1.3 takes any cutting of its plaintext records, and all versions any cutting of segments: the transcript knows messages only. */
#include <openssl/err.h>
#include <string.h>

#include "tests/fleet/fleet.h"
#include "tests/fleet/odd.h"

enum { OUTPUT_MAX = 4 * 1024 * 1024, EXT_SCT = 18, SCT_SIZE = 60, HEADER_SIZE = 5 };

/* --- what a context is made of ------------------------------------------------------------------------------------------------------ */

static int send_staple(SSL *ssl, void *context)
{
    const struct odd_place *place = context;
    uint8_t *copy = OPENSSL_memdup(place->staple.data, place->staple.size); /* OpenSSL takes it */
    return copy != NULL && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)place->staple.size) == 1
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *offered,
                       unsigned offered_size, void *context)
{
    (void)ssl;
    const struct odd_row *row = ((const struct odd_place *)context)->row;
    struct cursor list, name;
    cursor_init(&list, offered, offered_size);
    while (cursor_vector8(&list, &name) == 0) {
        if (cursor_left(&name) == strlen(row->alpn) && memcmp(name.at, row->alpn, cursor_left(&name)) == 0) {
            *out = name.at;
            *size = (unsigned char)cursor_left(&name);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int put_scts(SSL *ssl, unsigned type, unsigned where, const unsigned char **out, size_t *size, X509 *cert,
                    size_t index, int *alert, void *context)
{
    (void)ssl, (void)type, (void)where, (void)cert, (void)alert;
    const struct odd_row *row = ((const struct odd_place *)context)->row;
    struct buf list;
    if (index > 0)
        return 0; /* the leaf's entry alone */
    buf_init(&list, 64 * 1024);
    size_t body = odd_open_vector(&list, 2);
    for (unsigned i = 0; i < row->scts; i++) {
        size_t sct = odd_open_vector(&list, 2);
        memset(buf_extend(&list, SCT_SIZE), 0, SCT_SIZE);
        odd_close_vector(&list, sct, 2);
    }
    odd_close_vector(&list, body, 2);
    *out = (uint8_t *)buf_take(&list, size);
    return 1;
}

static void free_scts(SSL *ssl, unsigned type, unsigned where, const unsigned char *out, void *context)
{
    (void)ssl, (void)type, (void)where, (void)context;
    free((void *)(uintptr_t)out);
}

static int make_cookie(SSL *ssl, unsigned char *cookie, size_t *size)
{
    (void)ssl;
    memcpy(cookie, odd_random, sizeof odd_random);
    *size = sizeof odd_random;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, size_t size)
{
    (void)ssl;
    return size == sizeof odd_random && memcmp(cookie, odd_random, size) == 0;
}

static unsigned no_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned size)
{
    (void)ssl, (void)identity, (void)psk, (void)size;
    return 0;
}

static void demand_client(SSL_CTX *context, const struct odd_row *row)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    STACK_OF(X509_NAME) *names = pki_must(sk_X509_NAME_new_null(), "names");
    for (unsigned i = 0; i < row->ca_names; i++) {
        unsigned char text[32];
        X509_NAME *name = pki_must(X509_NAME_new(), "name");
        snprintf((char *)text, sizeof text, "Odd Example CA %04u", i);
        pki_must_be(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
                        sk_X509_NAME_push(names, name) > 0,
                    "name");
    }
    SSL_CTX_set_client_CA_list(context, names);
}

static void show_chain(SSL_CTX *context, const struct odd_place *place)
{
    pki_must_be(SSL_CTX_use_certificate(context, place->leaf) == 1 && SSL_CTX_use_PrivateKey(context, place->key) == 1,
                place->row->name);
    for (size_t i = 1; i < place->cert_count; i++) {
        const uint8_t *der = place->certs[i].der;
        X509 *cert = pki_must(d2i_X509(NULL, &der, (long)place->certs[i].size), place->row->name);
        pki_must_be(SSL_CTX_add0_chain_cert(context, cert) == 1, place->row->name);
    }
}

SSL_CTX *odd_context(const struct odd_place *place)
{
    const struct odd_row *row = place->row;
    void *context_of_callbacks = (void *)(uintptr_t)place;
    SSL_CTX *context = fleet_context(row->min_version, row->max_version);
    if (row->ciphers != NULL)
        pki_must_be(SSL_CTX_set_cipher_list(context, row->ciphers) == 1, row->name);
    SSL_CTX_set_security_level(context, 0);
    if (row->suites != NULL)
        pki_must_be(SSL_CTX_set_ciphersuites(context, row->suites) == 1, row->name);
    if (row->groups != NULL)
        pki_must_be(SSL_CTX_set1_groups_list(context, row->groups) == 1, row->name);
    SSL_CTX_set_dh_auto(context, 1);
    show_chain(context, place);
    if (row->flags & ODD_CLIENT_AUTH)
        demand_client(context, row);
    if (row->staple != NULL) {
        SSL_CTX_set_tlsext_status_cb(context, send_staple);
        SSL_CTX_set_tlsext_status_arg(context, context_of_callbacks);
    }
    if (row->alpn != NULL)
        SSL_CTX_set_alpn_select_cb(context, choose_alpn, context_of_callbacks);
    if (row->scts > 0)
        pki_must_be(SSL_CTX_add_custom_ext(context, EXT_SCT,
                                           SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                               SSL_EXT_TLS1_3_CERTIFICATE | SSL_EXT_IGNORE_ON_RESUMPTION,
                                           put_scts, free_scts, context_of_callbacks, NULL, NULL) == 1,
                    "SCTs");
    if (row->flags & ODD_COOKIE) {
        SSL_CTX_set_stateless_cookie_generate_cb(context, make_cookie);
        SSL_CTX_set_stateless_cookie_verify_cb(context, check_cookie);
    }
    if (row->ciphers != NULL && strstr(row->ciphers, "PSK") != NULL)
        SSL_CTX_set_psk_server_callback(context, no_psk);
    return context;
}

/* --- the play ------------------------------------------------------------------------------------------------------------------------- */

static bool send_output(struct odd_conn *conn, SSL *ssl)
{
    char *bytes = NULL;
    BIO *memory = SSL_get_wbio(ssl);
    long size = BIO_get_mem_data(memory, &bytes);
    struct buf records;
    if (size <= 0)
        return true;
    buf_init(&records, OUTPUT_MAX);
    buf_append(&records, bytes, (size_t)size);
    (void)BIO_reset(memory);
    bool alive = !records.failed && odd_send_cut(conn, &records, conn->place->row->cut);
    buf_done(&records);
    return alive;
}

/* SSL_stateless wants a whole ClientHello. */
static bool fill_record(struct odd_conn *conn)
{
    const uint8_t *at = (const uint8_t *)conn->in.data;
    while (conn->in.size < HEADER_SIZE || conn->in.size < HEADER_SIZE + ((size_t)at[3] << 8 | at[4])) {
        if (!odd_fill(conn))
            return false;
        at = (const uint8_t *)conn->in.data;
    }
    return true;
}

/* false: the handshake has ended, one way or the other. */
static bool step(SSL *ssl, bool *stateless)
{
    ERR_clear_error();
    while (*stateless) {
        int result = SSL_stateless(ssl);
        if (result > 0)
            *stateless = false;
        else if (BIO_pending(SSL_get_rbio(ssl)) == 0) /* 0: the HelloRetryRequest is on its way */
            return result == 0;
        /* Else it met a change_cipher_spec (RFC 8446 §D.4), which it takes for an error: the hello is behind it. */
    }
    int result = SSL_do_handshake(ssl);
    return result != 1 && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

void odd_ssl(struct odd_conn *conn)
{
    bool stateless = (conn->place->row->flags & ODD_COOKIE) != 0, going = true;
    SSL *ssl = pki_must(SSL_new(conn->place->context), "TLS");
    SSL_set0_rbio(ssl, pki_must(BIO_new(BIO_s_mem()), "TLS"));
    SSL_set0_wbio(ssl, pki_must(BIO_new(BIO_s_mem()), "TLS"));
    SSL_set_accept_state(ssl);
    while (going && fill_record(conn)) {
        if (BIO_write(SSL_get_rbio(ssl), conn->in.data, (int)conn->in.size) != (int)conn->in.size)
            break;
        buf_reset(&conn->in);
        going = step(ssl, &stateless);
        if (!send_output(conn, ssl))
            break;
    }
    SSL_free(ssl);
    ERR_clear_error();
}
