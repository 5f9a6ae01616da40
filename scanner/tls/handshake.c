/* The handshake of handshake.h with OpenSSL inside, over memory BIOs.
 *
 * OpenSSL speaks and decrypts; what we report is read by messages.c from the handshake messages that its message callback
 * shows before OpenSSL itself looks into them. So a chain that OpenSSL cannot decode is still reported as it was sent, and
 * no X509 object of OpenSSL is ever touched here. Everything old is allowed (security level 0, TLS 1.0, SHA-1, RSA-512,
 * anonymous suites at the end of the list): we look, we do not talk.
 *
 * Where it stops: in 1.3 the verify callback says no right after Certificate. Before 1.3 it says yes, and the OCSP status callback,
 * which OpenSSL calls on ServerHelloDone before it computes a key exchange, says no. */
#include "scanner/tls/handshake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/cert.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"
#include "scanner/tls/sniff.h"

enum {
    OUTPUT_BYTES_MAX = 64 * 1024,    /* two ClientHellos, an alert: a few KiB */
    CLIENT_CA_BYTES_MAX = 64 * 1024, /* text kept of the names that a server asks for */
    HANDSHAKE_HEADER = 4,
    FIRST_BYTES = 64,
};

struct handshake_engine {
    SSL_CTX *context;
};

struct handshake {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    struct buf output;
    enum handshake_state state;
    struct handshake_result result;

    size_t fed;
    uint8_t first[FIRST_BYTES];
    size_t first_size;

    uint16_t version, cipher;
    bool have_hello, have_chain, flight_over; /* flight_over: nothing that we want can come any more */
    uint8_t *certificate;                     /* a copy of the Certificate message's body; the chain lends from it */
    struct tls_chain *chain;
    char *client_ca[HANDSHAKE_CLIENT_CA_MAX];
    size_t client_ca_bytes;
    char alpn[256];
    char detail[HANDSHAKE_DETAIL_SIZE];
};

/* --- what the messages say ------------------------------------------------------------------------------------------ */

static void fail(struct handshake *handshake, enum record_error error, const char *detail)
{
    if (handshake->result.error)
        return; /* the first reason is the one */
    handshake->result.error = error;
    if (detail) {
        snprintf(handshake->detail, sizeof handshake->detail, "%s", detail);
        handshake->result.detail = handshake->detail;
    }
}

static void keep_alpn(struct handshake *handshake, struct slice alpn)
{
    if (alpn.size == 0 || alpn.size >= sizeof handshake->alpn)
        return;
    memcpy(handshake->alpn, alpn.data, alpn.size);
    handshake->alpn[alpn.size] = '\0';
    handshake->result.alpn = handshake->alpn;
}

static void keep_client_ca(struct slice name, void *context)
{
    struct handshake *handshake = context;
    struct handshake_result *result = &handshake->result;
    struct buf text;
    if (result->client_ca_count == HANDSHAKE_CLIENT_CA_MAX)
        return;
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    if (name_rfc4514(name, &text) == 0 && text.size && handshake->client_ca_bytes + text.size <= CLIENT_CA_BYTES_MAX) {
        handshake->client_ca_bytes += text.size;
        handshake->client_ca[result->client_ca_count++] = buf_take(&text, NULL);
        result->client_ca = (const char *const *)handshake->client_ca;
    }
    buf_done(&text);
}

static void on_server_hello(struct handshake *handshake, struct slice body)
{
    struct tls_server_hello hello;
    if (tls_read_server_hello(body, &hello)) {
        fail(handshake, RECORD_ERROR_PROTOCOL, "malformed ServerHello");
        return;
    }
    uint8_t id[2] = {(uint8_t)(hello.cipher >> 8), (uint8_t)hello.cipher};
    const SSL_CIPHER *cipher = SSL_CIPHER_find(handshake->ssl, id);
    handshake->have_hello = true;
    handshake->version = hello.version;
    handshake->result.stage = "certificate";
    handshake->result.version = tls_version_name(hello.version);
    handshake->result.cipher = cipher ? SSL_CIPHER_standard_name(cipher) : NULL;
    if (hello.group)
        handshake->result.group = tls_group_name(hello.group);
    keep_alpn(handshake, hello.alpn);
}

static void on_certificate(struct handshake *handshake, struct slice body)
{
    if (handshake->have_chain)
        return;
    handshake->certificate = cm_malloc(body.size ? body.size : 1);
    memcpy(handshake->certificate, body.data, body.size);
    handshake->chain = cm_malloc(sizeof *handshake->chain);
    int code =
        tls_read_certificate((struct slice){handshake->certificate, body.size}, handshake->version, handshake->chain);
    if (code == CM_ELIMIT)
        fail(handshake, RECORD_ERROR_TOO_LARGE, "more than 100 certificates, or one above 256 KiB");
    else if (code)
        fail(handshake, RECORD_ERROR_PROTOCOL, "malformed Certificate message");
    else if (handshake->chain->count == 0)
        fail(handshake, RECORD_ERROR_NO_CERTIFICATE, "the Certificate message is empty");
    if (handshake->result.error)
        return;
    handshake->have_chain = true;
    handshake->result.chain = handshake->chain->certs;
    handshake->result.chain_count = handshake->chain->count;
    if (handshake->version >= TLS_VERSION_1_3) {
        handshake->flight_over = true;
        if (handshake->result.client_auth < 0)
            handshake->result.client_auth = 0; /* CertificateRequest comes before Certificate (RFC 8446 §4.3.2) */
    }
}

static void on_certificate_request(struct handshake *handshake, struct slice body)
{
    handshake->result.client_auth = 1;
    if (tls_read_certificate_request(body, handshake->version, keep_client_ca, handshake) && !handshake->have_chain)
        fail(handshake, RECORD_ERROR_PROTOCOL, "malformed CertificateRequest");
}

/* TLS without a certificate: anonymous Diffie-Hellman, or a pre-shared key. */
static void on_no_certificate(struct handshake *handshake)
{
    fail(handshake, RECORD_ERROR_NO_CERTIFICATE, handshake->result.cipher);
}

static void on_message(struct handshake *handshake, uint8_t type, struct slice body)
{
    uint16_t group;
    struct slice alpn;
    switch (type) {
    case TLS_SERVER_HELLO:
        on_server_hello(handshake, body);
        break;
    case TLS_ENCRYPTED_EXTENSIONS:
        if (tls_read_encrypted_extensions(body, &alpn) == 0)
            keep_alpn(handshake, alpn);
        break;
    case TLS_CERTIFICATE:
        on_certificate(handshake, body);
        break;
    case TLS_SERVER_KEY_EXCHANGE:
        if (!handshake->have_chain)
            on_no_certificate(handshake);
        else if (handshake->result.cipher && strstr(handshake->result.cipher, "_ECDHE_") &&
                 tls_read_ecdhe_group(body, &group) == 0)
            handshake->result.group = tls_group_name(group);
        break;
    case TLS_CERTIFICATE_REQUEST:
        on_certificate_request(handshake, body);
        break;
    case TLS_SERVER_HELLO_DONE:
        handshake->flight_over = true;
        if (handshake->have_chain && handshake->result.client_auth < 0)
            handshake->result.client_auth = 0;
        if (!handshake->have_chain)
            on_no_certificate(handshake);
        break;
    case TLS_FINISHED:
        if (!handshake->have_chain)
            on_no_certificate(handshake);
        break;
    default:
        break;
    }
}

static void on_alert(struct handshake *handshake, uint8_t level, uint8_t alert)
{
    char number[16];
    if (level != SSL3_AL_FATAL && alert != SSL3_AD_CLOSE_NOTIFY)
        return; /* warnings, unrecognized_name above all, mean nothing yet */
    const char *name = tls_alert_name(alert);
    snprintf(number, sizeof number, "alert %u", alert);
    if (!handshake->have_chain)
        fail(handshake, RECORD_ERROR_ALERT, name ? name : number);
}

/* --- OpenSSL's callbacks -------------------------------------------------------------------------------------------- */

static void message_seen(int sent, int version, int content, const void *bytes, size_t size, SSL *ssl, void *context)
{
    struct handshake *handshake = context;
    const uint8_t *message = bytes;
    (void)version;
    (void)ssl;
    if (sent || !handshake || handshake->flight_over)
        return;
    if (content == SSL3_RT_ALERT && size == 2)
        on_alert(handshake, message[0], message[1]);
    if (content == SSL3_RT_HANDSHAKE && size >= HANDSHAKE_HEADER)
        on_message(handshake, message[0], (struct slice){message + HANDSHAKE_HEADER, size - HANDSHAKE_HEADER});
}

static int stop_after_certificate(X509_STORE_CTX *store, void *context)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    (void)context;
    return ssl && SSL_version(ssl) < TLS1_3_VERSION;
}

static int stop_after_flight(SSL *ssl, void *context)
{
    (void)ssl;
    (void)context;
    return 0;
}

/* --- the engine ----------------------------------------------------------------------------------------------------- */

/* Every choice is made here in full, because Debian's openssl.cnf raises the security level and the lowest version for whoever
 * says nothing. Anonymous and unencrypted suites stand last: only a server that has nothing else takes them. */
static int allow_everything(SSL_CTX *context)
{
    static const char suites[] = "ALL:eNULL:+eNULL:+aNULL:@SECLEVEL=0";
    static const char suites13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
                                   "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";
    static const char groups[] =
        "X25519:P-256:P-384:P-521:X448:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1:secp256k1:"
        "ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192";
    static const char signatures[] =
        "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:ECDSA+SHA512:"
        "RSA-PSS+SHA512:RSA+SHA512:ed448:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:ECDSA+SHA224:"
        "RSA+SHA224:DSA+SHA256:DSA+SHA384:DSA+SHA512:DSA+SHA224:ECDSA+SHA1:RSA+SHA1:DSA+SHA1";
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_clear_options(context, SSL_OP_NO_SSL_MASK);
    SSL_CTX_set_options(context, SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                     SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, CM_LIMIT_FLIGHT_BYTES);
    return SSL_CTX_set_min_proto_version(context, TLS1_VERSION) &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) && SSL_CTX_set_cipher_list(context, suites) &&
           SSL_CTX_set_ciphersuites(context, suites13) && SSL_CTX_set1_groups_list(context, groups) &&
           SSL_CTX_set1_sigalgs_list(context, signatures);
}

int handshake_engine_new(struct handshake_engine **out, struct cm_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !allow_everything(context)) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        SSL_CTX_free(context);
        ERR_clear_error();
        return error_setf(error, CM_EUNSUPPORTED, 0, "OpenSSL cannot be set up", "%s", reason ? reason : "");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, stop_after_certificate, NULL);
    SSL_CTX_set_tlsext_status_cb(context, stop_after_flight);
    SSL_CTX_set_msg_callback(context, message_seen);
    struct handshake_engine *engine = cm_calloc(1, sizeof *engine);
    engine->context = context;
    *out = engine;
    return 0;
}

void handshake_engine_free(struct handshake_engine *engine)
{
    if (!engine)
        return;
    SSL_CTX_free(engine->context);
    free(engine);
}

/* --- one handshake -------------------------------------------------------------------------------------------------- */

static void take_output(struct handshake *handshake)
{
    char *bytes;
    long size = BIO_get_mem_data(handshake->out, &bytes);
    if (size > 0)
        buf_append(&handshake->output, bytes, (size_t)size);
    (void)BIO_reset(handshake->out);
}

/* Lets OpenSSL work on what it has, then settles what that means. */
static enum handshake_state step(struct handshake *handshake)
{
    ERR_clear_error();
    int answer = SSL_do_handshake(handshake->ssl);
    int trouble = answer == 1 ? SSL_ERROR_NONE : SSL_get_error(handshake->ssl, answer);
    unsigned long reason = ERR_peek_error();
    if (handshake->result.error)
        handshake->state = HANDSHAKE_FAILED;
    else if (handshake->have_chain && (handshake->flight_over || trouble != SSL_ERROR_WANT_READ))
        handshake->state = HANDSHAKE_CHAIN;
    else if (trouble == SSL_ERROR_WANT_READ)
        take_output(handshake);
    else {
        if (ERR_GET_REASON(reason) == SSL_R_EXCESSIVE_MESSAGE_SIZE)
            fail(handshake, RECORD_ERROR_TOO_LARGE, "a handshake message above the ceiling");
        else if (ERR_GET_REASON(reason) == ERR_R_MALLOC_FAILURE)
            fail(handshake, RECORD_ERROR_LOCAL, "out of memory");
        else
            fail(handshake, RECORD_ERROR_PROTOCOL, ERR_reason_error_string(reason));
        handshake->state = HANDSHAKE_FAILED;
    }
    ERR_clear_error();
    return handshake->state;
}

struct handshake *handshake_new(struct handshake_engine *engine, const struct handshake_ask *ask)
{
    static const unsigned char alpn[] = "\x02h2\x08http/1.1";
    struct handshake *handshake = cm_calloc(1, sizeof *handshake);
    buf_init(&handshake->output, OUTPUT_BYTES_MAX);
    handshake->result.client_auth = -1;
    handshake->result.stage = "hello";
    handshake->ssl = SSL_new(engine->context);
    handshake->in = BIO_new(BIO_s_mem());
    handshake->out = BIO_new(BIO_s_mem());
    if (!handshake->ssl || !handshake->in || !handshake->out)
        abort(); /* out of memory, as in cm_malloc */
    BIO_set_mem_eof_return(handshake->in, -1);
    SSL_set_bio(handshake->ssl, handshake->in, handshake->out);
    SSL_set_msg_callback_arg(handshake->ssl, handshake);
    SSL_set_tlsext_status_type(handshake->ssl, TLSEXT_STATUSTYPE_ocsp);
    if (ask->name && *ask->name)
        SSL_set_tlsext_host_name(handshake->ssl, ask->name);
    if (ask->alpn)
        SSL_set_alpn_protos(handshake->ssl, alpn, sizeof alpn - 1);
    SSL_set_connect_state(handshake->ssl);
    step(handshake);
    return handshake;
}

void handshake_free(struct handshake *handshake)
{
    if (!handshake)
        return;
    SSL_free(handshake->ssl);
    buf_done(&handshake->output);
    for (size_t i = 0; i < handshake->result.client_ca_count; i++)
        free(handshake->client_ca[i]);
    free(handshake->certificate);
    free(handshake->chain);
    free(handshake);
}

/* The first two bytes settle whether this is TLS at all; OpenSSL would only call it a wrong version number. */
static bool refuse_other_protocols(struct handshake *handshake, const uint8_t *bytes, size_t size)
{
    size_t room = sizeof handshake->first - handshake->first_size;
    size_t kept = size < room ? size : room;
    memcpy(handshake->first + handshake->first_size, bytes, kept);
    handshake->first_size += kept;
    struct slice first = {handshake->first, handshake->first_size};
    if (sniff_may_be_tls(first))
        return false;
    struct buf text;
    buf_init(&text, HANDSHAKE_DETAIL_SIZE - 1);
    sniff_describe(first, &text);
    fail(handshake, RECORD_ERROR_NOT_TLS, text.data);
    buf_done(&text);
    return true;
}

enum handshake_state handshake_feed(struct handshake *handshake, const void *bytes, size_t size)
{
    if (handshake->state != HANDSHAKE_GOING || size == 0)
        return handshake->state;
    if (handshake->fed < 2 && refuse_other_protocols(handshake, bytes, size))
        return handshake->state = HANDSHAKE_FAILED;
    handshake->fed += size;
    if (handshake->fed > CM_LIMIT_FLIGHT_BYTES) {
        if (handshake->have_chain)
            return handshake->state = HANDSHAKE_CHAIN;
        fail(handshake, RECORD_ERROR_TOO_LARGE, "more than 1 MiB of handshake");
        return handshake->state = HANDSHAKE_FAILED;
    }
    if (BIO_write(handshake->in, bytes, (int)size) != (int)size)
        abort(); /* out of memory, as in cm_malloc */
    return step(handshake);
}

enum record_error handshake_end_error(enum handshake_end end)
{
    static const enum record_error errors[] = {
        [HANDSHAKE_END_CLOSED] = RECORD_ERROR_CLOSED,
        [HANDSHAKE_END_RESET] = RECORD_ERROR_RESET,
        [HANDSHAKE_END_DEADLINE] = RECORD_ERROR_TIMEOUT,
        [HANDSHAKE_END_CANCELLED] = RECORD_ERROR_CANCELLED,
    };
    return errors[end];
}

enum handshake_state handshake_finish(struct handshake *handshake, enum handshake_end end)
{
    if (handshake->state != HANDSHAKE_GOING)
        return handshake->state;
    if (handshake->have_chain)
        return handshake->state = HANDSHAKE_CHAIN;
    fail(handshake, handshake_end_error(end), NULL);
    return handshake->state = HANDSHAKE_FAILED;
}

struct slice handshake_output(const struct handshake *handshake)
{
    return buf_slice(&handshake->output);
}

void handshake_sent(struct handshake *handshake, size_t size)
{
    buf_consume(&handshake->output, size);
}

const struct handshake_result *handshake_get_result(const struct handshake *handshake)
{
    return &handshake->result;
}
